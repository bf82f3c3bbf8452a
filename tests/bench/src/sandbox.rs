//! A fresh sandbox and one call, with all budgets, against the bare loop.

use std::sync::Arc;

use crate::bare::{Bare, on_threads};
use crate::result::{Aim, Row, Unit, cores};
use crate::rig::{INPUT, attempt, guest, runtime, sandbox};
use crate::stats::{Spread, compare};

const AGENT: &str = "echo";
const ROUNDS: usize = 11;
const TIMES: u32 = 4_000;

pub(crate) fn measure() -> Vec<Row> {
    let bare = Bare::new(&guest(AGENT));
    let cores = cores();

    let one = runtime(1);
    let ours = sandbox(&one, AGENT);
    let single = compare(
        ROUNDS,
        TIMES,
        || {
            one.block_on(async {
                for _ in 0..TIMES {
                    attempt(&ours, AGENT, INPUT).await;
                }
            });
        },
        || on_threads(&bare, 1, TIMES, INPUT),
    );

    let all = runtime(cores);
    let ours = sandbox(&all, AGENT);
    let pieces = TIMES * cores as u32;
    let spread = compare(
        ROUNDS,
        pieces,
        || {
            all.block_on(async {
                let tasks = (0..cores).map(|_| {
                    let ours = Arc::clone(&ours);
                    tokio::spawn(async move {
                        for _ in 0..TIMES {
                            attempt(&ours, AGENT, INPUT).await;
                        }
                    })
                });
                for task in tasks.collect::<Vec<_>>() {
                    task.await.unwrap();
                }
            });
        },
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
