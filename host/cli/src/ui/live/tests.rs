use std::collections::VecDeque;
use std::time::Duration;

use ringfence::flow::{
    AttemptResult, Budgets, EVENT_SCHEMA, Failure, FailureCode, Json, LogLevel, LogLine, Output,
    PlannedTask, Priority, Progress, Role, RunEvent, RunEventKind, RunId, RunRecord, TaskId,
    TaskKey, TaskKind, TaskStatus, Timestamp, Usage, WorkflowMeter, WorkflowName,
};

use super::picture::{Logged, Picture, Signs};

/// A run that is told step by step.
struct Told {
    record: RunRecord,
    meter: WorkflowMeter,
    now: u64,
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix(Duration::from_millis(1_000_000 + millis))
}

fn id(name: &str) -> TaskId {
    TaskId::new(name).unwrap()
}

fn planned(name: &str, wave: u32, needs: &[&str]) -> PlannedTask {
    PlannedTask {
        task: id(name),
        kind: TaskKind::Agent,
        role: Role::new("worker").ok(),
        needs: needs.iter().map(|name| id(name)).collect(),
        wave,
        for_each: false,
        item_concurrency: None,
        redo_from: None,
        priority: Priority::Normal,
        finally: false,
    }
}

impl Told {
    fn of(tasks: Vec<PlannedTask>) -> Self {
        let mut told = Self {
            record: RunRecord::new(),
            meter: WorkflowMeter::new(),
            now: 0,
        };
        told.tell(RunEventKind::RunStarted {
            workflow: WorkflowName::new("review").unwrap(),
            inputs: Json::default(),
            seed: 1,
            concurrency: 4,
            tasks,
        });
        told
    }

    fn tell(&mut self, event: RunEventKind) {
        let event = RunEvent {
            schema: EVENT_SCHEMA,
            run: RunId::new("r-1").unwrap(),
            seq: 1,
            at: at(self.now),
            event,
        };
        self.record.apply(&event);
        self.meter.apply(&event);
    }

    fn starts(&mut self, key: &TaskKey, agent: &str, attempt: u32) {
        self.tell(RunEventKind::AttemptStarted {
            key: key.clone(),
            agent: agent.parse().unwrap(),
            attempt,
            round: 1,
            budgets: Budgets::default(),
        });
    }

    fn reports(&mut self, key: &TaskKey, agent: &str, fraction: Option<f32>, note: &str) {
        self.tell(RunEventKind::AttemptProgress {
            key: key.clone(),
            agent: agent.parse().unwrap(),
            progress: Progress {
                activity: ringfence::flow::Activity::Working,
                fraction,
                note: note.into(),
            },
        });
    }

    fn ends(&mut self, key: &TaskKey, agent: &str, failure: Option<&str>) {
        let failure = failure.map(|text| Failure::new(FailureCode::Permanent, text));
        self.tell(RunEventKind::AttemptEnded {
            key: key.clone(),
            agent: agent.parse().unwrap(),
            attempt: 1,
            round: 1,
            result: match &failure {
                None => AttemptResult::Completed(Output::default()),
                Some(failure) => AttemptResult::Failed(failure.clone()),
            },
            usage: Usage::default(),
        });
        self.tell(RunEventKind::TaskEnded {
            key: key.clone(),
            status: match failure {
                None => TaskStatus::Completed,
                Some(_) => TaskStatus::Failed,
            },
            round: 1,
            output: None,
            failure,
            reason: None,
        });
    }

    fn drawn(&self, log: &VecDeque<Logged>, signs: &Signs, size: (u16, u16)) -> String {
        let now = at(self.now);
        let picture = Picture {
            record: &self.record,
            metrics: &self.meter.metrics(now),
            log,
            now,
            signs,
        };
        let lines = picture.lines(size);
        assert!(
            lines.len() < usize::from(size.0).max(2),
            "it fits: {lines:#?}"
        );
        let plain = lines
            .iter()
            .map(|line| console::strip_ansi_codes(line).into_owned());
        let plain: Vec<_> = plain.collect();
        for line in &plain {
            assert!(
                line.chars().count() < usize::from(size.1),
                "it fits: {line}"
            );
        }
        plain.join("\n")
    }
}

/// A survey, two maps beside each other, and what follows from them.
fn small() -> (Told, VecDeque<Logged>) {
    let mut told = Told::of(vec![
        planned("survey", 1, &[]),
        planned("security", 2, &["survey"]),
        planned("quality", 2, &["survey"]),
        planned("gate", 3, &["security", "quality"]),
        planned("report", 4, &["gate"]),
    ]);
    let survey = TaskKey::single(id("survey"));
    told.starts(&survey, "architect", 1);
    told.now = 1_500;
    told.ends(&survey, "architect", None);
    for task in ["security", "quality"] {
        let (task, items) = (id(task), 12);
        told.tell(RunEventKind::TaskExpanded { task, items });
    }
    for item in 0..4 {
        told.starts(&TaskKey::item(id("security"), item), "sast", 1);
    }
    told.now = 3_000;
    told.ends(&TaskKey::item(id("security"), 0), "sast", None);
    let wrong = Some("this is no Rust");
    told.ends(&TaskKey::item(id("security"), 1), "sast", wrong);
    let third = TaskKey::item(id("security"), 2);
    told.reports(&third, "sast", Some(0.4), "scanning src/store.rs");
    told.starts(&TaskKey::item(id("quality"), 0), "reviewer", 2);
    told.now = 9_000;
    let line = LogLine {
        level: LogLevel::Info,
        message: "opened 3 files".into(),
        fields: [].into(),
    };
    let who = "security[2] sast".to_owned();
    (told, VecDeque::from([Logged { who, line }]))
}

#[test]
fn a_small_run_has_a_line_for_each_task() {
    let (told, log) = small();
    insta::assert_snapshot!(told.drawn(&log, &Signs::UNICODE, (30, 100)));
}

#[test]
fn a_small_terminal_is_not_overrun() {
    let (told, log) = small();
    insta::assert_snapshot!(told.drawn(&log, &Signs::ASCII, (8, 50)));
    for rows in 1..30 {
        for columns in [21, 40, 80] {
            told.drawn(&log, &Signs::UNICODE, (rows, columns));
        }
    }
}

#[test]
fn ten_thousand_tasks_are_as_calm_as_ten() {
    let name = |number: usize| format!("t{number}");
    let mut tasks = vec![planned("start", 1, &[])];
    tasks.extend((0..9_000).map(|number| planned(&name(number), 2, &["start"])));
    tasks.extend((9_000..9_999).map(|number| {
        let before = if number == 9_000 {
            "t1".to_owned()
        } else {
            name(number - 1)
        };
        planned(&name(number), number as u32 - 8_997, &[&before])
    }));
    let mut told = Told::of(tasks);
    let start = TaskKey::single(id("start"));
    told.starts(&start, "architect", 1);
    told.now = 1_000;
    told.ends(&start, "architect", None);
    for number in 0..500 {
        told.starts(&TaskKey::single(id(&name(number))), "worker", 1);
    }
    told.now = 4_000;
    for number in 0..450 {
        let wrong = (number % 50 == 0).then_some("no");
        told.ends(&TaskKey::single(id(&name(number))), "worker", wrong);
    }
    let drawn = told.drawn(&VecDeque::new(), &Signs::UNICODE, (24, 80));
    insta::assert_snapshot!(drawn);
}
