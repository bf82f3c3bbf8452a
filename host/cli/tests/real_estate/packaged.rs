//! Makes components of the agents in Python and JavaScript, where their packagers
//! can be had.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Ended, ringfence, root};

/// Where the test command installs the packagers.
const PACKAGERS: &str = "target/packagers";

/// The folders with the components, or nothing where a packager is not there.
pub(crate) fn packaged() -> Option<[PathBuf; 2]> {
    let python = root().join(PACKAGERS).join("python");
    let packages = root().join(PACKAGERS).join("js/node_modules");
    let tools = [python.join("bin/componentize-py"), packages.join("esbuild")];
    if let Some(missing) = tools.iter().find(|tool| !tool.exists()) {
        eprintln!(
            "skipped: there is no {}, `cargo xtask test --slow` installs it",
            missing.display()
        );
        return None;
    }
    let pricing = project("pricing");
    link(&python, &pricing.join(".venv"));
    let wording = project("wording");
    let modules = wording.join("node_modules");
    fs::create_dir_all(&modules).unwrap();
    for name in ["@bytecodealliance", "esbuild"] {
        link(&packages.join(name), &modules.join(name));
    }
    link(&wording.join("sdk"), &modules.join("ringfence-sdk"));
    Some([pricing, wording].map(|project| build(&project)))
}

/// A copy of an agent's project, in which nobody but this test works.
fn project(name: &str) -> PathBuf {
    let from = root().join("workflows/real-estate/agents").join(name);
    let to = root().join("target/real-estate/projects").join(name);
    if to.exists() {
        fs::remove_dir_all(&to).unwrap();
    }
    // Its own source is copied: a bundler looks for packages where a file really is.
    fs::create_dir_all(to.join("src")).unwrap();
    for file in fs::read_dir(from.join("src")).unwrap() {
        let file = file.unwrap();
        if file.path().is_file() {
            fs::copy(file.path(), to.join("src").join(file.file_name())).unwrap();
        }
    }
    for manifest in ["pyproject.toml", "package.json"] {
        if from.join(manifest).exists() {
            fs::copy(from.join(manifest), to.join(manifest)).unwrap();
        }
    }
    for link_name in ["sdk", "wit"] {
        link(
            &from.join(link_name).canonicalize().unwrap(),
            &to.join(link_name),
        );
    }
    to
}

#[cfg(unix)]
fn link(to: &Path, at: &Path) {
    std::os::unix::fs::symlink(to, at).unwrap();
}

#[cfg(not(unix))]
fn link(to: &Path, at: &Path) {
    if to.is_dir() {
        std::os::windows::fs::symlink_dir(to, at).unwrap();
    } else {
        std::os::windows::fs::symlink_file(to, at).unwrap();
    }
}

/// Has `ringfence build` make the component, and gives its folder.
fn build(project: &Path) -> PathBuf {
    let ended: Ended = ringfence(&root())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", project)
        .arg("build")
        .arg(project)
        .output()
        .unwrap()
        .into();
    ended.expect(0);
    project.join("dist")
}
