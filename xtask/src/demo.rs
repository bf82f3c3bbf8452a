//! The main job, from nothing: review this repository's own source.

use std::fs;
use std::process::Command;

use crate::error::Error;
use crate::project::Project;
use crate::{guests, process, wasm};

/// What the run leaves behind, relative to the root.
const RESULTS: [&str; 4] = [
    "target/demo/report.html",
    "target/demo/report.md",
    "target/demo/report.sarif",
    "target/demo/fixes.patch",
];

/// Exit codes of a run that went to its end: completed, rejected by a gate.
const FINISHED: [i32; 2] = [0, 3];

/// Builds what is needed and runs the workflow.
pub(crate) fn run(project: &Project) -> Result<(), Error> {
    let toolchain = wasm::find(project)?;
    guests::build_plugins(project, &toolchain)?;
    process::run(&mut project.cargo(["build", "--release", "--package", "ringfence"]))?;

    let folder = project.path("target/demo");
    fs::create_dir_all(&folder).map_err(Error::file("make", &folder))?;
    for result in RESULTS {
        // A result of an earlier run must not be taken for one of this.
        let path = project.path(result);
        if path.exists() {
            fs::remove_file(&path).map_err(Error::file("remove", path))?;
        }
    }

    let mut command = Command::new(project.built("release", "ringfence"));
    command
        .args(["run", "workflows/review.yaml", "--mount", "src=host"])
        .args(RESULTS[..3].iter().flat_map(|report| ["--report", report]))
        .args(["--artifacts", "target/demo"])
        .args(["--journal", "target/demo/journal.sqlite"])
        .current_dir(project.root());
    let status = process::status(&mut command)?;
    if !status.code().is_some_and(|code| FINISHED.contains(&code)) {
        process::check(&command, status)?;
    }

    println!();
    for result in RESULTS
        .into_iter()
        .filter(|file| project.path(file).exists())
    {
        println!("{result}");
    }
    Ok(())
}
