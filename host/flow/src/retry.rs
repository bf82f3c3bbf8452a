//! When a failed attempt is followed by another one.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Failure, FailureCode, Retry};

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

/// How long to wait before each retry.
///
/// The backoff before retry `n` is `initial * factor^(n - 1)`, at most `max`:
/// with the defaults and no jitter 1, 2 and 4 seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The backoff before the first retry. Default 1 s.
    pub initial: Duration,
    /// By how much each backoff is longer than the one before. Default 2.
    pub factor: f64,
    /// The longest backoff. Default 60 s.
    pub max: Duration,
    /// How the waits are spread. Default full.
    pub jitter: Jitter,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            factor: 2.0,
            max: Duration::from_secs(60),
            jitter: Jitter::Full,
        }
    }
}

impl Backoff {
    /// The backoff before retry `retry`, counted from 1, without jitter.
    #[must_use]
    pub fn before(&self, retry: u32) -> Duration {
        let exponent = i32::try_from(retry.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.initial.as_secs_f64() * self.factor.powi(exponent);
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(self.max)
            .min(self.max)
    }

    fn spread(&self, retry: u32, draw: f64) -> Duration {
        let backoff = self.before(retry);
        match self.jitter {
            Jitter::Full => backoff.mul_f64(draw.clamp(0.0, 1.0)),
            Jitter::None => backoff,
        }
    }
}

/// What holds for failures of one code, in place of what holds for all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CodeRetry {
    /// How many retries may follow failures of this code; 0 for none.
    pub max_retries: u32,
    /// The waits before them, counted over the failures of this code.
    pub backoff: Backoff,
}

/// When a failed attempt is followed by another one, and how soon.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// How many attempts may follow the first one. Default 3.
    pub max_retries: u32,
    /// The waits before them.
    pub backoff: Backoff,
    /// Whether a spent budget is doubled, up to the ceiling, and tried again.
    /// Default no.
    pub escalate: bool,
    /// What holds for some codes. `max_retries` bounds them, too.
    pub on: BTreeMap<FailureCode, CodeRetry>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 3,
            backoff: Backoff::default(),
            escalate: false,
            on: BTreeMap::new(),
        }
    }
}

/// The retries that a task has had, of one agent or of agents of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetryCount {
    all: u32,
    by_code: BTreeMap<FailureCode, u32>,
}

impl RetryCount {
    /// Whether there was none.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.all == 0
    }

    /// Takes note of a retry after a failure of `code`.
    pub fn add(&mut self, code: FailureCode) {
        self.all += 1;
        *self.by_code.entry(code).or_default() += 1;
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

    /// How long to wait before another attempt, or `None` if there is none.
    ///
    /// `draw` is evenly drawn from 0 to 1. A wait that the agent asked for is
    /// kept even where it is longer than [`Backoff::max`], up to
    /// [`MAX_RETRY_AFTER`].
    #[must_use]
    pub fn wait(&self, had: &RetryCount, failure: &Failure, draw: f64) -> Option<Duration> {
        let special = self.on.get(&failure.code);
        let allowed = match failure.code.retry() {
            Retry::Never => special.is_some(),
            Retry::AfterBackoff => true,
            Retry::WithEscalation => self.escalate,
        };
        if !allowed || had.all >= self.max_retries {
            return None;
        }
        let spread = match special {
            None => self.backoff.spread(had.all + 1, draw),
            Some(special) => {
                let of_code = had.by_code.get(&failure.code).copied().unwrap_or(0);
                if of_code >= special.max_retries {
                    return None;
                }
                special.backoff.spread(of_code + 1, draw)
            }
        };
        let asked = failure.retry_after.unwrap_or_default();
        let wait = spread.max(asked.min(MAX_RETRY_AFTER));
        // As it is written down: a replay that reads it draws the same.
        Some(Duration::from_micros(wait.as_micros() as u64))
    }
}

/// How many retries all tasks of a run may have together: so many, and a share
/// of the attempts that are no retries. It keeps an outage from being
/// multiplied by every task's own retries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryBudget {
    /// So many in any case. Default 100.
    pub at_least: u32,
    /// How many more for each attempt that is no retry. Default 0.5.
    pub ratio: f64,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self {
            at_least: 100,
            ratio: 0.5,
        }
    }
}

impl RetryBudget {
    /// How many retries there may be beside `first` attempts that are none.
    #[must_use]
    pub fn allows(&self, first: u64) -> u64 {
        u64::from(self.at_least).saturating_add((first as f64 * self.ratio) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: FailureCode) -> Failure {
        Failure::new(code, "")
    }

    fn exact() -> RetryPolicy {
        RetryPolicy {
            backoff: Backoff {
                jitter: Jitter::None,
                ..Backoff::default()
            },
            ..RetryPolicy::default()
        }
    }

    const fn seconds(n: u64) -> Option<Duration> {
        Some(Duration::from_secs(n))
    }

    /// The waits before the retries after failures of these codes.
    fn waits(policy: &RetryPolicy, codes: &[FailureCode]) -> Vec<Option<Duration>> {
        let mut had = RetryCount::default();
        let wait = |code: &FailureCode| {
            let wait = policy.wait(&had, &failure(*code), 0.5);
            had.add(*code);
            wait
        };
        codes.iter().map(wait).collect()
    }

    fn first(policy: &RetryPolicy, failure: &Failure, draw: f64) -> Option<Duration> {
        policy.wait(&RetryCount::default(), failure, draw)
    }

    #[test]
    fn waits_double_from_one_second() {
        assert_eq!(
            waits(&exact(), &[FailureCode::Transient; 4]),
            [seconds(1), seconds(2), seconds(4), None]
        );
    }

    #[test]
    fn the_backoff_has_a_cap_however_many_retries() {
        let backoff = exact().backoff;
        assert_eq!(backoff.before(6), Duration::from_secs(32));
        assert_eq!(backoff.before(7), Duration::from_secs(60));
        assert_eq!(backoff.before(u32::MAX), Duration::from_secs(60));
    }

    #[test]
    fn full_jitter_draws_between_zero_and_the_backoff() {
        let wait = |draw| first(&RetryPolicy::default(), &failure(FailureCode::Trap), draw);
        assert_eq!(wait(0.0), Some(Duration::ZERO));
        assert_eq!(wait(0.25), Some(Duration::from_millis(250)));
        assert_eq!(wait(1.0), seconds(1));
    }

    #[test]
    fn the_agents_own_wait_is_the_least() {
        let mut busy = failure(FailureCode::Transient);
        busy.retry_after = seconds(90);
        assert_eq!(first(&exact(), &busy, 0.0), seconds(90));
        busy.retry_after = seconds(u64::MAX);
        assert_eq!(first(&exact(), &busy, 0.0), Some(MAX_RETRY_AFTER));
        busy.retry_after = Some(Duration::from_millis(1));
        assert_eq!(first(&exact(), &busy, 0.0), seconds(1));
    }

    #[test]
    fn a_spent_budget_is_retried_only_with_escalation() {
        let spent = failure(FailureCode::OutOfFuel);
        assert_eq!(first(&exact(), &spent, 0.0), None);
        let escalating = RetryPolicy {
            escalate: true,
            ..exact()
        };
        assert_eq!(first(&escalating, &spent, 0.0), seconds(1));
    }

    #[test]
    fn what_no_retry_can_help_is_not_retried() {
        for code in [
            FailureCode::InvalidInput,
            FailureCode::Permanent,
            FailureCode::StartTimedOut,
            FailureCode::TotalTimedOut,
            FailureCode::Cancelled,
            FailureCode::Deadline,
        ] {
            assert_eq!(first(&exact(), &failure(code), 0.0), None, "{code}");
        }
        assert_eq!(
            first(&RetryPolicy::never(), &failure(FailureCode::Transient), 0.0),
            None
        );
    }

    #[test]
    fn a_code_can_have_waits_and_a_bound_of_its_own() {
        use FailureCode::{TimedOut, Transient, Trap};
        let of_code = |max_retries, initial| CodeRetry {
            max_retries,
            backoff: Backoff {
                initial: Duration::from_secs(initial),
                ..exact().backoff
            },
        };
        let policy = RetryPolicy {
            max_retries: 5,
            on: [(TimedOut, of_code(0, 1)), (Transient, of_code(2, 10))].into(),
            ..exact()
        };
        assert_eq!(waits(&policy, &[TimedOut]), [None], "never");
        assert_eq!(
            waits(&policy, &[Transient, Trap, Transient, Transient]),
            [seconds(10), seconds(2), seconds(20), None],
            "two after failures of this code, counted apart"
        );
        let few = RetryPolicy {
            max_retries: 1,
            ..policy
        };
        assert_eq!(
            waits(&few, &[Transient, Transient]),
            [seconds(10), None],
            "the bound of all holds as well"
        );
    }

    #[test]
    fn output_that_is_none_is_retried_only_where_the_code_is_named() {
        let invalid = failure(FailureCode::InvalidOutput);
        assert_eq!(first(&exact(), &invalid, 0.0), None);
        let named = CodeRetry {
            max_retries: 1,
            backoff: exact().backoff,
        };
        let policy = RetryPolicy {
            on: [(FailureCode::InvalidOutput, named)].into(),
            ..exact()
        };
        assert_eq!(first(&policy, &invalid, 0.0), seconds(1));
    }

    #[test]
    fn the_budget_of_a_run_grows_with_its_attempts() {
        let budget = RetryBudget {
            at_least: 10,
            ratio: 0.2,
        };
        assert_eq!(budget.allows(0), 10);
        assert_eq!(budget.allows(4), 10);
        assert_eq!(budget.allows(1_000), 210);
        assert_eq!(RetryBudget::default().allows(10), 105);
    }
}
