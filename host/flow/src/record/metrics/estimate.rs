//! How long the rest of a run takes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Durations;
use super::meter::{Task, Unit, WorkflowMeter};
use crate::{TaskId, TaskState, Timestamp};

/// How much of its usual time a unit still takes that has had that already.
const OVERDUE: f64 = 0.1;

/// What is left of one task.
struct Left {
    /// The time of all its units together, in seconds.
    work: f64,
    /// From when it can start to its end, in seconds.
    span: f64,
}

impl WorkflowMeter {
    /// How long the rest takes: what lies longest in a row, the critical path,
    /// or all that is left shared by as many as the run has had at work at
    /// once, whichever is longer.
    ///
    /// A unit takes as long as the others of its task did, else those of its
    /// agent, else those of its role, else all.
    pub(super) fn estimate(&self, now: Timestamp) -> Option<Duration> {
        if self.status.is_some() {
            return None;
        }
        let mut known = self.history.clone();
        known.merge(&self.seen);
        known.expected(None, None)?;
        let left: BTreeMap<_, _> = self
            .tasks
            .iter()
            .filter(|(_, task)| task.whole.state.ended().is_none())
            .map(|(id, task)| (id, self.left_of(task, &known, now)))
            .collect();
        let work: f64 = left.values().map(|left| left.work).sum();
        let seconds = (work / self.parallelism()).max(self.critical_path(&left));
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// How many attempts the run has had at work at once.
    fn parallelism(&self) -> f64 {
        f64::from(self.peak.max(1))
    }

    fn left_of(&self, task: &Task, known: &Durations, now: Timestamp) -> Left {
        let usual = task.took.seconds();
        let expected = |unit: Option<&Unit>| {
            let agent = unit.and_then(|unit| unit.agent.as_ref());
            usual
                .or_else(|| known.expected(agent, task.role.as_ref()))
                .unwrap_or(0.0)
        };
        let (mut running, mut longest, mut under_way) = (0.0, 0.0_f64, 0_u32);
        let mut waiting = task.own_count();
        for (item, unit) in task.keyed_units() {
            match unit.state {
                TaskState::Waiting => {}
                TaskState::Ended(_) => waiting = waiting.saturating_sub(1),
                TaskState::Running => {
                    waiting = waiting.saturating_sub(1);
                    let inside = task.children.get(&item).and_then(|run| run.estimate(now));
                    let rest = inside.map_or_else(
                        || Self::rest_of(task, unit, expected(Some(unit)), now),
                        |inside| inside.as_secs_f64(),
                    );
                    running += rest;
                    longest = longest.max(rest);
                    under_way += 1;
                }
            }
        }
        let each = if waiting > 0 && task.needs_work() {
            expected(None)
        } else {
            0.0
        };
        let work = running + each * waiting as f64;
        // Whatever could start has started: so many go at once.
        let at_once = match under_way {
            0 => self.parallelism().min(task.most_at_once(self.concurrency)),
            n => f64::from(n),
        };
        let at_once = at_once.min(waiting as f64 + f64::from(under_way)).max(1.0);
        let span = (work / at_once).max(longest).max(each);
        Left { work, span }
    }

    /// How long a unit under way still takes, in seconds.
    fn rest_of(task: &Task, unit: &Unit, usual: f64, now: Timestamp) -> f64 {
        if !task.needs_work() {
            return 0.0;
        }
        let since = unit
            .started
            .map_or(Duration::ZERO, |start| now.since(start));
        (usual - since.as_secs_f64()).max(usual * OVERDUE)
    }

    /// The longest row of tasks of which each waits for the one before.
    fn critical_path(&self, left: &BTreeMap<&TaskId, Left>) -> f64 {
        let mut order: Vec<_> = left
            .keys()
            .filter_map(|id| Some((*id, self.tasks.get(*id)?)))
            .collect();
        order.sort_by_key(|(_, task)| task.wave);
        let mut ends: BTreeMap<&TaskId, f64> = BTreeMap::new();
        let mut longest = 0.0_f64;
        for (id, task) in order {
            let needs = task.needs.iter().filter_map(|need| ends.get(need));
            let start = needs.copied().fold(0.0, f64::max);
            let end = start + left.get(id).map_or(0.0, |left| left.span);
            longest = longest.max(end);
            ends.insert(id, end);
        }
        longest
    }
}
