//! Agents in JavaScript and TypeScript: bundled with `esbuild`, packaged with
//! `componentize-js`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{Missing, Toolchain, program};
use crate::build::{BuildError, check, not_started};
use crate::project::Project;
use crate::template::{JAVASCRIPT, JAVASCRIPT_SDK, TemplateFile, WORLD};

/// Bundles and packages: what it is told is in [`TASK`].
const SCRIPT: &str = include_str!("javascript.mjs");

/// The manifest of the SDK.
const SDK_MANIFEST: (&str, &str) = (
    "sdk/package.json",
    include_str!("../../../../plugin-sdk/js/package.json"),
);

/// The environment variable with what the script has to do, as JSON.
const TASK: &str = "RINGFENCE_BUILD";

/// The module that has the agent, where the manifest names no other.
const ENTRY: &str = "src/agent.js";

/// A package that building takes.
struct Package {
    name: &'static str,
    /// How its releases begin that make components for this contract.
    releases: &'static str,
    /// The one of them that is offered.
    release: &'static str,
}

const PACKAGES: [Package; 2] = [
    Package {
        name: "@bytecodealliance/componentize-js",
        releases: "0.23.",
        release: "0.23.0",
    },
    Package {
        name: "esbuild",
        releases: "0.",
        release: "0.28.2",
    },
];

/// What is known of JavaScript.
#[derive(Debug)]
pub(super) struct JavaScript;

impl Toolchain for JavaScript {
    fn agent_name(&self, manifest: &str) -> Result<String, String> {
        let manifest: Value = serde_json::from_str(manifest).map_err(|error| error.to_string())?;
        let name = manifest["name"].as_str().ok_or("it has no `name`")?;
        // `@scope/name`: the scope is whose registry entry it is.
        Ok(name.rsplit('/').next().unwrap_or(name).to_owned())
    }

    fn template(&self) -> Vec<TemplateFile> {
        JAVASCRIPT.to_vec()
    }

    fn vendored(&self) -> Vec<(String, &'static str)> {
        let files = JAVASCRIPT_SDK.iter().map(|file| file.below("sdk/src"));
        let (path, text) = SDK_MANIFEST;
        files.chain([(path.to_owned(), text)]).collect()
    }

    fn products(&self) -> &'static [&'static str] {
        &["node_modules", "package-lock.json"]
    }

    fn missing(&self, project: &Project) -> Vec<Missing> {
        if program("node").is_none() {
            return vec![Missing {
                what: "`node` is not installed".to_owned(),
                hint:
                    "install Node.js 20 or newer, from https://nodejs.org or your system's packages"
                        .to_owned(),
            }];
        }
        let manifest = manifest(project).unwrap_or_default();
        let is_listed = |package: &&Package| {
            package.installed(project).is_none()
                && manifest["devDependencies"][package.name].is_string()
        };
        let (listed, others): (Vec<_>, Vec<_>) = PACKAGES.iter().partition(is_listed);
        let mut missing: Vec<_> = others
            .into_iter()
            .filter_map(|package| package.missing(project))
            .collect();
        let names: Vec<_> = listed.iter().map(|p| format!("`{}`", p.name)).collect();
        let are = if names.len() == 1 { "is" } else { "are" };
        if !names.is_empty() {
            missing.push(Missing {
                what: format!(
                    "{} {are} not installed in this project",
                    names.join(" and ")
                ),
                hint: "`npm install`".to_owned(),
            });
        }
        missing
    }

    fn build(&self, project: &Project, component: &Path) -> Result<(), BuildError> {
        let manifest = manifest(project)?;
        let entry = manifest["main"].as_str().unwrap_or(ENTRY);
        if !project.folder().join(entry).is_file() {
            return Err(BuildError::NoComponent {
                what: format!("there is no `{entry}` with the agent"),
                hint: format!("name the module in package.json: `\"main\": \"{ENTRY}\"`"),
            });
        }
        let task = json!({
            "entry": entry,
            "wit": project.folder().join("wit"),
            "world": WORLD,
            "component": component,
        });
        let mut node = Command::new("node");
        // The script comes from here and looks for its packages in the project,
        // as a module does that is read from stdin.
        node.args(["--input-type=module", "-"])
            .env(TASK, task.to_string())
            .current_dir(project.folder())
            .stdin(Stdio::piped())
            .stdout(std::io::stderr());
        let mut running = node.spawn().map_err(not_started(&node))?;
        if let Some(mut stdin) = running.stdin.take() {
            // One that ended before it read everything has failed, as is seen below.
            let _ = stdin.write_all(SCRIPT.as_bytes());
        }
        let status = running.wait().map_err(not_started(&node))?;
        check(&node, status)
    }

    fn tests(&self, project: &Project) -> Option<Command> {
        let manifest = manifest(project).ok()?;
        manifest["scripts"]["test"].as_str()?;
        let mut npm = Command::new(program("npm")?);
        npm.args(["test", "--silent"]).current_dir(project.folder());
        Some(npm)
    }
}

fn manifest(project: &Project) -> Result<Value, BuildError> {
    let path = project.folder().join("package.json");
    let text = fs::read_to_string(&path).map_err(BuildError::file(&path, "read"))?;
    // That it is JSON was seen when the project was opened.
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

impl Package {
    fn missing(&self, project: &Project) -> Option<Missing> {
        let Self {
            name,
            releases,
            release,
        } = self;
        let what = match self.installed(project) {
            Some(installed) if installed.starts_with(releases) => return None,
            Some(installed) => format!("`{name}` is {installed} here, and it takes {release}"),
            None => format!("`{name}` is not installed in this project"),
        };
        Some(Missing {
            what,
            hint: format!("`npm install --save-dev {name}@{release}`"),
        })
    }

    /// The release that a module of the project would find.
    fn installed(&self, project: &Project) -> Option<String> {
        let folders = project.folder().ancestors();
        let manifest = folders
            .map(|folder| self.manifest_below(folder))
            .find(|manifest| manifest.is_file())?;
        let manifest: Value = serde_json::from_str(&fs::read_to_string(manifest).ok()?).ok()?;
        Some(manifest["version"].as_str()?.to_owned())
    }

    fn manifest_below(&self, folder: &Path) -> PathBuf {
        let package = folder.join("node_modules").join(self.name);
        package.join("package.json")
    }
}
