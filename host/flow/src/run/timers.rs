//! What is due when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;
use std::time::Duration;

use super::InstanceRef;
use crate::{TaskIndex, Timestamp};

/// Something that falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The run has taken as long as it may.
    Deadline,
    /// Nobody has answered. Says nothing of another round.
    Approval { task: TaskIndex, round: u32 },
    /// No agent was found in time. Says nothing if the instance waits for
    /// another time since.
    Start {
        at: InstanceRef,
        round: u32,
        submission: u32,
    },
    /// All attempts of a round have taken as long as they may.
    Total { at: InstanceRef, round: u32 },
    /// The wait before a retry is over. Says nothing if the instance has gone
    /// on to another attempt or round since.
    Backoff {
        at: InstanceRef,
        round: u32,
        attempts: u32,
    },
}

/// The timers of a run, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Timers(BinaryHeap<Reverse<(Timestamp, Timer)>>);

impl Timers {
    pub(super) fn set(&mut self, at: Timestamp, timer: Timer) {
        self.0.push(Reverse((at, timer)));
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        self.0.pop().map(|Reverse((_, timer))| timer)
    }

    /// Moves all of them so much later.
    pub(super) fn postpone(&mut self, by: Duration) {
        let timers = mem::take(&mut self.0).into_iter();
        self.0 = timers
            .map(|Reverse((at, timer))| Reverse((at.after(by), timer)))
            .collect();
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
