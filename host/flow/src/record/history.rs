//! Histories of runs for tests: written out by hand, or drawn at random.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{MAX_LOG_LINES_PER_ATTEMPT, RunRecord, WorkflowMeter};
use crate::{
    AgentName, AttemptResult, BreakerState, Budgets, ByteSize, Failure, FailureCode, Finding, Fuel,
    GrantDecision, Json, LogLevel, LogLine, Output, PlannedTask, Priority, Progress, Rejection,
    Role, RunEvent, RunEventKind, RunId, RunStatus, Severity, TaskId, TaskKey, TaskStatus,
    Timestamp, Usage, WorkflowName,
};

/// The events of a run, told step by step. Time stands still but for
/// [`passes`](Self::passes).
pub(super) struct History {
    events: Vec<RunEvent>,
    now: Timestamp,
}

pub(super) fn task(name: &str) -> TaskId {
    TaskId::new(name).unwrap()
}

/// The key written `task` or `task[3]`.
pub(super) fn key(text: &str) -> TaskKey {
    match text.split_once('[') {
        None => TaskKey::single(task(text)),
        Some((name, rest)) => {
            TaskKey::item(task(name), rest.trim_end_matches(']').parse().unwrap())
        }
    }
}

pub(super) fn agent() -> AgentName {
    AgentName::new("worker").unwrap()
}

pub(super) fn usage() -> Usage {
    Usage {
        fuel: Fuel::units(1_000),
        peak_memory: ByteSize::mib(1),
        wall: Duration::from_millis(20),
        cpu: Duration::from_millis(10),
        ..Usage::default()
    }
}

pub(super) fn finding(rule: &str) -> Finding {
    Finding {
        rule: rule.into(),
        severity: Severity::High,
        message: "as it says".into(),
        location: None,
        fix: None,
    }
}

pub(super) fn output(rules: &[&str]) -> Output {
    Output {
        findings: rules.iter().map(|rule| finding(rule)).collect(),
        ..Output::default()
    }
}

impl History {
    pub(super) fn started(tasks: &[&str]) -> Self {
        let mut history = Self {
            events: Vec::new(),
            now: Timestamp::from_unix(Duration::from_secs(1_000)),
        };
        let tasks = tasks.iter().zip(1..).map(|(name, wave)| PlannedTask {
            kind: crate::TaskKind::Agent,
            finally: false,
            task: task(name),
            role: Some(Role::new("reviewer").unwrap()),
            needs: Vec::new(),
            wave,
            for_each: false,
            item_concurrency: None,
            redo_from: None,
            priority: Priority::Normal,
        });
        let tasks = tasks.collect();
        history.adds(RunEventKind::RunStarted {
            workflow: WorkflowName::new("review").unwrap(),
            inputs: Json::null(),
            seed: 7,
            concurrency: 8,
            tasks,
        });
        history
    }

    pub(super) fn events(&self) -> &[RunEvent] {
        &self.events
    }

    pub(super) fn record(&self) -> RunRecord {
        let mut record = RunRecord::new();
        for event in &self.events {
            record.apply(event);
        }
        record
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn passes(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    pub(super) fn adds(&mut self, event: RunEventKind) {
        self.events.push(RunEvent {
            schema: crate::EVENT_SCHEMA,
            run: RunId::new("run-1").unwrap(),
            seq: self.events.len() as u64 + 1,
            at: self.now,
            event,
        });
    }

    pub(super) fn expands(&mut self, name: &str, items: u32) {
        let task = task(name);
        self.adds(RunEventKind::TaskExpanded { task, items });
    }

    pub(super) fn starts(&mut self, key: &TaskKey, attempt: u32, round: u32) {
        self.adds(RunEventKind::AttemptStarted {
            key: key.clone(),
            agent: agent(),
            attempt,
            round,
            budgets: Budgets::default(),
        });
    }

    pub(super) fn logs(&mut self, key: &TaskKey, attempt: u32, message: &str) {
        self.adds(RunEventKind::AttemptLog {
            key: key.clone(),
            agent: agent(),
            attempt,
            line: LogLine {
                level: LogLevel::Info,
                message: message.into(),
                fields: Arc::default(),
            },
        });
    }

    pub(super) fn ends(&mut self, key: &TaskKey, attempt: u32, round: u32, result: AttemptResult) {
        self.adds(RunEventKind::AttemptEnded {
            key: key.clone(),
            agent: agent(),
            attempt,
            round,
            result,
            usage: usage(),
        });
    }

    pub(super) fn ends_task(&mut self, key: &TaskKey, status: TaskStatus, round: u32) {
        self.adds(RunEventKind::TaskEnded {
            key: key.clone(),
            status,
            round,
            output: None,
            failure: None,
            reason: None,
        });
    }

    pub(super) fn ends_completed(&mut self, key: &TaskKey, attempt: u32, round: u32) {
        self.ends(
            key,
            attempt,
            round,
            AttemptResult::Completed(Output::default()),
        );
        self.ends_task(key, TaskStatus::Completed, round);
    }

    pub(super) fn completes(&mut self, key: &TaskKey, attempt: u32, round: u32) {
        self.starts(key, attempt, round);
        self.ends_completed(key, attempt, round);
    }

    pub(super) fn finds(&mut self, key: &TaskKey, round: u32, rules: &[&str]) {
        self.starts(key, 1, round);
        self.ends(key, 1, round, AttemptResult::Completed(output(rules)));
        self.ends_task(key, TaskStatus::Completed, round);
    }

    pub(super) fn sends_back(&mut self, gate: &str, round: u32, tasks: &[&str]) {
        self.adds(RunEventKind::RoundStarted {
            gate: task(gate),
            round,
            tasks: tasks.iter().map(|name| task(name)).collect(),
            reason: "not yet".into(),
            feedback: Arc::default(),
        });
    }
}

fn any_key() -> impl Strategy<Value = TaskKey> {
    let item = prop_oneof![Just(None), (0..4_u32).prop_map(Some), Just(Some(u32::MAX))];
    (prop::sample::select(vec!["a", "b", "c"]), item).prop_map(|(name, item)| TaskKey {
        task: task(name),
        item,
    })
}

fn any_output() -> impl Strategy<Value = Output> {
    prop::collection::vec(prop::sample::select(vec!["r1", "r2", "r3"]), 0..3)
        .prop_map(|rules| output(&rules))
}

fn any_failure() -> impl Strategy<Value = Failure> {
    prop::sample::select(FailureCode::ALL.to_vec()).prop_map(|code| Failure::new(code, "broken"))
}

fn any_result() -> impl Strategy<Value = AttemptResult> {
    prop_oneof![
        any_output().prop_map(AttemptResult::Completed),
        any_output().prop_map(|output| AttemptResult::Rejected(Rejection {
            reason: "no".into(),
            findings: output.findings,
        })),
        any_failure().prop_map(AttemptResult::Failed),
    ]
}

fn any_status() -> impl Strategy<Value = TaskStatus> {
    prop::sample::select(vec![
        TaskStatus::Completed,
        TaskStatus::Rejected,
        TaskStatus::Failed,
        TaskStatus::Skipped,
        TaskStatus::Cancelled,
    ])
}

fn any_agent() -> impl Strategy<Value = AgentName> {
    prop::sample::select(vec!["worker", "helper"]).prop_map(|name| AgentName::new(name).unwrap())
}

fn any_event() -> impl Strategy<Value = RunEventKind> {
    let line = LogLine {
        level: LogLevel::Warn,
        message: "hm".into(),
        fields: Arc::default(),
    };
    let decision = GrantDecision {
        effect: "mount src".into(),
        allowed: true,
        rule: "mounts".into(),
    };
    let progress = Progress {
        activity: crate::Activity::Working,
        fraction: Some(0.5),
        note: "half".into(),
    };
    let plan = History::started(&["a", "b"]).events.remove(0).event;
    prop_oneof![
        1 => Just(plan),
        2 => (any_key(), 0..4_u32).prop_map(|(key, items)| RunEventKind::TaskExpanded {
            task: key.task,
            items,
        }),
        8 => (any_key(), any_agent(), 1..3_u32, 1..3_u32).prop_map(|(key, agent, attempt, round)| {
            RunEventKind::AttemptStarted { key, agent, attempt, round, budgets: Budgets::default() }
        }),
        1 => (any_key(), any_agent()).prop_map(move |(key, agent)| RunEventKind::AttemptProgress {
            key,
            agent,
            progress: progress.clone(),
        }),
        4 => (any_key(), any_agent(), 1..3_u32).prop_map(move |(key, agent, attempt)| {
            RunEventKind::AttemptLog { key, agent, attempt, line: line.clone() }
        }),
        1 => (any_key(), any_agent()).prop_map(move |(key, agent)| RunEventKind::GrantDecided {
            key,
            agent,
            decision: decision.clone(),
        }),
        8 => (any_key(), any_agent(), 1..3_u32, 1..3_u32, any_result()).prop_map(
            |(key, agent, attempt, round, result)| RunEventKind::AttemptEnded {
                key, agent, attempt, round, result, usage: usage(),
            }
        ),
        1 => any_key().prop_map(|key| RunEventKind::RetryScheduled {
            key,
            attempt: 2,
            wait: Duration::MAX,
            after: FailureCode::Trap,
        }),
        1 => (any_key(), any_agent(), any_failure()).prop_map(|(key, agent, after)| {
            RunEventKind::FallbackChosen { key, agent, after }
        }),
        1 => (any_key(), 1..4_u32).prop_map(|(key, round)| RunEventKind::RoundStarted {
            gate: key.task,
            round,
            tasks: vec![task("a"), task("b")],
            reason: "no".into(),
            feedback: Arc::default(),
        }),
        8 => (any_key(), any_status(), 1..3_u32, prop::option::of(any_output())).prop_map(
            |(key, status, round, output)| RunEventKind::TaskEnded {
                key, status, round, output, failure: None, reason: None,
            }
        ),
        1 => any_agent().prop_map(|agent| RunEventKind::BreakerMoved {
            agent,
            state: BreakerState::Closed,
        }),
        1 => any_failure().prop_map(|failure| RunEventKind::RunStopping { failure }),
        1 => Just(RunEventKind::RunEnded {
            output: None,
            status: RunStatus::Failed,
            failure: None,
            task: None,
        }),
    ]
}

fn any_history() -> impl Strategy<Value = Vec<RunEvent>> {
    prop::collection::vec((any_event(), 0..20_u64), 0..60).prop_map(|events| {
        let mut history = History::started(&[]);
        history.events.clear();
        for (event, seconds) in events {
            // Also times that run backwards.
            history.now = Timestamp::from_unix(Duration::from_secs(seconds));
            history.adds(event);
        }
        history.events
    })
}

proptest! {
    /// Whatever happens in whatever order, the record takes it, its figures
    /// agree with each other, and it survives being written and read.
    #[test]
    fn any_order_of_events_is_taken(events in any_history()) {
        let mut record = RunRecord::new();
        let mut ended = 0;
        for event in &events {
            record.apply(event);
            ended += u64::from(matches!(event.event, RunEventKind::AttemptEnded { .. }));
        }
        let with_result = record.attempts.iter().filter(|attempt| {
            !matches!(attempt.outcome.as_str(), "running" | "lost")
        });
        prop_assert_eq!(with_result.count() as u64, ended, "no result is lost, none is counted twice");
        prop_assert_eq!(record.totals.attempts, record.attempts.len() as u64);
        prop_assert_eq!(record.totals.fuel.as_u64(), ended * 1_000);
        prop_assert_eq!(
            record.tasks.values().map(|task| task.totals.attempts).sum::<u64>(),
            record.totals.attempts
        );
        for attempt in &record.attempts {
            prop_assert!(attempt.log.lines.len() <= MAX_LOG_LINES_PER_ATTEMPT);
        }
        let findings = record.findings();
        for (index, one) in findings.iter().enumerate() {
            prop_assert!(findings[..index].iter().all(|other| other.finding != one.finding));
        }
        prop_assert_eq!(record.summary().findings.total(), findings.len() as u64);
        for task in record.tasks.values() {
            if let Some(counts) = task.item_counts() {
                prop_assert!(counts.total as usize >= task.items.len());
            }
        }
        let text = serde_json::to_string(&record).unwrap();
        let read: RunRecord = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read.findings(), record.findings());
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }

    /// The same for the figures: they always add up.
    #[test]
    fn the_meter_never_counts_more_than_there_is(events in any_history()) {
        let mut meter = WorkflowMeter::new();
        for event in &events {
            meter.apply(event);
            let metrics = meter.metrics(event.at);
            let counted =
                metrics.completed + metrics.failed + metrics.skipped + metrics.in_progress;
            prop_assert!(counted <= metrics.total, "{metrics:?}");
            prop_assert!((0.0..=100.0).contains(&metrics.percentage), "{metrics:?}");
        }
    }
}
