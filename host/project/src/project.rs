//! A folder that holds the project of an agent.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ringfence_flow::{AgentName, InvalidId};

use crate::build::{BuildError, run};
use crate::language::{Language, Missing, Toolchain};

/// The folder of the project in which its component is put.
const DIST: &str = "dist";

/// The environment variable that names the program which runs agents in the
/// sandbox: the SDK's test kit asks it.
const RINGFENCE: &str = "RINGFENCE";

/// The project of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    folder: PathBuf,
    language: Language,
    name: AgentName,
}

/// Why a folder is not taken for a project.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// It has no file that tells.
    #[error(
        "`{}` holds no agent's project: it has none of {}\nhint: go to a project's folder, or make one with `ringfence new NAME`",
        .0.display(), manifests()
    )]
    NoProject(PathBuf),
    /// It is no folder.
    #[error("`{}` is no folder\nhint: name a project's folder, or make one with `ringfence new NAME`", .0.display())]
    NoFolder(PathBuf),
    /// The file that tells cannot be read.
    #[error("`{}` cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It does not say what the agent is called.
    #[error("`{}` does not name the agent: {why}", .path.display())]
    NoName {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It calls the agent what no agent can be called.
    #[error("`{}` gives a name that no agent can have: {source}\nhint: change it there", .path.display())]
    InvalidName {
        /// The file.
        path: PathBuf,
        /// What is wrong with the name.
        #[source]
        source: InvalidId,
    },
}

fn manifests() -> String {
    let names = Language::ALL.map(|language| format!("`{}`", language.manifest()));
    names.join(", ")
}

impl Project {
    /// Looks what the project in `folder` is. The first of the languages whose
    /// manifest is there is the one that it is written in.
    ///
    /// # Errors
    /// [`ProjectError`] says what is missing or wrong.
    pub fn open(folder: &Path) -> Result<Self, ProjectError> {
        if !folder.is_dir() {
            return Err(ProjectError::NoFolder(folder.to_owned()));
        }
        let is_there = |language: &Language| folder.join(language.manifest()).is_file();
        let language = Language::ALL
            .into_iter()
            .find(is_there)
            .ok_or_else(|| ProjectError::NoProject(folder.to_owned()))?;
        let path = match folder == Path::new(".") {
            true => PathBuf::from(language.manifest()),
            false => folder.join(language.manifest()),
        };
        let unreadable = |source| ProjectError::Unreadable {
            path: path.clone(),
            source,
        };
        let text = fs::read_to_string(&path).map_err(unreadable)?;
        let no_name = |why| ProjectError::NoName {
            path: path.clone(),
            why,
        };
        let name = language.toolchain().agent_name(&text).map_err(no_name)?;
        let invalid = |source| ProjectError::InvalidName {
            path: path.clone(),
            source,
        };
        Ok(Self {
            name: AgentName::new(&name).map_err(invalid)?,
            folder: folder.canonicalize().map_err(unreadable)?,
            language,
        })
    }

    /// Its folder, as an absolute path.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The language that it is written in.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// What its manifest calls the agent.
    #[must_use]
    pub fn name(&self) -> &AgentName {
        &self.name
    }

    /// The folder in which its component is put, and nothing else.
    #[must_use]
    pub fn dist(&self) -> PathBuf {
        self.folder.join(DIST)
    }

    /// Where its component is put.
    #[must_use]
    pub fn component(&self) -> PathBuf {
        self.dist().join(format!("{}.wasm", self.name))
    }

    /// The tools that it needs and that are not there.
    #[must_use]
    pub fn missing(&self) -> Vec<Missing> {
        self.toolchain().missing(self)
    }

    /// Runs its own tests, if it has any. `ringfence` is the program with which
    /// they may run their agent in the sandbox.
    pub fn test(&self, ringfence: &Path) -> Option<Result<(), BuildError>> {
        let mut command = self.toolchain().tests(self)?;
        Some(run(command.env(RINGFENCE, ringfence)))
    }

    pub(crate) fn toolchain(&self) -> &'static dyn Toolchain {
        self.language.toolchain()
    }
}
