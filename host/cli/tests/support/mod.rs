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

/// The command as an author has it: with their search path and toolchain.
pub(crate) fn author(folder: &Path) -> Command {
    let mut command = ringfence(folder);
    for name in [
        "PATH",
        "HOME",
        "CARGO_HOME",
        "RUSTUP_HOME",
        "RUSTUP_TOOLCHAIN",
    ] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    for (name, value) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let says_where = [
            "CARGO_NET_",
            "CARGO_HTTP_",
            "CARGO_REGISTR",
            "CARGO_SOURCE_",
        ];
        if says_where.iter().any(|prefix| text.starts_with(prefix)) {
            command.env(name, value);
        }
    }
    command
}

/// Whether the toolchain builds components; where it does not, a test that needs
/// one ends here, and says so.
#[allow(clippy::print_stdout, reason = "a test that is left out says why")]
pub(crate) fn builds_components() -> bool {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", "wasm32-wasip2"]);
    let folder = String::from_utf8(rustc.output().unwrap().stdout).unwrap();
    let there = Path::new(folder.trim()).is_dir();
    if !there {
        println!("skipped: this toolchain has no target wasm32-wasip2");
    }
    there
}
