//! The complete example: agents in three languages make a catalogue of listings with
//! planted faults. All of them are found, nothing else is, and the page is right.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    clippy::print_stderr,
    reason = "a test that is skipped says so, with why"
)]

#[path = "../support/mod.rs"]
mod support;

mod expected;
mod packaged;
mod page;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Ended, built, ringfence, root};

use expected::{Fate, Row};
use packaged::packaged;

const WORKFLOW: &str = "workflows/real-estate.yaml";
const CONFIG: &str = "workflows/real-estate/ringfence.toml";
const MOUNT: &str = "data=workflows/real-estate";

/// The tasks that look for faults.
const FINDERS: [&str; 3] = ["clean", "wording", "compare"];

/// Where the agent in Rust lies.
fn rust() -> PathBuf {
    built("real-estate/rust", "listings")
        .parent()
        .unwrap()
        .to_owned()
}

#[test]
fn the_workflow_is_valid_and_shows_its_loop() {
    let ended: Ended = ringfence(&root())
        .args(["check", WORKFLOW, "--no-agents"])
        .output()
        .unwrap()
        .into();
    let ended = ended.expect(0);
    assert!(
        ended
            .stdout
            .contains("loop: release -> clean, at most 4 rounds"),
        "{ended:#?}"
    );
}

#[test]
fn the_intake_reads_every_row_and_is_the_only_one_that_is_granted_the_file() {
    let call = |config: &[&str]| -> Ended {
        ringfence(&root())
            .args([
                "agents", "call", "listings", "--role", "intake", "--input", "{}",
            ])
            .args(["--mount", MOUNT, "--format", "json", "--plugins"])
            .arg(rust())
            .args(config)
            .output()
            .unwrap()
            .into()
    };
    let json = call(&["--config", CONFIG]).expect(0).json();
    let value = &json["result"]["completed"]["value"];
    assert_eq!(value["rows"], expected::rows().len());
    let shards = value["shards"].as_array().unwrap();
    assert_eq!(shards.len(), expected::rows().len().div_ceil(25));
    let refused = call(&[]);
    assert_ne!(
        refused.code,
        Some(0),
        "nothing is granted without a configuration"
    );
}

#[test]
fn each_planted_fault_has_a_fate_and_each_fate_has_rows() {
    let rows = expected::rows();
    for fate in [Fate::Listed, Fate::Withdrawn, Fate::Duplicate] {
        assert!(
            rows.iter()
                .any(|row| row.fate == fate && row.fault.is_some()),
            "{fate:?}"
        );
    }
    assert!(
        rows.iter()
            .all(|row| row.fault.is_some() || row.fate == Fate::Listed)
    );
    let ids: BTreeSet<_> = rows.iter().map(|row| &row.id).collect();
    assert_eq!(ids.len(), rows.len());
}

#[test]
#[ignore = "slow: makes components of Python and JavaScript, and compiles them"]
fn planted_faults_are_found_and_come_out_as_a_right_catalogue() {
    let Some(packaged) = packaged() else {
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let first = run(&packaged, &out.path().join("first"));
    let rows = expected::rows();
    found_in_the_first_round(&first, &rows);
    settled_in_the_second(&first, &rows);
    page::is_right(&first.page, &rows);

    let again = run(&packaged, &out.path().join("again"));
    assert_eq!(first.page, again.page, "the same page");
    assert_eq!(first.fuel(), again.fuel(), "for the same fuel");
}

/// A run of the workflow.
struct Run {
    events: Vec<Value>,
    page: String,
}

fn run(packaged: &[PathBuf], out: &Path) -> Run {
    let mut command = ringfence(&root());
    command
        .args(["run", WORKFLOW, "--config", CONFIG, "--mount", MOUNT])
        // What agents draw at random follows from the run's name.
        .args(["--id", "real-estate", "--seed", "1"])
        .args([
            "--format",
            "json",
            "--no-control",
            "--no-journal",
            "--artifacts",
        ])
        .arg(out);
    for folder in packaged
        .iter()
        .chain([&rust(), &root().join("target/plugins")])
    {
        command.arg("--plugins").arg(folder);
    }
    let ended: Ended = command.output().unwrap().into();
    Run {
        events: ended.expect(0).json_lines(),
        page: fs::read_to_string(out.join("catalogue.html")).unwrap(),
    }
}

impl Run {
    fn of_kind(&self, wanted: &str) -> impl Iterator<Item = &Value> {
        let events = self.events.iter().map(|event| &event["event"]);
        events.filter(move |event| event["type"] == wanted)
    }

    /// How tasks ended in a round: those without items, and the items of others.
    fn ends(&self, round: u64) -> impl Iterator<Item = (&str, &Value)> {
        let ends = self
            .of_kind("task-ended")
            .filter(move |end| end["round"] == round);
        ends.map(|end| (end["key"]["task"].as_str().unwrap(), end))
    }

    /// What was found in a round: line, rule and severity, sorted.
    fn found(&self, round: u64) -> Vec<(u64, &str, &str)> {
        let mut found: Vec<_> = self
            .ends(round)
            .filter(|(task, _)| FINDERS.contains(task))
            .filter_map(|(_, end)| end["output"]["findings"].as_array())
            .flatten()
            .map(|finding| {
                assert_eq!(finding["location"]["path"], "listings.csv");
                let line = finding["location"]["line"].as_u64().unwrap();
                let text = |key: &str| finding[key].as_str().unwrap();
                (line, text("rule"), text("severity"))
            })
            .collect();
        found.sort_unstable();
        found
    }

    /// The gates and how they ended in a round.
    fn verdicts(&self, round: u64) -> BTreeSet<(&str, &str)> {
        self.ends(round)
            .filter(|(task, _)| ["legal", "editorial", "market"].contains(task))
            .map(|(task, end)| (task, end["status"].as_str().unwrap()))
            .collect()
    }

    /// What each attempt cost, by task, round and item. Only those in JavaScript
    /// are left out: their engine looks at the clock.
    fn fuel(&self) -> BTreeSet<String> {
        self.of_kind("attempt-ended")
            .filter(|end| end["key"]["task"] != "wording")
            .map(|end| format!("{} {} {}", end["key"], end["round"], end["usage"]["fuel"]))
            .collect()
    }
}

/// Each fault once, by the rule that owns it, and nothing else; all gates reject.
fn found_in_the_first_round(run: &Run, rows: &[Row]) {
    let found = run.found(1);
    let rules: Vec<_> = found.iter().map(|(line, rule, _)| (*line, *rule)).collect();
    assert_eq!(rules, expected::planted(rows));
    assert!(found.iter().all(|(_, _, severity)| *severity != "info"));
    assert_eq!(
        run.verdicts(1),
        [
            ("editorial", "rejected"),
            ("legal", "rejected"),
            ("market", "rejected")
        ]
        .into()
    );
    let rounds: Vec<_> = run.of_kind("round-started").collect();
    assert_eq!(rounds.len(), 1);
    assert_eq!(rounds[0]["gate"], "release");
    let told: BTreeSet<_> = rounds[0]["feedback"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            (
                finding["location"]["line"].as_u64().unwrap(),
                finding["rule"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, rules.into_iter().collect(), "all of it is sent back");
}

/// What was found is told as settled, and nothing new; all gates approve.
fn settled_in_the_second(run: &Run, rows: &[Row]) {
    let settled: Vec<_> = expected::planted(rows)
        .into_iter()
        .map(|(line, rule)| (line, rule, "info"))
        .collect();
    assert_eq!(run.found(2), settled);
    assert_eq!(
        run.verdicts(2),
        [
            ("editorial", "completed"),
            ("legal", "completed"),
            ("market", "completed")
        ]
        .into()
    );
    let end = run.of_kind("run-ended").last().unwrap();
    let count = |fate: Fate| rows.iter().filter(|row| row.fate == fate).count();
    let mended = rows
        .iter()
        .filter(|row| row.fate == Fate::Listed && row.fault.is_some());
    assert_eq!(end["output"]["listed"], count(Fate::Listed));
    assert_eq!(end["output"]["mended"], mended.count());
    assert_eq!(end["output"]["withdrawn"], count(Fate::Withdrawn));
    assert_eq!(end["output"]["duplicates"], count(Fate::Duplicate));
}
