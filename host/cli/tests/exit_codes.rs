//! Each exit code, by what leads to it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use support::{plugins, ringfence, run};

/// A folder with a workflow and plugins.
fn stage(workflow: &str) -> tempfile::TempDir {
    let folder = plugins(&["echo", "fail", "reject", "spin"]);
    let agents = folder.path().join("plugins");
    fs::create_dir(&agents).unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "wasm") {
            fs::rename(&path, agents.join(path.file_name().unwrap())).unwrap();
        }
    }
    fs::write(folder.path().join("w.yaml"), workflow).unwrap();
    folder
}

const GOOD: &str = "version: 1\nname: good\ntasks:\n  say: {role: echo, input: {a: 1}}\n";

#[test]
fn completed_is_0() {
    let folder = stage(GOOD);
    let ended = run(folder.path(), &["run", "w.yaml"]).expect(0);
    assert!(
        ended.stdout.contains("completed `good`"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_failed_run_is_1() {
    let folder =
        stage("version: 1\nname: bad\ntasks:\n  x: {role: fail, input: {kind: permanent}}\n");
    let ended = run(folder.path(), &["run", "w.yaml"]).expect(1);
    assert!(ended.stdout.contains("permanent"), "{}", ended.stdout);
}

#[test]
fn a_wrong_command_line_is_2() {
    let folder = stage(GOOD);
    run(folder.path(), &["run"]).expect(2);
    run(folder.path(), &["run", "w.yaml", "--bogus"]).expect(2);
    run(folder.path(), &["run", "w.yaml", "--input", "a"]).expect(2);
    let ended = run(folder.path(), &["run", "w.yaml", "--input", "a=1"]).expect(2);
    assert!(ended.stderr.contains('a'), "{}", ended.stderr);
    let ended = run(folder.path(), &["run", "w.yaml", "--report", "r.pdf"]).expect(2);
    assert!(ended.stderr.contains(".html"), "{}", ended.stderr);
    let ended = run(folder.path(), &["agents", "inspect", "ecko"]).expect(2);
    assert!(
        ended.stderr.contains("did you mean `echo`?"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_rejection_is_3() {
    let folder = stage(
        "version: 1\nname: r\ntasks:\n  say: {role: echo}\n  gate:\n    role: reject\n    needs: [say]\n    input: {until_round: 100}\n    on_reject: {redo_from: say, max_rounds: 2}\n",
    );
    let ended = run(folder.path(), &["run", "w.yaml"]).expect(3);
    assert!(ended.stdout.contains("gate-rejected"), "{}", ended.stdout);
}

#[test]
fn what_is_not_valid_is_4() {
    let folder = stage("version: 1\nname: bad\ntasks:\n  x: {role: echo, needs: [y]}\n");
    let ended = run(folder.path(), &["run", "w.yaml"]).expect(4);
    assert!(ended.stderr.contains("w.yaml"), "{}", ended.stderr);
    fs::write(folder.path().join("w.yaml"), GOOD).unwrap();
    fs::write(
        folder.path().join("ringfence.toml"),
        "schema = 1\nplugin = []\n",
    )
    .unwrap();
    let ended = run(folder.path(), &["run", "w.yaml"]).expect(4);
    assert!(
        ended.stderr.contains("did you mean `plugins`?"),
        "{}",
        ended.stderr
    );
}

#[test]
fn no_capable_agent_is_5() {
    let folder = stage("version: 1\nname: bad\ntasks:\n  x: {role: ecko}\n");
    let ended = run(folder.path(), &["run", "w.yaml"]).expect(5);
    assert!(
        ended.stderr.contains("echo"),
        "the nearest role: {}",
        ended.stderr
    );
}

#[test]
fn what_cannot_be_read_or_written_is_6() {
    let folder = stage(GOOD);
    let ended = run(folder.path(), &["run", "missing.yaml"]).expect(6);
    assert!(ended.stderr.contains("missing.yaml"), "{}", ended.stderr);
    fs::write(folder.path().join("file"), "").unwrap();
    run(
        folder.path(),
        &["run", "w.yaml", "--report", "file/report.html"],
    )
    .expect(6);
    run(folder.path(), &["run", "w.yaml", "--mount", "src=missing"]).expect(6);
    run(folder.path(), &["run", "w.yaml", "--plugins", "missing"]).expect(6);
}

/// A run of `w.yaml` whose events are read while it goes on.
#[cfg(unix)]
struct Live {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

#[cfg(unix)]
impl Live {
    fn start(folder: &Path, flags: &[&str]) -> Self {
        let mut child = ringfence(folder)
            .args(["run", "w.yaml", "--format", "json"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn until(&mut self, event: &str) {
        let found = self.lines.any(|line| line.unwrap().contains(event));
        assert!(found, "{event} never happened");
    }

    fn interrupt(&self) {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// What is still said, and the exit code.
    fn end(mut self) -> (Vec<String>, Option<i32>) {
        let rest = self.lines.map(Result::unwrap).collect();
        (rest, self.child.wait().unwrap().code())
    }
}

#[cfg(unix)]
#[test]
fn cancelled_is_130() {
    let folder = stage(
        "version: 1\nname: slow\ntasks:\n  x: {role: spin, timeout: 10m, budget: {fuel: 50G}}\n",
    );
    let mut live = Live::start(folder.path(), &[]);
    live.until("attempt-started");
    live.interrupt();
    let (rest, code) = live.end();
    assert_eq!(code, Some(130));
    assert!(
        rest.last().unwrap().contains(r#""status":"cancelled""#),
        "{rest:#?}"
    );
}

/// What stands under `finally` may take its time; a second interrupt does not
/// wait for it, and loses nothing that was kept.
#[cfg(unix)]
#[test]
fn a_second_interrupt_ends_at_once_and_the_run_can_go_on() {
    let folder = stage(
        "version: 1\nname: slow\ntasks:\n  x: {role: spin, timeout: 10m, budget: {fuel: 50G}}\n\
         finally:\n  y: {role: spin, timeout: 10m, budget: {fuel: 50G}}\n",
    );
    let mut live = Live::start(folder.path(), &["--id", "twice", "--journal", "j.sqlite"]);
    live.until("attempt-started");
    live.interrupt();
    live.until("attempt-started");
    live.interrupt();
    let (rest, code) = live.end();
    assert_eq!(code, Some(130));
    assert!(!rest.concat().contains("run-ended"), "{rest:#?}");
    let kept = run(folder.path(), &["runs", "list", "--journal", "j.sqlite"]).expect(0);
    assert!(kept.stdout.contains("interrupted"), "{}", kept.stdout);
}
