//! The tools of others that checks use, installed below `target/tools`.

use std::path::PathBuf;
use std::process::Command;

use crate::error::Error;
use crate::process;
use crate::project::Project;

/// A program from the package registry, at the version that was tried.
#[derive(Clone, Copy)]
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
}

/// Checks licences, sources and known vulnerabilities.
pub(crate) const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};

/// Builds and runs fuzzers.
pub(crate) const FUZZ: Tool = Tool {
    name: "cargo-fuzz",
    version: "0.13.2",
};

impl Tool {
    /// Installs the tool if it is not there, and gives its program.
    ///
    /// # Errors
    /// It cannot be had.
    pub(crate) fn provide(self, project: &Project) -> Result<PathBuf, Error> {
        let root = project.path("target/tools");
        let program = root.join("bin").join(self.name);
        if self.is_there(&program) {
            return Ok(program);
        }
        let package = format!("{}@{}", self.name, self.version);
        let mut install = project.cargo(["install", "--locked", package.as_str(), "--root"]);
        process::run(install.arg(&root))?;
        Ok(program)
    }

    fn is_there(self, program: &PathBuf) -> bool {
        let said = Command::new(program).arg("--version").output();
        said.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains(self.version))
    }
}
