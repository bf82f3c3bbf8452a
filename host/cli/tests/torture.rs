//! Real processes that are killed at any moment, and what is left of their
//! runs.
//!
//! `RINGFENCE_KILLS` sets how many processes are killed.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use support::{Ended, plugins, ringfence};

/// Fans out, in two steps, with something before and after. Of what `echo` does nobody
/// can tell, so that it goes ahead of the journal.
const WORKFLOW: &str = "version: 1
name: tortured
concurrency: 4
defaults: { retry: { max_retries: 0 } }
tasks:
  first: { role: count, mounts: [log], input: { work: 2000000, number: 1 } }
  each:
    role: count
    needs: [first]
    mounts: [log]
    for_each: range(12)
    input: { work: 6000000, number: \"${{ item }}\" }
  sealed: { role: echo, needs: [first], for_each: range(40), input: \"${{ item }}\" }
  then: { role: echo, needs: [sealed], input: \"${{ tasks.sealed.output | length }}\" }
  last:
    role: count
    needs: [each, then]
    mounts: [log]
    input: { work: 2000000, number: \"${{ tasks.each.output | sum }}\" }
";

const CONFIG: &str = "schema = 1
plugins = [\".\"]
[agents.count]
instances = 4
mounts = [\"log:rw\"]
";

struct Stage {
    folder: tempfile::TempDir,
    log: PathBuf,
}

impl Stage {
    fn new() -> Self {
        let folder = plugins(&["count", "echo"]);
        let log = folder.path().join("log");
        fs::create_dir(&log).unwrap();
        fs::write(folder.path().join("w.yaml"), WORKFLOW).unwrap();
        fs::write(folder.path().join("ringfence.toml"), CONFIG).unwrap();
        Self { folder, log }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = ringfence(self.folder.path());
        command.args(args);
        command
    }

    fn say(&self, args: &[&str]) -> Ended {
        self.command(args).output().unwrap().into()
    }

    fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        let said = fs::File::create(self.said()).unwrap();
        command.stdout(said).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    fn said(&self) -> PathBuf {
        self.folder.path().join("said.jsonl")
    }

    /// Waits until a process has told so many events, or has ended.
    fn wait_for(&self, events: u64, child: &mut Child) {
        let told = || fs::read_to_string(self.said()).unwrap().lines().count() as u64;
        while told() < events && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whatever the process told somebody is in the journal.
    fn check_what_was_said(&self, journal: &[Value]) {
        let said = fs::read_to_string(self.said()).unwrap();
        // A line that was cut off was not said.
        let whole = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
        for line in whole.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            let seq = event["seq"].as_u64().unwrap() as usize;
            assert_eq!(journal.get(seq - 1), Some(&event), "event {seq} is lost");
        }
    }

    fn executions(&self) -> Vec<String> {
        let text = fs::read_to_string(self.log.join("executions")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The events that the journal holds; none if it holds no such run yet.
    fn events(&self, run: &str) -> Vec<Value> {
        let told = self.say(&["runs", "events", run, "--format", "json"]);
        match told.code {
            Some(0) => told.json_lines(),
            _ => Vec::new(),
        }
    }
}

/// The attempts that have ended, as their executions are written down.
fn finished(events: &[Value]) -> BTreeSet<String> {
    let ends = events.iter().map(|event| &event["event"]);
    ends.filter(|event| event["type"] == "attempt-ended")
        .map(execution)
        .collect()
}

fn execution(event: &Value) -> String {
    let key = &event["key"];
    let item = key["item"]
        .as_u64()
        .map_or_else(String::new, |item| format!("[{item}]"));
    format!(
        "{}{item} {} {}",
        key["task"].as_str().unwrap(),
        event["round"],
        event["attempt"]
    )
}

/// What a run gave: its output, and what each attempt did.
fn gave(stage: &Stage, run: &str) -> (Value, BTreeSet<String>) {
    let events = stage.events(run);
    let last = events.last().unwrap();
    assert_eq!(last["event"]["type"], "run-ended", "{last}");
    assert_eq!(last["event"]["status"], "completed", "{last}");
    for (event, number) in events.iter().zip(1..) {
        assert_eq!(event["seq"], number, "no event is lost");
    }
    (last["event"]["output"].clone(), finished(&events))
}

/// Draws without an order of its own: SplitMix64.
fn draw(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % below
}

fn mount(log: &Path) -> String {
    format!("log={}", log.display())
}

#[test]
fn a_run_that_is_killed_at_any_moment_loses_nothing_and_repeats_nothing() {
    let kills: u64 = std::env::var("RINGFENCE_KILLS").map_or(20, |text| text.parse().unwrap());
    let stage = Stage::new();
    let mount = mount(&stage.log);
    let start = |run: &str| -> Vec<String> {
        [
            "run", "w.yaml", "--format", "json", "--id", run, "--seed", "1", "--mount", &mount,
        ]
        .map(str::to_owned)
        .to_vec()
    };
    let args = start("undisturbed");
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    stage.say(&args).expect(0);
    let wanted = gave(&stage, "undisturbed");
    let total = stage.events("undisturbed").len() as u64;
    assert_eq!(stage.executions().len(), 14, "each was executed once");

    let mut seed = kills;
    let (mut killed, mut number, mut cut) = (0, 0, 0);
    while killed < kills {
        number += 1;
        let run = format!("tortured-{number}");
        fs::remove_file(stage.log.join("executions")).unwrap();
        let args = start(&run);
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let mut child = stage.start(&args);
        let (mut done, mut seen) = (BTreeSet::new(), 0);
        loop {
            stage.wait_for(draw(&mut seed, total), &mut child);
            // Chance is what this is about: no event names all the moments
            // between two events.
            thread::sleep(Duration::from_micros(draw(&mut seed, 10_000)));
            if killed < kills {
                drop(child.kill());
                killed += 1;
            }
            let ended = child.wait().unwrap().success();
            let executions = stage.executions();
            for line in &executions[seen..] {
                assert!(!done.contains(line), "{line} was executed again");
            }
            seen = executions.len();
            let events = stage.events(&run);
            stage.check_what_was_said(&events);
            let now = finished(&events);
            assert!(done.is_subset(&now), "what was kept stays kept");
            done = now;
            // It may have been killed between the end of the run and its own.
            let over = |last: &Value| last["event"]["type"] == "run-ended";
            if events.last().is_some_and(over) {
                break;
            }
            assert!(!ended, "it ended well, and its run has not");
            cut += u64::from(!done.is_empty());
            child = match stage.say(&["runs", "show", &run]).code {
                Some(0) => stage.start(&["runs", "resume", &run, "--format", "json"]),
                // It died before it was written down that it starts.
                _ => stage.start(&args),
            };
        }
        assert_eq!(gave(&stage, &run), wanted, "as if nothing had happened");
    }
    assert!(
        cut > kills / 10,
        "only {cut} of {kills} kills hit a run at work"
    );
}
