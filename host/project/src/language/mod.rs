//! The languages in which agents are written, a file for each.
//!
//! To add one: a file here that implements [`Toolchain`], a folder of its name
//! under `templates/`, and its arm in [`Language::toolchain`].

mod javascript;
mod python;
mod rust;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use crate::build::BuildError;
use crate::project::Project;
use crate::template::TemplateFile;

/// A language in which an agent is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Rust, with the SDK.
    Rust,
    /// Python, packaged with `componentize-py`.
    Python,
    /// JavaScript or TypeScript, packaged with `componentize-js`.
    JavaScript,
}

/// A name that is no language of agents.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no language for agents; it is one of `rust`, `python`, `js`")]
pub struct UnknownLanguage(String);

impl Language {
    /// All languages.
    pub const ALL: [Self; 3] = [Self::Rust, Self::Python, Self::JavaScript];

    /// Its name on the command line.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "js",
        }
    }

    /// The file that every project of it has.
    #[must_use]
    pub const fn manifest(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Python => "pyproject.toml",
            Self::JavaScript => "package.json",
        }
    }

    /// What is known of it.
    pub(crate) fn toolchain(self) -> &'static dyn Toolchain {
        match self {
            Self::Rust => &rust::Rust,
            Self::Python => &python::Python,
            Self::JavaScript => &javascript::JavaScript,
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
        })
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|language| language.flag() == text);
        found.ok_or_else(|| UnknownLanguage(text.to_owned()))
    }
}

/// A tool that a language needs and that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}\nhint: {hint}")]
pub struct Missing {
    /// What is missing, as a sentence without its full stop.
    pub what: String,
    /// What to type to get it.
    pub hint: String,
}

/// What is known of a language: how its projects look and how they are built.
pub(crate) trait Toolchain: Sync {
    /// The name of the agent, or why it cannot be told, from the text of the
    /// [manifest](Language::manifest).
    fn agent_name(&self, manifest: &str) -> Result<String, String>;

    /// The files of a new project but the contract, which each gets. `{{name}}`
    /// in them is the name of the agent.
    fn template(&self) -> Vec<TemplateFile>;

    /// The files of a new project that are written as they are: libraries that
    /// no registry has.
    fn vendored(&self) -> Vec<(String, &'static str)> {
        Vec::new()
    }

    /// Files and folders, by name and wherever they are, that building or
    /// testing writes: a change of them is no change of the project.
    fn products(&self) -> &'static [&'static str];

    /// The tools that `project` needs and that are not there.
    fn missing(&self, project: &Project) -> Vec<Missing>;

    /// Builds the component of `project` and writes it to `component`. What the
    /// tools say goes to stderr.
    fn build(&self, project: &Project, component: &Path) -> Result<(), BuildError>;

    /// The command that runs the project's own tests, if it has any.
    fn tests(&self, project: &Project) -> Option<Command>;
}

/// The program `name`, where the search path has it.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let file = Path::new(name).with_extension(std::env::consts::EXE_EXTENSION);
    let candidates = std::env::split_paths(&path).map(|folder| folder.join(&file));
    candidates.into_iter().find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_by_its_flag() {
        for language in Language::ALL {
            assert_eq!(language.flag().parse(), Ok(language));
        }
        assert_eq!(
            "cobol".parse::<Language>().unwrap_err().to_string(),
            "`cobol` is no language for agents; it is one of `rust`, `python`, `js`"
        );
    }
}
