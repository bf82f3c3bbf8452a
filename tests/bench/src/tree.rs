//! A source tree to review: the sources of the host's own dependencies, which
//! `Cargo.lock` pins, in the order of their names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use tempfile::TempDir;

/// The lines that a tree has at least; the file that reaches them is the last one.
const LINES: usize = 200_000;

/// A source tree.
pub(crate) struct Tree {
    folder: TempDir,
    pub(crate) files: u64,
    pub(crate) lines: usize,
}

impl Tree {
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Copies packages until there are enough lines.
    pub(crate) fn of_dependencies() -> Self {
        let mut tree = Self {
            folder: tempfile::tempdir().unwrap(),
            files: 0,
            lines: 0,
        };
        for package in dependencies() {
            let name = format!("{}-{}", package.name, package.version);
            let (from, to) = (package.folder(), tree.path().join(name));
            fs::create_dir(&to).unwrap();
            fs::copy(&package.manifest_path, to.join("Cargo.toml")).unwrap();
            tree.copy(&from.join("src"), &to.join("src"));
            if tree.lines >= LINES {
                return tree;
            }
        }
        panic!("the dependencies have {} lines together", tree.lines);
    }

    /// Copies the Rust files below a folder, in the order of their names.
    fn copy(&mut self, from: &Path, to: &Path) {
        let Ok(entries) = fs::read_dir(from) else {
            return;
        };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        fs::create_dir(to).unwrap();
        for path in paths {
            let copy = to.join(path.file_name().unwrap());
            if path.is_dir() {
                self.copy(&path, &copy);
            } else if path.extension().is_some_and(|ending| ending == "rs") && self.lines < LINES {
                let text = fs::read_to_string(&path).unwrap();
                fs::write(copy, &text).unwrap();
                self.files += 1;
                self.lines += text.lines().count();
            }
        }
    }
}

/// A package as `cargo metadata` describes it.
#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    manifest_path: PathBuf,
}

impl Package {
    fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap()
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// The packages that the host depends on, by name and version.
fn dependencies() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let metadata: Metadata = serde_json::from_slice(&output.stdout).unwrap();
    let mut packages = metadata.packages;
    packages.retain(|package| package.source.is_some());
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    packages
}
