//! `cargo xtask bench`: the figures of BENCHMARKS.md, all in one run.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::error::Error;
use crate::process;
use crate::project::Project;
use crate::{guests, wasm};

/// The scripts of other systems, and what they need.
const PEERS: &str = "tests/bench/peers";

/// Builds the host and the benchmark in release, installs the other systems where
/// they can be had, and measures `sections`, or everything. The figures are also
/// written to `json`, if it is given.
///
/// # Errors
/// Something does not build, or the benchmark fails.
pub(crate) fn run(
    project: &Project,
    sections: &[String],
    json: Option<&Path>,
) -> Result<(), Error> {
    let toolchain = wasm::find(project)?;
    guests::build_plugins(project, &toolchain)?;
    guests::build_test_guests(project, &toolchain)?;
    let packages = ["--package", "ringfence", "--package", "ringfence-bench"];
    process::run(
        project
            .cargo(["build", "--release", "--locked"])
            .args(packages),
    )?;
    // The agents' own code, as the plugins are built but for this machine.
    process::run(&mut project.cargo([
        "build",
        "--release",
        "--locked",
        "--manifest-path",
        "plugins/Cargo.toml",
        "--package",
        "quality-gate",
        "--example",
        "review",
    ]))?;
    let peers = project.path("target/peers");
    if sections.is_empty() || sections.iter().any(|section| section == "peers") {
        install_python(project, &peers.join("python"));
        install_node(project, &peers.join("node"));
    }
    let mut bench = Command::new(project.built("release", "ringfence-bench"));
    bench
        .current_dir(project.root())
        // Each error of a host call would be told with a backtrace.
        .env_remove("RUST_BACKTRACE")
        .args(sections)
        .arg("--program")
        .arg(project.built("release", "ringfence"))
        .arg("--native")
        .arg(project.built("release/examples", "review"))
        .arg("--peers")
        .arg(&peers);
    if let Some(path) = json {
        let path = std::path::absolute(path).map_err(Error::file("find", path))?;
        bench.arg("--json").arg(path);
    }
    process::run(&mut bench)
}

/// The packages of Python, in an environment of their own.
fn install_python(project: &Project, folder: &Path) {
    let wanted = project.path(PEERS).join("requirements.txt");
    install(folder, &wanted, |folder| {
        process::run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let pip = folder.join("bin/pip");
        process::run(
            Command::new(pip)
                .args(["install", "--quiet", "-r"])
                .arg(&wanted),
        )
    });
}

/// The packages of Node.js.
fn install_node(project: &Project, folder: &Path) {
    let wanted = project.path(PEERS).join("package.json");
    install(folder, &wanted, |folder| {
        let copy = folder.join("package.json");
        fs::copy(&wanted, &copy).map_err(Error::file("write", &copy))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund"]);
        process::run(npm.current_dir(folder))
    });
}

/// Installs to `folder` unless what `wanted` lists is there. What cannot be had is
/// left out with a word: the other figures are worth having without it.
fn install(folder: &Path, wanted: &Path, steps: impl FnOnce(&Path) -> Result<(), Error>) {
    let mark = folder.join("installed");
    let list = fs::read_to_string(wanted).unwrap_or_default();
    if fs::read_to_string(&mark).is_ok_and(|there| there == list) {
        return;
    }
    let done = fs::create_dir_all(folder)
        .map_err(Error::file("make", folder))
        .and_then(|()| steps(folder))
        .and_then(|()| fs::write(&mark, &list).map_err(Error::file("write", &mark)));
    if let Err(error) = done {
        eprintln!("{} cannot be installed: {error}", wanted.display());
    }
}
