//! A task through the whole engine: a wide map and a long chain, in memory and
//! kept in a journal, against the bare loop and the least that keeps as much.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;

use ringfence::engine::{Clock, Host, HostConfig, RunOutcome, RunSpec};
use ringfence_flow::{Budgets, NoFiles, Plan, RunStatus, WorkflowBundle, WorkflowFile};
use ringfence_journal::{JournalFile, RunHeader};
use ringfence_sandbox::Sandbox;
use rusqlite::{Connection, params};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::bare::{Bare, on_threads};
use crate::result::{Aim, Row, Unit, cores};
use crate::rig::{INPUT, MOUNT, ROOM, guest, runtime, sandbox};
use crate::stats::{Comparison, Spread, compare, time};

const AGENT: &str = "echo";
const ITEMS: u32 = 100_000;
/// The steps of a chain.
pub(crate) const STEPS: u32 = 1_000;
const ROUNDS: usize = 3;
const CHAIN_ROUNDS: usize = 7;

/// `max_attempts` of a host for many short attempts.
const MANY_AT_ONCE: u32 = 1_024;

/// Its room for sandboxes.
pub(crate) const MUCH_ROOM: u32 = MANY_AT_ONCE + RESERVE;

/// That of a host which nobody has configured, with its reserve for emergencies.
pub(crate) const USUAL_AT_ONCE: u32 = ROOM - RESERVE;
const RESERVE: u32 = 4;

pub(crate) fn measure() -> Vec<Row> {
    let all = runtime(cores());
    let bare = Bare::new(&guest(AGENT), ROOM);
    let mut rows = Vec::new();
    for at_once in [MANY_AT_ONCE, USUAL_AT_ONCE] {
        let sandbox = sandbox(&all, AGENT, at_once + RESERVE);
        let stage = Stage::new(&all, &sandbox, at_once);
        rows.extend(measure_map(stage, &bare));
    }
    let sandbox = sandbox(&all, AGENT, ROOM);
    let stage = Stage::new(&all, &sandbox, USUAL_AT_ONCE);
    rows.extend(measure_chain(stage, &bare));
    rows
}

/// A map of many items, so many at a time.
fn measure_map(stage: Stage<'_>, bare: &Bare) -> Vec<Row> {
    let wide = Workflow::new(&wide(ITEMS));
    let at_once = stage.at_once;
    let aim = |row: Row, aim| match at_once {
        MANY_AT_ONCE => row.aims(aim),
        _ => row,
    };
    let in_memory = compare(
        ROUNDS,
        ITEMS,
        || stage.run(&wide),
        || on_threads(bare, cores(), ITEMS / cores() as u32, INPUT),
    );
    let (durable, size) = compare_durable(
        (ROUNDS, ITEMS),
        |journal| stage.kept_in(Some(journal)).run(&wide),
        |ledger, size| bare_beside_sqlite(bare, ledger, size),
    );
    let tasks_a_second = Spread::of([1.0 / durable.ours.median]);
    vec![
        aim(
            Row::against(
                &format!("a task of 100,000, {at_once} at a time, in memory"),
                "a bare wasmtime loop on all cores",
                in_memory,
            ),
            Aim::AtMost(1.5),
        ),
        aim(
            Row::against(
                &format!("a task of 100,000, {at_once} at a time, durable"),
                "the bare loop, and SQLite that commits as many bytes in groups",
                durable,
            ),
            Aim::AtMost(1.3),
        ),
        aim(
            Row::value("durable tasks a second", Unit::PerSecond, tasks_a_second),
            Aim::AtLeast(15_000.0),
        ),
        Row::value(
            "what the journal holds of such a task",
            Unit::Bytes,
            Spread::of([size.task]),
        ),
    ]
}

fn measure_chain(stage: Stage<'_>, bare: &Bare) -> Vec<Row> {
    let sealed = Workflow::new(&chain(None));
    let writes = Workflow::new(&chain(Some(MOUNT)));
    let in_memory = compare(
        CHAIN_ROUNDS,
        STEPS,
        || stage.run(&sealed),
        || on_threads(bare, 1, STEPS, INPUT),
    );
    let durable = |chain: &Workflow| {
        let ours = |journal: &JournalFile| stage.kept_in(Some(journal)).run(chain);
        let other = |ledger: &mut Ledger, size| bare_then_commit(bare, ledger, size);
        compare_durable((CHAIN_ROUNDS, STEPS), ours, other).0
    };
    let other = "the bare call, and a synced commit of as many bytes";
    vec![
        Row::against(
            "a step of a chain of 1,000, in memory",
            "a bare wasmtime loop on one thread",
            in_memory,
        ),
        Row::against(
            "a step of a chain of 1,000, durable",
            other,
            durable(&sealed),
        )
        .aims(Aim::AtMost(1.3)),
        Row::against(
            "a step of a chain of 1,000 that may write files, durable",
            other,
            durable(&writes),
        )
        .aims(Aim::AtMost(1.3)),
    ]
}

/// What a task of a workflow of [`STEPS`] takes, in seconds.
pub(crate) fn alone(text: &str, durable: bool) -> Spread {
    let all = runtime(cores());
    let sandbox = sandbox(&all, AGENT, MUCH_ROOM);
    let workflow = Workflow::new(text);
    let folder = on_disk();
    let journal = durable.then(|| JournalFile::open(&folder.path().join("journal.db")).unwrap());
    let stage = Stage::new(&all, &sandbox, MANY_AT_ONCE).kept_in(journal.as_ref());
    let once = || time(&mut || stage.run(&workflow)).as_secs_f64() / f64::from(STEPS);
    once();
    Spread::of((0..CHAIN_ROUNDS).map(|_| once()))
}

/// A folder on the disk of the project: what lies in memory needs no sync.
pub(crate) fn on_disk() -> TempDir {
    tempfile::tempdir_in(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target")).unwrap()
}

/// Runs so many tasks side by side. With room for few at a time: a tool that counts
/// has less address space.
pub(crate) fn take(tasks: u32, room: u32, kept: bool) {
    let all = runtime(cores());
    let sandbox = sandbox(&all, AGENT, room);
    let at_once = room.saturating_sub(RESERVE).max(USUAL_AT_ONCE);
    take_on(Stage::new(&all, &sandbox, at_once), &wide(tasks), 1, kept);
}

/// Takes the steps of a chain so many times.
pub(crate) fn take_chain(times: u32, kept: bool) {
    let all = runtime(cores());
    let sandbox = sandbox(&all, AGENT, 2);
    let stage = Stage::new(&all, &sandbox, USUAL_AT_ONCE);
    take_on(stage, &chain(None), times, kept);
}

fn take_on(stage: Stage<'_>, text: &str, times: u32, kept: bool) {
    let (workflow, folder) = (Workflow::new(text), on_disk());
    let journal = kept.then(|| JournalFile::open(&folder.path().join("journal.db")).unwrap());
    let stage = stage.kept_in(journal.as_ref());
    for _ in 0..times {
        stage.run(&workflow);
    }
}

/// One task that runs for each of many items.
pub(crate) fn wide(items: u32) -> String {
    format!(
        "version: 1\nname: wide\nconcurrency: {MANY_AT_ONCE}\ntasks:\n  each: {{ role: echo, for_each: 'range({items})' }}\n"
    )
}

/// Tasks of which each needs the one before. With a mount that they may write each
/// waits until the one before is kept.
pub(crate) fn chain(mount: Option<&str>) -> String {
    let mounts = mount.map_or(String::new(), |mount| format!(", mounts: [{mount}]"));
    let step = format!("role: echo, input: 7{mounts}");
    let mut text = format!("version: 1\nname: chain\ntasks:\n  t0: {{ {step} }}\n");
    for number in 1..STEPS {
        let before = number - 1;
        writeln!(text, "  t{number}: {{ {step}, needs: [t{before}] }}").unwrap();
    }
    text
}

/// A workflow that was read.
pub(crate) struct Workflow {
    bundle: WorkflowBundle,
    plan: Arc<Plan>,
}

impl Workflow {
    pub(crate) fn new(text: &str) -> Self {
        let (file, bundle): (WorkflowFile, _) =
            WorkflowBundle::read("bench.yaml", text, &NoFiles).unwrap();
        Self {
            bundle,
            plan: Arc::new(file.into_plan()),
        }
    }
}

/// What workflows run on.
#[derive(Clone, Copy)]
pub(crate) struct Stage<'a> {
    runtime: &'a Runtime,
    sandbox: &'a Arc<Sandbox>,
    /// How many attempts at a time.
    at_once: u32,
    /// Where it is kept what happens, if it is.
    journal: Option<&'a JournalFile>,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(runtime: &'a Runtime, sandbox: &'a Arc<Sandbox>, at_once: u32) -> Self {
        Self {
            runtime,
            sandbox,
            at_once,
            journal: None,
        }
    }

    pub(crate) fn kept_in(self, journal: Option<&'a JournalFile>) -> Self {
        Self { journal, ..self }
    }

    /// Runs a workflow until it completes.
    fn run(self, workflow: &Workflow) {
        let outcome = self.outcome(workflow);
        assert_eq!(
            outcome.status,
            RunStatus::Completed,
            "{:?}",
            outcome.failure
        );
    }

    /// Runs a workflow to its end, with the defaults of its inputs.
    pub(crate) fn outcome(self, workflow: &Workflow) -> RunOutcome {
        self.runtime.block_on(async {
            let config = HostConfig {
                capacity: self.at_once,
                ..HostConfig::default()
            };
            let host = Host::start(Arc::clone(self.sandbox) as Arc<_>, config, Clock::system());
            let inputs = workflow.plan.workflow().bind_inputs(BTreeMap::new());
            let inputs = inputs.unwrap();
            let mut spec = RunSpec::new(Arc::clone(&workflow.plan), inputs, host.clock());
            if let Some(journal) = self.journal {
                let header = RunHeader {
                    created: host.clock().now(),
                    name: workflow.plan.workflow().name.clone(),
                    workflow: workflow.bundle.clone(),
                    inputs: spec.inputs.clone(),
                    seed: spec.seed,
                    budgets: Budgets::default(),
                    ceiling: Budgets::default(),
                    agents: BTreeMap::new(),
                    context: BTreeMap::new(),
                };
                spec.journal = Some(journal.create(&spec.id, &header).unwrap());
                spec.artifacts = journal.artifacts();
            }
            host.run(spec).await.unwrap().outcome().await.unwrap()
        })
    }
}

/// What a journal keeps.
#[derive(Clone, Copy)]
struct Size {
    /// Of one task, in bytes.
    task: f64,
    /// In a row, in bytes.
    row: usize,
}

impl Size {
    /// What `run` keeps in a journal, by tasks.
    fn by(journal: &JournalFile, path: &Path, run: impl FnOnce(&JournalFile), tasks: u32) -> Self {
        run(journal);
        let db = Connection::open(path).unwrap();
        let (rows, bytes): (f64, f64) = db
            .query_row(
                "SELECT count(*), total(length(body)) FROM entry",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap();
        Self {
            task: bytes / f64::from(tasks),
            row: (bytes / rows).ceil() as usize,
        }
    }
}

/// Compares `ours` with `other`, which keeps as much. Each has a file that was
/// written before, as that of a host that is up.
fn compare_durable(
    (rounds, pieces): (usize, u32),
    ours: impl Fn(&JournalFile),
    other: impl Fn(&mut Ledger, Size),
) -> (Comparison, Size) {
    let folder = on_disk();
    let path = folder.path().join("journal.db");
    let journal = JournalFile::open(&path).unwrap();
    let size = Size::by(&journal, &path, &ours, pieces);
    let mut ledger = Ledger::open(&folder.path().join("ledger.db"));
    let other = || other(&mut ledger, size);
    (compare(rounds, pieces, || ours(&journal), other), size)
}

/// The least that keeps what it is given.
struct Ledger {
    db: Connection,
    place: i64,
}

impl Ledger {
    /// A file with the settings of the journal.
    fn open(path: &Path) -> Self {
        let db = Connection::open(path).unwrap();
        db.pragma_update(None, "journal_mode", "WAL").unwrap();
        db.pragma_update(None, "synchronous", "FULL").unwrap();
        db.execute_batch("CREATE TABLE entry (place INTEGER PRIMARY KEY, body BLOB) STRICT;")
            .unwrap();
        Self { db, place: 0 }
    }

    /// Keeps `tasks` tasks in one commit.
    fn commit(&mut self, tasks: usize, size: Size) {
        let body = vec![b'x'; size.row];
        let mut left = (tasks as f64 * size.task).ceil() as usize;
        let transaction = self.db.transaction().unwrap();
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO entry (place, body) VALUES (?, ?)")
                .unwrap();
            while left > 0 {
                self.place += 1;
                let row = &body[..left.min(size.row)];
                insert.execute(params![self.place, row]).unwrap();
                left -= row.len();
            }
        }
        transaction.commit().unwrap();
    }
}

/// The bare loop on all cores, and a thread that commits whatever is there.
fn bare_beside_sqlite(bare: &Bare, ledger: &mut Ledger, size: Size) {
    let (sender, done) = mpsc::channel::<String>();
    std::thread::scope(|scope| {
        for _ in 0..cores() {
            let sender = sender.clone();
            scope.spawn(move || {
                for _ in 0..ITEMS / cores() as u32 {
                    sender.send(bare.call(INPUT)).unwrap();
                }
            });
        }
        drop(sender);
        scope.spawn(move || {
            while done.recv().is_ok() {
                let tasks = 1 + done.try_iter().count();
                ledger.commit(tasks, size);
            }
        });
    });
}

/// A call, a commit, the next call.
fn bare_then_commit(bare: &Bare, ledger: &mut Ledger, size: Size) {
    for _ in 0..STEPS {
        bare.call(INPUT);
        ledger.commit(1, size);
    }
}
