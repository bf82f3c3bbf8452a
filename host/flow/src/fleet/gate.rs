//! What a limit lets through.

use std::collections::VecDeque;

use crate::{Limit, Timestamp};

/// Counts what is under way and remembers what started, for one [`Limit`].
#[derive(Clone, Debug, Default)]
pub(super) struct Gate {
    limit: Limit,
    under_way: u32,
    /// The last starts of one period, the earliest first.
    starts: VecDeque<Timestamp>,
}

impl Gate {
    pub(super) fn new(limit: Limit) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Whether one more may be under way.
    pub(super) fn has_room(&self) -> bool {
        self.limit
            .concurrency
            .is_none_or(|most| self.under_way < most)
    }

    /// When one more may start: `None` for now.
    pub(super) fn opens_at(&self, now: Timestamp) -> Option<Timestamp> {
        let rate = self.limit.rate?;
        let starts = rate.starts() as usize;
        let counted = self.starts.len().checked_sub(starts)?;
        let opens = self.starts.get(counted)?.after(rate.period());
        Some(opens).filter(|opens| *opens > now)
    }

    /// One more is under way.
    pub(super) fn enter(&mut self) {
        self.under_way += 1;
    }

    /// An attempt starts.
    pub(super) fn start(&mut self, now: Timestamp) {
        let Some(rate) = self.limit.rate else {
            return;
        };
        if self.starts.len() >= rate.starts() as usize {
            self.starts.pop_front();
        }
        self.starts.push_back(now);
    }

    /// One that was under way is so no more.
    pub(super) fn leave(&mut self) {
        self.under_way -= 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.under_way == 0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_unix(Duration::from_millis(1_000_000 + millis))
    }

    fn rated(rate: &str) -> Gate {
        Gate::new(Limit {
            concurrency: None,
            rate: Some(rate.parse().unwrap()),
        })
    }

    #[test]
    fn no_stretch_of_a_second_has_more_starts_than_the_rate() {
        let mut gate = rated("3/s");
        let mut starts = Vec::new();
        for millis in 0..5_000 {
            if gate.opens_at(at(millis)).is_none() {
                gate.start(at(millis));
                starts.push(millis);
            }
        }
        assert_eq!(starts[..6], [0, 1, 2, 1_000, 1_001, 1_002]);
        assert_eq!(starts.len(), 15);
        assert!(starts.windows(4).all(|four| four[3] - four[0] >= 1_000));
    }

    #[test]
    fn it_says_when_the_next_one_may_start() {
        let mut gate = rated("2/s");
        gate.start(at(0));
        assert_eq!(gate.opens_at(at(0)), None);
        gate.start(at(300));
        assert_eq!(gate.opens_at(at(400)), Some(at(1_000)));
        assert_eq!(gate.opens_at(at(1_000)), None);
    }

    #[test]
    fn concurrency_is_what_is_under_way() {
        let mut gate = Gate::new(Limit {
            concurrency: Some(1),
            rate: None,
        });
        assert!(gate.has_room());
        gate.enter();
        assert!(!gate.has_room());
        gate.leave();
        assert!(gate.has_room() && gate.is_empty());
    }
}
