//! Each standard agent, through its sandbox.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use support::{root, run};

/// Gives one task to an agent, over the crate with planted faults.
fn call(agent: &str, mounted: bool, input: &str) -> Value {
    let mut args = vec![
        "agents", "call", agent, "--input", input, "--format", "json",
    ];
    if mounted {
        args.extend(["--mount", "src=host/cli/fixtures/faulty"]);
    }
    let json = run(&root(), &args).expect(0).json();
    json["result"]["completed"].clone()
}

fn rules(output: &Value) -> BTreeSet<&str> {
    let findings = output["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect()
}

#[test]
fn the_architect_puts_each_file_in_one_shard() {
    for input in [r#"{"shards": 3}"#, r#"{"shards": 3, "only": "shards"}"#] {
        let output = call("architect", true, input);
        let shards = output["value"]["shards"].as_array().unwrap();
        let files: Vec<_> = shards
            .iter()
            .flat_map(|shard| shard["files"].as_array().unwrap())
            .collect();
        assert_eq!(files, ["src/lib.rs"], "{output:#}");
    }
}

#[test]
fn security_finds_the_unsafe_block() {
    let output = call("security", true, "{}");
    assert!(
        rules(&output).contains("unsafe-without-comment"),
        "{output:#}"
    );
}

#[test]
fn performance_finds_the_scan() {
    let output = call("performance", true, "{}");
    assert!(rules(&output).contains("scan-in-loop"), "{output:#}");
}

#[test]
fn the_reviewer_finds_the_debug_print_and_mends_it() {
    let output = call("reviewer", true, "{}");
    let findings = output["findings"].as_array().unwrap();
    let fixes = findings.iter().filter(|finding| finding["fix"].is_object());
    assert!(rules(&output).contains("debug-print"), "{output:#}");
    assert!(fixes.count() >= 2, "{output:#}");
}

#[test]
fn the_gate_approves_where_nothing_was_found() {
    let output = call("quality-gate", false, "{}");
    assert_eq!(output["value"]["verdict"], "approved", "{output:#}");
}

#[test]
fn the_smallest_workflow_runs() {
    let mount = "src=host/cli/fixtures/faulty";
    let hello = ["run", "workflows/hello.yaml", "--no-journal"];
    let ended = run(&root(), &[&hello[..], &["--mount", mount]].concat()).expect(0);
    assert!(
        ended.stdout.contains("completed `hello`"),
        "{}",
        ended.stdout
    );
}

/// These three live on what others found: they are shown in a run.
#[test]
fn developer_tester_and_gate_do_their_part_in_a_review() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json").display().to_string();
    let args = [
        "run",
        "workflows/review.yaml",
        "--no-journal",
        "--mount",
        "src=host/cli/fixtures/faulty",
        "--report",
        &report,
    ];
    run(&root(), &args).expect(0);
    let record: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let attempts = record["attempts"].as_array().unwrap();
    for agent in ["developer", "tester", "quality-gate"] {
        let done = attempts
            .iter()
            .any(|attempt| attempt["agent"] == agent && attempt["outcome"] == "completed");
        assert!(done, "{agent}: {attempts:#?}");
    }
}
