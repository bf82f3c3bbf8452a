//! What a thousand replacements of a plugin leave behind: nothing. A program of
//! its own, since it measures the whole process.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod host;
mod process;

use std::fs;

use host::{PATIENCE, load_from, run_on, variant};
use process::{COME_AND_GO, OPEN_FOR_A_MOMENT, descriptors, resident, threads};
use ringfence_flow::Budgets;
use serde_json::json;

#[tokio::test]
async fn a_thousand_replacements_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = load_from(folder.path(), &["echo"], |_| {}).await.sandbox;
    let versions = [variant("echo", 1), variant("echo", 2)];
    let replace = async |count: usize| {
        for n in 0..count {
            // As whoever installs a file should: whole, by renaming.
            let new = folder.path().join("new");
            fs::write(&new, &versions[n % 2]).unwrap();
            fs::rename(&new, folder.path().join("echo.wasm")).unwrap();
            sandbox.refresh(PATIENCE).await.unwrap();
            assert!(sandbox.refresh(PATIENCE).await.unwrap().has_changed);
            let ran = run_on(&sandbox, "echo", json!(n), Budgets::default()).await;
            assert_eq!(ran.output().value.to_value()["input"], json!(n));
        }
    };
    replace(200).await;
    let before = (resident(), descriptors(), threads());
    replace(1_000).await;
    let grown = resident().saturating_sub(before.0);
    assert!(
        grown < 4 << 20,
        "1,000 replacements took {grown} bytes that did not come back"
    );
    let more = descriptors().saturating_sub(before.1);
    assert!(more <= OPEN_FOR_A_MOMENT, "{more} descriptors more");
    let more = threads().saturating_sub(before.2);
    assert!(more <= COME_AND_GO, "{more} threads more");
}
