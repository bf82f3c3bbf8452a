//! The conversions that only a component needs: answers out, calls of imports.

use serde::Serialize;

use super::{millis, value_json, wire_artifact, wire_finding};
use crate::bindings::exports::ringfence::agent::agent::Description as WireDescription;
use crate::bindings::ringfence::agent::types as wire;
use crate::bindings::ringfence::agent::{log, model, progress};
use crate::{
    Activity, Description, Failure, LogLevel, ModelError, ModelRequest, ModelResponse, Outcome,
    Speaker,
};

pub(crate) fn description(from: Description) -> WireDescription {
    WireDescription {
        name: from.name,
        version: from.version,
        summary: from.summary,
        roles: from.roles,
        input_schema: from.input_schema.map(|schema| schema.to_string()),
        output_schema: from.output_schema.map(|schema| schema.to_string()),
    }
}

pub(crate) fn outcome<T: Serialize>(from: Outcome<T>) -> Result<wire::Outcome, Failure> {
    Ok(match from {
        Outcome::Completed {
            value,
            findings,
            artifacts,
        } => wire::Outcome::Completed(wire::Output {
            value: value_json(&value)?,
            findings: findings.into_iter().map(wire_finding).collect(),
            artifacts: artifacts.into_iter().map(wire_artifact).collect(),
        }),
        Outcome::Rejected(rejection) => wire::Outcome::Rejected(wire::Rejection {
            reason: rejection.reason,
            findings: rejection.findings.into_iter().map(wire_finding).collect(),
        }),
    })
}

pub(crate) fn failure(from: Failure) -> wire::Failure {
    match from {
        Failure::InvalidInput(message) => wire::Failure::InvalidInput(message),
        Failure::Permanent(message) => wire::Failure::Permanent(message),
        Failure::Transient {
            message,
            retry_after,
        } => wire::Failure::Transient(wire::TransientFailure {
            message,
            retry_after_ms: retry_after.map(millis),
        }),
    }
}

pub(crate) const fn level(from: LogLevel) -> log::Level {
    match from {
        LogLevel::Trace => log::Level::Trace,
        LogLevel::Debug => log::Level::Debug,
        LogLevel::Info => log::Level::Info,
        LogLevel::Warn => log::Level::Warn,
        LogLevel::Error => log::Level::Error,
    }
}

pub(crate) const fn activity(from: Activity) -> progress::Activity {
    match from {
        Activity::Thinking => progress::Activity::Thinking,
        Activity::Working => progress::Activity::Working,
        Activity::Waiting => progress::Activity::Waiting,
    }
}

pub(crate) fn model_request(from: &ModelRequest) -> model::Request {
    model::Request {
        model: from.model.clone(),
        messages: from
            .messages
            .iter()
            .map(|message| model::Message {
                role: match message.speaker {
                    Speaker::System => model::Role::System,
                    Speaker::User => model::Role::User,
                    Speaker::Assistant => model::Role::Assistant,
                },
                content: message.content.clone(),
            })
            .collect(),
        max_tokens: from.max_tokens,
        temperature: from.temperature,
        response_schema: from.response_schema.as_ref().map(ToString::to_string),
    }
}

pub(crate) fn model_response(from: model::Response) -> ModelResponse {
    ModelResponse {
        content: from.content,
        prompt_tokens: from.usage.prompt_tokens,
        completion_tokens: from.usage.completion_tokens,
        model: from.model,
    }
}

pub(crate) fn model_error(from: model::ModelError) -> ModelError {
    match from {
        model::ModelError::Denied(message) => ModelError::Denied(message),
        model::ModelError::BudgetExhausted(message) => ModelError::BudgetExhausted(message),
        model::ModelError::Unavailable(message) => ModelError::Unavailable(message),
        model::ModelError::InvalidRequest(message) => ModelError::InvalidRequest(message),
    }
}
