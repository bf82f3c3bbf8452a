//! The browser that the tests of the HTML report open.

use std::env;
use std::process::Command;

use crate::process;
use crate::report::Done;

/// The package that brings it.
const PACKAGE: &str = "chromium";

/// Installs the browser where it is missing and that is possible. Where it is
/// not, the tests that need one say what to do.
pub(crate) fn provide() -> Done {
    if env::var_os("RINGFENCE_NO_BROWSER").is_some() {
        return Done::Skipped("RINGFENCE_NO_BROWSER is set".to_owned());
    }
    let named = env::var("CHROMIUM").unwrap_or_else(|_| PACKAGE.to_owned());
    if starts(&named) {
        return Done::Passed;
    }
    let installed = install("apt-get").or_else(|_| install("sudo"));
    match installed {
        Ok(()) => Done::Passed,
        Err(why) => Done::Skipped(format!(
            "`{named}` is not there and cannot be installed: {why}"
        )),
    }
}

fn starts(browser: &str) -> bool {
    let version = Command::new(browser).arg("--version").output();
    version.is_ok_and(|said| said.status.success())
}

/// `apt-get`, or `sudo` before it, which must not ask for a password.
fn install(program: &str) -> Result<(), String> {
    let command = || {
        let mut command = Command::new(program);
        if program == "sudo" {
            command.args(["--non-interactive", "apt-get"]);
        }
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    let said = |error: crate::error::Error| error.to_string();
    let install = ["install", "--yes", "--no-install-recommends", PACKAGE];
    let first = process::run(command().args(install));
    // The list of packages may be missing or old.
    first
        .or_else(|_| {
            process::run(command().arg("update"))?;
            process::run(command().args(install))
        })
        .map_err(said)
}
