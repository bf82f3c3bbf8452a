//! What a failed attempt leaves behind: nothing. A program of its own, since
//! it measures the memory of the whole process.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod host;
mod process;

use host::Host;
use process::{on_each_core, resident};
use ringfence_flow::{Budgets, FailureCode};
use serde_json::json;

#[tokio::test]
async fn a_thousand_traps_leave_memory_flat_and_neighbours_unharmed() {
    let host = Host::new(&["trap", "echo"]).await;
    let trap = async |count: u32| {
        for n in 0..count {
            let input = json!({"kind": "panic", "message": "again"});
            let ran = host.run("trap", input, Budgets::default()).await;
            ran.failed_with(FailureCode::Trap, "again");
            if n % 10 == 0 {
                let input = json!({ "n": n });
                let ran = host.run("echo", input.clone(), Budgets::default()).await;
                assert_eq!(ran.output().value.to_value()["input"], input);
            }
        }
    };
    on_each_core(async || trap(500).await).await;
    let before = resident();
    trap(1_000).await;
    let grown = resident().saturating_sub(before);
    assert!(
        grown < 512 << 10,
        "1,000 traps took {grown} bytes that did not come back"
    );
}
