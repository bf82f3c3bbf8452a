//! `cargo xtask fuzz`: looks for what breaks a promise, guided by coverage.

use std::fs;
use std::process::Command;

use crate::error::Error;
use crate::process;
use crate::project::Project;
use crate::tools;

/// The toolchain that has what fuzzing needs.
const TOOLCHAIN: &str = "nightly";

/// The longest input that is tried, in bytes.
const MAX_LEN: u32 = 65_536;

/// Runs each of `targets`, or all, for so many seconds. Inputs that find new
/// ways through the code are kept in `target/fuzz-corpus`; what breaks a promise
/// is kept in `fuzz/artifacts`.
///
/// # Errors
/// A tool cannot be had, a target does not build, or one found something.
pub(crate) fn run(project: &Project, targets: &[String], seconds: u64) -> Result<(), Error> {
    let tool = tools::FUZZ.provide(project)?;
    let all = names(project)?;
    let targets = match targets {
        [] => &all,
        named => named,
    };
    for target in targets {
        let found = project.path("target/fuzz-corpus").join(target);
        fs::create_dir_all(&found).map_err(Error::file("make", &found))?;
        let mut command = Command::new(&tool);
        command
            // Set by the cargo that runs this, and of its toolchain.
            .env_remove("CARGO")
            .env("RUSTUP_TOOLCHAIN", TOOLCHAIN)
            .current_dir(project.root())
            .args(["run", "--fuzz-dir", "fuzz", target.as_str()])
            .arg(&found)
            .arg(project.path("fuzz/corpus").join(target))
            .arg("--")
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={MAX_LEN}"))
            .args(["-timeout=60", "-rss_limit_mb=8192", "-print_final_stats=1"]);
        process::run(&mut command)?;
    }
    Ok(())
}

/// The targets: those that have a corpus.
fn names(project: &Project) -> Result<Vec<String>, Error> {
    let folder = project.path("fuzz/corpus");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(Error::file("read", &folder))? {
        let entry = entry.map_err(Error::file("read", &folder))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
