//! Which waiting ticket goes next, and to whom.

use std::sync::Arc;

use super::RunSlot;
use super::room::Guest;
use super::scheduler::{Fleet, MemberIndex};
use crate::{Role, Timestamp};

/// The tickets of one run and role that the same agents may serve wait in one
/// line, emergencies apart: what holds for the head holds for all of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LineKey {
    pub(super) run: RunSlot,
    pub(super) role: Role,
    pub(super) is_emergency: bool,
    pub(super) candidates: Arc<[MemberIndex]>,
    /// Whether the candidates have said that they can handle the task, or
    /// need not be asked.
    pub(super) settled: bool,
    pub(super) has_fallback: bool,
}

impl LineKey {
    pub(super) fn guest(&self) -> Guest<'_> {
        Guest {
            run: self.run,
            role: &self.role,
            is_emergency: self.is_emergency,
        }
    }
}

/// What can be done with a ticket.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Its candidates are asked.
    Ask,
    /// This one makes the attempt.
    Assign(MemberIndex),
    /// All candidates are given a rest, and a fallback waits.
    CircuitOpen,
}

/// Who goes before whom among those that can go: the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Emergency,
    Other,
    /// An emergency after too many others in a row.
    CappedEmergency,
}

impl Fleet {
    /// The most urgent ticket that something can be done with, and what.
    pub(super) fn next_step(&self, now: Timestamp) -> Option<(LineKey, Step)> {
        self.lines
            .iter()
            .filter_map(|(key, line)| {
                let head = line.peek()?;
                let step = self.step(now, key)?;
                Some(((self.class(key, step), head), key, step))
            })
            .min_by_key(|(rank, _, _)| *rank)
            .map(|(_, key, step)| (key.clone(), step))
    }

    fn step(&self, now: Timestamp, key: &LineKey) -> Option<Step> {
        let open = |index: &MemberIndex| self.members[*index].breaker.closed_until(now).is_some();
        if key.has_fallback && key.candidates.iter().all(open) {
            return Some(Step::CircuitOpen);
        }
        let guest = key.guest();
        if !self.room.has_room(guest) {
            return None;
        }
        let can_start = |index: &&MemberIndex| {
            let member = &self.members[**index];
            member.lane.has_room(guest.is_emergency)
                && !open(index)
                && self.room.may_start(now, guest, &member.profile.name)
        };
        let best = key
            .candidates
            .iter()
            .filter(can_start)
            .min_by_key(|index| self.members[**index].rank())?;
        Some(if key.settled {
            Step::Assign(*best)
        } else {
            Step::Ask
        })
    }

    fn class(&self, key: &LineKey, step: Step) -> Class {
        if !key.is_emergency {
            return Class::Other;
        }
        let strict = match step {
            Step::Assign(index) => self.room.is_strict() && self.members[index].lane.is_strict(),
            Step::Ask | Step::CircuitOpen => self.room.is_strict(),
        };
        if strict {
            Class::Emergency
        } else {
            Class::CappedEmergency
        }
    }
}
