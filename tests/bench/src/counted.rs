//! The hot paths, each alone and so many times, for a tool that counts
//! instructions. The difference between many times and few is what one costs.

use clap::ValueEnum;

use crate::bare::{Bare, on_threads};
use crate::result::cores;
use crate::rig::{INPUT, ROOM, Task, guest, runtime, sandbox};
use crate::sandbox::everywhere;
use crate::{engine, machine};

const AGENT: &str = "echo";

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
    /// A task in the state machine.
    Machine,
}

impl Path {
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
            Self::Wide => engine::take(times),
            Self::Machine => machine::take(times),
        }
    }
}
