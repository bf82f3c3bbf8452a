//! What the length of a run comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ResumeRecord, RunRecord};
use crate::{TaskId, Timestamp, micros};

/// A stretch of the critical path: a task in one of its rounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CriticalStep {
    /// The task.
    pub task: TaskId,
    /// In which round, counted from 1.
    pub round: u32,
    /// When it started.
    pub started: Timestamp,
    /// When it ended; of a run that goes on, when it was last heard of.
    pub ended: Timestamp,
    /// How long it could have run before it did, and was not given an agent or
    /// a free place, or nobody drove the run.
    #[serde(with = "micros", rename = "waited-us")]
    pub waited: Duration,
    /// For how much of the time from start to end nobody drove the run.
    #[serde(with = "micros", rename = "away-us")]
    pub away: Duration,
}

/// A task in one of its rounds.
type Step<'a> = (&'a TaskId, u32);

/// From the start of something to its end.
type Span = (Timestamp, Timestamp);

impl RunRecord {
    /// The steps that the run could not have ended without, each of which
    /// waited for the one before it: making any of them faster makes the run
    /// faster. Empty as long as nothing has run.
    ///
    /// A step waits for that of its needs which ended last, or for the gate
    /// that sent the work back; a task of `finally` for whatever ended last
    /// before it.
    #[must_use]
    pub fn critical_path(&self) -> Vec<CriticalStep> {
        let spans = self.spans();
        let last = spans.iter().max_by_key(|(_, (_, ended))| *ended);
        let mut next = last.map(|(step, _)| *step);
        let mut path = Vec::new();
        let mut seen = BTreeSet::new();
        while let Some((task, round)) = next.filter(|step| seen.insert(*step)) {
            let (started, ended) = spans[&(task, round)];
            next = self.waited_for(&spans, (task, round));
            let ready = next.map(|before| spans[&before].1).or(self.started);
            path.push(CriticalStep {
                task: task.clone(),
                round,
                started,
                ended,
                away: self.away((started, ended)),
                waited: ready.map_or(Duration::ZERO, |ready| started.since(ready)),
            });
        }
        path.reverse();
        path
    }

    /// When each step took place.
    fn spans(&self) -> BTreeMap<Step<'_>, Span> {
        let mut spans: BTreeMap<Step<'_>, Span> = BTreeMap::new();
        let mut add = |step, (from, to): Span| {
            let span = spans.entry(step).or_insert((from, to));
            *span = (span.0.min(from), span.1.max(to));
        };
        for attempt in &self.attempts {
            let ended = attempt.ended.unwrap_or(self.updated);
            let step = (&attempt.key.task, attempt.round);
            add(step, (attempt.started, ended.max(attempt.started)));
        }
        for (id, task) in &self.tasks {
            let asked = task.approval.as_ref().map(|approval| approval.asked);
            let Some(started) = task.whole.started.or(asked) else {
                continue;
            };
            let ended = task.whole.ended.unwrap_or(self.updated).max(started);
            add((id, task.whole.round.max(1)), (started, ended));
        }
        spans
    }

    /// For how much of a span nobody drove the run.
    fn away(&self, (started, ended): Span) -> Duration {
        let within = |resumed: &ResumeRecord| {
            let left = resumed.at.since_unix().saturating_sub(resumed.away);
            let left = Timestamp::from_unix(left).max(started);
            resumed.at.min(ended).since(left)
        };
        self.resumes.iter().map(within).sum()
    }

    fn waited_for<'a>(
        &'a self,
        spans: &BTreeMap<Step<'a>, Span>,
        (task, round): Step<'a>,
    ) -> Option<Step<'a>> {
        let (started, _) = spans[&(task, round)];
        let plan = self.tasks.get(task).and_then(|task| task.plan.as_ref());
        let in_finally = |task: &TaskId| {
            let plan = self.tasks.get(task).and_then(|task| task.plan.as_ref());
            plan.is_some_and(|plan| plan.finally)
        };
        let gates: Vec<_> = self
            .rounds
            .iter()
            .filter(|began| round > 1 && began.round == round && began.tasks.contains(task))
            .map(|began| &began.gate)
            .collect();
        let finally = plan.is_some_and(|plan| plan.finally);
        let needs = plan.map_or(&[][..], |plan| &plan.needs);
        // A need may have had fewer rounds; a gate sent back from an earlier one.
        let needed = needs.iter().map(|need| (need, round));
        let sent_back = gates.into_iter().map(|gate| (gate, round - 1));
        let of_plan = needed
            .chain(sent_back)
            .flat_map(|(task, latest)| spans.range((task, 0)..=(task, latest)));
        let before_finally = spans
            .iter()
            .filter(|((other, _), _)| finally && !in_finally(other));
        of_plan
            .chain(before_finally)
            .filter(|(_, (_, ended))| *ended <= started)
            .max_by_key(|(_, (_, ended))| *ended)
            .map(|(step, _)| *step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AgentName, AttemptResult, Budgets, EVENT_SCHEMA, Json, Output, PlannedTask, Priority,
        RunEvent, RunEventKind, RunId, TaskKey, TaskKind, TaskStatus, Usage, WorkflowName,
    };

    struct Told(RunRecord);

    fn at(second: u64) -> Timestamp {
        Timestamp::from_unix(Duration::from_secs(second))
    }

    fn id(name: &str) -> TaskId {
        TaskId::new(name).unwrap()
    }

    impl Told {
        fn of(tasks: &[(&str, &[&str], bool)]) -> Self {
            let tasks = tasks.iter().map(|(name, needs, finally)| PlannedTask {
                task: id(name),
                kind: TaskKind::Agent,
                role: None,
                needs: needs.iter().map(|name| id(name)).collect(),
                wave: 1,
                for_each: false,
                item_concurrency: None,
                redo_from: None,
                priority: Priority::Normal,
                finally: *finally,
            });
            let mut told = Self(RunRecord::new());
            told.tell(
                0,
                RunEventKind::RunStarted {
                    workflow: WorkflowName::new("w").unwrap(),
                    inputs: Json::default(),
                    seed: 1,
                    concurrency: 4,
                    tasks: tasks.collect(),
                },
            );
            told
        }

        fn tell(&mut self, second: u64, event: RunEventKind) {
            self.0.apply(&RunEvent {
                schema: EVENT_SCHEMA,
                run: RunId::new("r").unwrap(),
                seq: 1,
                at: at(second),
                event,
            });
        }

        fn attempt(mut self, name: &str, round: u32, from: u64, to: u64) -> Self {
            let (key, agent) = (TaskKey::single(id(name)), AgentName::new("a").unwrap());
            self.tell(
                from,
                RunEventKind::AttemptStarted {
                    key: key.clone(),
                    agent: agent.clone(),
                    attempt: 1,
                    round,
                    budgets: Budgets::default(),
                },
            );
            self.tell(
                to,
                RunEventKind::AttemptEnded {
                    key: key.clone(),
                    agent,
                    attempt: 1,
                    round,
                    result: AttemptResult::Completed(Output::default()),
                    usage: Usage::default(),
                },
            );
            self.tell(
                to,
                RunEventKind::TaskEnded {
                    key,
                    status: TaskStatus::Completed,
                    round,
                    output: None,
                    failure: None,
                    reason: None,
                },
            );
            self
        }

        fn path(&self) -> Vec<String> {
            let steps = self.0.critical_path().into_iter();
            steps
                .map(|step| {
                    let took = step.ended.since(step.started).as_secs();
                    let (task, round) = (step.task, step.round);
                    format!("{task}.{round} {took} after {}", step.waited.as_secs())
                })
                .collect()
        }
    }

    #[test]
    fn it_is_the_slowest_way_and_says_where_nothing_happened() {
        let told = Told::of(&[
            ("start", &[], false),
            ("slow", &["start"], false),
            ("quick", &["start"], false),
            ("end", &["slow", "quick"], false),
        ])
        .attempt("start", 1, 0, 2)
        .attempt("quick", 1, 2, 3)
        .attempt("slow", 1, 5, 9)
        .attempt("end", 1, 9, 10);
        assert_eq!(
            told.path(),
            ["start.1 2 after 0", "slow.1 4 after 3", "end.1 1 after 0"]
        );
    }

    #[test]
    fn it_leads_through_the_gate_that_sent_the_work_back() {
        let mut told = Told::of(&[("work", &[], false), ("gate", &["work"], false)])
            .attempt("work", 1, 0, 2)
            .attempt("gate", 1, 2, 3);
        told.tell(
            3,
            RunEventKind::RoundStarted {
                gate: id("gate"),
                round: 2,
                tasks: vec![id("work"), id("gate")],
                reason: "no".into(),
                feedback: [].into(),
            },
        );
        let told = told.attempt("work", 2, 4, 6).attempt("gate", 2, 6, 7);
        assert_eq!(
            told.path(),
            [
                "work.1 2 after 0",
                "gate.1 1 after 0",
                "work.2 2 after 1",
                "gate.2 1 after 0"
            ]
        );
    }

    #[test]
    fn a_task_of_finally_follows_what_ended_last() {
        let told = Told::of(&[("a", &[], false), ("b", &[], false), ("sweep", &[], true)])
            .attempt("a", 1, 0, 5)
            .attempt("b", 1, 0, 3)
            .attempt("sweep", 1, 5, 6);
        assert_eq!(told.path(), ["a.1 5 after 0", "sweep.1 1 after 0"]);
    }

    #[test]
    fn the_time_for_which_nobody_drove_it_is_no_work() {
        let mut told = Told::of(&[("a", &[], false)]);
        told.tell(
            50,
            RunEventKind::RunResumed {
                away: Duration::from_secs(30),
            },
        );
        let told = told.attempt("a", 1, 10, 60);
        let path = told.0.critical_path();
        assert_eq!(path[0].away, Duration::from_secs(30));
        let told = told.attempt("b", 1, 45, 60);
        let path = told.0.critical_path();
        assert_eq!(path.last().unwrap().away, Duration::from_secs(5));
    }

    #[test]
    fn a_run_of_which_nothing_is_known_has_none() {
        assert!(RunRecord::new().critical_path().is_empty());
    }
}
