//! The review of a large source tree: `workflows/review.yaml` with the standard
//! agents in sandboxes, kept in a journal, against their own code on one thread.

use std::cell::Cell;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use ringfence::engine::RunOutcome;
use ringfence_flow::{
    AgentName, FailureCode, MountAccess, MountGrant, MountName, RunStatus, TaskId,
};
use ringfence_journal::JournalFile;
use ringfence_sandbox::{AgentConfig, Sandbox, SandboxConfig};
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::engine::{Stage, USUAL_AT_ONCE, Workflow, on_disk};
use crate::result::{Aim, Row, cores};
use crate::rig::runtime;
use crate::stats::{Comparison, compare};
use crate::tree::Tree;

const ROUNDS: usize = 3;
const MOUNT: &str = "src";
const SIDES: [&str; 3] = ["security", "performance", "quality"];
const AGENTS: [&str; 6] = [
    "architect",
    "security",
    "performance",
    "reviewer",
    "developer",
    "tester",
];

/// What a review came to.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Reviewed {
    /// The findings of the three sides together.
    findings: usize,
    /// How many of them the patch mends.
    mended: usize,
}

pub(crate) fn measure(native: &Path) -> Vec<Row> {
    let native = std::path::absolute(native).unwrap();
    assert!(native.is_file(), "{} is not built", native.display());
    let tree = Tree::of_dependencies();
    let runtime = runtime(cores());
    let sandbox = sandbox(&runtime, tree.path());
    let workflow = Workflow::new(include_str!("../../../workflows/review.yaml"));
    let folder = on_disk();
    let (next, journals) = (Cell::new(0), folder.path());
    let ours = || {
        next.set(next.get() + 1);
        let journal = journals.join(format!("{}.db", next.get()));
        let journal = JournalFile::open(&journal).unwrap();
        let stage = Stage::new(&runtime, &sandbox, USUAL_AT_ONCE).kept_in(Some(&journal));
        reviewed(&stage.outcome(&workflow))
    };
    assert_eq!(ours(), natively(&native, tree.path()), "they find the same");
    let what = format!("the review of {} lines in {} files", tree.lines, tree.files);
    let (mut ours_on_cores, mut native_on_core) = (Vec::new(), Vec::new());
    let on_the_clock = compare(
        ROUNDS,
        1,
        || ours_on_cores.push(Processor::Own.time(ours)),
        || {
            let natively = || natively(&native, tree.path());
            native_on_core.push(Processor::Children.time(natively));
        },
    );
    // The first of each was to warm up.
    let pairs = ours_on_cores.into_iter().zip(native_on_core).skip(1);
    let on_cores = Comparison::of(&pairs.collect::<Vec<_>>());
    vec![
        Row::against(&what, NATIVE, on_the_clock).aims(Aim::AtMost(1.0)),
        Row::against("the same, in time on the cores", NATIVE, on_cores).aims(Aim::AtMost(2.5)),
    ]
}

const NATIVE: &str = "one thread that runs the agents' code natively";

/// The standard agents, each of which may see the tree.
fn sandbox(runtime: &Runtime, tree: &Path) -> Arc<Sandbox> {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins");
    assert!(plugins.is_dir(), "run `cargo xtask build-guests` first");
    let src = MountName::new(MOUNT).unwrap();
    let grant = || AgentConfig {
        mounts: vec![MountGrant {
            name: src.clone(),
            access: MountAccess::ReadOnly,
        }],
        ..AgentConfig::default()
    };
    let agents = AGENTS.map(|name| (AgentName::new(name).unwrap(), grant()));
    let config = SandboxConfig {
        plugins: vec![plugins],
        mounts: [(src.clone(), tree.to_owned())].into(),
        agents: agents.into(),
        ..SandboxConfig::default()
    };
    let loading = runtime.block_on(Sandbox::load(config, &())).unwrap();
    assert!(loading.refused.is_empty(), "{:?}", loading.refused);
    Arc::new(loading.sandbox)
}

/// What a run of the review came to. That the gate rejects it is an answer, too.
fn reviewed(outcome: &RunOutcome) -> Reviewed {
    let rejected = |code| code == FailureCode::GateRejected;
    assert!(
        outcome.status == RunStatus::Completed
            || outcome
                .failure
                .as_ref()
                .is_some_and(|failure| rejected(failure.code)),
        "{:?}",
        outcome.failure
    );
    let output = |task: &str| {
        let (_, output) = outcome.results.get(&TaskId::new(task).unwrap()).unwrap();
        output
    };
    let fix: Value = serde_json::from_str(output("fix").value.as_str()).unwrap();
    Reviewed {
        findings: SIDES.iter().map(|side| output(side).findings.len()).sum(),
        mended: fix["applied"].as_array().map_or(0, Vec::len),
    }
}

/// The same by the agents' own code, in a process of its own: how the plugins are
/// built is how this is.
fn natively(program: &Path, tree: &Path) -> Reviewed {
    let output = Command::new(program).arg(tree).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whose time on the cores is meant.
#[derive(Clone, Copy)]
enum Processor {
    /// That of all threads of this process.
    Own,
    /// That of the processes that it has started and waited for.
    Children,
}

impl Processor {
    /// The seconds on the cores that `work` takes.
    fn time(self, work: impl FnOnce() -> Reviewed) -> f64 {
        let before = self.seconds();
        let _same = work();
        self.seconds() - before
    }

    /// So far, as exact as Linux counts them: hundredths.
    fn seconds(self) -> f64 {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks = |field: usize| -> f64 {
            // The first two were cut off, and the manual counts from 1.
            fields.split(' ').nth(field - 3).unwrap().parse().unwrap()
        };
        let (user, system) = match self {
            Self::Own => (14, 15),
            Self::Children => (16, 17),
        };
        (ticks(user) + ticks(system)) / 100.0
    }
}
