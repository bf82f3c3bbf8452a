//! What this machine has, and what can be added to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Machine, TARGET, debian};
use crate::process;
use crate::project::Project;

/// How long rustup may take to fetch the target: a few seconds with a network,
/// and without one it may never answer.
const RUSTUP_LIMIT: Duration = Duration::from_secs(90);

/// The machine that this program runs on.
#[derive(Debug)]
pub(super) struct ThisMachine<'a> {
    project: &'a Project,
    sysroot: PathBuf,
}

impl<'a> ThisMachine<'a> {
    pub(super) fn new(project: &'a Project) -> Self {
        // Without a compiler nothing would have started this program; if one
        // is broken all the same, no way is found, and the message says so.
        let sysroot = process::output(
            Command::new("rustc")
                .args(["--print", "sysroot"])
                .current_dir(project.root()),
        )
        .map(PathBuf::from)
        .unwrap_or_default();
        Self { project, sysroot }
    }

    /// The folder of the toolchain that this program was started with.
    pub(super) fn sysroot(&self) -> &Path {
        &self.sysroot
    }
}

impl Machine for ThisMachine<'_> {
    fn is_installed(&self) -> Result<(), String> {
        let libraries = self.sysroot.join("lib/rustlib").join(TARGET).join("lib");
        let has_std = fs::read_dir(&libraries).is_ok_and(|mut entries| {
            entries.any(|entry| {
                entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
            })
        });
        if has_std {
            Ok(())
        } else {
            Err(format!(
                "the toolchain in {} has no standard library for the target",
                self.sysroot.display()
            ))
        }
    }

    fn add_with_rustup(&self) -> Result<(), String> {
        println!("adding the target {TARGET} with rustup");
        process::within(
            RUSTUP_LIMIT,
            Command::new("rustup")
                .args(["target", "add", TARGET])
                .current_dir(self.project.root()),
        )
        .map_err(|reason| format!("`rustup target add {TARGET}`: {reason}"))?;
        self.is_installed()
    }

    fn prepare_debian(&self) -> Result<(), String> {
        debian::prepare(&self.sysroot)
    }
}
