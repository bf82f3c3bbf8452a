//! When a failed attempt is followed by another one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Failure, Retry};

/// How the waits before retries are spread, so that many tasks that failed
/// together do not try again together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Jitter {
    /// A wait between zero and the backoff, evenly drawn.
    #[default]
    Full,
    /// The backoff itself.
    None,
}

/// The longest wait that an agent can ask for. Whoever wrote the agent picks
/// it, and the run waits.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// When a failed attempt is followed by another one, and how soon.
///
/// The backoff before retry `n` is `initial * factor^(n - 1)`, at most `max`:
/// with the defaults and no jitter 1, 2 and 4 seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// How many attempts may follow the first one. Default 3.
    pub max_retries: u32,
    /// The backoff before the first retry. Default 1 s.
    pub initial: Duration,
    /// By how much each backoff is longer than the one before. Default 2.
    pub factor: f64,
    /// The longest backoff. Default 60 s.
    pub max: Duration,
    /// How the waits are spread. Default full.
    pub jitter: Jitter,
    /// Whether a spent budget is doubled, up to the ceiling, and tried again.
    /// Default no.
    pub escalate: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 3,
            initial: Duration::from_secs(1),
            factor: 2.0,
            max: Duration::from_secs(60),
            jitter: Jitter::Full,
            escalate: false,
        }
    }
}

impl RetryPolicy {
    /// No attempt follows the first one: the default of emergencies.
    #[must_use]
    pub fn never() -> Self {
        Self {
            max_retries: 0,
            ..Self::default()
        }
    }

    /// The backoff before retry `retry`, counted from 1, without jitter.
    #[must_use]
    pub fn backoff(&self, retry: u32) -> Duration {
        let exponent = i32::try_from(retry.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.initial.as_secs_f64() * self.factor.powi(exponent);
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(self.max)
            .min(self.max)
    }

    /// How long to wait before another attempt, or `None` if there is none.
    ///
    /// `retries` is the number of retries that this agent has had so far;
    /// `draw` is evenly drawn from 0 to 1. A wait that the agent asked for is
    /// kept even where it is longer than [`max`](Self::max), up to
    /// [`MAX_RETRY_AFTER`].
    #[must_use]
    pub fn wait(&self, retries: u32, failure: &Failure, draw: f64) -> Option<Duration> {
        let allowed = match failure.code.retry() {
            Retry::Never => false,
            Retry::AfterBackoff => true,
            Retry::WithEscalation => self.escalate,
        };
        if !allowed || retries >= self.max_retries {
            return None;
        }
        let backoff = self.backoff(retries + 1);
        let spread = match self.jitter {
            Jitter::Full => backoff.mul_f64(draw.clamp(0.0, 1.0)),
            Jitter::None => backoff,
        };
        let asked = failure.retry_after.unwrap_or_default();
        Some(spread.max(asked.min(MAX_RETRY_AFTER)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FailureCode;

    fn failure(code: FailureCode) -> Failure {
        Failure::new(code, "")
    }

    fn exact() -> RetryPolicy {
        RetryPolicy {
            jitter: Jitter::None,
            ..RetryPolicy::default()
        }
    }

    #[test]
    fn waits_double_from_one_second() {
        let waits: Vec<_> = (0..4)
            .map(|retries| exact().wait(retries, &failure(FailureCode::Transient), 0.5))
            .collect();
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(waits, [seconds(1), seconds(2), seconds(4), None]);
    }

    #[test]
    fn the_backoff_has_a_cap_however_many_retries() {
        assert_eq!(exact().backoff(6), Duration::from_secs(32));
        assert_eq!(exact().backoff(7), Duration::from_secs(60));
        assert_eq!(exact().backoff(u32::MAX), Duration::from_secs(60));
    }

    #[test]
    fn full_jitter_draws_between_zero_and_the_backoff() {
        let wait = |draw| RetryPolicy::default().wait(1, &failure(FailureCode::Trap), draw);
        assert_eq!(wait(0.0), Some(Duration::ZERO));
        assert_eq!(wait(0.25), Some(Duration::from_millis(500)));
        assert_eq!(wait(1.0), Some(Duration::from_secs(2)));
    }

    #[test]
    fn the_agents_own_wait_is_the_least() {
        let mut busy = failure(FailureCode::Transient);
        busy.retry_after = Some(Duration::from_secs(90));
        assert_eq!(exact().wait(0, &busy, 0.0), Some(Duration::from_secs(90)));
        busy.retry_after = Some(Duration::from_secs(u64::MAX));
        assert_eq!(exact().wait(0, &busy, 0.0), Some(MAX_RETRY_AFTER));
        busy.retry_after = Some(Duration::from_millis(1));
        assert_eq!(exact().wait(0, &busy, 0.0), Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_spent_budget_is_retried_only_with_escalation() {
        let spent = failure(FailureCode::OutOfFuel);
        assert_eq!(exact().wait(0, &spent, 0.0), None);
        let escalating = RetryPolicy {
            escalate: true,
            ..exact()
        };
        assert_eq!(
            escalating.wait(0, &spent, 0.0),
            Some(Duration::from_secs(1))
        );
    }

    #[test]
    fn what_no_retry_can_help_is_not_retried() {
        for code in [
            FailureCode::InvalidInput,
            FailureCode::Permanent,
            FailureCode::Cancelled,
            FailureCode::Deadline,
        ] {
            assert_eq!(exact().wait(0, &failure(code), 0.0), None, "{code}");
        }
        assert_eq!(
            RetryPolicy::never().wait(0, &failure(FailureCode::Transient), 0.0),
            None
        );
    }
}
