//! A fresh sandbox and one call, with all budgets, against the bare loop.

use std::sync::Arc;

use ringfence_sandbox::Sandbox;
use tokio::runtime::Runtime;

use crate::bare::{Bare, on_threads};
use crate::result::{Aim, Row, Unit, cores};
use crate::rig::{INPUT, ROOM, Task, guest, runtime, sandbox};
use crate::stats::{Spread, compare, time};

const AGENT: &str = "echo";
const ROUNDS: usize = 11;
const TIMES: u32 = 4_000;

pub(crate) fn measure() -> Vec<Row> {
    let bare = Bare::new(&guest(AGENT), ROOM);
    let cores = cores();
    let task = Task::new(AGENT, INPUT);

    let one = runtime(1);
    let ours = sandbox(&one, AGENT, ROOM);
    let single = compare(
        ROUNDS,
        TIMES,
        || {
            one.block_on(async {
                for _ in 0..TIMES {
                    task.attempt(&ours).await;
                }
            });
        },
        || on_threads(&bare, 1, TIMES, INPUT),
    );

    let all = runtime(cores);
    let ours = sandbox(&all, AGENT, ROOM);
    let spread = compare(
        ROUNDS,
        TIMES * cores as u32,
        || everywhere(&all, &ours, TIMES),
        || on_threads(&bare, cores, TIMES, INPUT),
    );
    let scaling = Spread::of([single.ours.median / spread.ours.median]);
    vec![
        Row::against(
            "sandbox, call and budgets, one thread",
            "a bare wasmtime loop on one thread",
            single,
        )
        .aims(Aim::AtMost(1.15)),
        Row::against(
            "sandbox, call and budgets, all cores",
            "a bare wasmtime loop on all cores",
            spread,
        )
        .aims(Aim::AtMost(1.15)),
        Row::value("all cores against one thread", Unit::Times, scaling)
            .aims(Aim::AtLeast(0.9 * cores as f64)),
    ]
}

/// What one attempt takes on one thread, in seconds.
pub(crate) fn alone() -> Spread {
    let one = runtime(1);
    let ours = sandbox(&one, AGENT, ROOM);
    let task = Task::new(AGENT, INPUT);
    let mut work = || {
        one.block_on(async {
            for _ in 0..TIMES {
                task.attempt(&ours).await;
            }
        });
    };
    work();
    Spread::of((0..ROUNDS).map(|_| time(&mut work).as_secs_f64() / f64::from(TIMES)))
}

/// So many attempts on each core.
pub(crate) fn everywhere(runtime: &Runtime, sandbox: &Arc<Sandbox>, times: u32) {
    runtime.block_on(async {
        let workers = (0..cores()).map(|_| {
            // A task of its own: counts that cores share are none of the sandbox's.
            let (sandbox, task) = (Arc::clone(sandbox), Task::new(AGENT, INPUT));
            tokio::spawn(async move {
                for _ in 0..times {
                    task.attempt(&sandbox).await;
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
    });
}
