//! Debian's compiler, which brings the standard library as source.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use super::toolchain::linkers;
use crate::process;

/// What has to be installed. `rustc-web` is the compiler that Debian keeps
/// recent for its browsers.
pub(super) const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "wasi-libc"];

pub(super) const RUSTC: &str = "/usr/bin/rustc";
pub(super) const CARGO: &str = "/usr/bin/cargo";
/// Where `wasi-libc` puts the C library that the standard library links.
pub(super) const LIBC: &str = "/usr/lib/wasm32-wasi";

/// The oldest compiler that the agents build with: the `rust-version` of the
/// workspaces.
const OLDEST: (u32, u32) = (1, 95);

/// Sees to it that everything is there, installing what is not. `sysroot` is
/// the toolchain whose linkers are used.
pub(super) fn prepare(sysroot: &Path) -> Result<(), String> {
    if linkers(sysroot).is_empty() {
        return Err(format!(
            "the toolchain in {} brings no `wasm-component-ld`",
            sysroot.display()
        ));
    }
    let Err(missing) = is_ready() else {
        return Ok(());
    };
    if !Path::new("/etc/debian_version").exists() {
        return Err("this is no Debian".to_owned());
    }
    if !is_root() {
        return Err(format!("{missing}, and installing it takes root"));
    }
    println!("installing {}", PACKAGES.join(", "));
    apt_get(&["update"])?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(PACKAGES);
    apt_get(&arguments)?;
    is_ready()
}

fn is_ready() -> Result<(), String> {
    for (file, package) in [(RUSTC, PACKAGES[0]), (CARGO, PACKAGES[1])] {
        if !Path::new(file).exists() {
            return Err(format!("`{package}` is not installed"));
        }
    }
    let version = ask_rustc(&["--version"])?;
    if parse_version(&version).is_none_or(|found| found < OLDEST) {
        let (major, minor) = OLDEST;
        return Err(format!(
            "{RUSTC} is `{version}` where {major}.{minor} is needed"
        ));
    }
    let library = PathBuf::from(ask_rustc(&["--print", "sysroot"])?)
        .join("lib/rustlib/src/rust/library/std/Cargo.toml");
    for (file, package) in [
        (library, PACKAGES[2]),
        (Path::new(LIBC).join("libc.a"), PACKAGES[3]),
    ] {
        if !file.exists() {
            return Err(format!("`{package}` is not installed"));
        }
    }
    Ok(())
}

fn ask_rustc(arguments: &[&str]) -> Result<String, String> {
    process::output(Command::new(RUSTC).args(arguments)).map_err(|error| error.to_string())
}

/// The major and minor number in `rustc 1.96.0 (...)`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("rustc ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn apt_get(arguments: &[&str]) -> Result<(), String> {
    process::run(
        Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
    .map_err(|error| error.to_string())
}

/// Whether this program may install packages, by the owner of its process.
fn is_root() -> bool {
    effective_user().is_ok_and(|user| user == Some(0))
}

fn effective_user() -> io::Result<Option<u32>> {
    let status = fs::read_to_string("/proc/self/status")?;
    Ok(status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|users| users.split_whitespace().nth(1)?.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_the_compiler_says() {
        assert_eq!(
            parse_version("rustc 1.96.0 (ac68faa20 2026-05-20) (built from a source tarball)"),
            Some((1, 96))
        );
        assert_eq!(parse_version("rustc 1.63.0"), Some((1, 63)));
        assert_eq!(parse_version("gcc 12"), None);
        assert!((1, 63) < OLDEST && OLDEST < (2, 0));
    }

    #[test]
    fn the_oldest_compiler_is_that_of_the_workspace() {
        let manifest = include_str!("../../../Cargo.toml");
        let (major, minor) = OLDEST;
        assert!(manifest.contains(&format!("rust-version = \"{major}.{minor}\"")));
    }
}
