//! Runs that are looked at, gone on with and run again after their process.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command};

use serde_json::Value;
use support::{Ended, built, plugins, ringfence};

/// A run that asks a person, and so is left in the middle when it is killed.
const ASKS: &str = "version: 1
name: release
tasks:
  say: { role: echo, input: { a: 1 } }
  ask: { needs: [say], approve: 'Release it?' }
  tell: { role: echo, needs: [ask], input: \"${{ tasks.say.output }}\" }
";

/// A run that fails in the middle as long as the file says so.
const FAILS: &str = "version: 1
name: fails
inputs: { wanted: { type: number, default: 1 } }
defaults: { retry: { max_retries: 0 } }
tasks:
  first: { role: count, mounts: [log], input: { work: 1, number: 1 } }
  second: { role: trap, needs: [first] }
  third: { role: count, needs: [second], mounts: [log], input: { work: 1, number: 1 } }
";

struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = plugins(&["echo", "count"]);
        fs::create_dir(folder.path().join("run")).unwrap();
        fs::write(folder.path().join("asks.yaml"), ASKS).unwrap();
        fs::write(folder.path().join("ringfence.toml"), CONFIG).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = ringfence(self.path());
        command
            .env("XDG_RUNTIME_DIR", self.path().join("run"))
            .env("USER", "ada")
            .args(args);
        command
    }

    fn say(&self, args: &[&str]) -> Ended {
        self.command(args).output().unwrap().into()
    }

    fn json(&self, args: &[&str]) -> Value {
        let mut args = args.to_vec();
        args.extend(["--format", "json"]);
        self.say(&args).expect(0).json()
    }

    /// A run whose process was killed while a person was asked.
    fn left(&self, id: &str) {
        let mut child = self.asks(&["--id", id]);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// A run that asks a person.
    fn asks(&self, flags: &[&str]) -> Child {
        use std::io::{BufRead, BufReader};
        let args = ["run", "asks.yaml", "--format", "json"];
        let mut command = self.command(&[&args[..], flags].concat());
        let mut child = command
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let asked = |line: &String| line.contains("approval-requested");
        let found = said.lines().map(Result::unwrap).any(|line| asked(&line));
        assert!(found, "nobody was asked");
        child
    }
}

const CONFIG: &str = "schema = 1
plugins = [\".\"]
[agents.count]
mounts = [\"log:rw\"]
";

#[test]
fn a_run_that_was_left_is_seen_and_goes_on() {
    let stage = Stage::new();
    stage.left("r-1");
    let listed = stage.say(&["runs", "list"]).expect(0).stdout;
    assert!(listed.contains("interrupted"), "{listed}");
    let shown = stage.say(&["runs", "show", "r-1"]).expect(0).stdout;
    for part in [
        "say completed",
        "round 1 attempt 1 by echo: completed in",
        "fuel",
        "ask running",
        "tell waiting",
        "`ringfence runs resume r-1` goes on with it",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let said = stage.json(&["runs", "approve", "r-1", "ask", "--note", "go"]);
    assert_eq!(
        said,
        serde_json::json!({ "run": "r-1", "task": "ask", "approved": true, "driven": false, "ended": null })
    );
    let resumed = stage.say(&["runs", "resume", "r-1"]).expect(0);
    assert!(resumed.stderr.contains("goes on after"), "{resumed:#?}");
    let record = stage.json(&["runs", "show", "r-1"]);
    assert_eq!(record["status"], "completed");
    let agents = record["attempts"].as_array().unwrap();
    assert_eq!(agents.len(), 2, "`say` was not done again: {record:#}");
    assert_eq!(record["tasks"]["ask"]["approval"]["decision"]["by"], "ada");
    let again = stage.say(&["runs", "resume", "r-1"]).expect(2);
    assert!(
        again.stderr.contains("has ended: completed"),
        "{}",
        again.stderr
    );
    assert!(again.stderr.contains("runs retry r-1"), "{}", again.stderr);
}

#[test]
fn the_audit_names_each_rule_that_decided() {
    let folder = plugins(&["read-env"]);
    fs::create_dir(folder.path().join("src")).unwrap();
    let config = "schema = 1\nplugins = [\".\"]\n[agents.read-env]\nmounts = [\"src\"]\n";
    fs::write(folder.path().join("ringfence.toml"), config).unwrap();
    let workflow = "version: 1\nname: nosy\ntasks:\n  look: { role: read-env, mounts: [src], input: { mount: src } }\n";
    fs::write(folder.path().join("nosy.yaml"), workflow).unwrap();
    let say = |args: &[&str]| -> Ended {
        let mut command = ringfence(folder.path());
        command.args(["--journal", "j.sqlite"]).args(args);
        command.output().unwrap().into()
    };
    say(&["run", "nosy.yaml", "--id", "nosy", "--mount", "src=src"]).expect(0);
    let audit = say(&["runs", "audit", "nosy"]).expect(0).stdout;
    for part in [
        "mount src",
        "[agents.read-env] mounts = [\"src\"]",
        "network tcp",
        "network dns",
        "sandboxes have no network",
        "make or move a symbolic link",
        "1 allowed, ",
    ] {
        assert!(audit.contains(part), "{part}: {audit}");
    }
    let denied = say(&["runs", "audit", "nosy", "--denied", "--format", "json"]).expect(0);
    let lines: Vec<Value> = denied
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() >= 4, "{lines:#?}");
    let is_denial = |line: &Value| {
        line["event"]["decision"]["allowed"] == false || line["decision"]["allowed"] == false
    };
    assert!(lines.iter().all(is_denial), "{lines:#?}");
    let none = say(&["runs", "audit", "nobody"]).expect(2);
    assert!(none.stderr.contains("nobody"), "{}", none.stderr);
}

#[test]
fn a_run_is_watched_from_elsewhere_until_it_ends() {
    let stage = Stage::new();
    stage.left("r-1");
    let left = stage.say(&["runs", "watch", "r-1"]).expect(0);
    assert!(
        left.stderr
            .contains("nobody drives the run; `ringfence runs resume r-1`"),
        "{left:#?}"
    );
    let mut resumed = stage.command(&["runs", "resume", "r-1"]).spawn().unwrap();
    while stage.json(&["runs", "list"])[0]["waiting"][0]["task"] != "ask" {
        assert!(resumed.try_wait().unwrap().is_none(), "it goes on");
    }
    let mut watching = stage.command(&["runs", "watch", "r-1", "--format", "json"]);
    let watching = watching
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let busy = stage.say(&["runs", "resume", "r-1"]).expect(2);
    assert!(
        busy.stderr.contains("another process drives the run `r-1`"),
        "{busy:#?}"
    );
    stage.say(&["runs", "approve", "r-1", "ask"]).expect(0);
    assert!(resumed.wait().unwrap().success());
    let watched: Ended = watching.wait_with_output().unwrap().into();
    let events = watched.expect(0).json_lines();
    assert_eq!(events.last().unwrap()["event"]["type"], "run-ended");
    let all = stage.say(&["runs", "events", "r-1", "--format", "json"]);
    assert_eq!(events, all.json_lines());
}

#[test]
fn a_run_that_does_not_listen_is_seen_all_the_same() {
    let stage = Stage::new();
    let mut deaf = stage.asks(&["--id", "r-1", "--no-control"]);
    let listed = stage.say(&["runs", "list"]).expect(0).stdout;
    assert!(
        listed.contains("running") && !listed.contains("no run is live"),
        "{listed}"
    );
    let told = stage.say(&["runs", "cancel", "r-1"]).expect(2).stderr;
    assert!(told.contains("does not listen"), "{told}");
    let shown = stage.say(&["runs", "show", "r-1"]).expect(0).stdout;
    assert!(
        shown.starts_with("r-1 running, workflow release, started 2"),
        "{shown}"
    );
    deaf.kill().unwrap();
    deaf.wait().unwrap();
}

#[test]
fn what_happened_can_be_printed_and_reported_later() {
    let stage = Stage::new();
    stage.left("r-1");
    let events = stage.say(&["runs", "events", "r-1"]).expect(0).stdout;
    assert!(events.contains("say: completed"), "{events}");
    assert!(events.contains("ask waits for approval: Release it?"));
    let lines = stage.say(&["runs", "events", "r-1", "--format", "json"]);
    assert!(lines.json_lines().len() > 3);
    let report = ["runs", "show", "r-1", "--report", "out/r.html"];
    stage.say(&report).expect(0);
    let page = fs::read_to_string(stage.path().join("out/r.html")).unwrap();
    assert!(page.contains("<h1>release</h1>"));
    let wrong = stage.say(&["runs", "show", "r-1", "--report", "r.pdf"]);
    assert!(wrong.expect(2).stderr.contains(".sarif"));
}

#[test]
fn logs_are_those_of_the_task_that_is_asked_for() {
    let stage = Stage::new();
    fs::copy(
        built("guests", "flood-log"),
        stage.path().join("flood-log.wasm"),
    )
    .unwrap();
    let workflow = "version: 1\nname: talk\ntasks:\n  a: { role: flood-log, input: { lines: 2, bytes: 3 } }\n  b: { role: flood-log, input: { lines: 2, bytes: 3 } }\n";
    fs::write(stage.path().join("talk.yaml"), workflow).unwrap();
    stage.say(&["run", "talk.yaml", "--id", "r-1"]).expect(0);
    let all = stage.say(&["runs", "logs", "r-1"]).expect(0).stdout;
    let one = ["runs", "logs", "r-1", "--task", "a"];
    let one = stage.say(&one).expect(0).stdout;
    assert_eq!(all.lines().count(), 2 * one.lines().count());
    assert!(
        one.lines()
            .all(|line| line.starts_with("a flood-log attempt 1 "))
    );
    // What an agent writes is one line, and cannot colour a terminal.
    let hostile = "version: 1\nname: hostile\ntasks:\n  a: { role: flood-log, input: { lines: 1, text: \"x\\e[31mred\\nb echo attempt 1 info: forged\" } }\n";
    fs::write(stage.path().join("hostile.yaml"), hostile).unwrap();
    stage.say(&["run", "hostile.yaml", "--id", "r-2"]).expect(0);
    let forged = stage.say(&["runs", "logs", "r-2"]).expect(0).stdout;
    assert_eq!(forged.lines().count(), 1, "{forged}");
    assert!(forged.contains(r"\u{1b}[31mred\nb echo"), "{forged}");
    assert!(!forged.contains('\u{1b}'));
    let none = stage.say(&["runs", "logs", "r-1", "--task", "c"]).expect(2);
    assert!(none.stderr.contains("no task `c`"), "{}", none.stderr);
}

#[test]
fn a_run_that_was_left_can_be_cancelled() {
    let stage = Stage::new();
    stage.left("r-1");
    let said = stage.json(&["runs", "cancel", "r-1"]);
    assert_eq!(
        said,
        serde_json::json!({ "run": "r-1", "status": "cancelled" })
    );
    let runs = stage.json(&["runs", "list"]);
    assert_eq!(runs[0]["state"], "cancelled");
    let again = stage.say(&["runs", "cancel", "r-1"]).expect(2);
    assert!(again.stderr.contains("cancelled"), "{}", again.stderr);
}

#[test]
fn agents_that_have_changed_are_not_used_unasked() {
    let stage = Stage::new();
    stage.left("r-1");
    // The same program with a section more: another component.
    let plugin = stage.path().join("echo.wasm");
    let mut bytes = fs::read(&plugin).unwrap();
    bytes.extend([0, 5, 4, b'n', b'o', b't', b'e']);
    fs::write(&plugin, bytes).unwrap();
    let refused = stage.say(&["runs", "resume", "r-1"]).expect(2).stderr;
    for part in ["`echo` was ", "--accept-changed-agents"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    stage.say(&["runs", "approve", "r-1", "ask"]).expect(0);
    let accepted = ["runs", "resume", "r-1", "--accept-changed-agents"];
    let accepted = stage.say(&accepted).expect(0);
    assert!(accepted.stderr.contains("`echo` was "), "{accepted:#?}");
    // They are its agents from now on.
    let retried = stage
        .say(&["runs", "retry", "r-1", "--from", "tell"])
        .expect(0);
    assert!(!retried.stderr.contains("not the same"), "{retried:#?}");
}

#[test]
fn a_run_that_failed_runs_again_from_where_it_failed() {
    let stage = Stage::new();
    fs::create_dir(stage.path().join("log")).unwrap();
    fs::copy(built("guests", "trap"), stage.path().join("trap.wasm")).unwrap();
    fs::write(stage.path().join("fails.yaml"), FAILS).unwrap();
    let run = ["run", "fails.yaml", "--id", "r-1", "--mount", "log=log"];
    stage.say(&run).expect(1);
    let executions = || {
        let text = fs::read_to_string(stage.path().join("log/executions")).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(executions(), ["first 1 1"]);
    let unknown = stage.say(&["runs", "retry", "r-1", "--from", "frist"]);
    assert!(unknown.expect(2).stderr.contains("did you mean `first`?"));
    let retried = stage.say(&["runs", "retry", "r-1"]).expect(1);
    assert!(
        retried.stderr.contains("runs again: second, third"),
        "{}",
        retried.stderr
    );
    assert_eq!(
        executions(),
        ["first 1 1"],
        "what was kept is not done again"
    );
    stage
        .say(&["runs", "retry", "r-1", "--from", "first"])
        .expect(1);
    assert_eq!(executions(), ["first 1 1", "first 2 1"]);
    let record = stage.json(&["runs", "show", "r-1"]);
    assert_eq!(record["tasks"]["second"]["whole"]["round"], 3);
}

#[test]
fn old_runs_are_pruned_when_asked() {
    let stage = Stage::new();
    stage.left("r-1");
    stage.say(&["runs", "cancel", "r-1"]).expect(0);
    let kept = stage.json(&["runs", "prune"]);
    assert_eq!(kept["runs"], serde_json::json!([]), "it is too young");
    let pruned = stage.json(&["runs", "prune", "--older-than", "0s"]);
    assert_eq!(pruned["runs"], serde_json::json!(["r-1"]));
    let gone = stage.say(&["runs", "show", "r-1"]).expect(2);
    assert!(gone.stderr.contains("no run `r-1`"), "{}", gone.stderr);
}

/// How long work will take is known from earlier runs of the same workflow.
#[test]
fn the_second_run_knows_how_long_it_takes() {
    let stage = Stage::new();
    let asks_first = "version: 1
name: later
tasks:
  ask: { approve: 'Go on?' }
  say: { role: echo, needs: [ask], input: { a: 1 } }
";
    fs::write(stage.path().join("asks.yaml"), asks_first).unwrap();
    let expected = |id: &str| {
        stage.left(id);
        // Whoever goes on with it knows what it would have known.
        let mut resumed = stage.command(&["runs", "resume", id]).spawn().unwrap();
        let live = loop {
            let listed = stage.json(&["runs", "list"]);
            let runs = listed.as_array().unwrap().clone();
            let live = runs
                .into_iter()
                .find(|run| run["run"] == id && run["state"] == "running");
            if let Some(live) = live.filter(|run| run["waiting"][0]["task"] == "ask") {
                break live;
            }
            assert!(resumed.try_wait().unwrap().is_none(), "it goes on");
        };
        stage.say(&["runs", "approve", id, "ask"]).expect(0);
        assert!(resumed.wait().unwrap().success());
        live["metrics"]["estimated-completion-us"].clone()
    };
    let first = expected("r-1");
    assert!(first.is_null(), "nothing is known: {first}");
    let second = expected("r-2");
    assert!(second.as_u64().is_some_and(|micros| micros > 0), "{second}");
}

#[test]
fn without_a_journal_nothing_is_written() {
    let stage = Stage::new();
    let workflow = "version: 1\nname: one\ntasks:\n  say: { role: echo, input: { a: 1 } }\n";
    fs::write(stage.path().join("one.yaml"), workflow).unwrap();
    let said = stage.say(&["run", "one.yaml", "--no-journal"]).expect(0);
    assert!(said.stderr.is_empty() || !said.stderr.contains("error"));
    assert!(!stage.path().join(".local").exists());
    let listed = stage.say(&["runs", "list"]).expect(0).stdout;
    assert_eq!(listed, "no run is live\n");
}

/// What cannot be written down is refused before work starts.
#[test]
fn a_journal_that_cannot_be_used_is_said_before_work_starts() {
    let stage = Stage::new();
    let refused = |journal: &str, why: &str| {
        let args = ["run", "asks.yaml", "--journal", journal, "--format", "json"];
        let said = stage.say(&args).expect(6);
        assert!(said.stderr.contains(why), "{why}: {}", said.stderr);
        assert!(said.stderr.contains("hint: "), "{}", said.stderr);
        assert_eq!(said.stdout, "", "nothing has started");
    };
    refused(".", "it is a folder");
    refused("asks.yaml", "it is no journal");
    refused("asks.yaml/journal", "asks.yaml is a file");
    refused("/proc/journal.sqlite", "the journal /proc");
    stage.left("r-1");
    let journal = stage.path().join(".local/state/ringfence/journal.sqlite");
    let mut bytes = fs::read(&journal).unwrap();
    bytes.truncate(100);
    let cut = stage.path().join("cut.sqlite");
    fs::write(&cut, bytes).unwrap();
    refused(cut.to_str().unwrap(), "it is");
}

/// A disk that is full in the middle: the run waits and says why; what was
/// said to anybody is kept; it goes on when there is room.
#[test]
fn a_full_disk_pauses_a_run_and_nothing_is_lost() {
    use std::io::{BufRead, BufReader};
    let stage = Stage::new();
    fs::create_dir(stage.path().join("log")).unwrap();
    let workflow = "version: 1
name: many
tasks:
  each:
    role: count
    mounts: [log]
    for_each: range(300)
    input: { work: 1, number: \"${{ item }}\" }
";
    fs::write(stage.path().join("many.yaml"), workflow).unwrap();
    // No file grows beyond 512 KiB, and writing more is an error, no signal.
    let program = env!("CARGO_BIN_EXE_ringfence");
    let limited = format!(
        "trap '' XFSZ; ulimit -f 1024; exec {program} run many.yaml --id r-1 --mount log=log --format json > said.jsonl"
    );
    let mut command = Command::new("sh");
    let ours = stage.command(&[]);
    command
        .current_dir(stage.path())
        .env_clear()
        .envs(
            ours.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .args(["-c", &limited])
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let paused = said.by_ref().map(Result::unwrap);
    let mut paused = paused.filter(|line| line.contains("the journal cannot be written: "));
    let why = paused.next().expect("the run paused");
    assert!(why.contains("the run waits"), "{why}");
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    let rest: String = said.map(Result::unwrap).collect();
    assert!(
        rest.contains("`ringfence runs resume r-1` goes on from there"),
        "{rest}"
    );
    assert_eq!(child.wait().unwrap().code(), Some(6));

    let told = fs::read_to_string(stage.path().join("said.jsonl")).unwrap();
    let told: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kept = stage.say(&["runs", "events", "r-1", "--format", "json"]);
    let kept = kept.json_lines();
    assert!(told.len() > 100, "it was at work: {}", told.len());
    assert_eq!(kept[..told.len()], told[..]);
    stage.say(&["runs", "resume", "r-1"]).expect(0);
    let record = stage.json(&["runs", "show", "r-1"]);
    let items = record["tasks"]["each"]["items"].as_object().unwrap();
    assert_eq!(items.len(), 300);
    let events = stage.say(&["runs", "events", "r-1", "--format", "json"]);
    let is_lost = |event: &&Value| event["event"]["type"] == "attempt-lost";
    let lost = events.json_lines().iter().filter(is_lost).count();
    let executions = fs::read_to_string(stage.path().join("log/executions")).unwrap();
    let executions = executions.lines().count();
    assert!(
        (300..=300 + lost).contains(&executions),
        "{executions} executions, {lost} attempts were lost"
    );
}

/// Only the user may read what agents said and wrote.
#[test]
fn others_cannot_read_a_journal() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::new();
    stage.left("r-1");
    let state = stage.path().join(".local/state/ringfence");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    assert_eq!(mode(&state.join("journal.sqlite")), 0o600);
    assert_eq!(mode(&state.join("journal.sqlite.d")), 0o700);
    // Also where the folder is not ours alone.
    let here = [
        "run",
        "asks.yaml",
        "--journal",
        "here.sqlite",
        "--id",
        "r-2",
        "--no-control",
    ];
    let mut child = stage.command(&here).spawn().unwrap();
    let file = stage.path().join("here.sqlite");
    while !file.exists() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    assert_eq!(mode(&file), 0o600);
    child.kill().unwrap();
    child.wait().unwrap();
}
