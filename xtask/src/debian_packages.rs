//! Installing packages where there is a Debian, and where that is allowed.

use std::process::Command;

use crate::process;

/// Installs `packages`, as root or with `sudo`.
///
/// # Errors
/// Why they cannot be installed, in a few words.
pub(crate) fn install(packages: &[&str]) -> Result<(), String> {
    install_with("apt-get", packages).or_else(|_| install_with("sudo", packages))
}

/// `apt-get`, or `sudo` before it, which must not ask for a password.
fn install_with(program: &str, packages: &[&str]) -> Result<(), String> {
    let command = || {
        let mut command = Command::new(program);
        if program == "sudo" {
            command.args(["--non-interactive", "apt-get"]);
        }
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    let said = |error: crate::error::Error| error.to_string();
    let install = ["install", "--yes", "--no-install-recommends"];
    let first = process::run(command().args(install).args(packages));
    // The list of packages may be missing or old.
    first
        .or_else(|_| {
            process::run(command().arg("update"))?;
            process::run(command().args(install).args(packages))
        })
        .map_err(said)
}
