//! What agents that spin without end cost a victim: its attempts with and
//! without them, in one run on one machine.
//!
//! `cargo bench --profile dev --workspace --bench fair_shares`

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark measures and prints"
)]

#[path = "../host/mod.rs"]
mod host;

use std::sync::Arc;
use std::time::{Duration, Instant};

use host::{attempt_on, request, sandbox};
use ringfence_flow::{Budgets, Fuel, StopReason};
use ringfence_sandbox::Sandbox;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Spinning attempts beside the victim.
const ATTACKERS: [usize; 3] = [2, 8, 32];

/// How much a victim computes: next to nothing, some, more than a tick, and more
/// than attempts do that count as short.
const WORK: [u64; 4] = [1_000, 2_000_000, 20_000_000, 200_000_000];

/// How long each is measured.
const MEASURED: Duration = Duration::from_secs(6);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let cores = std::thread::available_parallelism().unwrap().get();
    println!("{cores} cores; milliseconds of one attempt after the other of the victim");
    println!(
        "{:>10} {:>9} {:>8} {:>8} {:>8} {:>8}",
        "units", "attackers", "p50", "p99", "times", "share"
    );
    runtime.block_on(async {
        let names = ["spin", "burn-fuel"];
        let sandbox = Arc::new(sandbox(&names, |config| config.max_sandboxes = 64).await);
        for units in WORK {
            let alone = measure(&sandbox, units, 0).await;
            row(units, 0, &alone, &alone, cores);
            for attackers in ATTACKERS {
                let beside = measure(&sandbox, units, attackers).await;
                row(units, attackers, &beside, &alone, cores);
            }
        }
    });
}

/// How long each attempt of the victim took, sorted, while so many others spin.
async fn measure(sandbox: &Arc<Sandbox>, units: u64, attackers: usize) -> Vec<Duration> {
    let (end, ended) = watch::channel(false);
    let mut spinning = JoinSet::new();
    for _ in 0..attackers {
        let (sandbox, mut ended) = (Arc::clone(sandbox), ended.clone());
        spinning.spawn(async move {
            let stop = Box::pin(async move {
                let _ = ended.wait_for(|ended| *ended).await;
                StopReason::Cancelled
            });
            attempt_on(&sandbox, "spin", request(json!(null)), endless(), stop).await;
        });
    }
    let victim = tokio::spawn({
        let sandbox = Arc::clone(sandbox);
        async move {
            let start = Instant::now();
            let mut took = Vec::new();
            while start.elapsed() < MEASURED {
                let began = Instant::now();
                let sandbox = Arc::clone(&sandbox);
                let attempt = tokio::spawn(async move {
                    let input = json!({ "units": units });
                    let stop = Box::pin(std::future::pending());
                    let ran =
                        attempt_on(&sandbox, "burn-fuel", request(input), endless(), stop).await;
                    ran.output();
                });
                attempt.await.unwrap();
                took.push(began.elapsed());
            }
            took
        }
    });
    let mut took = victim.await.unwrap();
    end.send(true).unwrap();
    while spinning.join_next().await.is_some() {}
    took.sort();
    took
}

fn endless() -> Budgets {
    Budgets {
        fuel: Fuel::units(50_000_000_000),
        time: Duration::from_secs(600),
        ..Budgets::default()
    }
}

/// `times` is the p50 against the p50 alone; `share` is what it would be if all
/// had the same part of the cores.
fn row(units: u64, attackers: usize, took: &[Duration], alone: &[Duration], cores: usize) {
    let at = |took: &[Duration], percent: usize| took[(took.len() - 1) * percent / 100];
    let millis = |took: Duration| took.as_secs_f64() * 1e3;
    let times = at(took, 50).as_secs_f64() / at(alone, 50).as_secs_f64();
    let share = ((attackers + 1) as f64 / cores as f64).max(1.0);
    println!(
        "{units:>10} {attackers:>9} {:>8.2} {:>8.2} {times:>8.1} {share:>8.1}",
        millis(at(took, 50)),
        millis(at(took, 99)),
    );
}
