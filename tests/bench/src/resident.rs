//! Memory of a host that waits, and of live sandboxes, each in a process of its
//! own.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use ringfence_sandbox::Sandbox;
use tokio::runtime::Runtime;

use crate::result::{Aim, Row, Unit, cores};
use crate::rig::{Task, guest, runtime};
use crate::start;
use crate::stats::Spread;

const ROUNDS: usize = 3;
const AGENTS: usize = 100;

/// Sandboxes that are alive at once.
const LIVE: usize = 60;

/// A guest that waits for longer than the measurement takes.
const SLEEPS: &str = "sleep-long";

/// In which all of them come to where they wait.
const SETTLED: Duration = Duration::from_millis(500);

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Of {
    /// A host with many agents that does nothing.
    Idle,
    /// What each live sandbox adds.
    Live,
}

pub(crate) fn measure() -> Vec<Row> {
    vec![
        Row::value(
            "resident memory of an idle host with 100 agents",
            Unit::Bytes,
            in_processes(Of::Idle),
        )
        .aims(Aim::AtMost(150.0 * 1048576.0)),
        Row::value(
            "resident memory that a live sandbox adds",
            Unit::Bytes,
            in_processes(Of::Live),
        )
        .aims(Aim::AtMost(1048576.0)),
    ]
}

/// Asks processes of this program.
fn in_processes(of: Of) -> Spread {
    let folder = tempfile::tempdir().unwrap();
    of.prepare(folder.path());
    let name = of.to_possible_value().unwrap();
    Spread::of((0..ROUNDS).map(|_| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--resident", name.get_name()])
            .current_dir(folder.path())
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        said.trim().parse::<f64>().unwrap()
    }))
}

impl Of {
    /// Puts the plugins into `folder` and compiles them, which takes memory that
    /// the measured process must not have used.
    fn prepare(self, folder: &Path) {
        let plugins = folder.join("plugins");
        std::fs::create_dir(&plugins).unwrap();
        match self {
            Self::Idle => start::write_plugins(&plugins, AGENTS),
            Self::Live => {
                let path = plugins.join("guest.wasm");
                std::fs::copy(guest(SLEEPS), path).unwrap();
            }
        }
        drop(load(folder));
    }

    /// Measures it in this process and this folder.
    pub(crate) fn bytes(self) -> u64 {
        let (runtime, sandbox) = load(Path::new("."));
        match self {
            Self::Idle => resident(),
            Self::Live => {
                // What is made once, for the first.
                runtime.block_on(alive(&sandbox, 1));
                let before = resident();
                runtime.block_on(alive(&sandbox, LIVE));
                resident().saturating_sub(before) / LIVE as u64
            }
        }
    }
}

fn load(folder: &Path) -> (Runtime, Arc<Sandbox>) {
    let runtime = runtime(cores());
    let (plugins, cache) = (folder.join("plugins"), folder.join("cache"));
    let sandbox = runtime.block_on(start::load(&plugins, &cache));
    (runtime, Arc::new(sandbox))
}

/// Starts so many attempts that wait, and lets them come to where they do.
async fn alive(sandbox: &Arc<Sandbox>, count: usize) {
    let task = Task::new(SLEEPS, "{}");
    let waiting = (0..count).map(|_| {
        let (sandbox, task) = (Arc::clone(sandbox), task.clone());
        tokio::spawn(async move { task.attempt(&sandbox).await })
    });
    let waiting: Vec<_> = waiting.collect();
    tokio::time::sleep(SETTLED).await;
    assert!(waiting.iter().all(|attempt| !attempt.is_finished()));
}

/// The memory of this process that is in the machine's.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.unwrap().trim().trim_end_matches(" kB").parse::<u64>();
    kib.unwrap() * 1024
}
