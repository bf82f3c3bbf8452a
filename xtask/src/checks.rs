//! Everything that is checked, in one series of steps. Whatever `.ci/run`
//! checks is checked here, so that it is the same on every machine.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::counts::Counts;
use crate::error::Error;
use crate::project::Project;
use crate::report::{Done, Report};
use crate::{browser, clang, guests, packagers, process, tools, wasm};

/// The workspaces that are not the host's.
const PLUGINS: &str = "plugins/Cargo.toml";
const GUESTS: &str = "tests/guests/Cargo.toml";
const GUESTS_WITH_LINES: &str = "tests/guests-with-lines/Cargo.toml";
const FUZZ: &str = "fuzz/Cargo.toml";
const COMMANDS: &str = "examples/commands/rust/Cargo.toml";
const ESTATE: &str = "workflows/real-estate/agents/listings/Cargo.toml";

/// All workspaces: their manifests.
const WORKSPACES: [&str; 7] = [
    "Cargo.toml",
    PLUGINS,
    GUESTS,
    GUESTS_WITH_LINES,
    FUZZ,
    COMMANDS,
    ESTATE,
];

/// How long the database of known vulnerabilities may take to arrive.
const ADVISORIES_LIMIT: Duration = Duration::from_secs(120);

/// How many random histories the slow group tries.
const NIGHTLY_CASES: &str = "100000";

/// How many processes the slow group kills, and how often it cuts the power.
const NIGHTLY_KILLS: &str = "500";
const NIGHTLY_CUTS: &str = "500";

/// Runs all steps up to the first that fails, then prints the summary.
pub(crate) fn run(project: &Project, slow: bool) -> Result<(), Error> {
    let mut report = Report::default();
    let result = steps(project, slow, &mut report);
    report.summary();
    result
}

fn steps(project: &Project, slow: bool, report: &mut Report) -> Result<(), Error> {
    let cargo = |arguments: &[&str]| {
        process::run(&mut project.cargo(arguments.iter().copied())).map(|()| Done::Passed)
    };

    report.step("lock files", |_| {
        for manifest in WORKSPACES {
            process::output(&mut project.cargo([
                "metadata",
                "--locked",
                "--format-version=1",
                "--manifest-path",
                manifest,
            ]))?;
        }
        Ok(Done::Passed)
    })?;
    report.step("format", |_| {
        // Not `--all`, which follows paths into the other workspaces.
        for manifest in WORKSPACES {
            let mut command = project.cargo(["fmt", "--check"]);
            let workspace = project.path(manifest);
            process::run(command.current_dir(workspace.parent().unwrap_or(project.root())))?;
        }
        Ok(Done::Passed)
    })?;
    report.step("guests", |_| {
        let toolchain = wasm::find(project)?;
        guests::build_plugins(project, &toolchain)?;
        guests::build_test_guests(project, &toolchain)?;
        guests::build_examples(project, &toolchain)?;
        guests::build_estate(project, &toolchain)?;
        Ok(Done::Passed)
    })?;
    report.step("lints: host", |_| cargo(&clippy("Cargo.toml")))?;
    report.step("lints: plugins", |_| cargo(&clippy(PLUGINS)))?;
    report.step("lints: guests", |_| cargo(&clippy(GUESTS)))?;
    report.step("lints: examples", |_| cargo(&clippy(COMMANDS)))?;
    report.step("lints: real estate", |_| cargo(&clippy(ESTATE)))?;
    report.step("documents", |_| {
        process::run(
            project
                .cargo(["doc", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )?;
        Ok(Done::Passed)
    })?;
    // All targets, as the tests need them: a narrower selection would build
    // the dependencies once more with other features.
    report.step("build", |_| {
        cargo(&["build", "--workspace", "--all-targets"])
    })?;
    report.step("browser", |_| Ok(browser::provide()))?;
    report.step("clang", |_| Ok(clang::provide()))?;
    report.step("tests: host", |counts| {
        test(project, &["--workspace"], &[], counts)
    })?;
    report.step("tests: plugins", |counts| {
        test(
            project,
            &["--workspace", "--manifest-path", PLUGINS],
            &[],
            counts,
        )
    })?;
    report.step("tests: examples", |counts| {
        test(project, &["--manifest-path", COMMANDS], &[], counts)
    })?;
    report.step("tests: real estate", |counts| {
        test(project, &["--manifest-path", ESTATE], &[], counts)
    })?;
    if slow {
        report.step("packagers", |_| Ok(packagers::provide(project)))?;
        report.step("tests: slow", |counts| {
            test(project, &["--workspace"], &["--ignored"], counts)
        })?;
        report.step("tests: many histories", |counts| {
            let suites = ["--workspace", "--test", "histories", "--test", "fleet"];
            test_with(project, &suites, &[], counts, |command| {
                command.env("RINGFENCE_CASES", NIGHTLY_CASES);
            })
        })?;
        report.step("tests: many kills", |counts| {
            let suites = ["--workspace", "--test", "torture", "--test", "power"];
            test_with(project, &suites, &[], counts, |command| {
                command
                    .env("RINGFENCE_KILLS", NIGHTLY_KILLS)
                    .env("RINGFENCE_CUTS", NIGHTLY_CUTS);
            })
        })?;
    }
    report.step("workflows", |_| workflows(project))?;
    report.step("dependencies", |_| dependencies(project))
}

fn clippy(manifest: &str) -> [&str; 8] {
    [
        "clippy",
        "--manifest-path",
        manifest,
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]
}

fn test(
    project: &Project,
    selection: &[&str],
    flags: &[&str],
    counts: &mut Counts,
) -> Result<Done, Error> {
    test_with(project, selection, flags, counts, |_| {})
}

/// Runs tests to the end, also past the first that fails, and counts them.
fn test_with(
    project: &Project,
    selection: &[&str],
    flags: &[&str],
    counts: &mut Counts,
    prepare: impl FnOnce(&mut Command),
) -> Result<Done, Error> {
    let mut command = project.cargo(["test", "--no-fail-fast"]);
    prepare(&mut command);
    command
        .args(selection)
        .arg("--")
        .args(flags)
        .stdout(Stdio::piped());
    let mut child = command.spawn().map_err(process::not_started(&command))?;
    if let Some(said) = child.stdout.take() {
        for line in BufReader::new(said).split(b'\n') {
            let line = line.map_err(Error::file("read", "the output of cargo test"))?;
            let line = String::from_utf8_lossy(&line);
            counts.read(&line);
            println!("{line}");
        }
    }
    let status = child.wait().map_err(process::not_started(&command))?;
    process::check(&command, status)?;
    Ok(Done::Passed)
}

/// Checks every workflow that ships, with the agents that it is for.
fn workflows(project: &Project) -> Result<Done, Error> {
    let check = |files: &[PathBuf]| {
        let mut command = Command::new(project.built("debug", "ringfence"));
        command.arg("check").args(files).current_dir(project.root());
        command
    };
    let found = workflow_files(&project.path("workflows"))?;
    let (alone, others): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|file| own_folder(file).is_dir());
    process::run(&mut check(&others))?;
    for file in alone {
        let folder = own_folder(&file);
        let mut command = check(&[file]);
        if agents_are_built(&folder)? {
            command.arg("--config").arg(folder.join("ringfence.toml"));
        } else {
            command.arg("--no-agents");
        }
        process::run(&mut command)?;
    }
    Ok(Done::Passed)
}

/// The folder of what belongs to one workflow alone, if there is one: it lies
/// beside the file and is called the same.
fn own_folder(file: &Path) -> PathBuf {
    file.with_extension("")
}

/// Whether each of a workflow's own agents has been built where its project
/// lies. Those in Python and JavaScript take packagers that not everybody has.
fn agents_are_built(folder: &Path) -> Result<bool, Error> {
    let agents = folder.join("agents");
    for entry in fs::read_dir(&agents).map_err(Error::file("read", &agents))? {
        let entry = entry.map_err(Error::file("read", &agents))?;
        let component = Path::new("dist").join(entry.file_name());
        if !entry.path().join(component).with_extension("wasm").exists() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// All workflow files below `folder`, in the order of their paths. What lies in
/// a workflow's own folder is none.
fn workflow_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::file("read", &folder))? {
            let path = entry.map_err(Error::file("read", &folder))?.path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            if path.is_dir() {
                if !path.with_extension("yaml").exists() {
                    folders.push(path);
                }
            } else if matches!(ending, Some("yaml" | "yml" | "json")) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Checks licences, sources and known vulnerabilities, as far as the tool and
/// its database can be had.
fn dependencies(project: &Project) -> Result<Done, Error> {
    let tool = match tools::DENY.provide(project) {
        Ok(tool) => tool,
        Err(error) => return Ok(Done::Skipped(format!("cargo-deny cannot be had: {error}"))),
    };
    let deny = |manifest: &str, what: &[&str]| {
        let mut command = Command::new(&tool);
        command
            .current_dir(project.root())
            .args(["--manifest-path", manifest, "--config", "deny.toml"])
            .args(what);
        command
    };
    for manifest in WORKSPACES {
        let check = ["check", "bans", "licenses", "sources"];
        process::run(&mut deny(manifest, &check))?;
    }
    let mut fetch = deny("Cargo.toml", &["fetch", "db"]);
    if let Err(reason) = process::within(ADVISORIES_LIMIT, &mut fetch) {
        return Ok(Done::Skipped(format!(
            "all but the advisories, whose database cannot be had: {reason}"
        )));
    }
    for manifest in WORKSPACES {
        let check = ["check", "--disable-fetch", "advisories"];
        process::run(&mut deny(manifest, &check))?;
    }
    Ok(Done::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_built_when_all_of_them_are() {
        let folder = tempfile::tempdir().unwrap();
        let component = |name: &str| {
            let dist = folder.path().join("agents").join(name).join("dist");
            fs::create_dir_all(&dist).unwrap();
            dist.join(name).with_extension("wasm")
        };
        fs::write(component("one"), "").unwrap();
        assert!(agents_are_built(folder.path()).unwrap());
        let other = component("other");
        assert!(!agents_are_built(folder.path()).unwrap());
        fs::write(other, "").unwrap();
        assert!(agents_are_built(folder.path()).unwrap());
    }

    #[test]
    fn workflow_files_are_found_at_every_depth() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("patterns");
        fs::create_dir(&inner).unwrap();
        fs::create_dir(folder.path().join("review")).unwrap();
        for file in [
            "review.yaml",
            "review/case.yaml",
            "patterns/fan-out.yml",
            "patterns/plan.json",
            "README.md",
        ] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        assert_eq!(
            workflow_files(folder.path()).unwrap(),
            [
                inner.join("fan-out.yml"),
                inner.join("plan.json"),
                folder.path().join("review.yaml")
            ]
        );
    }
}
