//! Agents in Python: packaged with `componentize-py`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Missing, Toolchain, program};
use crate::build::{BuildError, check, not_started};
use crate::project::Project;
use crate::template::{PYTHON, PYTHON_SDK, TemplateFile, WORLD};

/// The packager.
const PACKAGER: &str = "componentize-py";

/// The releases of the packager that make components for this contract, and the
/// one of them that is offered.
const RELEASES: &str = "0.25.";
const RELEASE: &str = "0.25.0";

/// The module that has the agent, where the manifest names no other.
const MODULE: &str = "agent";

/// What is known of Python.
#[derive(Debug)]
pub(super) struct Python;

impl Toolchain for Python {
    fn agent_name(&self, manifest: &str) -> Result<String, String> {
        let manifest = table(manifest)?;
        let project = manifest.get("project").ok_or("it has no `[project]`")?;
        let name = project.get("name").and_then(toml::Value::as_str);
        Ok(name.ok_or("`[project]` has no `name`")?.to_owned())
    }

    fn template(&self) -> Vec<TemplateFile> {
        PYTHON.to_vec()
    }

    fn vendored(&self) -> Vec<(String, &'static str)> {
        let files = PYTHON_SDK.iter();
        files.map(|file| file.below("sdk/ringfence_sdk")).collect()
    }

    fn products(&self) -> &'static [&'static str] {
        &["__pycache__"]
    }

    fn missing(&self, project: &Project) -> Vec<Missing> {
        let Some(packager) = Packager::find(project) else {
            return vec![Missing {
                what: format!("`{PACKAGER}` is not installed"),
                hint: format!(
                    "`python3 -m venv .venv && .venv/bin/pip install {PACKAGER}=={RELEASE}`"
                ),
            }];
        };
        match packager.release() {
            Some(release) if release.starts_with(RELEASES) => Vec::new(),
            release => vec![Missing {
                what: format!(
                    "`{}` is {}, and it takes {RELEASE}",
                    packager.program.display(),
                    release.unwrap_or_else(|| "of an unknown release".to_owned())
                ),
                hint: format!("`{} install {PACKAGER}=={RELEASE}`", packager.pip()),
            }],
        }
    }

    fn build(&self, project: &Project, component: &Path) -> Result<(), BuildError> {
        let module = module(project)?;
        // Told before as missing; it went away since.
        let packager = Packager::find(project).unwrap_or_else(Packager::on_path);
        let mut command = packager.command(project);
        command
            .args(["--quiet", "--wit-path", "wit", "--world", WORLD])
            .args(["componentize", &module])
            .args(["--python-path", "src", "--python-path", "sdk"])
            .arg("--output")
            .arg(component)
            // What it has to say is where the agent's modules fail, not where it does.
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null());
        let output = command.output().map_err(not_started(&command))?;
        let said = tidied(&String::from_utf8_lossy(&output.stderr));
        // That nobody may read it is no reason not to go on.
        let _ = io::stderr().write_all(said.as_bytes());
        check(&command, output.status)
    }

    fn tests(&self, project: &Project) -> Option<Command> {
        if !project.folder().join("tests").is_dir() {
            return None;
        }
        let own = Venv::of_project(project).map(|venv| venv.program("python"));
        let python = own
            .filter(|python| python.is_file())
            .or_else(|| program("python3"))?;
        let mut command = Command::new(python);
        command
            .args(["-m", "unittest", "discover", "--start-directory", "tests"])
            .env("PYTHONPATH", search_path(project))
            .current_dir(project.folder());
        Some(command)
    }
}

/// Where an agent's own modules and the SDK are.
fn search_path(project: &Project) -> std::ffi::OsString {
    let folders = ["src", "sdk"].map(|folder| project.folder().join(folder));
    // Neither name has the separator in it, but the project's folder may; then
    // Python cannot name it either.
    std::env::join_paths(folders).unwrap_or_default()
}

fn table(manifest: &str) -> Result<toml::Table, String> {
    let parsed = manifest.parse();
    parsed.map_err(|error: toml::de::Error| error.message().to_owned())
}

/// The module with the agent, which is there.
fn module(project: &Project) -> Result<String, BuildError> {
    let path = project.folder().join("pyproject.toml");
    let text = std::fs::read_to_string(&path).map_err(BuildError::file(&path, "read"))?;
    let named = table(&text).ok().and_then(|manifest| {
        let ours = manifest.get("tool")?.get("ringfence")?;
        Some(ours.get("module")?.as_str()?.to_owned())
    });
    let module = named.unwrap_or_else(|| MODULE.to_owned());
    let file = Path::new("src").join(module.replace('.', "/"));
    let is_there = [file.with_extension("py"), file.join("__init__.py")]
        .iter()
        .any(|file| project.folder().join(file).is_file());
    if is_there {
        return Ok(module);
    }
    Err(BuildError::NoComponent {
        what: format!(
            "there is no `{}` with the agent",
            file.with_extension("py").display()
        ),
        hint: "name the module in pyproject.toml:\n\n  [tool.ringfence]\n  module = \"agent\""
            .to_owned(),
    })
}

/// What the packager says, without itself: the error of an agent's module stands in
/// the middle of its own traceback, with the folders as it has mounted them.
fn tidied(said: &str) -> String {
    let Some((_, error)) = said.split_once("AssertionError: ") else {
        return said.to_owned();
    };
    let error = error.split("\n\nCaused by:").next().unwrap_or(error);
    let error = error
        .replace("File \"/0/", "File \"src/")
        .replace("File \"/1/", "File \"sdk/");
    let hint = if error.contains("has no attribute 'Agent'") {
        "\nhint: put `@agent(...)` of `ringfence_sdk` above the agent's function"
    } else if error.contains("ModuleNotFoundError") {
        "\nhint: `.venv/bin/pip install` what is missing; it has to be in pure Python"
    } else {
        ""
    };
    format!("{}{hint}\n", error.trim_end())
}

/// A virtual environment of Python.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Venv(PathBuf);

impl Venv {
    fn of_project(project: &Project) -> Option<Self> {
        let folder = project.folder().join(".venv");
        folder.is_dir().then_some(Self(folder))
    }

    fn active() -> Option<Self> {
        std::env::var_os("VIRTUAL_ENV").map(|folder| Self(folder.into()))
    }

    fn program(&self, name: &str) -> PathBuf {
        let folder = if cfg!(windows) { "Scripts" } else { "bin" };
        let file = self.0.join(folder).join(name);
        file.with_extension(std::env::consts::EXE_EXTENSION)
    }
}

/// The packager, and the environment that it was found in.
#[derive(Debug)]
struct Packager {
    program: PathBuf,
    venv: Option<Venv>,
}

impl Packager {
    /// Looks in the project's own environment, in the active one and on the
    /// search path, in this order.
    fn find(project: &Project) -> Option<Self> {
        let venvs = [Venv::of_project(project), Venv::active()];
        let mut in_venvs = venvs.into_iter().flatten().map(|venv| Self {
            program: venv.program(PACKAGER),
            venv: Some(venv),
        });
        let found = in_venvs.find(|packager| packager.program.is_file());
        found.or_else(|| {
            let program = program(PACKAGER)?;
            Some(Self {
                program,
                venv: None,
            })
        })
    }

    fn on_path() -> Self {
        Self {
            program: PACKAGER.into(),
            venv: None,
        }
    }

    /// The packager takes an agent's packages from the environment that it is
    /// told to be in.
    fn command(&self, project: &Project) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(project.folder());
        if let Some(Venv(folder)) = &self.venv {
            command.env("VIRTUAL_ENV", folder);
        }
        command
    }

    /// What it says its release is.
    fn release(&self) -> Option<String> {
        let mut command = Command::new(&self.program);
        command.arg("--version").stdin(Stdio::null());
        let said = String::from_utf8(command.output().ok()?.stdout).ok()?;
        Some(said.split_whitespace().nth(1)?.to_owned())
    }

    /// How to change what is installed beside it.
    fn pip(&self) -> String {
        match &self.venv {
            Some(venv) => venv.program("pip").display().to_string(),
            None => "pip".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packager(error: &str) -> String {
        let around = "Traceback (most recent call last):\n  \
             File \"/home/me/.venv/bin/componentize-py\", line 8, in <module>\n    \
             sys.exit(script())\nAssertionError: ";
        tidied(&format!("{around}{error}\n\nCaused by:\n    {error}"))
    }

    #[test]
    fn the_error_of_a_module_is_told_without_that_of_the_packager() {
        assert_eq!(
            packager("  File \"/0/agent.py\", line 1\n    def x(:\nSyntaxError: invalid syntax\n"),
            "  File \"src/agent.py\", line 1\n    def x(:\nSyntaxError: invalid syntax\n"
        );
    }

    #[test]
    fn a_module_without_an_agent_is_told_what_to_add() {
        let said = packager("AttributeError: module 'agent' has no attribute 'Agent'\n");
        assert!(said.ends_with(
            "\nhint: put `@agent(...)` of `ringfence_sdk` above the agent's function\n"
        ));
    }

    #[test]
    fn what_is_no_traceback_is_passed_on() {
        assert_eq!(tidied("error: no such option\n"), "error: no such option\n");
    }
}
