//! What is expected of an attempt.

use std::time::Duration;

use ringfence_flow::{ByteSize, FailureCode, Fuel, LogLevel, Severity};
use serde_json::Value;

/// What is expected of an attempt. What it does not say is not looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// How it ends.
    pub end: ExpectedEnd,
    /// All findings, in their order.
    pub findings: Option<Vec<FindingPattern>>,
    /// Log lines that are to be there, in this order; none means no line at all.
    pub logs: Option<Vec<LogPattern>>,
    /// All artifacts of the output, in any order.
    pub artifacts: Option<Vec<ArtifactPattern>>,
}

/// How an attempt is to end.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpectedEnd {
    /// Completed with exactly this value.
    Completed(Value),
    /// Completed with a value that holds this.
    Contains(Value),
    /// Rejected.
    Rejected {
        /// A part of the reason.
        reason: Option<String>,
    },
    /// Failed.
    Fails {
        /// How.
        code: FailureCode,
        /// A part of the message.
        message: Option<String>,
    },
}

/// What a finding is to be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingPattern {
    /// Its rule.
    pub rule: Option<String>,
    /// Its severity.
    pub severity: Option<Severity>,
    /// A part of its message.
    pub message: Option<String>,
    /// The file of its place.
    pub path: Option<String>,
    /// The line of its place.
    pub line: Option<u32>,
    /// Whether it carries a fix.
    pub fix: Option<bool>,
}

/// What a log line is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPattern {
    /// Its level.
    pub level: Option<LogLevel>,
    /// A part of its text.
    pub message: String,
}

/// What an artifact is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactPattern {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: Option<String>,
    /// Its whole content, as text.
    pub text: Option<String>,
    /// A part of its content.
    pub contains: Option<String>,
}

/// What an attempt may use at most. What it does not say is not looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Fuel.
    pub fuel: Option<Fuel>,
    /// The most memory held at once.
    pub memory: Option<ByteSize>,
    /// Time on the clock.
    pub time: Option<Duration>,
    /// Bytes of the outcome and of artifacts put.
    pub output: Option<ByteSize>,
    /// Calls of host functions.
    pub host_calls: Option<u32>,
}
