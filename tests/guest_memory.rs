//! The allocator that the SDK gives to agents.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod host;

use host::Host;
use ringfence_flow::{Budgets, ByteSize, FailureCode};
use serde_json::json;

/// Blocks of all sizes, small ones alone and with large ones between them, and texts
/// that the host put into the guest.
#[tokio::test]
async fn blocks_that_come_and_go_in_no_order_keep_what_is_in_them() {
    let host = Host::new(&["churn"]).await;
    for largest in [16, 200, 1_100, 20_000] {
        let texts: Vec<_> = (0..300).map(|size| "x".repeat(size)).collect();
        let input = json!({ "steps": 50_000, "largest": largest, "texts": texts });
        let ran = host.run("churn", input, Budgets::default()).await;
        let blocks: usize = ran.output().value.decode().unwrap();
        assert!(blocks > 300, "{largest}");
    }
}

/// A hundred times the budget goes through.
#[tokio::test]
async fn memory_that_was_given_back_is_used_again() {
    let host = Host::new(&["churn"]).await;
    let within = |memory| Budgets {
        memory,
        ..Budgets::default()
    };
    let input = json!({ "steps": 800_000, "largest": 1_000, "texts": [] });
    let ran = host.run("churn", input, within(ByteSize::mib(4))).await;
    ran.output();

    let input = json!({ "steps": 800_000, "largest": 100_000, "texts": [] });
    let ran = host.run("churn", input, within(ByteSize::mib(4))).await;
    ran.failed_with(FailureCode::OutOfMemory, "needed more than its 4 MiB");
}
