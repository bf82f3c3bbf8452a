//! A toolchain that builds for the target, and the environment it runs in.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::{TARGET, debian};

/// A toolchain that builds for [`TARGET`].
#[derive(Debug)]
pub(crate) struct Toolchain {
    cargo: PathBuf,
    environment: Vec<(&'static str, OsString)>,
    arguments: Vec<&'static str>,
}

impl Toolchain {
    /// The toolchain in `sysroot`, which has the target.
    pub(super) fn pinned(sysroot: &Path) -> Self {
        let own = |tool: &str| {
            let path = sysroot
                .join("bin")
                .join(tool)
                .with_extension(env::consts::EXE_EXTENSION);
            if path.exists() { path } else { tool.into() }
        };
        Self {
            cargo: own("cargo"),
            environment: vec![("RUSTC", own("rustc").into())],
            arguments: vec!["--target", TARGET],
        }
    }

    /// Debian's compiler, with the linkers of the toolchain in `sysroot`.
    pub(super) fn debian(sysroot: &Path) -> Self {
        let mut path = linkers(sysroot);
        path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        Self {
            cargo: debian::CARGO.into(),
            environment: vec![
                ("RUSTC", debian::RUSTC.into()),
                // The standard library builds only with features that a
                // stable compiler hides.
                ("RUSTC_BOOTSTRAP", "1".into()),
                ("RUSTFLAGS", format!("-L {}", debian::LIBC).into()),
                ("PATH", env::join_paths(path).unwrap_or_default()),
            ],
            arguments: vec!["--target", TARGET, "-Zbuild-std=std,panic_abort"],
        }
    }

    /// `cargo COMMAND` for the target in the workspace `folder`, undisturbed
    /// by what is set for the host's own builds.
    pub(crate) fn cargo(&self, command: &str, folder: &Path) -> Command {
        let mut cargo = Command::new(&self.cargo);
        cargo.arg(command).args(&self.arguments).current_dir(folder);
        for (name, _) in env::vars_os() {
            if is_of_the_host(&name) {
                cargo.env_remove(name);
            }
        }
        cargo.envs(self.environment.iter().map(|(name, value)| (name, value)));
        cargo
    }
}

/// Whether a variable speaks to the host's build. What says where packages
/// come from and how output looks is left.
fn is_of_the_host(name: &OsStr) -> bool {
    const KEPT: [&str; 7] = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
        "CARGO_BUILD_JOBS",
    ];
    let name = name.to_string_lossy();
    let concerns_a_build = ["CARGO", "RUSTC", "RUSTDOC", "RUSTFLAGS", "RUSTUP_TOOLCHAIN"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    concerns_a_build && !KEPT.iter().any(|prefix| name.starts_with(prefix))
}

/// The folders of `sysroot` that hold `wasm-component-ld` and the linkers
/// that it calls.
pub(super) fn linkers(sysroot: &Path) -> Vec<PathBuf> {
    let Ok(targets) = fs::read_dir(sysroot.join("lib/rustlib")) else {
        return Vec::new();
    };
    targets
        .flatten()
        .map(|target| target.path().join("bin"))
        .filter(|bin| bin.join("wasm-component-ld").exists())
        .flat_map(|bin| {
            let inner = bin.join("gcc-ld");
            [bin, inner]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(command: &'a Command, name: &str) -> Option<&'a OsStr> {
        command.get_envs().find(|(key, _)| *key == name)?.1
    }

    #[test]
    fn what_is_set_for_the_host_is_cleared() {
        for cleared in [
            "RUSTFLAGS",
            "CARGO",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_TARGET",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_PKG_NAME",
            "CARGO_MANIFEST_DIR",
            "RUSTC_WRAPPER",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTC_BOOTSTRAP",
            "RUSTDOCFLAGS",
            "RUSTUP_TOOLCHAIN",
        ] {
            assert!(is_of_the_host(OsStr::new(cleared)), "{cleared}");
        }
        for kept in [
            "PATH",
            "HOME",
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "CARGO_REGISTRIES_CRATES_IO_INDEX",
            "CARGO_REGISTRY_TOKEN",
            "CARGO_TERM_COLOR",
            "RUSTUP_HOME",
            "RUST_BACKTRACE",
        ] {
            assert!(!is_of_the_host(OsStr::new(kept)), "{kept}");
        }
    }

    #[test]
    fn debian_links_with_the_toolchain_s_own_linkers() {
        let sysroot = tempfile::tempdir().unwrap();
        let bin = sysroot.path().join("lib/rustlib/some-host/bin");
        fs::create_dir_all(bin.join("gcc-ld")).unwrap();
        assert!(linkers(sysroot.path()).is_empty());
        fs::write(bin.join("wasm-component-ld"), "").unwrap();
        assert_eq!(linkers(sysroot.path()), [bin.clone(), bin.join("gcc-ld")]);

        let command = Toolchain::debian(sysroot.path()).cargo("build", Path::new("."));
        let path = value(&command, "PATH").unwrap();
        assert_eq!(env::split_paths(path).next(), Some(bin));
        assert_eq!(value(&command, "RUSTC_BOOTSTRAP"), Some(OsStr::new("1")));
        assert_eq!(
            value(&command, "RUSTFLAGS"),
            Some(OsStr::new("-L /usr/lib/wasm32-wasi"))
        );
        assert!(
            command
                .get_args()
                .any(|argument| argument == "-Zbuild-std=std,panic_abort")
        );
    }

    #[test]
    fn the_pinned_toolchain_builds_with_its_own_compiler() {
        let sysroot = tempfile::tempdir().unwrap();
        fs::create_dir_all(sysroot.path().join("bin")).unwrap();
        let rustc = sysroot
            .path()
            .join("bin/rustc")
            .with_extension(env::consts::EXE_EXTENSION);
        fs::write(&rustc, "").unwrap();
        let command = Toolchain::pinned(sysroot.path()).cargo("build", Path::new("."));
        assert_eq!(value(&command, "RUSTC"), Some(rustc.as_os_str()));
        assert_eq!(
            command.get_args().collect::<Vec<_>>(),
            ["build", "--target", TARGET]
        );
    }
}
