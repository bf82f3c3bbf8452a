//! A plugin that is replaced while a run is live.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use support::{Ended, built, plugins, ringfence};

const WORKFLOW: &str = "version: 1
name: long
tasks:
  before: { role: echo, input: { a: 1 } }
  ask: { needs: [before], approve: 'Go on?' }
  after: { role: echo, needs: [ask], input: { a: 2 } }
";

#[test]
fn a_live_run_goes_on_with_the_plugin_that_was_put_there() {
    let folder = plugins(&["echo"]);
    fs::create_dir(folder.path().join("run")).unwrap();
    fs::write(folder.path().join("w.yaml"), WORKFLOW).unwrap();
    let command = |args: &[&str]| {
        let mut command = ringfence(folder.path());
        command
            .env("XDG_RUNTIME_DIR", folder.path().join("run"))
            .args(["--plugins", ".", "--journal", "j.sqlite"])
            .args(args);
        command
    };
    let say = |args: &[&str]| -> Ended { command(args).output().unwrap().into() };
    let mut child = command(&["run", "w.yaml", "--id", "live", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = |event: &str| {
        let found = lines.find(|line| line.as_ref().unwrap().contains(event));
        found.expect(event).unwrap()
    };
    until("approval-requested");
    // A broken one first: the agent stays.
    let place = folder.path().join("echo.wasm");
    fs::write(&place, "no component").unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let refused = said.find(|line| line.as_ref().unwrap().contains("refused:"));
    assert!(refused.unwrap().unwrap().contains("is not WebAssembly"));
    let mut other = fs::read(built("guests", "echo")).unwrap();
    other.extend(b"\0\x07\x05other1");
    fs::write(&place, other).unwrap();
    let changed = until("agent-changed");
    assert!(changed.contains(r#""change":"replaced""#), "{changed}");
    child.kill().unwrap();
    child.wait().unwrap();

    // The run knows what it went on with: nothing has changed since.
    say(&["runs", "approve", "live", "ask"]).expect(0);
    let resumed = say(&["runs", "resume", "live"]).expect(0);
    assert!(resumed.stdout.contains("completed `long`"), "{resumed:#?}");
    fs::copy(built("guests", "echo"), &place).unwrap();
    let retried = say(&["runs", "retry", "live", "--from", "after"]).expect(2);
    assert!(
        retried.stderr.contains("are not the same any more"),
        "{}",
        retried.stderr
    );
}
