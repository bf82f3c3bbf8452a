//! Each shipped pattern, with the standard agents over a crate with planted
//! faults: what it promises, it does.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{Ended, ringfence, root, run};

/// Runs a pattern, with a cache of its own if it is given one.
fn pattern(name: &str, more: &[&str], cache: Option<&Path>) -> Ended {
    let file = format!("workflows/patterns/{name}.yaml");
    let mut command: Command = ringfence(&root());
    if let Some(cache) = cache {
        command.env("XDG_CACHE_HOME", cache);
    }
    command
        .args(["run", &file, "--mount", "src=host/cli/fixtures/faulty"])
        .args(["--format", "json", "--no-control", "--no-journal"])
        .args(more)
        .output()
        .unwrap()
        .into()
}

fn kind(event: &Value) -> &str {
    event["event"]["type"].as_str().unwrap()
}

/// The events of one kind.
fn of_kind<'a>(events: &'a [Value], wanted: &str) -> Vec<&'a Value> {
    let fitting = events.iter().filter(|event| kind(event) == wanted);
    fitting.map(|event| &event["event"]).collect()
}

/// The tasks in the order in which they ended, items left out.
fn order(events: &[Value]) -> Vec<String> {
    let whole = |end: &&&Value| end["key"].get("item").is_none();
    let ends = of_kind(events, "task-ended");
    let names = ends
        .iter()
        .filter(whole)
        .map(|end| end["key"]["task"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

/// How a task ended at last.
fn end<'a>(events: &'a [Value], task: &str) -> &'a Value {
    let ends = of_kind(events, "task-ended");
    let of_task = |end: &&Value| end["key"]["task"] == task && end["key"].get("item").is_none();
    ends.into_iter().rfind(of_task).unwrap()
}

#[test]
fn a_pipeline_goes_one_after_the_other_and_back_once() {
    let events = pattern("pipeline", &[], None).expect(0).json_lines();
    let again = ["develop", "test", "review", "gate"];
    let expected: Vec<_> = ["design", "develop", "test", "review"]
        .into_iter()
        .chain(again)
        .collect();
    assert_eq!(order(&events), expected);
    assert_eq!(end(&events, "develop")["round"], 2);
    let applied = &end(&events, "develop")["output"]["value"]["applied"];
    assert!(
        !applied.as_array().unwrap().is_empty(),
        "it mends what the gate asked for"
    );
}

#[test]
fn a_fan_out_starts_its_branches_at_once_and_merges_them() {
    let events = pattern("fan-out", &[], None).expect(0).json_lines();
    let starts = of_kind(&events, "attempt-started");
    let first: Vec<_> = starts
        .iter()
        .take(3)
        .map(|s| s["key"]["task"].as_str().unwrap())
        .collect();
    for branch in ["survey", "security", "performance"] {
        assert!(first.contains(&branch), "{first:?}");
    }
    assert_eq!(order(&events).last().unwrap(), "fixes");
    let items = of_kind(&events, "task-expanded")[0]["items"]
        .as_u64()
        .unwrap();
    let shards = end(&events, "survey")["output"]["value"]["shards"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(items, shards as u64);
    let applied = end(&events, "fixes")["output"]["value"]["applied"]
        .as_array()
        .unwrap()
        .len();
    assert!(applied >= 2, "of several branches");
}

#[test]
fn a_quality_gate_approves_in_the_second_round_or_rejects_in_the_last() {
    let events = pattern("quality-gate", &[], None).expect(0).json_lines();
    let rounds = of_kind(&events, "round-started");
    assert_eq!(rounds.len(), 1);
    assert!(!rounds[0]["feedback"].as_array().unwrap().is_empty());
    assert_eq!(
        end(&events, "review")["round"],
        1,
        "it lies outside the loop"
    );
    let strict = pattern("quality-gate", &["--input", "fail_at=info"], None).expect(3);
    let events = strict.json_lines();
    assert_eq!(
        of_kind(&events, "round-started").len(),
        2,
        "three rounds in all"
    );
    let failure = &of_kind(&events, "run-ended")[0]["failure"];
    assert_eq!(failure["code"], "gate-rejected");
    let message = failure["message"].as_str().unwrap();
    assert!(
        message.contains("in the last of 3 rounds") && message.contains("src/lib.rs:"),
        "{message}"
    );
}

#[test]
fn a_multi_stage_review_counts_its_gates() {
    let strict = pattern("multi-stage-review", &[], None)
        .expect(3)
        .json_lines();
    let reason = end(&strict, "approval")["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("2 of 3 have to approve, 1 did"),
        "{reason}"
    );
    let lenient = pattern("multi-stage-review", &["--input", "fail_at=high"], None);
    let events = lenient.expect(0).json_lines();
    assert_eq!(end(&events, "approval")["output"]["value"]["approved"], 3);
}

#[test]
fn a_refinement_goes_on_until_it_is_good_enough_or_spent() {
    let events = pattern("refinement", &[], None).expect(0).json_lines();
    assert!(end(&events, "gate")["round"].as_u64().unwrap() > 1);
    let spent = pattern("refinement", &["--input", "max_weight=0"], None).expect(3);
    let events = spent.json_lines();
    let message = of_kind(&events, "run-ended")[0]["failure"]["message"].clone();
    let message = message.as_str().unwrap();
    assert!(message.contains("in the last of 4 rounds"), "{message}");
    assert!(
        message.lines().count() > 1,
        "it carries the last feedback: {message}"
    );
}

#[test]
fn an_emergency_has_no_retries_and_its_branches_run_side_by_side() {
    let events = pattern("emergency", &[], None).expect(0).json_lines();
    let plan = of_kind(&events, "run-started")[0]["tasks"]
        .as_array()
        .unwrap();
    assert!(plan.iter().all(|task| task["priority"] == "emergency"));
    let waves: Vec<_> = plan
        .iter()
        .map(|task| task["wave"].as_u64().unwrap())
        .collect();
    assert_eq!(waves, [1, 2, 2, 3]);
    assert_eq!(order(&events).last().unwrap(), "smoke");
}

#[test]
fn a_sub_workflow_takes_inputs_and_gives_an_output() {
    let events = pattern("sub-workflow", &[], None).expect(0).json_lines();
    let inside = of_kind(&events, "child");
    let ended = inside
        .iter()
        .filter(|child| child["event"]["type"] == "run-ended");
    assert_eq!(ended.count(), 1);
    let output = &of_kind(&events, "run-ended")[0]["output"];
    assert!(output["files"].as_u64().unwrap() > 0, "{output}");
    assert!(output["mended"]["gate"].is_object(), "{output}");
}

#[test]
fn what_stands_under_finally_runs_after_a_rejection() {
    let events = pattern("finally", &[], None).expect(3).json_lines();
    assert_eq!(order(&events), ["review", "gate", "take-stock"]);
    assert_eq!(of_kind(&events, "finally-started")[0]["status"], "rejected");
    assert_eq!(end(&events, "take-stock")["status"], "completed");
}

#[test]
fn cached_results_are_taken_the_second_time_and_not_when_told_so() {
    let cache = tempfile::tempdir().unwrap();
    let attempts = |more: &[&str]| {
        let events = pattern("cached", more, Some(cache.path()))
            .expect(0)
            .json_lines();
        (
            of_kind(&events, "attempt-started").len(),
            of_kind(&events, "result-recalled").len(),
        )
    };
    assert_eq!(attempts(&[]), (3, 0));
    assert_eq!(attempts(&[]), (0, 3));
    assert_eq!(attempts(&["--no-cache"]), (3, 0));
}

#[test]
fn a_changed_file_is_no_reason_to_take_an_old_result() {
    let (cache, tree) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = tree.path().join("lib.rs");
    let mount = format!("src={}", tree.path().display());
    let recalled = || {
        let mut command = ringfence(&root());
        command.env("XDG_CACHE_HOME", cache.path());
        let args = [
            "run",
            "workflows/patterns/cached.yaml",
            "--format",
            "json",
            "--mount",
            &mount,
        ];
        let ended: Ended = command
            .args(args)
            .args(["--no-control", "--no-journal"])
            .output()
            .unwrap()
            .into();
        of_kind(&ended.expect(0).json_lines(), "result-recalled").len()
    };
    std::fs::write(&file, "pub fn a() {}\n").unwrap();
    assert_eq!(recalled(), 0);
    assert_eq!(recalled(), 3);
    std::fs::write(&file, "pub fn b() {}\n").unwrap();
    let some = recalled();
    assert!(some < 3, "the survey and the review read the file: {some}");
}

#[test]
fn every_pattern_says_how_it_is_run() {
    for entry in std::fs::read_dir(root().join("workflows/patterns")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let command = format!("#   ringfence run workflows/patterns/{name} --mount src=PATH");
        assert!(text.contains(&command), "{name}");
        let file = format!("workflows/patterns/{name}");
        run(&root(), &["check", &file]).expect(0);
    }
}
