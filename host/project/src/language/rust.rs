//! Agents in Rust: built by cargo for `wasm32-wasip2`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Missing, Toolchain, program};
use crate::build::{BuildError, check, not_started};
use crate::project::Project;
use crate::template::{RUST, SDK_SOURCE, TemplateFile};

/// The target that components are built for.
const TARGET: &str = "wasm32-wasip2";

/// What is known of Rust.
#[derive(Debug)]
pub(super) struct Rust;

impl Toolchain for Rust {
    fn agent_name(&self, manifest: &str) -> Result<String, String> {
        let manifest: toml::Table = manifest
            .parse()
            .map_err(|error: toml::de::Error| error.message().to_owned())?;
        let package = manifest.get("package").and_then(toml::Value::as_table);
        let package = package.ok_or("it has no `[package]`; is it a workspace?")?;
        let name = package.get("name").and_then(toml::Value::as_str);
        Ok(name.ok_or("`[package]` has no `name`")?.to_owned())
    }

    fn template(&self) -> Vec<TemplateFile> {
        RUST.to_vec()
    }

    fn vendored(&self) -> Vec<(String, &'static str)> {
        let source = SDK_SOURCE.iter();
        source.map(|file| file.below("sdk/src")).collect()
    }

    fn products(&self) -> &'static [&'static str] {
        &["target", "Cargo.lock"]
    }

    fn missing(&self, project: &Project) -> Vec<Missing> {
        if program("cargo").is_none() {
            return vec![Missing {
                what: "`cargo` is not installed".to_owned(),
                hint: "install Rust: `curl --proto '=https' -sSf https://sh.rustup.rs | sh`"
                    .to_owned(),
            }];
        }
        match has_target(project) {
            true => Vec::new(),
            false => vec![Missing {
                what: format!("this Rust cannot build for `{TARGET}`"),
                hint: format!("`rustup target add {TARGET}`"),
            }],
        }
    }

    fn build(&self, project: &Project, component: &Path) -> Result<(), BuildError> {
        let mut cargo = cargo(project, "build");
        cargo
            .args(["--release", "--target", TARGET])
            .arg("--message-format=json-render-diagnostics")
            .stderr(Stdio::inherit());
        let output = cargo.output().map_err(not_started(&cargo))?;
        check(&cargo, output.status)?;
        let built = artifact(&String::from_utf8_lossy(&output.stdout), project.folder());
        let built = built.ok_or_else(no_component)?;
        fs::copy(&built, component).map_err(BuildError::file(component, "written"))?;
        Ok(())
    }

    fn tests(&self, project: &Project) -> Option<Command> {
        Some(cargo(project, "test"))
    }
}

fn cargo(project: &Project, command: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.arg(command).current_dir(project.folder());
    cargo.stdin(Stdio::null());
    cargo
}

/// Whether the compiler that builds `project` has the target's standard library.
fn has_target(project: &Project) -> bool {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(project.folder());
    let Ok(output) = rustc.output() else {
        return false;
    };
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    fs::read_dir(folder).is_ok_and(|mut entries| {
        entries.any(|entry| {
            entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
        })
    })
}

/// The component among what cargo says that it made for the package in `folder`.
fn artifact(messages: &str, folder: &Path) -> Option<PathBuf> {
    let manifest = folder.join("Cargo.toml");
    let ours = |message: &Value| {
        message["reason"] == "compiler-artifact"
            && message["manifest_path"].as_str().map(Path::new) == Some(&manifest)
    };
    let component = |message: Value| {
        let files = message["filenames"].as_array()?.clone();
        let mut files = files.iter().filter_map(Value::as_str).map(PathBuf::from);
        files.find(|file| file.extension().is_some_and(|ending| ending == "wasm"))
    };
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    messages.filter(ours).find_map(component)
}

fn no_component() -> BuildError {
    BuildError::NoComponent {
        what: "the package makes no component: it is neither a `cdylib` nor a program".to_owned(),
        hint: "add to Cargo.toml:\n\n  [lib]\n  crate-type = [\"cdylib\", \"rlib\"]".to_owned(),
    }
}
