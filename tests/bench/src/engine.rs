//! A task through the whole engine: a wide map and a long chain, in memory and
//! kept in a journal, against the bare loop and the least that keeps as much.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
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
use crate::rig::{INPUT, ROOM, guest, runtime, sandbox};
use crate::stats::{Comparison, Spread, compare, time};

const AGENT: &str = "echo";
const ITEMS: u32 = 100_000;
/// The steps of a chain.
pub(crate) const STEPS: u32 = 1_000;
const ROUNDS: usize = 3;
const CHAIN_ROUNDS: usize = 7;

pub(crate) fn measure() -> Vec<Row> {
    let all = runtime(cores());
    let sandbox = sandbox(&all, AGENT, ROOM);
    let bare = Bare::new(&guest(AGENT), ROOM);
    let wide = Workflow::new(&wide(ITEMS));
    let chain = Workflow::new(&chain());
    let folder = on_disk();
    let run = |workflow: &Workflow, kept: Option<&Path>| run(&all, &sandbox, workflow, kept);

    let in_memory = compare(
        ROUNDS,
        ITEMS,
        || run(&wide, None),
        || on_threads(&bare, cores(), ITEMS / cores() as u32, INPUT),
    );
    let mut rows = vec![
        Row::against(
            "a task of 100,000 side by side, in memory",
            "a bare wasmtime loop on all cores",
            in_memory,
        )
        .aims(Aim::AtMost(1.5)),
    ];

    let durable = compare_durable(
        folder.path(),
        (ROUNDS, ITEMS),
        |path| run(&wide, Some(path)),
        |path, size| bare_beside_sqlite(&bare, path, size),
    );
    let tasks_a_second = Spread::of([1.0 / durable.ours.median]);
    rows.push(
        Row::against(
            "a task of 100,000 side by side, durable",
            "the bare loop, and SQLite that commits as many bytes in groups",
            durable,
        )
        .aims(Aim::AtMost(1.3)),
    );
    rows.push(
        Row::value("durable tasks a second", Unit::PerSecond, tasks_a_second)
            .aims(Aim::AtLeast(15_000.0)),
    );

    let in_memory = compare(
        CHAIN_ROUNDS,
        STEPS,
        || run(&chain, None),
        || on_threads(&bare, 1, STEPS, INPUT),
    );
    rows.push(Row::against(
        "a step of a chain of 1,000, in memory",
        "a bare wasmtime loop on one thread",
        in_memory,
    ));
    let durable = compare_durable(
        folder.path(),
        (CHAIN_ROUNDS, STEPS),
        |path| run(&chain, Some(path)),
        |path, size| bare_then_commit(&bare, path, size),
    );
    rows.push(
        Row::against(
            "a step of a chain of 1,000, durable",
            "the bare call, and a synced commit of as many bytes",
            durable,
        )
        .aims(Aim::AtMost(1.3)),
    );
    rows
}

/// What a task of a workflow of [`STEPS`] takes, in seconds.
pub(crate) fn alone(text: &str, durable: bool) -> Spread {
    let all = runtime(cores());
    let sandbox = sandbox(&all, AGENT, ROOM);
    let workflow = Workflow::new(text);
    let folder = on_disk();
    let once = |round: usize| {
        let path = folder.path().join(format!("{round}.db"));
        let kept = durable.then_some(path.as_path());
        time(&mut || run(&all, &sandbox, &workflow, kept)).as_secs_f64() / f64::from(STEPS)
    };
    once(0);
    Spread::of((1..=CHAIN_ROUNDS).map(once))
}

/// A folder on the disk of the project: what lies in memory needs no sync.
pub(crate) fn on_disk() -> TempDir {
    tempfile::tempdir_in(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target")).unwrap()
}

/// Runs so many tasks side by side, in memory. With room for few at a time: a tool
/// that counts has less address space.
pub(crate) fn take(tasks: u32, room: u32) {
    let all = runtime(cores());
    let sandbox = sandbox(&all, AGENT, room);
    run(&all, &sandbox, &Workflow::new(&wide(tasks)), None);
}

/// Takes the steps of a chain so many times, kept in a journal.
pub(crate) fn take_durable_chain(times: u32) {
    let all = runtime(cores());
    let (sandbox, chain) = (sandbox(&all, AGENT, 2), Workflow::new(&chain()));
    let folder = on_disk();
    for time in 0..times {
        let path = folder.path().join(format!("{time}.db"));
        run(&all, &sandbox, &chain, Some(&path));
    }
}

/// One task that runs for each of many items.
pub(crate) fn wide(items: u32) -> String {
    format!(
        "version: 1\nname: wide\nconcurrency: 64\ntasks:\n  each: {{ role: echo, for_each: 'range({items})' }}\n"
    )
}

/// Tasks of which each needs the one before.
pub(crate) fn chain() -> String {
    let mut text = "version: 1\nname: chain\ntasks:\n  t0: { role: echo, input: 7 }\n".to_owned();
    for step in 1..STEPS {
        let before = step - 1;
        writeln!(
            text,
            "  t{step}: {{ role: echo, input: 7, needs: [t{before}] }}"
        )
        .unwrap();
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

/// Runs a workflow until it completes, kept in a journal if there is a path for it.
fn run(runtime: &Runtime, sandbox: &Arc<Sandbox>, workflow: &Workflow, kept: Option<&Path>) {
    let outcome = outcome(runtime, sandbox, workflow, kept);
    assert_eq!(
        outcome.status,
        RunStatus::Completed,
        "{:?}",
        outcome.failure
    );
}

/// Runs a workflow to its end, with the defaults of its inputs.
pub(crate) fn outcome(
    runtime: &Runtime,
    sandbox: &Arc<Sandbox>,
    workflow: &Workflow,
    kept: Option<&Path>,
) -> RunOutcome {
    runtime.block_on(async {
        let host = Host::start(
            Arc::clone(sandbox) as Arc<_>,
            HostConfig::default(),
            Clock::system(),
        );
        let inputs = workflow.plan.workflow().bind_inputs(BTreeMap::new());
        let inputs = inputs.unwrap();
        let mut spec = RunSpec::new(Arc::clone(&workflow.plan), inputs, host.clock());
        if let Some(path) = kept {
            let journal = JournalFile::open(path).unwrap();
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

/// What a journal keeps of one task.
#[derive(Clone, Copy)]
struct Size {
    rows: u32,
    bytes: usize,
}

impl Size {
    /// What `run` keeps in the file at `path`, by tasks.
    fn by(path: &Path, run: impl FnOnce(&Path), tasks: u32) -> Self {
        run(path);
        let db = Connection::open(path).unwrap();
        let (rows, bytes): (u32, i64) = db
            .query_row("SELECT count(*), sum(length(body)) FROM entry", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        Self {
            rows: rows.div_ceil(tasks),
            bytes: bytes as usize / rows as usize,
        }
    }
}

/// Compares `ours` with `other`, which keeps as much, each in a file of its own
/// each time.
fn compare_durable(
    folder: &Path,
    (rounds, pieces): (usize, u32),
    ours: impl Fn(&Path),
    other: impl Fn(&Path, Size),
) -> Comparison {
    let next = AtomicU32::new(0);
    let fresh = || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let folder = folder.join(format!("{pieces}-{number}"));
        std::fs::create_dir(&folder).unwrap();
        folder.join("journal.db")
    };
    let size = Size::by(&fresh(), &ours, pieces);
    compare(rounds, pieces, || ours(&fresh()), || other(&fresh(), size))
}

/// A file with the settings of the journal.
fn open(path: &Path) -> Connection {
    let db = Connection::open(path).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    db.pragma_update(None, "synchronous", "FULL").unwrap();
    db.execute_batch("CREATE TABLE entry (place INTEGER PRIMARY KEY, body BLOB) STRICT;")
        .unwrap();
    db
}

/// Keeps `tasks` tasks in one commit.
fn commit(db: &mut Connection, place: &mut i64, tasks: usize, size: Size) {
    let body = vec![b'x'; size.bytes];
    let transaction = db.transaction().unwrap();
    {
        let mut insert = transaction
            .prepare_cached("INSERT INTO entry (place, body) VALUES (?, ?)")
            .unwrap();
        for _ in 0..tasks * size.rows as usize {
            *place += 1;
            insert.execute(params![*place, body]).unwrap();
        }
    }
    transaction.commit().unwrap();
}

/// The bare loop on all cores, and a thread that commits whatever is there.
fn bare_beside_sqlite(bare: &Bare, path: &Path, size: Size) {
    let (sender, done) = mpsc::channel::<String>();
    let mut db = open(path);
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
            let mut place = 0;
            while done.recv().is_ok() {
                let tasks = 1 + done.try_iter().count();
                commit(&mut db, &mut place, tasks, size);
            }
        });
    });
}

/// A call, a commit, the next call.
fn bare_then_commit(bare: &Bare, path: &Path, size: Size) {
    let (mut db, mut place) = (open(path), 0);
    for _ in 0..STEPS {
        bare.call(INPUT);
        commit(&mut db, &mut place, 1, size);
    }
}
