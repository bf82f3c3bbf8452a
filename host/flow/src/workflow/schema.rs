//! The JSON Schema of workflow files, for editors.

use serde_json::{Map, Value, json};

use super::decode::MAX_CONCURRENCY;
use super::decode_task::MAX_ROUNDS;
use super::policy::{MAX_RETRIES, retry_codes};
use crate::{
    DEFAULT_CONCURRENCY, DEFAULT_MAX_ROUNDS, FailureCode, MAX_ID_LEN, OnFailure, OnItemFailure,
    OnTimeout, Priority, RetryBudget,
};

/// The JSON Schema (draft 2020-12) of workflow files. It knows the keys, the
/// types and the forms of names, durations and sizes; what depends on several
/// places of a file only `ringfence check` knows.
#[must_use]
pub fn workflow_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Ringfence workflow",
        "description": "A graph of tasks that sandboxed agents do.",
        "type": "object",
        "required": ["version", "name", "tasks"],
        "additionalProperties": false,
        "properties": {
            "version": { "description": "The version of the file's form.", "const": 1 },
            "name": described(name(), "The name of the workflow."),
            "description": { "description": "One sentence on what it does.", "type": "string" },
            "inputs": {
                "description": "What the workflow takes with `--input NAME=VALUE`, by name.",
                "type": "object",
                "propertyNames": name(),
                "additionalProperties": { "$ref": "#/$defs/input" },
            },
            "concurrency": {
                "description": format!("How many attempts may be under way at once. Default {DEFAULT_CONCURRENCY}."),
                "type": "integer", "minimum": 1, "maximum": MAX_CONCURRENCY,
            },
            "deadline": described(duration(), "How long a run may take. Default: as long as it wants."),
            "priority": priority(),
            "limits": limits(),
            "retry_budget": retry_budget(),
            "defaults": {
                "description": "What tasks take over where they don't say.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "timeout": described(duration(), "How long an attempt may take."),
                    "start_timeout": start_timeout(),
                    "total_timeout": total_timeout(),
                    "retry": { "$ref": "#/$defs/retry" },
                    "budget": { "$ref": "#/$defs/budget" },
                    "priority": priority(),
                    "on_failure": on_failure(),
                    "cache": cache(),
                },
            },
            "tasks": tasks("The tasks by name."),
            "finally": tasks("Tasks that run after all others, whatever became of them. They see `run.status` and `run.failure`."),
            "output": { "description": "What the workflow gives; `${{ ... }}` in texts is filled in when all tasks have ended. Default: a map of what the tasks gave that no other needs." },
        },
        "$defs": {
            "input": input(),
            "task": task(),
            "retry": retry(),
            "budget": budget(),
        },
    })
}

fn described(mut schema: Value, description: &str) -> Value {
    if let Value::Object(map) = &mut schema {
        let mut described = Map::from_iter([("description".to_owned(), description.into())]);
        described.append(map);
        *map = described;
    }
    schema
}

fn name() -> Value {
    json!({ "type": "string", "pattern": "^[a-z][a-z0-9_-]*$", "maxLength": MAX_ID_LEN })
}

/// One name or several.
fn names(description: &str) -> Value {
    json!({
        "description": description,
        "oneOf": [name(), { "type": "array", "items": name(), "uniqueItems": true }],
    })
}

fn duration() -> Value {
    json!({ "type": "string", "pattern": "^([0-9]+(ms|s|m|h))+$", "examples": ["30s", "500ms", "1h30m"] })
}

fn size(description: &str) -> Value {
    json!({ "description": description, "type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)$", "examples": ["64MiB"] })
}

fn count(description: &str) -> Value {
    json!({ "description": description, "type": "integer", "minimum": 0, "maximum": u32::MAX - 1 })
}

fn expression(description: &str) -> Value {
    json!({ "description": description, "type": ["string", "boolean"], "minLength": 1 })
}

fn priority() -> Value {
    let words = Priority::ALL.map(Priority::as_str);
    json!({
        "description": "How urgent it is. Default normal; an emergency is not retried unless the file says so.",
        "enum": words,
    })
}

fn on_failure() -> Value {
    json!({
        "description": "What a failure does: fail the run (default), go on and let dependents see `null`, or skip the dependents.",
        "enum": OnFailure::ALL.map(OnFailure::as_str),
    })
}

fn tasks(description: &str) -> Value {
    json!({
        "description": description,
        "type": "object",
        "minProperties": 1,
        "maxProperties": crate::plan::MAX_TASKS,
        "propertyNames": name(),
        "additionalProperties": { "$ref": "#/$defs/task" },
    })
}

fn start_timeout() -> Value {
    described(
        duration(),
        "How long the task may wait for an agent, each time it does. Default: as long as it takes.",
    )
}

fn total_timeout() -> Value {
    described(
        duration(),
        "How long all attempts of a round may take together, waits included. Default: as long as they take.",
    )
}

fn cache() -> Value {
    json!({
        "description": "Whether an earlier result for the same agent, input and files is taken. Default false.",
        "type": "boolean",
    })
}

fn limits() -> Value {
    let limit = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "concurrency": {
                "description": "How many attempts may be under way at once. Default: as many as there are.",
                "type": "integer", "minimum": 1, "maximum": MAX_CONCURRENCY,
            },
            "rate": {
                "description": "How many attempts may start in any second, minute or hour. Default: as many as can.",
                "type": "string", "pattern": "^[1-9][0-9]{0,4}/[smh]$", "examples": ["10/s", "100/m"],
            },
        },
    });
    let by_name = |description: &str| {
        json!({
            "description": description,
            "type": "object",
            "propertyNames": name(),
            "additionalProperties": limit,
        })
    };
    json!({
        "description": "Limits on the attempts of roles and agents in a run.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "roles": by_name("By the role that a task asks for."),
            "agents": by_name("By the agent that makes the attempt."),
        },
    })
}

fn retry_budget() -> Value {
    let default = RetryBudget::default();
    json!({
        "description": format!(
            "How many retries all tasks may have together. Default {} and {} for each attempt that is no retry.",
            default.at_least, default.ratio
        ),
        "oneOf": [
            { "type": "integer", "minimum": 0, "maximum": u32::MAX - 1 },
            {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "at_least": count("So many in any case."),
                    "ratio": {
                        "description": "How many more for each attempt that is no retry.",
                        "type": "number", "minimum": 0, "maximum": MAX_RETRIES,
                    },
                },
            },
        ],
    })
}

fn approve() -> Value {
    let on_timeout = OnTimeout::ALL.map(OnTimeout::as_str);
    json!({
        "description": "Makes it an approval: a person says yes or no with `ringfence runs approve` or `reject`.",
        "oneOf": [
            { "description": "With a question that names the task.", "const": true },
            { "description": "The question.", "type": "string" },
            {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "message": { "description": "The question; `${{ ... }}` is filled in. Default: one that names the task.", "type": "string" },
                    "timeout": described(duration(), "How long to wait for an answer. Default: as long as it takes."),
                    "on_timeout": {
                        "description": "What happens when nobody answered in time. Default fail.",
                        "enum": on_timeout,
                    },
                },
            },
        ],
    })
}

fn on_item_failure() -> Value {
    let words = OnItemFailure::ALL.map(OnItemFailure::as_str);
    json!({
        "description": "What an item that failed does: stop the others and fail the task (fail_fast, default), fail it when all have ended (fail_at_end, default where `on_failure` lets the run go on), give `null` in its place (null_item), or be left out (drop_item).",
        "enum": words,
    })
}

fn input() -> Value {
    json!({
        "description": "Something that the workflow takes.",
        "type": "object",
        "required": ["type"],
        "additionalProperties": false,
        "properties": {
            "type": {
                "description": "The type of the value.",
                "enum": ["string", "integer", "number", "boolean", "array", "object"],
            },
            "enum": { "description": "The values that are allowed. Default: all.", "type": "array", "minItems": 1 },
            "default": { "description": "The value when none is given. Without one the input is required." },
            "description": { "description": "One sentence on what it is for.", "type": "string" },
        },
    })
}

/// What only a task that an agent does can have.
const NO_AGENT: [&str; 13] = [
    "role",
    "agent",
    "mounts",
    "priority",
    "timeout",
    "start_timeout",
    "retry",
    "budget",
    "fallback",
    "cache",
    "for_each",
    "input",
    "total_timeout",
];

/// How many of [`NO_AGENT`] the tasks of another workflow cannot have either.
const AGENT_KEYS: usize = 10;

/// Fits what has one of these keys.
fn without(keys: &[&str]) -> Value {
    let each: Vec<_> = keys
        .iter()
        .map(|key| json!({ "required": [key] }))
        .collect();
    json!({ "anyOf": each })
}

fn task() -> Value {
    json!({
        "description": "Something that an agent does, a vote over tasks, the approval of a person, or another workflow.",
        "type": "object",
        "additionalProperties": false,
        "oneOf": [
            { "required": ["role"], "not": without(&["require", "approve", "workflow"]) },
            { "required": ["require", "needs"], "not": without(&NO_AGENT) },
            { "required": ["approve"], "not": without(&NO_AGENT) },
            { "required": ["workflow"], "not": without(&NO_AGENT[..AGENT_KEYS]) },
        ],
        "properties": {
            "role": described(name(), "The role that an agent needs to do it."),
            "agent": described(name(), "The one agent that may do it. Default: any that has the role."),
            "require": {
                "description": "Makes it a vote: how many of the tasks it needs have to approve.",
                "oneOf": [
                    { "enum": ["all", "any"] },
                    {
                        "type": "object",
                        "required": ["at_least"],
                        "additionalProperties": false,
                        "properties": { "at_least": {
                            "description": "So many of them.", "type": "integer", "minimum": 1,
                        } },
                    },
                ],
            },
            "approve": approve(),
            "workflow": { "description": "The file of another workflow, which runs as this task. Its path counts from the folder of this file; `input` gives its inputs.", "type": "string", "minLength": 1 },
            "needs": names("The tasks that have to end first; their outputs are given to the agent."),
            "for_each": {
                "description": "Makes one instance for each item of a list.",
                "oneOf": [
                    expression("An expression that gives the list."),
                    {
                        "type": "object",
                        "required": ["items"],
                        "additionalProperties": false,
                        "properties": {
                            "items": expression("An expression that gives the list."),
                            "concurrency": {
                                "description": "How many items may be under way at once. Default: as many as the run allows.",
                                "type": "integer", "minimum": 1, "maximum": MAX_CONCURRENCY,
                            },
                            "on_item_failure": on_item_failure(),
                        },
                    },
                ],
            },
            "when": expression("The task is skipped where this expression is false."),
            "input": { "description": "The input; `${{ ... }}` in texts is filled in. Default: the item of a `for_each` task, else `{}`." },
            "mounts": names("The mounts that the agent gets, if it is granted them."),
            "priority": priority(),
            "timeout": described(duration(), "How long an attempt may take."),
            "start_timeout": start_timeout(),
            "total_timeout": total_timeout(),
            "retry": { "$ref": "#/$defs/retry" },
            "budget": { "$ref": "#/$defs/budget" },
            "cache": cache(),
            "fallback": names("Agents that are tried in turn when the chosen one fails."),
            "on_reject": {
                "description": "Where a rejection sends the work back to. Without it the run fails.",
                "type": "object",
                "required": ["redo_from"],
                "additionalProperties": false,
                "properties": {
                    "redo_from": described(name(), "A task it needs, directly or through others: from there on all is done again."),
                    "max_rounds": {
                        "description": format!("The number of rounds in all. Default {DEFAULT_MAX_ROUNDS}."),
                        "type": "integer", "minimum": 1, "maximum": MAX_ROUNDS,
                    },
                },
            },
            "on_failure": on_failure(),
        },
    })
}

fn retry() -> Value {
    json!({
        "description": "When a failed attempt is followed by another one.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "max_retries": {
                "description": "How many attempts may follow the first one. Default 3.",
                "type": "integer", "minimum": 0, "maximum": MAX_RETRIES,
            },
            "initial": backoff("initial"),
            "factor": backoff("factor"),
            "max": backoff("max"),
            "jitter": backoff("jitter"),
            "escalate": {
                "description": "Whether a spent budget is doubled, up to the ceiling, and tried again. Default false.",
                "type": "boolean",
            },
            "on": {
                "description": "What holds for failures of some codes, in place of what holds for all.",
                "type": "object",
                "propertyNames": { "enum": retry_codes().map(FailureCode::as_str).collect::<Vec<_>>() },
                "additionalProperties": { "oneOf": [
                    { "description": "No retry.", "const": "never" },
                    {
                        "type": "object",
                        "additionalProperties": false,
                        "properties": {
                            "max_retries": {
                                "description": "How many retries may follow failures of this code.",
                                "type": "integer", "minimum": 0, "maximum": MAX_RETRIES,
                            },
                            "initial": backoff("initial"),
                            "factor": backoff("factor"),
                            "max": backoff("max"),
                            "jitter": backoff("jitter"),
                        },
                    },
                ] },
            },
        },
    })
}

/// A key of the waits before retries.
fn backoff(key: &str) -> Value {
    match key {
        "initial" => described(
            duration(),
            "The backoff before the first retry. Default 1s.",
        ),
        "factor" => json!({
            "description": "By how much each backoff is longer than the one before. Default 2.",
            "type": "number", "minimum": 1, "maximum": 100,
        }),
        "max" => described(duration(), "The longest backoff. Default 60s."),
        _ => json!({
            "description": "How waits are spread: drawn from zero to the backoff (full, default), or the backoff itself (none).",
            "enum": ["full", "none"],
        }),
    }
}

fn budget() -> Value {
    json!({
        "description": "What an attempt may use, up to the operator's ceiling.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "fuel": {
                "description": "Computation, in fuel units: k, M and G are thousands, millions and thousands of millions.",
                "type": ["string", "integer"], "pattern": "^[0-9]+[kMG]?$", "minimum": 1, "examples": ["10G"],
            },
            "time": described(duration(), "Time on the clock; the same as `timeout`."),
            "memory": size("Memory of the agent, and of the host on its behalf."),
            "output": size("Size of the outcome: its JSON, findings and artifact names."),
            "artifacts": size("Size of all artifacts."),
            "log-lines": count("Log lines kept; the rest is dropped and counted."),
            "log-bytes": size("Bytes of log lines kept; the rest is dropped and counted."),
            "host-calls": count("Calls of host functions."),
            "open-resources": count("Files and streams open at once."),
        },
    })
}
