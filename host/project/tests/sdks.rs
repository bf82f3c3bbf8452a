//! The tests of the SDKs for Python and JavaScript, which need no packager: they run
//! in whatever interpreter is there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot go on panics, and one that is skipped says so"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn sdk(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../plugin-sdk")
        .join(folder)
}

/// Whether `program`, of which `version` prints the release, is there and new enough.
fn is_there(program: &str, version: &[&str], least: (u32, u32)) -> bool {
    let said = Command::new(program).args(version).output();
    let said = said.map_or_else(|_| String::new(), |output| text(&output.stdout));
    let numbers = said.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mut numbers = numbers.split('.').map_while(|number| number.parse().ok());
    let release = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if release < least {
        let (major, minor) = least;
        eprintln!("skipped: there is no {program} {major}.{minor} or newer here");
    }
    release >= least
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn passes(output: &Output) {
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
}

#[test]
fn the_python_sdk_does_what_it_promises() {
    if !is_there("python3", &["--version"], (3, 10)) {
        return;
    }
    let mut python = Command::new("python3");
    // Without caches beside the sources, which are embedded.
    python
        .args([
            "-B",
            "-m",
            "unittest",
            "discover",
            "--start-directory",
            "tests",
        ])
        .env("PYTHONPATH", sdk("python"))
        .current_dir(sdk("python"));
    passes(&python.output().unwrap());
}

#[test]
fn the_javascript_sdk_does_what_it_promises() {
    if !is_there("node", &["--version"], (20, 0)) {
        return;
    }
    let mut node = Command::new("node");
    node.args(["--test", "test/"]).current_dir(sdk("js"));
    passes(&node.output().unwrap());
}
