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

/// Where cargo builds a component, whatever folder its user shares among packages:
/// there all libraries of one name have one component, and cargo takes that of
/// another project for one that is built already.
const TARGET_DIR: &str = "target";

/// Variables with which the tests around a build, or their user, speak of code for
/// this machine, which a component is not.
const FOR_THIS_MACHINE: [&str; 4] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "RUSTC_WORKSPACE_WRAPPER",
];

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
        &[TARGET_DIR, "Cargo.lock"]
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
        for variable in FOR_THIS_MACHINE {
            cargo.env_remove(variable);
        }
        cargo
            .args(["--release", "--target", TARGET])
            .arg("--target-dir")
            .arg(project.folder().join(TARGET_DIR))
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

#[cfg(test)]
mod tests {
    use toml::Value as Toml;

    use super::*;
    use crate::template::RUST;

    fn parsed(text: &str) -> toml::Table {
        text.parse().unwrap()
    }

    fn template(path: &str) -> &'static str {
        let file = RUST.iter().find(|file| file.path == path);
        file.unwrap_or_else(|| panic!("the template has no `{path}`"))
            .text
    }

    /// A dependency as the workspace says it.
    fn of_workspace(name: &str, workspace: &toml::Table) -> Toml {
        workspace["workspace"]["dependencies"][name].clone()
    }

    /// A version alone and a table with nothing else are the same.
    fn full(dependency: &Toml) -> Toml {
        match dependency {
            Toml::String(version) => {
                let version = Toml::String(version.clone());
                Toml::Table(toml::Table::from_iter([("version".to_owned(), version)]))
            }
            other => other.clone(),
        }
    }

    #[test]
    fn the_sdk_of_a_project_needs_what_the_sdk_needs() {
        let workspace = parsed(include_str!("../../../../Cargo.toml"));
        let sdk = parsed(include_str!("../../../../plugin-sdk/Cargo.toml"));
        let ours = parsed(template("sdk/Cargo.toml"));
        let native = r#"cfg(not(target_family = "wasm"))"#;
        let lists = |manifest: &toml::Table| {
            [
                manifest["dependencies"].as_table().unwrap().clone(),
                manifest["target"][native]["dependencies"]
                    .as_table()
                    .unwrap()
                    .clone(),
            ]
        };
        for (theirs, ours) in lists(&sdk).iter().zip(lists(&ours)) {
            let names = |table: &toml::Table| table.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(theirs), names(&ours));
            for (name, dependency) in &ours {
                assert_eq!(
                    full(dependency),
                    full(&of_workspace(name, &workspace)),
                    "{name}"
                );
            }
        }
        assert_eq!(ours["features"], sdk["features"]);
        let package = &workspace["workspace"]["package"];
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            assert_eq!(ours["package"][key], package[key], "{key}");
        }
        assert!(
            !template("sdk/Cargo.toml").contains("workspace"),
            "it stands alone"
        );
    }

    #[test]
    fn the_whole_sdk_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-sdk/src");
        let mut count = 0;
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                count += 1;
                let name = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                let file = SDK_SOURCE.iter().find(|file| file.path == name);
                let file = file.unwrap_or_else(|| panic!("`{name}` is forgotten"));
                assert_eq!(file.text, fs::read_to_string(&path).unwrap(), "{name}");
            }
        }
        assert_eq!(SDK_SOURCE.len(), count);
    }

    #[test]
    fn the_template_is_short() {
        let lines = |path| template(path).lines().count();
        assert!(lines("src/lib.rs") <= 30, "{}", lines("src/lib.rs"));
        assert!(lines("README.md") <= 40, "{}", lines("README.md"));
    }

    #[test]
    fn the_name_is_that_of_the_package() {
        let name = |text| Rust.agent_name(text);
        assert_eq!(name("[package]\nname = \"x\"").unwrap(), "x");
        assert_eq!(
            name("[workspace]").unwrap_err(),
            "it has no `[package]`; is it a workspace?"
        );
        assert_eq!(name("[package]").unwrap_err(), "`[package]` has no `name`");
        assert!(name("[package").is_err());
    }

    #[test]
    fn the_component_is_found_among_what_cargo_made() {
        let messages = r#"
{"reason":"compiler-artifact","manifest_path":"/p/sdk/Cargo.toml","filenames":["/t/libsdk.rlib"]}
{"reason":"compiler-artifact","manifest_path":"/other/Cargo.toml","filenames":["/t/other.wasm"]}
{"reason":"compiler-artifact","manifest_path":"/p/Cargo.toml","filenames":["/t/libagent.rlib","/t/agent.wasm"]}
{"reason":"build-finished","success":true}
no json"#;
        let found = artifact(messages, Path::new("/p"));
        assert_eq!(found, Some("/t/agent.wasm".into()));
        assert_eq!(artifact(messages, Path::new("/q")), None);
    }
}
