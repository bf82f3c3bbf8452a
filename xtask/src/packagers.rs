//! What makes components of Python and JavaScript, installed below
//! `target/packagers`, for the tests that build agents in these languages.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::error::Error;
use crate::process;
use crate::project::Project;
use crate::report::Done;

/// What is installed for Python, at the version that a project is told to take.
const PYTHON: &str = "componentize-py==0.25.0";

/// The packages of a new JavaScript project, which pins what it takes.
const TEMPLATE: &str = "host/project/templates/javascript/package.json";

/// Installs the packagers that are not there. One that cannot be had is no failure:
/// its tests say that they are skipped.
pub(crate) fn provide(project: &Project) -> Done {
    let folder = project.path("target/packagers");
    let python = python(&folder.join("python"));
    let javascript = javascript(&folder.join("js"), &project.path(TEMPLATE));
    let missing: Vec<_> = [("Python", python), ("JavaScript", javascript)]
        .into_iter()
        .filter_map(|(language, result)| Some(format!("{language}: {}", result.err()?)))
        .collect();
    match missing.is_empty() {
        true => Done::Passed,
        false => Done::Skipped(format!("cannot be had: {}", missing.join("; "))),
    }
}

fn python(venv: &Path) -> Result<(), Error> {
    // Marked when all is there, so that an installation that broke off is begun anew.
    let mark = venv.join(PYTHON);
    if mark.is_file() {
        return Ok(());
    }
    process::run(Command::new("python3").args(["-m", "venv"]).arg(venv))?;
    let mut pip = Command::new(venv.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", PYTHON]);
    process::run(&mut pip)?;
    fs::write(&mark, "").map_err(Error::file("write", &mark))
}

fn javascript(folder: &Path, template: &Path) -> Result<(), Error> {
    let template = fs::read_to_string(template).map_err(Error::file("read", template))?;
    // All but the SDK, which each project carries with it.
    let sdk = r#""ringfence-sdk": "file:./sdk""#;
    let manifest = template.replace(sdk, "").replace("{{name}}", "packagers");
    let mark = folder.join("installed.json");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == manifest) {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
    let path = folder.join("package.json");
    fs::write(&path, &manifest).map_err(Error::file("write", &path))?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund"])
        .current_dir(folder);
    process::run(&mut npm)?;
    fs::write(&mark, manifest).map_err(Error::file("write", &mark))
}
