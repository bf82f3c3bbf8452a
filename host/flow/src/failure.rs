//! How an attempt, a task or a run can fail, and what may follow.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of a failure: stable, in kebab case, in every JSON output.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCode {
    /// The agent does not take this input.
    InvalidInput,
    /// The agent says that trying again is no use.
    Permanent,
    /// The agent says that trying again may help.
    Transient,
    /// The guest trapped.
    Trap,
    /// The attempt took longer than its budget, or nobody answered in time.
    TimedOut,
    /// The task waited for an agent longer than its `start_timeout`.
    StartTimedOut,
    /// The task's attempts took longer together than its `total_timeout`.
    TotalTimedOut,
    /// The attempt used up its fuel.
    OutOfFuel,
    /// The attempt asked for more memory than its budget.
    OutOfMemory,
    /// The outcome or the artifacts are larger than their budget.
    OutputTooLarge,
    /// More host calls, or more open resources, than the budget.
    TooManyHostCalls,
    /// The agent gave something that is no outcome, for example broken JSON.
    InvalidOutput,
    /// The host itself failed: it has no room for a sandbox, or lost a file.
    HostError,
    /// The circuit breaker of the agent is open.
    CircuitOpen,
    /// No loaded agent can take the task.
    NoCapableAgent,
    /// The chosen agent and all fallbacks failed.
    AllAgentsFailed,
    /// An expression of the workflow failed while the run went on.
    ExpressionFailed,
    /// A gate rejected and no round is left.
    GateRejected,
    /// The user or the host stopped the run.
    Cancelled,
    /// The run took longer than its deadline.
    Deadline,
}

/// When another attempt may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Never.
    Never,
    /// After max(backoff, retry-after).
    AfterBackoff,
    /// Only with `retry.escalate`, which doubles the spent budget.
    WithEscalation,
}

impl FailureCode {
    /// All codes.
    pub const ALL: [Self; 20] = [
        Self::InvalidInput,
        Self::Permanent,
        Self::Transient,
        Self::Trap,
        Self::TimedOut,
        Self::StartTimedOut,
        Self::TotalTimedOut,
        Self::OutOfFuel,
        Self::OutOfMemory,
        Self::OutputTooLarge,
        Self::TooManyHostCalls,
        Self::InvalidOutput,
        Self::HostError,
        Self::CircuitOpen,
        Self::NoCapableAgent,
        Self::AllAgentsFailed,
        Self::ExpressionFailed,
        Self::GateRejected,
        Self::Cancelled,
        Self::Deadline,
    ];

    /// The code's name in files, events and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid-input",
            Self::Permanent => "permanent",
            Self::Transient => "transient",
            Self::Trap => "trap",
            Self::TimedOut => "timed-out",
            Self::StartTimedOut => "start-timed-out",
            Self::TotalTimedOut => "total-timed-out",
            Self::OutOfFuel => "out-of-fuel",
            Self::OutOfMemory => "out-of-memory",
            Self::OutputTooLarge => "output-too-large",
            Self::TooManyHostCalls => "too-many-host-calls",
            Self::InvalidOutput => "invalid-output",
            Self::HostError => "host-error",
            Self::CircuitOpen => "circuit-open",
            Self::NoCapableAgent => "no-capable-agent",
            Self::AllAgentsFailed => "all-agents-failed",
            Self::ExpressionFailed => "expression-failed",
            Self::GateRejected => "gate-rejected",
            Self::Cancelled => "cancelled",
            Self::Deadline => "deadline",
        }
    }

    /// When another attempt may help.
    #[must_use]
    pub const fn retry(self) -> Retry {
        match self {
            Self::Transient | Self::Trap | Self::TimedOut | Self::HostError => Retry::AfterBackoff,
            Self::OutOfFuel | Self::OutOfMemory | Self::OutputTooLarge | Self::TooManyHostCalls => {
                Retry::WithEscalation
            }
            Self::InvalidInput
            | Self::Permanent
            | Self::InvalidOutput
            | Self::StartTimedOut
            | Self::TotalTimedOut
            | Self::CircuitOpen
            | Self::NoCapableAgent
            | Self::AllAgentsFailed
            | Self::ExpressionFailed
            | Self::GateRejected
            | Self::Cancelled
            | Self::Deadline => Retry::Never,
        }
    }

    /// Whether the agent's circuit breaker counts it as a failure of the agent.
    #[must_use]
    pub const fn counts_for_breaker(self) -> bool {
        matches!(self, Self::Transient) || self.is_fault()
    }

    /// Whether the agent trapped, broke a budget, or answered with what no answer
    /// is: nothing that an agent in good order does.
    #[must_use]
    pub const fn is_fault(self) -> bool {
        match self {
            Self::Trap
            | Self::TimedOut
            | Self::OutOfFuel
            | Self::OutOfMemory
            | Self::OutputTooLarge
            | Self::TooManyHostCalls
            | Self::InvalidOutput => true,
            Self::InvalidInput
            | Self::Permanent
            | Self::Transient
            | Self::HostError
            | Self::StartTimedOut
            | Self::TotalTimedOut
            | Self::CircuitOpen
            | Self::NoCapableAgent
            | Self::AllAgentsFailed
            | Self::ExpressionFailed
            | Self::GateRejected
            | Self::Cancelled
            | Self::Deadline => false,
        }
    }

    /// Whether a fallback agent may be tried when retries are spent.
    #[must_use]
    pub const fn allows_fallback(self) -> bool {
        match self {
            Self::InvalidInput
            | Self::Permanent
            | Self::Transient
            | Self::Trap
            | Self::TimedOut
            | Self::OutOfFuel
            | Self::OutOfMemory
            | Self::OutputTooLarge
            | Self::TooManyHostCalls
            | Self::InvalidOutput
            | Self::HostError
            | Self::StartTimedOut
            | Self::CircuitOpen
            | Self::NoCapableAgent => true,
            Self::TotalTimedOut
            | Self::AllAgentsFailed
            | Self::ExpressionFailed
            | Self::GateRejected
            | Self::Cancelled
            | Self::Deadline => false,
        }
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The longest failure message that is kept, in bytes. The guest picks the
/// length, and every event and report carries the message.
pub const MAX_MESSAGE_LEN: usize = 4 * 1024;

/// Why an attempt, a task or a run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, JsonSchema)]
#[error("{code}: {message}")]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Failure {
    /// The kind.
    pub code: FailureCode,
    /// What happened, for a person: bounded, control characters escaped.
    pub message: Arc<str>,
    /// How long the agent asks to wait before the next attempt.
    #[serde(
        default,
        rename = "retry-after-us",
        with = "optional_micros",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<u64>")]
    pub retry_after: Option<Duration>,
}

mod optional_micros {
    use super::{Deserialize, Duration};
    use serde::{Deserializer, Serialize, Serializer};

    #[allow(clippy::ref_option, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value
            .map(|wait| wait.as_micros() as u64)
            .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_micros))
    }
}

impl Failure {
    /// A failure with a message, which is [cleaned](clean_text) and cut to
    /// [`MAX_MESSAGE_LEN`].
    #[must_use]
    pub fn new(code: FailureCode, message: impl AsRef<str>) -> Self {
        Self {
            code,
            message: clean_text(message.as_ref(), MAX_MESSAGE_LEN).into(),
            retry_after: None,
        }
    }

    /// The same, with the wait that the agent asks for.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }
}

/// `text` with what could forge a line or colour a terminal written as an
/// escape (control characters but tab and line feed, and the characters that
/// change the direction of text), cut to `max_len` bytes.
///
/// ```
/// assert_eq!(ringfence_flow::clean_text("a\x1b[31mb", 100), "a\\u{1b}[31mb");
/// assert_eq!(ringfence_flow::clean_text("abcdef", 3), "abc...");
/// ```
#[must_use]
pub fn clean_text(text: &str, max_len: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(max_len));
    for c in text.chars() {
        if clean.len() + c.len_utf8() > max_len {
            clean.push_str("...");
            break;
        }
        if is_dangerous(c) {
            clean.extend(c.escape_unicode());
        } else {
            clean.push(c);
        }
    }
    clean
}

fn is_dangerous(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c,
            '\u{200e}' | '\u{200f}' | '\u{61c}' // direction marks
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // embeddings, isolates
            | '\u{2028}' | '\u{2029}' // line and paragraph separators
            | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the README, line by line: retry, breaker, fallback.
    #[test]
    fn each_code_has_its_consequences() {
        use FailureCode as C;
        use Retry::{AfterBackoff, Never, WithEscalation};
        let table = [
            (C::InvalidInput, Never, false, true),
            (C::Permanent, Never, false, true),
            (C::Transient, AfterBackoff, true, true),
            (C::Trap, AfterBackoff, true, true),
            (C::TimedOut, AfterBackoff, true, true),
            (C::StartTimedOut, Never, false, true),
            (C::TotalTimedOut, Never, false, false),
            (C::OutOfFuel, WithEscalation, true, true),
            (C::OutOfMemory, WithEscalation, true, true),
            (C::OutputTooLarge, WithEscalation, true, true),
            (C::TooManyHostCalls, WithEscalation, true, true),
            (C::InvalidOutput, Never, true, true),
            (C::HostError, AfterBackoff, false, true),
            (C::CircuitOpen, Never, false, true),
            (C::NoCapableAgent, Never, false, true),
            (C::AllAgentsFailed, Never, false, false),
            (C::ExpressionFailed, Never, false, false),
            (C::GateRejected, Never, false, false),
            (C::Cancelled, Never, false, false),
            (C::Deadline, Never, false, false),
        ];
        assert_eq!(table.len(), C::ALL.len());
        for (code, retry, breaker, fallback) in table {
            assert_eq!(code.retry(), retry, "{code}");
            assert_eq!(code.counts_for_breaker(), breaker, "{code}");
            assert_eq!(code.allows_fallback(), fallback, "{code}");
        }
    }

    #[test]
    fn a_code_is_written_as_it_is_named() {
        for code in FailureCode::ALL {
            assert_eq!(
                serde_json::to_string(&code).unwrap(),
                format!("{:?}", code.as_str())
            );
        }
    }

    #[test]
    fn messages_are_bounded_and_clean() {
        let failure = Failure::new(FailureCode::Permanent, "x".repeat(MAX_MESSAGE_LEN * 2));
        assert_eq!(failure.message.len(), MAX_MESSAGE_LEN + 3);
        let failure = Failure::new(FailureCode::Permanent, "\u{202e}evil\x07\r");
        assert_eq!(&*failure.message, r"\u{202e}evil\u{7}\u{d}");
    }
}
