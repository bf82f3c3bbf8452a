//! The hot paths, each alone and so many times, for a tool that counts
//! instructions. The difference between many times and few is what one costs.

use std::process::{Command, Stdio};

use clap::ValueEnum;

use crate::bare::{Bare, on_threads};
use crate::result::{Row, Unit, cores};
use crate::rig::{INPUT, ROOM, Task, guest, runtime, sandbox};
use crate::sandbox::everywhere;
use crate::stats::Spread;
use crate::{engine, machine, start};

const AGENT: &str = "echo";

/// How often a path is taken, few times and many.
const TIMES: (u32, u32) = (500, 2_500);

/// The instructions of the paths, where valgrind is there.
pub(crate) fn measure() -> Vec<Row> {
    let paths = [
        (Path::Attempt, "instructions of a sandbox, call and budgets"),
        (Path::Bare, "instructions of the bare loop"),
        (
            Path::Wide,
            "instructions of a task through the whole engine",
        ),
        (Path::Machine, "instructions of a task in the state machine"),
    ];
    let rows = paths.iter().map(|(path, what)| {
        let cost = path.instructions()?;
        Ok(Row::value(what, Unit::Instructions, Spread::of([cost])))
    });
    rows.collect::<Result<_, String>>().unwrap_or_else(|why| {
        eprintln!("instructions are left out: {why}");
        Vec::new()
    })
}

/// A hot path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Path {
    /// A fresh sandbox and a call, with all budgets.
    Attempt,
    /// The bare loop.
    Bare,
    /// The first on all cores at once, for a profile.
    Attempts,
    /// The second on all cores at once.
    Bares,
    /// A task of many side by side, through the whole engine.
    Wide,
    /// The same with room for many at a time, for a profile.
    Wides,
    /// The same, kept in a journal, for a profile.
    DurableWides,
    /// A chain of 1,000 steps, for a profile.
    Chain,
    /// A durable chain of 1,000 steps, for a profile.
    DurableChain,
    /// A start with many plugins, for a profile.
    Start,
    /// A task in the state machine.
    Machine,
}

impl Path {
    /// What it takes once: the difference between many times and few.
    fn instructions(self) -> Result<f64, String> {
        let (few, many) = (self.counted(TIMES.0)?, self.counted(TIMES.1)?);
        Ok((many - few) / f64::from(TIMES.1 - TIMES.0))
    }

    /// What it takes so many times, in a process that valgrind watches.
    fn counted(self, times: u32) -> Result<f64, String> {
        let name = self.to_possible_value().unwrap();
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe().unwrap())
            .args(["--count", name.get_name(), "--times", &times.to_string()])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("valgrind: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        let total = said
            .lines()
            .find_map(|line| line.split("Collected : ").nth(1));
        total
            .and_then(|total| total.trim().parse().ok())
            .ok_or_else(|| "valgrind counts nothing".to_owned())
    }

    /// Takes it so many times.
    pub(crate) fn take(self, times: u32) {
        match self {
            Self::Attempt => {
                let runtime = runtime(1);
                let sandbox = sandbox(&runtime, AGENT, 1);
                let task = Task::new(AGENT, INPUT);
                runtime.block_on(async {
                    for _ in 0..times {
                        task.attempt(&sandbox).await;
                    }
                });
            }
            Self::Bare => {
                let bare = Bare::new(&guest(AGENT), 1);
                for _ in 0..times {
                    bare.call(INPUT);
                }
            }
            Self::Attempts => {
                let runtime = runtime(cores());
                let sandbox = sandbox(&runtime, AGENT, ROOM);
                everywhere(&runtime, &sandbox, times);
            }
            Self::Bares => {
                on_threads(&Bare::new(&guest(AGENT), ROOM), cores(), times, INPUT);
            }
            Self::Wide => engine::take(times, 2, false),
            Self::Wides => engine::take(times, engine::MUCH_ROOM, false),
            Self::DurableWides => engine::take(times, engine::MUCH_ROOM, true),
            Self::Chain => engine::take_chain(times, false),
            Self::DurableChain => engine::take_chain(times, true),
            Self::Start => start::take(times),
            Self::Machine => machine::take(times),
        }
    }
}
