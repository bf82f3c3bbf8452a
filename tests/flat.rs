//! What ten thousand hostile attempts leave behind: nothing. A program of its
//! own, since it measures the whole process.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod corpus;
mod host;
mod process;

use std::time::Duration;

use corpus::{Expected, Guest, expected};
use host::Host;
use process::{COME_AND_GO, descriptors, on_each_core, resident, threads};
use ringfence_flow::{AttemptResult, Budgets, FailureCode, Fuel};
use serde_json::Value;

/// All attempts that are expected of guests that load, with budgets that they
/// spend in a moment.
fn attacks() -> Vec<(Guest, Value, Budgets)> {
    let attempts = |guest: Guest| match expected(guest) {
        Expected::Attempts(attempts) if guest != Guest::TwinB => attempts,
        Expected::Attempts(_) | Expected::Refused(_) => Vec::new(),
    };
    let all = Guest::ALL.into_iter().flat_map(|guest| {
        attempts(guest).into_iter().map(move |attempted| {
            let budgets = Budgets {
                fuel: Fuel::units(2_000_000),
                time: attempted.budgets.time.min(Duration::from_millis(500)),
                ..attempted.budgets
            };
            (guest, attempted.input, budgets)
        })
    });
    all.collect()
}

#[tokio::test]
async fn ten_thousand_hostile_attempts_leave_nothing_behind() {
    let attacks = attacks();
    let mut names: Vec<_> = attacks.iter().map(|(guest, ..)| guest.name()).collect();
    names.dedup();
    // A small pool: what its slots keep warm is soon as much as it will ever be.
    let host = Host::with(&names, |config| {
        corpus::commands(config);
        config.max_sandboxes = 4;
    })
    .await;
    let one = async |n: usize| {
        let (guest, input, budgets) = &attacks[n % attacks.len()];
        let ran = host.run(guest.agent(), input.clone(), *budgets).await;
        if let AttemptResult::Failed(failure) = &ran.report.result {
            assert_ne!(failure.code, FailureCode::HostError, "{failure}");
        }
    };
    let attack = async |count: usize| {
        for n in (0..count).step_by(4) {
            tokio::join!(one(n), one(n + 1), one(n + 2), one(n + 3));
        }
    };
    on_each_core(async || attack(4_000).await).await;
    let before = (resident(), descriptors(), threads());
    attack(10_000).await;
    let grown = resident().saturating_sub(before.0);
    assert!(
        grown < 8 << 20,
        "10,000 attempts took {grown} bytes that did not come back"
    );
    assert_eq!(descriptors(), before.1);
    let more = threads().saturating_sub(before.2);
    assert!(more <= COME_AND_GO, "{more} threads more");
}
