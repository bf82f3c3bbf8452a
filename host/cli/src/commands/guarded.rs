//! What no agent may write, whatever it is granted: the files that the host
//! itself trusts.

use std::path::{Path, PathBuf};

use ringfence::config::FILE_NAME;
use ringfence::flow::{MountAccess, MountName};
use ringfence::sandbox::SandboxConfig;

use super::kept::journal_place;
use crate::args::Global;
use crate::error::CliError;

/// Something that the host trusts.
struct Guarded {
    what: &'static str,
    path: PathBuf,
    reach: Reach,
}

/// How far it goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// A file, or a folder in which only files count.
    Itself,
    /// A folder with all that is below it.
    Below,
}

impl Guarded {
    /// Whether who may write to `folder` reaches it.
    fn is_reached_from(&self, folder: &Path) -> bool {
        let below = self.reach == Reach::Below && folder.starts_with(&self.path);
        self.path.starts_with(folder) || below
    }
}

/// Refuses a mount that an agent may write and that holds, or lies in, what the
/// host trusts: whoever writes there grants itself what it likes, or replaces
/// another agent.
///
/// # Errors
/// [`CliError::Invalid`], which names the mount and what lies there.
pub(super) fn check(global: &Global, sandbox: &SandboxConfig) -> Result<(), CliError> {
    let guarded = guarded(global, sandbox);
    for (name, folder) in sandbox
        .mounts
        .iter()
        .filter(|(name, _)| is_written(name, sandbox))
    {
        if let Some(Guarded { what, path, .. }) =
            guarded.iter().find(|it| it.is_reached_from(folder))
        {
            return Err(CliError::Invalid(format!(
                "the mount `{name}` may be written, and {what} ({}) can be reached from {}\nhint: mount a folder of its own, for example `--mount {name}=work`, or grant `{name}` without `:rw`",
                path.display(),
                folder.display(),
            )));
        }
    }
    Ok(())
}

fn is_written(mount: &MountName, sandbox: &SandboxConfig) -> bool {
    let mut grants = sandbox.agents.values().flat_map(|agent| &agent.mounts);
    grants.any(|grant| grant.name == *mount && grant.access == MountAccess::ReadWrite)
}

fn guarded(global: &Global, sandbox: &SandboxConfig) -> Vec<Guarded> {
    let plugins = sandbox.plugins.iter().cloned();
    let config = global.config.clone().unwrap_or_else(|| FILE_NAME.into());
    let journal = journal_place(global).ok();
    // Contents, locks and what is known of agents.
    let beside = journal.clone().map(|journal| {
        let mut name = journal.into_os_string();
        name.push(".d");
        PathBuf::from(name)
    });
    let cache = sandbox.cache_dir.clone();
    plugins
        .map(|folder| ("the plugins folder", folder, Reach::Itself))
        .chain([("the operator's file", config, Reach::Itself)])
        .chain(journal.map(|file| ("the journal", file, Reach::Itself)))
        .chain(beside.map(|folder| ("what belongs to the journal", folder, Reach::Below)))
        .chain(cache.map(|folder| ("the compile cache", folder, Reach::Below)))
        .filter_map(|(what, path, reach)| {
            let path = resolved(&path)?;
            Some(Guarded { what, path, reach })
        })
        .collect()
}

/// Where `path` is or would be made; nowhere if not even its folder is there.
fn resolved(path: &Path) -> Option<PathBuf> {
    if let Ok(found) = path.canonicalize() {
        return Some(found);
    }
    let path = std::path::absolute(path).ok()?;
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_reached_from_above_and_what_counts_as_a_whole_from_below() {
        let is_reached = |reach, path: &str, folder: &str| {
            let path = path.into();
            let guarded = Guarded {
                what: "it",
                path,
                reach,
            };
            guarded.is_reached_from(folder.as_ref())
        };
        for reach in [Reach::Itself, Reach::Below] {
            assert!(is_reached(reach, "/home/plugins", "/home"));
            assert!(is_reached(reach, "/home/plugins", "/home/plugins"));
            assert!(!is_reached(reach, "/home/plugins", "/home/plugins-of-mine"));
        }
        assert!(!is_reached(Reach::Itself, "/home", "/home/inner"));
        assert!(is_reached(Reach::Below, "/home", "/home/inner"));
    }

    #[test]
    fn what_is_not_there_yet_is_where_it_would_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        assert_eq!(resolved(&folder.path().join("new")), Some(base.join("new")));
        assert_eq!(resolved(&folder.path().join("not/there")), None);
    }
}
