//! Makes components of the agents in Python and JavaScript and tests them, where
//! their packagers can be had.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Ended, ringfence, root};

/// Where the test command installs the packagers.
const PACKAGERS: &str = "target/packagers";

/// What a project has that is not committed.
const PRODUCTS: [&str; 4] = ["dist", "node_modules", ".venv", "__pycache__"];

/// The folders with the components, or nothing where a packager is not there.
pub(crate) fn packaged() -> Option<[PathBuf; 2]> {
    let python = root().join(PACKAGERS).join("python");
    let packages = root().join(PACKAGERS).join("js/node_modules");
    let tools = [python.join("bin/componentize-py"), packages.join("esbuild")];
    if let Some(missing) = tools.iter().find(|tool| !tool.exists()) {
        eprintln!(
            "skipped: there is no {}, `cargo xtask packagers` installs it",
            missing.display()
        );
        return None;
    }
    let pricing = project("pricing");
    link(&python, &pricing.join(".venv"));
    let wording = project("wording");
    let modules = wording.join("node_modules");
    fs::create_dir_all(&modules).unwrap();
    for name in ["@bytecodealliance", "esbuild", ".bin"] {
        link(&packages.join(name), &modules.join(name));
    }
    link(&wording.join("sdk"), &modules.join("ringfence-sdk"));
    Some([pricing, wording].map(|project| tested(&project)))
}

/// A copy of an agent's project, in which nobody but this test works, at the same
/// place in a copy of the example.
fn project(name: &str) -> PathBuf {
    let from = root().join("workflows/real-estate");
    let to = root().join("target/real-estate/copy");
    let agent = Path::new("agents").join(name);
    if to.join(&agent).exists() {
        fs::remove_dir_all(to.join(&agent)).unwrap();
    }
    copy(&from.join(&agent), &to.join(&agent));
    for file in ["listings.csv", "towns.csv", "expected.json"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
    to.join(agent)
}

/// Copies what is committed; links into the repository go on to lead there.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if PRODUCTS.iter().any(|product| path.ends_with(product)) {
            continue;
        }
        if path.is_symlink() {
            link(&path.canonicalize().unwrap(), &to);
        } else if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(path, to).unwrap();
        }
    }
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

/// Has `ringfence test` make the component and test it, and gives its folder.
fn tested(project: &Path) -> PathBuf {
    let ended: Ended = ringfence(&root())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", project)
        .arg("test")
        .arg(project)
        .output()
        .unwrap()
        .into();
    let ended = ended.expect(0);
    assert!(ended.stdout.contains("own tests: ok"), "{ended:#?}");
    project.join("dist")
}
