//! Runs the command as a user does.

#![allow(dead_code, reason = "each suite uses a part of this")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap().to_owned()
}

/// A component that `cargo xtask build-guests` made.
pub(crate) fn built(kind: &str, name: &str) -> PathBuf {
    let path = root()
        .join("target")
        .join(kind)
        .join(format!("{name}.wasm"));
    assert!(
        path.exists(),
        "{} is missing: run `cargo xtask build-guests`",
        path.display()
    );
    path
}

/// A folder with these guests as plugins.
pub(crate) fn plugins(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        fs::copy(
            built("guests", name),
            folder.path().join(format!("{name}.wasm")),
        )
        .unwrap();
    }
    folder
}

/// What the command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// The one JSON document on stdout.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The JSON documents on stdout, one a line.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        };
        self.stdout.lines().map(parse).collect()
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// The command, in `folder`, with a compile cache that lasts from test run to
/// test run. The folder is its home, so that what a test leaves goes with it;
/// in the repository there is none, and nothing is left.
pub(crate) fn ringfence(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command
        .current_dir(folder)
        .env_clear()
        .env("XDG_CACHE_HOME", cache())
        .env("XDG_RUNTIME_DIR", runtime())
        .stdin(Stdio::null());
    if !folder.starts_with(root()) {
        command.env("HOME", folder);
    }
    command
}

/// A folder for the sockets of live runs, whose path is short enough wherever
/// the repository lies.
fn runtime() -> PathBuf {
    let folder = std::env::temp_dir().join("ringfence-tests");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn cache() -> PathBuf {
    let cache = root().join("target").join("test-cache");
    fs::create_dir_all(&cache).unwrap();
    cache
}

/// Runs the command to its end.
pub(crate) fn run(folder: &Path, args: &[&str]) -> Ended {
    ringfence(folder).args(args).output().unwrap().into()
}
