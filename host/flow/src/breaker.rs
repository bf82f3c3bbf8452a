//! The circuit breaker of an agent.
//!
//! ```text
//!                threshold failures in a row
//!      +--------+ ------------------------> +------+
//!      | closed |                           | open | <-----------------+
//!      +--------+ <--+                      +------+                   |
//!                    |                          | open time is over:   |
//!       probe        |                          | one probe is leased  |
//!       succeeds     |      +-----------+       |                      |
//!                    +----- | half-open | <-----+                      |
//!                           +-----------+ -----------------------------+
//!                              probe fails, or its lease runs out
//! ```
//!
//! Closed lets attempts through, open refuses them. Half-open has let exactly
//! one through. The probe holds a lease: one that hangs cannot keep the
//! breaker half-open for ever (the defect of resilience4j#903).

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// How many failures in a row open it. Default 5.
    pub threshold: u32,
    /// How long it stays open before a probe. Default 60 s.
    pub open_for: Duration,
    /// How long a probe may take at least before it counts as a failure; one
    /// whose attempt may take longer has that long. Default 60 s.
    pub probe_lease: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            threshold: 5,
            open_for: Duration::from_secs(60),
            probe_lease: Duration::from_secs(60),
        }
    }
}

/// Where a breaker is, for people and events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "state",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum BreakerState {
    /// Attempts are let through.
    #[default]
    Closed,
    /// Attempts are refused.
    Open {
        /// When a probe will be let through.
        until: Timestamp,
    },
    /// One probe is under way.
    HalfOpen {
        /// When its lease runs out.
        lease_until: Timestamp,
    },
}

/// What a breaker says to one more attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Go.
    Admitted(Pass),
    /// Not before this time.
    Refused {
        /// When asking again may help.
        until: Timestamp,
    },
}

/// What an admitted attempt shows when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass(Option<ProbeNumber>);

impl Pass {
    /// Whether the attempt is the probe of a half-open breaker.
    #[must_use]
    pub const fn is_probe(self) -> bool {
        self.0.is_some()
    }
}

type ProbeNumber = u64;

/// What the end of an attempt says of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The agent works.
    Success,
    /// The agent failed.
    Failure,
    /// Nothing: it was cancelled, or the input was wrong.
    Neither,
}

/// The circuit breaker of an agent.
#[derive(Clone, Debug)]
pub struct Breaker {
    policy: BreakerPolicy,
    inner: Inner,
    probes: ProbeNumber,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inner {
    Closed {
        failures: u32,
    },
    Open {
        until: Timestamp,
    },
    HalfOpen {
        lease_until: Timestamp,
        probe: ProbeNumber,
    },
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub const fn new(policy: BreakerPolicy) -> Self {
        Self {
            policy,
            inner: Inner::Closed { failures: 0 },
            probes: 0,
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn state(&self) -> BreakerState {
        match self.inner {
            Inner::Closed { .. } => BreakerState::Closed,
            Inner::Open { until } => BreakerState::Open { until },
            Inner::HalfOpen { lease_until, .. } => BreakerState::HalfOpen { lease_until },
        }
    }

    /// When an attempt would be let through: `None` for now.
    #[must_use]
    pub fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.inner {
            Inner::Closed { .. } => None,
            Inner::Open { until } => Some(until).filter(|until| *until > now),
            // An expired lease opens the breaker again from that moment on.
            Inner::HalfOpen { lease_until, .. } if lease_until <= now => {
                Some(lease_until.after(self.policy.open_for)).filter(|until| *until > now)
            }
            Inner::HalfOpen { lease_until, .. } => Some(lease_until),
        }
    }

    /// Lets an attempt that may take `time` through, or not.
    pub fn admit(&mut self, now: Timestamp, time: Duration) -> Admission {
        self.expire_lease(now);
        match self.inner {
            Inner::Closed { .. } => Admission::Admitted(Pass(None)),
            Inner::Open { until } if until > now => Admission::Refused { until },
            Inner::Open { .. } => {
                self.probes += 1;
                self.inner = Inner::HalfOpen {
                    lease_until: now.after(self.policy.probe_lease.max(time)),
                    probe: self.probes,
                };
                Admission::Admitted(Pass(Some(self.probes)))
            }
            Inner::HalfOpen { lease_until, .. } => Admission::Refused { until: lease_until },
        }
    }

    /// Takes note of how an admitted attempt ended. What ends after its lease
    /// ran out, or was under way when the breaker opened, changes nothing.
    pub fn record(&mut self, now: Timestamp, pass: Pass, verdict: Verdict) {
        self.expire_lease(now);
        self.inner = match (self.inner, pass.0, verdict) {
            (Inner::Closed { .. }, None, Verdict::Success) => Inner::Closed { failures: 0 },
            (Inner::Closed { failures }, None, Verdict::Failure) => {
                if failures + 1 >= self.policy.threshold {
                    self.open_from(now)
                } else {
                    Inner::Closed {
                        failures: failures + 1,
                    }
                }
            }
            (Inner::HalfOpen { probe, .. }, Some(mine), verdict) if probe == mine => {
                match verdict {
                    Verdict::Success => Inner::Closed { failures: 0 },
                    Verdict::Failure => self.open_from(now),
                    // The next attempt may probe at once.
                    Verdict::Neither => Inner::Open { until: now },
                }
            }
            (unchanged, _, _) => unchanged,
        };
    }

    /// Takes note that the agent failed to answer a question: as bad as a
    /// failed attempt, and no proof that it works if it answers.
    pub fn question_failed(&mut self, now: Timestamp) {
        self.record(now, Pass(None), Verdict::Failure);
    }

    fn open_from(&self, now: Timestamp) -> Inner {
        Inner::Open {
            until: now.after(self.policy.open_for),
        }
    }

    fn expire_lease(&mut self, now: Timestamp) {
        if let Inner::HalfOpen { lease_until, .. } = self.inner
            && lease_until <= now
        {
            self.inner = self.open_from(lease_until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(Duration::from_secs(seconds))
    }

    fn breaker() -> Breaker {
        Breaker::new(BreakerPolicy {
            threshold: 3,
            open_for: Duration::from_secs(60),
            probe_lease: Duration::from_secs(10),
        })
    }

    fn pass(breaker: &mut Breaker, now: Timestamp) -> Pass {
        match breaker.admit(now, Duration::ZERO) {
            Admission::Admitted(pass) => pass,
            Admission::Refused { until } => panic!("refused until {until:?}"),
        }
    }

    /// Three failures at second 0.
    fn opened() -> Breaker {
        let mut breaker = breaker();
        for _ in 0..3 {
            let pass = pass(&mut breaker, at(0));
            breaker.record(at(0), pass, Verdict::Failure);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it() {
        assert_eq!(opened().state(), BreakerState::Open { until: at(60) });
        assert_eq!(
            opened().admit(at(59), Duration::ZERO),
            Admission::Refused { until: at(60) }
        );
    }

    #[test]
    fn a_success_in_between_keeps_it_closed() {
        let mut breaker = breaker();
        for verdict in [
            Verdict::Failure,
            Verdict::Failure,
            Verdict::Success,
            Verdict::Failure,
            Verdict::Neither,
            Verdict::Failure,
        ] {
            let pass = pass(&mut breaker, at(0));
            breaker.record(at(0), pass, verdict);
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn after_the_open_time_exactly_one_probe_goes() {
        let mut breaker = opened();
        assert_eq!(breaker.closed_until(at(59)), Some(at(60)));
        assert_eq!(breaker.closed_until(at(60)), None);
        assert!(pass(&mut breaker, at(60)).is_probe());
        assert_eq!(
            breaker.admit(at(60), Duration::ZERO),
            Admission::Refused { until: at(70) }
        );
    }

    #[test]
    fn a_probe_that_succeeds_closes_it() {
        let mut breaker = opened();
        let probe = pass(&mut breaker, at(60));
        breaker.record(at(61), probe, Verdict::Success);
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert!(!pass(&mut breaker, at(61)).is_probe());
    }

    #[test]
    fn a_probe_that_fails_opens_it_again() {
        let mut breaker = opened();
        let probe = pass(&mut breaker, at(60));
        breaker.record(at(65), probe, Verdict::Failure);
        assert_eq!(breaker.state(), BreakerState::Open { until: at(125) });
    }

    #[test]
    fn a_probe_that_hangs_counts_as_a_failure_when_its_lease_ends() {
        let mut breaker = opened();
        let hung = pass(&mut breaker, at(60));
        assert_eq!(breaker.closed_until(at(71)), Some(at(130)));
        assert_eq!(
            breaker.admit(at(71), Duration::ZERO),
            Admission::Refused { until: at(130) }
        );
        let second = pass(&mut breaker, at(130));
        breaker.record(at(131), hung, Verdict::Success);
        assert_eq!(
            breaker.state(),
            BreakerState::HalfOpen {
                lease_until: at(140)
            },
            "the late probe has no say"
        );
        breaker.record(at(131), second, Verdict::Success);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn a_probe_that_may_take_long_is_leased_as_long() {
        let mut breaker = opened();
        let Admission::Admitted(slow) = breaker.admit(at(60), Duration::from_secs(90)) else {
            panic!("refused");
        };
        breaker.record(at(149), slow, Verdict::Success);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn questions_that_fail_open_it_too() {
        let mut breaker = breaker();
        for _ in 0..3 {
            breaker.question_failed(at(0));
        }
        assert_eq!(breaker.state(), BreakerState::Open { until: at(60) });
    }

    #[test]
    fn a_probe_that_says_nothing_makes_room_for_the_next() {
        let mut breaker = opened();
        let probe = pass(&mut breaker, at(60));
        breaker.record(at(61), probe, Verdict::Neither);
        assert!(pass(&mut breaker, at(61)).is_probe());
    }

    #[test]
    fn what_was_under_way_when_it_opened_changes_nothing() {
        let mut breaker = breaker();
        let early = pass(&mut breaker, at(0));
        for _ in 0..3 {
            let pass = pass(&mut breaker, at(0));
            breaker.record(at(0), pass, Verdict::Failure);
        }
        breaker.record(at(1), early, Verdict::Success);
        assert_eq!(breaker.state(), BreakerState::Open { until: at(60) });
        breaker.record(at(2), early, Verdict::Failure);
        assert_eq!(breaker.state(), BreakerState::Open { until: at(60) });
    }
}
