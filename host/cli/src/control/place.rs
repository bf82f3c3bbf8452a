//! Where the sockets of live runs are.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ringfence::flow::RunId;

use super::ControlError;

/// The longest path of a socket, in bytes: what every Unix can hold.
const MAX_PATH: usize = 100;

/// What the name of a socket ends with.
const ENDING: &str = "sock";

/// The folder of the sockets: in the user's runtime folder, else in their
/// cache. It is made if it is not there.
///
/// # Errors
/// If no place is known, or others than the user may enter the folder.
pub(super) fn folder() -> Result<PathBuf, ControlError> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let runtime = runtime.filter(|path| path.is_absolute() && path.is_dir());
    let folder = runtime
        .map(|folder| folder.join("ringfence"))
        .or_else(|| Some(ringfence::sandbox::default_cache_folder()?.join("live")))
        .ok_or_else(|| {
            ControlError::Place(
                "no place for sockets is known; set `XDG_RUNTIME_DIR` or `HOME`".to_owned(),
            )
        })?;
    let trouble = |error| ControlError::Place(format!("{}: {error}", folder.display()));
    let mut make = DirBuilder::new();
    make.recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(trouble)?;
    check(&folder)?;
    Ok(folder)
}

/// Refuses a folder that somebody else could put a socket in.
fn check(folder: &Path) -> Result<(), ControlError> {
    let about = fs::symlink_metadata(folder)
        .map_err(|error| ControlError::Place(format!("{}: {error}", folder.display())))?;
    let mine = about.uid() == rustix::process::geteuid().as_raw();
    let closed = about.mode() & 0o077 == 0;
    if about.is_dir() && mine && closed {
        return Ok(());
    }
    Err(ControlError::Place(format!(
        "{} is open to others than you; `chmod 700` it, or remove it",
        folder.display()
    )))
}

/// The socket of a run.
///
/// # Errors
/// If its path is too long for a socket.
pub(super) fn socket(folder: &Path, run: &RunId) -> Result<PathBuf, ControlError> {
    let path = folder.join(format!("{run}.{ENDING}"));
    if path.as_os_str().len() > MAX_PATH {
        return Err(ControlError::Place(format!(
            "{} is too long for a socket; give the run a shorter name with `--id`, or set `XDG_RUNTIME_DIR`",
            path.display()
        )));
    }
    Ok(path)
}

/// Keeps everybody else from making and removing sockets as long as it lives:
/// between the look at a socket that nobody listens on and its removal, the run
/// may be gone on with and have another.
pub(super) fn guard(folder: &Path) -> io::Result<File> {
    let path = folder.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.lock()?;
    Ok(file)
}

/// What tells the socket at `path` from a later one there.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    let about = fs::symlink_metadata(path).ok()?;
    Some((about.dev(), about.ino()))
}

/// The runs that have a socket, in the order of their names.
pub(super) fn runs(folder: &Path) -> Vec<RunId> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let name = |entry: fs::DirEntry| {
        let path = entry.path();
        let ends = path.extension().is_some_and(|ending| ending == ENDING);
        RunId::new(path.file_stem()?.to_str()?)
            .ok()
            .filter(|_| ends)
    };
    let mut runs: Vec<_> = entries.flatten().filter_map(name).collect();
    runs.sort();
    runs
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode));
        mode(0o700).unwrap();
        assert!(check(folder.path()).is_ok());
        for open in [0o755, 0o770, 0o701] {
            mode(open).unwrap();
            let error = check(folder.path()).unwrap_err().to_string();
            assert!(error.contains("chmod 700"), "{error}");
        }
    }

    #[test]
    fn a_path_is_as_long_as_a_socket_can_have() {
        let run = RunId::new("r").unwrap();
        let short = PathBuf::from(format!("/{}", "d".repeat(MAX_PATH - 8)));
        assert!(socket(&short, &run).is_ok());
        assert!(socket(&short.join("x"), &run).is_err());
    }
}
