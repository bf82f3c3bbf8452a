//! Live runs, spoken to from other processes.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use support::{Ended, plugins, ringfence};

const WAITS: &str = "version: 1\nname: release\ntasks:\n  say: {role: echo, input: {a: 1}}\n  release:\n    needs: [say]\n    approve: Release it?\n    on_reject: {redo_from: say, max_rounds: 2}\n";
const SPINS: &str =
    "version: 1\nname: slow\ntasks:\n  x: {role: spin, timeout: 10m, budget: {fuel: 50G}}\n";

/// A folder with plugins and workflows, and one for sockets.
struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = plugins(&["echo", "spin"]);
        let path = folder.path();
        for part in ["plugins", "run"] {
            fs::create_dir(path.join(part)).unwrap();
        }
        for name in ["echo", "spin"] {
            let file = format!("{name}.wasm");
            fs::rename(path.join(&file), path.join("plugins").join(&file)).unwrap();
        }
        fs::write(path.join("waits.yaml"), WAITS).unwrap();
        fs::write(path.join("spins.yaml"), SPINS).unwrap();
        Self { folder }
    }

    fn runtime(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    fn socket(&self, run: &str) -> PathBuf {
        self.runtime().join("ringfence").join(format!("{run}.sock"))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = ringfence(self.folder.path());
        command
            .env("XDG_RUNTIME_DIR", self.runtime())
            .env("USER", "ada")
            .args(args);
        command
    }

    fn say(&self, args: &[&str]) -> Ended {
        self.command(args).output().unwrap().into()
    }

    /// Starts a run, and waits for an event of this type.
    fn start(&self, workflow: &str, id: &str, until: &str) -> Live {
        let args = ["run", workflow, "--format", "json", "--id", id];
        let mut command = self.command(&args);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let mut live = Live {
            child,
            events: BufReader::new(stdout).lines(),
        };
        live.wait_for(until);
        live
    }
}

struct Live {
    child: Child,
    events: Lines<BufReader<ChildStdout>>,
}

impl Live {
    fn wait_for(&mut self, event: &str) -> String {
        let wanted = format!("\"type\":\"{event}\"");
        let found = self
            .events
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.contains(&wanted));
        found.unwrap_or_else(|| panic!("no {event}"))
    }

    fn ends_with(mut self, code: i32) {
        self.events.by_ref().for_each(drop);
        assert_eq!(self.child.wait().unwrap().code(), Some(code));
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // Of a test that failed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_task_that_waits_is_seen_and_approved() {
    let stage = Stage::new();
    let live = stage.start("waits.yaml", "r-one", "approval-requested");
    let listed = stage.say(&["runs", "list"]).expect(0);
    for part in [
        "r-one",
        "release",
        "50 %",
        "release: Release it?",
        "ringfence runs approve r-one release",
    ] {
        assert!(listed.stdout.contains(part), "{part}: {}", listed.stdout);
    }
    let json = stage
        .say(&["runs", "list", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(json[0]["run"], "r-one");
    assert_eq!(json[0]["metrics"]["in-progress"], 1);
    assert_eq!(json[0]["waiting"][0]["task"], "release");
    let said = stage
        .say(&["runs", "approve", "r-one", "release", "--note", "go"])
        .expect(0);
    assert_eq!(said.stdout, "approved `release` of `r-one`\n");
    live.ends_with(0);
    assert!(!stage.socket("r-one").exists());
    let listed = stage.say(&["runs", "list"]).expect(0).stdout;
    assert!(listed.starts_with("no run is live\n"), "{listed}");
    assert!(listed.contains("completed"), "the journal has it: {listed}");
}

#[test]
fn what_is_rejected_goes_back_with_the_note_and_the_name() {
    let stage = Stage::new();
    let mut live = stage.start("waits.yaml", "r-two", "approval-requested");
    stage
        .say(&["runs", "reject", "r-two", "release", "--note", "not yet"])
        .expect(0);
    let decided = live.wait_for("approval-decided");
    assert!(
        decided.contains("\"by\":\"ada\"") && decided.contains("not yet"),
        "{decided}"
    );
    live.wait_for("approval-requested");
    stage.say(&["runs", "reject", "r-two", "release"]).expect(0);
    live.ends_with(3);
}

#[test]
fn a_run_can_be_stopped_from_elsewhere() {
    let stage = Stage::new();
    let live = stage.start("spins.yaml", "r-three", "attempt-started");
    let agents = stage.say(&["agents", "list"]).expect(0);
    let spin = agents
        .stdout
        .lines()
        .find(|line| line.starts_with("spin"))
        .unwrap();
    assert!(spin.contains("closed"), "its breaker: {spin}");
    let said = stage.say(&["runs", "cancel", "r-three"]).expect(0);
    assert_eq!(said.stdout, "`r-three` is told to stop\n");
    live.ends_with(130);
    let agents = stage.say(&["agents", "list"]).expect(0);
    let spin = agents
        .stdout
        .lines()
        .find(|line| line.starts_with("spin"))
        .unwrap();
    assert!(spin.contains(" - "), "no live run, no breaker: {spin}");
}

#[test]
fn who_asks_for_the_wrong_thing_is_told_the_right_one() {
    let stage = Stage::new();
    let none = stage.say(&["runs", "cancel", "r-four"]).expect(2);
    assert!(
        none.stderr
            .contains("no live run is called `r-four`\nhint: no run is live"),
        "{}",
        none.stderr
    );
    let live = stage.start("waits.yaml", "r-four", "approval-requested");
    let near = stage
        .say(&["runs", "approve", "r-for", "release"])
        .expect(2);
    assert!(
        near.stderr.contains("did you mean `r-four`?"),
        "{}",
        near.stderr
    );
    let task = stage.say(&["runs", "approve", "r-four", "say"]).expect(2);
    assert!(
        task.stderr.contains(
            "`say` of the run `r-four` does not wait for approval\nhint: these do: `release`"
        ),
        "{}",
        task.stderr
    );
    let path = stage
        .say(&["runs", "approve", "r-four", "a[x]/b"])
        .expect(2);
    assert!(path.stderr.contains("is no item"), "{}", path.stderr);
    stage.say(&["runs", "cancel", "r-four"]).expect(0);
    live.ends_with(130);
}

#[test]
fn two_runs_are_told_apart_and_a_dead_one_is_forgotten() {
    let stage = Stage::new();
    let one = stage.start("waits.yaml", "r-a", "approval-requested");
    let mut two = stage.start("waits.yaml", "r-b", "approval-requested");
    let json = stage
        .say(&["runs", "list", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(json.as_array().unwrap().len(), 2);
    two.child.kill().unwrap();
    two.child.wait().unwrap();
    assert!(stage.socket("r-b").exists(), "it had no time to tidy up");
    let json = stage
        .say(&["runs", "list", "--format", "json"])
        .expect(0)
        .json();
    let state = |at: usize| (json[at]["run"].clone(), json[at]["state"].clone());
    assert_eq!(state(0), ("r-a".into(), "running".into()));
    assert_eq!(state(1), ("r-b".into(), "interrupted".into()));
    assert!(!stage.socket("r-b").exists());
    stage.say(&["runs", "approve", "r-a", "release"]).expect(0);
    one.ends_with(0);
}

fn connect(path: &Path) -> UnixStream {
    UnixStream::connect(path).unwrap()
}

#[test]
fn nonsense_and_silence_do_not_disturb_a_run() {
    let stage = Stage::new();
    let live = stage.start("waits.yaml", "r-five", "approval-requested");
    let path = stage.socket("r-five");
    let long = vec![b'x'; 1 << 20];
    for nonsense in [
        &b"\n"[..],
        b"{}\n",
        b"\xff\xfe\n",
        b"{\"ringfence\":9,\"ask\":\"status\"}\n",
        &long,
    ] {
        let mut stream = connect(&path);
        // A run that has heard enough hangs up in the middle.
        drop(stream.write_all(nonsense));
        drop(stream.shutdown(std::net::Shutdown::Write));
        let mut answer = String::new();
        if stream.read_to_string(&mut answer).is_ok() && !answer.is_empty() {
            assert!(answer.contains("\"answer\":\"refused\""), "{answer}");
        }
    }
    // Fewer than may speak at once, and silent.
    let silent: Vec<_> = (0..10).map(|_| connect(&path)).collect();
    stage
        .say(&["runs", "approve", "r-five", "release"])
        .expect(0);
    drop(silent);
    live.ends_with(0);
}

#[test]
fn a_folder_that_others_may_enter_is_not_used() {
    let stage = Stage::new();
    let folder = stage.runtime().join("ringfence");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let list = stage.say(&["runs", "list"]).expect(6);
    assert!(
        list.stderr
            .contains("is open to others than you; `chmod 700` it"),
        "{}",
        list.stderr
    );
    let mut good = fs::File::create(stage.folder.path().join("good.yaml")).unwrap();
    writeln!(
        good,
        "version: 1\nname: good\ntasks:\n  say: {{role: echo, input: {{a: 1}}}}"
    )
    .unwrap();
    let run = stage.say(&["run", "good.yaml"]).expect(0);
    assert!(
        run.stderr
            .contains("`ringfence runs` does not see this run"),
        "{}",
        run.stderr
    );
    let quiet = stage.say(&["run", "good.yaml", "--no-control"]).expect(0);
    assert!(!quiet.stderr.contains("does not see"), "{}", quiet.stderr);
}
