//! Runs with a journal: nothing that others can tell of is done or told before it is
//! kept, and another host goes on where one was cut off.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod rig;

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use rig::{Events, Files, Scripted, done, host, plan, second, spec_of};
use ringfence_engine::{MemoryArtifacts, ResumeSpec, RunHandle, RunObserver};
use ringfence_flow::{
    Budgets, Decision, JournalEntry, JournalListener, Json, Plan, Replay, RunEvent, RunEventKind,
    RunId, RunJournal, RunOptions, RunStatus,
};
use serde_json::json;

const CHAIN: &str = "version: 1
name: chain
tasks:
  first: { role: developer, input: 1 }
  second: { role: developer, needs: [first], input: 2 }
  third: { role: developer, needs: [second], input: 3 }
";

/// A journal that keeps what it is given when it is told to.
#[derive(Default)]
struct Paper {
    listener: Mutex<Option<Weak<dyn JournalListener>>>,
    given: Mutex<Vec<JournalEntry>>,
    kept: Mutex<Vec<JournalEntry>>,
    /// Keeps everything at once.
    prompt: bool,
}

impl Paper {
    fn prompt() -> Arc<Self> {
        Arc::new(Self {
            prompt: true,
            ..Self::default()
        })
    }

    fn listener(&self) -> Option<Arc<dyn JournalListener>> {
        self.listener
            .lock()
            .unwrap()
            .as_ref()
            .and_then(Weak::upgrade)
    }

    /// Keeps all that was given. False if that was nothing.
    fn keep(&self) -> bool {
        let entries = std::mem::take(&mut *self.given.lock().unwrap());
        if entries.is_empty() {
            return false;
        }
        self.kept.lock().unwrap().extend(entries.iter().cloned());
        self.listener().unwrap().kept(entries);
        true
    }

    /// The run as what was kept says it is, after the first `count` entries.
    fn replayed(&self, plan: &Arc<Plan>, count: usize) -> Replay {
        let options = RunOptions {
            inputs: Json::from(json!({})),
            seed: 1,
            budgets: Budgets::default(),
            ceiling: Budgets::default(),
            outer_deadline: None,
        };
        let mut replay = Replay::new(RunId::new("r1").unwrap(), Arc::clone(plan), options);
        for entry in self.kept.lock().unwrap().iter().take(count) {
            replay.apply(entry).unwrap();
        }
        replay
    }
}

impl RunJournal for Paper {
    fn attach(&self, listener: Weak<dyn JournalListener>) {
        *self.listener.lock().unwrap() = Some(listener);
    }

    fn append(&self, entries: Vec<JournalEntry>) {
        if self.prompt {
            // As the real one does, not from within the caller.
            self.kept.lock().unwrap().extend(entries.iter().cloned());
            let listener = self.listener().unwrap();
            std::thread::spawn(move || listener.kept(entries))
                .join()
                .unwrap();
        } else {
            self.given.lock().unwrap().extend(entries);
        }
    }
}

/// Agents that write down what they are asked.
fn noting(asked: &Arc<Mutex<Vec<String>>>) -> Scripted {
    let asked = Arc::clone(asked);
    Scripted::default().agent("dev", "developer", move |task| {
        let line = format!("{} {} {}", task.key, task.round, task.attempt);
        asked.lock().unwrap().push(line);
        second(done(serde_json::from_str(task.input.as_str()).unwrap()))
    })
}

fn chain() -> Arc<Plan> {
    plan(CHAIN, &Files(&[]))
}

/// Lets the host's task do all it can at this moment.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_and_nothing_is_told_before_it_is_kept() {
    let (asked, events, paper) = (Arc::default(), Events::default(), Arc::<Paper>::default());
    let host = host(noting(&asked));
    let mut spec = spec_of(chain(), json!({}), &events);
    spec.journal = Some(paper.clone());
    let mut handle = host.run(spec).await.unwrap();
    settle().await;
    assert!(asked.lock().unwrap().is_empty(), "no attempt was made");
    assert!(events.lock().unwrap().is_empty(), "nobody was told");
    assert!(paper.keep());
    settle().await;
    assert_eq!(*asked.lock().unwrap(), ["first 1 1"]);
    tokio::time::advance(Duration::from_secs(2)).await;
    settle().await;
    assert_eq!(asked.lock().unwrap().len(), 1, "its end is not kept");
    for _ in 0..3 {
        assert!(paper.keep());
        settle().await;
        tokio::time::advance(Duration::from_secs(2)).await;
        settle().await;
    }
    let outcome = handle.outcome().await.unwrap();
    assert_eq!(outcome.status, RunStatus::Completed);
    assert_eq!(asked.lock().unwrap().len(), 3);
    let seqs: Vec<_> = events.lock().unwrap().iter().map(|e| e.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
}

/// What was given last is what the run waits for.
async fn completes_once_kept(paper: &Paper, handle: &mut RunHandle) {
    assert!(paper.keep());
    let outcome = handle.outcome().await.unwrap();
    assert_eq!(outcome.status, RunStatus::Completed);
}

/// Of a sealed attempt nobody can tell, so it waits for nothing. What it leads to does.
#[tokio::test(start_paused = true)]
async fn sealed_attempts_go_ahead_of_the_journal_and_nobody_is_told() {
    let (asked, events, paper) = (Arc::default(), Events::default(), Arc::<Paper>::default());
    let host = host(noting(&asked).seal("dev"));
    let mut spec = spec_of(chain(), json!({}), &events);
    spec.journal = Some(paper.clone());
    let mut handle = host.run(spec).await.unwrap();
    for _ in 0..3 {
        settle().await;
        tokio::time::advance(Duration::from_secs(2)).await;
    }
    settle().await;
    let made = ["first 1 1", "second 1 1", "third 1 1"];
    assert_eq!(*asked.lock().unwrap(), made);
    assert!(events.lock().unwrap().is_empty(), "nobody was told");
    let outcome = tokio::time::timeout(Duration::from_secs(9), handle.outcome()).await;
    assert!(outcome.is_err(), "its end is not kept");
    completes_once_kept(&paper, &mut handle).await;
    let told = events.lock().unwrap();
    let seqs: Vec<_> = told.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    // In the journal each starts before it ends, as if it had waited.
    let of_attempts: Vec<_> = told
        .iter()
        .filter_map(|event| match &event.event {
            RunEventKind::AttemptStarted { key, .. } => Some(format!("start {key}")),
            RunEventKind::AttemptEnded { key, .. } => Some(format!("end {key}")),
            _ => None,
        })
        .collect();
    let expected =
        ["first", "second", "third"].map(|task| [format!("start {task}"), format!("end {task}")]);
    assert_eq!(of_attempts, expected.concat());
}

#[tokio::test(start_paused = true)]
async fn what_others_can_see_waits_for_what_sealed_attempts_led_to() {
    let (asked, paper) = (Arc::default(), Arc::<Paper>::default());
    let seen = Arc::clone(&asked);
    let runner = noting(&asked)
        .seal("dev")
        .agent("ops", "operator", move |task| {
            seen.lock().unwrap().push(format!("outside {}", task.key));
            second(done(json!(0)))
        });
    let workflow = "version: 1
name: mixed
tasks:
  first: { role: developer, input: 1 }
  writes: { role: operator, needs: [first], input: 2 }
  last: { role: developer, needs: [writes], input: 3 }
";
    let plan = plan(workflow, &Files(&[]));
    let mut spec = spec_of(plan, json!({}), &Events::default());
    spec.journal = Some(paper.clone());
    let mut handle = host(runner).run(spec).await.unwrap();
    settle().await;
    tokio::time::advance(Duration::from_secs(2)).await;
    settle().await;
    assert_eq!(*asked.lock().unwrap(), ["first 1 1"]);
    assert!(paper.keep());
    settle().await;
    assert_eq!(*asked.lock().unwrap(), ["first 1 1", "outside writes"]);
    tokio::time::advance(Duration::from_secs(2)).await;
    settle().await;
    assert_eq!(asked.lock().unwrap().len(), 3, "the last is sealed");
    tokio::time::advance(Duration::from_secs(2)).await;
    settle().await;
    completes_once_kept(&paper, &mut handle).await;
}

/// Another run may find what is kept for others, and say from which run it is.
#[tokio::test(start_paused = true)]
async fn a_sealed_attempt_whose_result_others_may_find_waits() {
    let (asked, paper) = (Arc::default(), Arc::<Paper>::default());
    let workflow = "version: 1\nname: w\ntasks:\n  a: { role: developer, cache: true, input: 1 }\n";
    let mut spec = spec_of(plan(workflow, &Files(&[])), json!({}), &Events::default());
    spec.journal = Some(paper.clone());
    let mut handle = host(noting(&asked).seal("dev")).run(spec).await.unwrap();
    settle().await;
    assert!(asked.lock().unwrap().is_empty());
    assert!(paper.keep());
    settle().await;
    assert_eq!(*asked.lock().unwrap(), ["a 1 1"]);
    tokio::time::advance(Duration::from_secs(2)).await;
    settle().await;
    completes_once_kept(&paper, &mut handle).await;
}

const OUTER: &str = "version: 1
name: outer
tasks:
  inside: { workflow: inner.yaml }
  last: { role: developer, needs: [inside], input: 3 }
";

const INNER: &str = "version: 1
name: inner
tasks:
  first: { role: developer, input: 1 }
  second: { role: developer, needs: [first], input: 2 }
";

#[tokio::test(start_paused = true)]
async fn sealed_attempts_of_a_run_inside_go_ahead_too() {
    let (asked, events, paper) = (Arc::default(), Events::default(), Arc::<Paper>::default());
    let plan = plan(OUTER, &Files(&[("inner.yaml", INNER)]));
    let mut spec = spec_of(plan, json!({}), &events);
    spec.journal = Some(paper.clone());
    let mut handle = host(noting(&asked).seal("dev")).run(spec).await.unwrap();
    for _ in 0..3 {
        settle().await;
        tokio::time::advance(Duration::from_secs(2)).await;
    }
    settle().await;
    assert_eq!(asked.lock().unwrap().len(), 3);
    assert!(events.lock().unwrap().is_empty(), "nobody was told");
    completes_once_kept(&paper, &mut handle).await;
}

/// What is not kept has a bound, whatever the disk does.
#[tokio::test(start_paused = true)]
async fn sealed_attempts_go_so_far_ahead_and_no_further() {
    const MOST_AHEAD: usize = 1_024;
    let (asked, paper) = (Arc::default(), Arc::<Paper>::default());
    let workflow = "version: 1
name: wide
tasks:
  each: { role: developer, for_each: range(2000), input: 1 }
";
    let plan = plan(workflow, &Files(&[]));
    let mut spec = spec_of(plan, json!({}), &Events::default());
    spec.journal = Some(paper.clone());
    let mut handle = host(noting(&asked).seal("dev")).run(spec).await.unwrap();
    let play = async || {
        for _ in 0..1_000 {
            settle().await;
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    };
    play().await;
    let given = paper.given.lock().unwrap().len();
    // Four attempts at a time, each with an end and another start.
    let still = MOST_AHEAD..=MOST_AHEAD + 8;
    assert!(still.contains(&given), "{given} entries wait");
    let before = asked.lock().unwrap().len();
    assert!(paper.keep());
    play().await;
    assert!(asked.lock().unwrap().len() > before, "it goes on");
    loop {
        tokio::select! {
            outcome = handle.outcome() => {
                assert_eq!(outcome.unwrap().status, RunStatus::Completed);
                break;
            }
            () = play() => drop(paper.keep()),
        }
    }
    assert_eq!(asked.lock().unwrap().len(), 2_000);
}

#[tokio::test(start_paused = true)]
async fn while_the_journal_is_stuck_no_sealed_attempt_begins() {
    let (asked, paper) = (Arc::default(), Arc::<Paper>::default());
    let mut spec = spec_of(chain(), json!({}), &Events::default());
    spec.journal = Some(paper.clone());
    let host = host(noting(&asked).seal("dev"));
    let mut handle = host.run(spec).await.unwrap();
    settle().await;
    paper.listener().unwrap().stuck("the disk is full");
    settle().await;
    tokio::time::advance(Duration::from_secs(2)).await;
    settle().await;
    assert_eq!(*asked.lock().unwrap(), ["first 1 1"]);
    paper.listener().unwrap().unstuck();
    assert!(paper.keep());
    for _ in 0..3 {
        settle().await;
        tokio::time::advance(Duration::from_secs(2)).await;
    }
    settle().await;
    completes_once_kept(&paper, &mut handle).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_goes_on_from_each_of_its_entries() {
    for sealed in [false, true] {
        go_on_from_each_entry(|asked| match sealed {
            true => noting(asked).seal("dev"),
            false => noting(asked),
        })
        .await;
    }
}

async fn go_on_from_each_entry(agents: impl Fn(&Arc<Mutex<Vec<String>>>) -> Scripted) {
    let paper = Paper::prompt();
    let asked = Arc::default();
    let mut spec = spec_of(chain(), json!({}), &Events::default());
    spec.journal = Some(paper.clone());
    let mut handle = host(agents(&asked)).run(spec).await.unwrap();
    let undisturbed = handle.outcome().await.unwrap();
    let count = paper.kept.lock().unwrap().len();
    // Before the end of the last entry: with it the run has ended.
    for cut in 0..count {
        let (asked, events) = (Arc::default(), Events::default());
        let replay = paper.replayed(&chain(), cut);
        let ended: Vec<_> = paper.kept.lock().unwrap()[..cut]
            .iter()
            .flat_map(|entry| entry.events.clone())
            .filter_map(|event| match event {
                RunEventKind::AttemptEnded { key, .. } => Some(format!("{key} 1 1")),
                _ => None,
            })
            .collect();
        let (next, watch) = (replay.next_event(), Arc::clone(&events));
        let host = host(agents(&asked));
        let mut handle = host
            .resume(ResumeSpec {
                run: replay,
                retry: None,
                artifacts: Arc::new(MemoryArtifacts::default()),
                results: None,
                observer: Box::new(move |event: &RunEvent| {
                    watch.lock().unwrap().push(event.clone());
                }),
                journal: Paper::prompt(),
            })
            .await
            .unwrap();
        let outcome = handle.outcome().await.unwrap();
        assert_eq!(outcome.status, RunStatus::Completed, "cut at {cut}");
        assert_eq!(outcome.output, undisturbed.output, "cut at {cut}");
        let asked = asked.lock().unwrap();
        assert!(ended.iter().all(|done| !asked.contains(done)), "{asked:?}");
        assert_eq!(ended.len() + asked.len(), 3, "cut at {cut}: {asked:?}");
        assert_eq!(events.lock().unwrap()[0].seq, next, "the numbers go on");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_has_ended_is_retried_from_a_task() {
    let paper = Paper::prompt();
    let mut spec = spec_of(chain(), json!({}), &Events::default());
    spec.journal = Some(paper.clone());
    let mut handle = host(noting(&Arc::default())).run(spec).await.unwrap();
    handle.outcome().await.unwrap();
    let replay = paper.replayed(&chain(), usize::MAX);
    let asked = Arc::default();
    let from = replay.run().plan().indices().nth(1).unwrap();
    let mut handle = host(noting(&asked))
        .resume(ResumeSpec {
            run: replay,
            retry: Some(vec![from]),
            artifacts: Arc::new(MemoryArtifacts::default()),
            results: None,
            observer: Box::new(|_: &RunEvent| {}),
            journal: Paper::prompt(),
        })
        .await
        .unwrap();
    assert_eq!(handle.outcome().await.unwrap().status, RunStatus::Completed);
    assert_eq!(*asked.lock().unwrap(), ["second 2 1", "third 2 1"]);
}

/// Notes what is said of the journal.
struct Listening(Arc<Mutex<Vec<Option<String>>>>);

impl RunObserver for Listening {
    fn event(&mut self, _: &RunEvent) {}
    fn paused(&mut self, why: Option<&str>) {
        self.0.lock().unwrap().push(why.map(str::to_owned));
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_journal_is_stuck_the_run_waits_and_time_does_not_count() {
    let (paper, said) = (Arc::<Paper>::default(), Arc::default());
    let workflow =
        "version: 1\nname: w\ndeadline: 10s\ntasks:\n  a: { role: developer, input: 1 }\n";
    let mut spec = spec_of(plan(workflow, &Files(&[])), json!({}), &Events::default());
    spec.journal = Some(paper.clone());
    spec.observer = Box::new(Listening(Arc::clone(&said)));
    let asked = Arc::default();
    let mut handle = host(noting(&asked)).run(spec).await.unwrap();
    settle().await;
    paper.listener().unwrap().stuck("the disk is full");
    settle().await;
    tokio::time::advance(Duration::from_secs(3_600)).await;
    settle().await;
    assert!(asked.lock().unwrap().is_empty());
    paper.listener().unwrap().unstuck();
    settle().await;
    for _ in 0..3 {
        paper.keep();
        settle().await;
        tokio::time::advance(Duration::from_secs(2)).await;
        settle().await;
    }
    let outcome = handle.outcome().await.unwrap();
    assert_eq!(outcome.status, RunStatus::Completed, "{outcome:?}");
    assert_eq!(
        *said.lock().unwrap(),
        [Some("the disk is full".to_owned()), None]
    );
}

#[tokio::test(start_paused = true)]
async fn a_decision_is_taken_when_it_is_kept() {
    let paper = Arc::<Paper>::default();
    let workflow = "version: 1\nname: w\ntasks:\n  a: { approve: 'Go on?' }\n";
    let mut spec = spec_of(plan(workflow, &Files(&[])), json!({}), &Events::default());
    spec.journal = Some(paper.clone());
    let mut handle = host(Scripted::default()).run(spec).await.unwrap();
    settle().await;
    paper.keep();
    let control = handle.control();
    let decision = Decision::of("ada", true, None);
    let deciding =
        tokio::spawn(async move { control.decide("a".parse().unwrap(), decision).await });
    settle().await;
    assert!(!deciding.is_finished(), "it could still be lost");
    assert!(paper.keep());
    deciding.await.unwrap().unwrap();
    assert_eq!(handle.outcome().await.unwrap().status, RunStatus::Completed);
    let kept = paper.kept.lock().unwrap();
    let last = kept.last().unwrap().events.last();
    assert!(matches!(last, Some(RunEventKind::RunEnded { .. })));
}
