//! What a page needs beside the command, and how it is found.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{builds_components, root};

/// What a page needs beside the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tools {
    /// A Rust that builds components.
    Rust,
    /// The packager of Python, as `cargo xtask packagers` installs it.
    Python,
    /// The packages of JavaScript, as the same command installs them.
    JavaScript,
    /// A C compiler for WASI.
    Clang,
}

impl Tools {
    /// Whether they are there; says so where they are not.
    pub(crate) fn are_there(self) -> bool {
        let there = match self {
            Self::Rust => return builds_components(),
            Self::Clang => return has_clang(),
            Self::Python => packagers("python/bin/componentize-py").exists(),
            Self::JavaScript => packagers("js/node_modules/esbuild").exists(),
        };
        if !there {
            println!("skipped: `cargo xtask packagers` has not installed what it needs");
        }
        there
    }

    /// Puts what was installed before in the place of what `command` would install
    /// once more, if it installs something.
    pub(crate) fn stand_in_for(self, command: &str, here: &Path) -> bool {
        match self {
            Self::Python if command.contains("pip install componentize-py") => {
                symlink(packagers("python"), here.join(".venv")).unwrap();
                true
            }
            Self::JavaScript if command.contains("npm install") => {
                let modules = here.join("node_modules");
                fs::create_dir(&modules).unwrap();
                for name in ["@bytecodealliance", "esbuild", "@esbuild", ".bin"] {
                    let installed = packagers("js/node_modules").join(name);
                    symlink(installed, modules.join(name)).unwrap();
                }
                // As npm does with a dependency on a folder.
                symlink("../sdk", modules.join("ringfence-sdk")).unwrap();
                true
            }
            Self::Rust | Self::Python | Self::JavaScript | Self::Clang => false,
        }
    }
}

fn packagers(path: &str) -> PathBuf {
    root().join("target/packagers").join(path)
}

/// Whether C can be built for WASI; says so where it cannot.
fn has_clang() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("empty.c");
    fs::write(&source, "int main(void) { return 0; }").unwrap();
    let mut clang = Command::new("clang");
    clang.args(["--target=wasm32-wasi", "-o"]);
    let built = clang.arg(folder.path().join("empty.wasm")).arg(&source);
    let has = built.output().is_ok_and(|output| output.status.success());
    if !has {
        println!("skipped: clang does not build for WASI here");
    }
    has
}
