//! Where the cache is, and who may write there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::refusal::show_path;

/// Why a folder cannot hold compiled code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The folder cannot be made or read.
    #[error("the compile cache {} cannot be used: {source}\nhint: choose another folder with `cache-dir`", show_path(.path))]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is a symbolic link, and whoever made it picks where it leads.
    #[error("the compile cache {} is a symbolic link\nhint: name the folder that it leads to with `cache-dir`", show_path(.path))]
    SymbolicLink {
        /// The folder.
        path: PathBuf,
    },
    /// It is no folder.
    #[error("the compile cache {} is no folder\nhint: remove it, or choose another folder with `cache-dir`", show_path(.path))]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// Another user owns it.
    #[error("the compile cache {} belongs to another user (number {owner})\nhint: choose a folder of your own with `cache-dir`", show_path(.path))]
    OtherOwner {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Others than the owner may read or write it.
    #[error("the compile cache {} is open to others than its owner (mode {mode:04o}); whoever can write there can run code in this host\nhint: if nobody did, type `chmod 700 {}`; if in doubt, delete the folder", show_path(.path), .path.display())]
    OpenToOthers {
        /// The folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A folder on the way there lets everybody exchange what is below it.
    #[error("the compile cache {} lies in {}, where everybody may write\nhint: type `chmod o-w {}`, or choose another folder with `cache-dir`", show_path(.path), show_path(.parent), .parent.display())]
    OpenParent {
        /// The folder.
        path: PathBuf,
        /// The folder on the way.
        parent: PathBuf,
    },
}

/// Where a user's caches are on this platform: `$XDG_CACHE_HOME/ringfence` or
/// `~/.cache/ringfence`; on macOS `~/Library/Caches/ringfence`; on Windows
/// `%LOCALAPPDATA%\ringfence\cache`. `None` where the environment does not
/// say.
#[must_use]
pub fn default_cache_folder() -> Option<PathBuf> {
    resolve(Platform::HERE, |name| {
        std::env::var_os(name).map(PathBuf::from)
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Platform {
    Unix,
    Apple,
    Windows,
}

impl Platform {
    const HERE: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_vendor = "apple") {
        Self::Apple
    } else {
        Self::Unix
    };
}

fn resolve(platform: Platform, var: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // A relative path here is a mistake that the XDG specification says to
    // ignore: the cache would follow the working directory around.
    let absolute = |name| var(name).filter(|path| path.is_absolute());
    match platform {
        Platform::Unix => absolute("XDG_CACHE_HOME")
            .or_else(|| Some(absolute("HOME")?.join(".cache")))
            .map(|caches| caches.join("ringfence")),
        Platform::Apple => absolute("HOME").map(|home| home.join("Library/Caches/ringfence")),
        Platform::Windows => {
            absolute("LOCALAPPDATA").map(|data| data.join("ringfence").join("cache"))
        }
    }
}

/// Makes the folder `path` if it is not there, and gives its real path if
/// only its owner, who runs this process, can write there.
pub(super) fn prepare(path: &Path) -> Result<PathBuf, CacheError> {
    let io = |source| CacheError::Io {
        path: path.to_owned(),
        source,
    };
    make(path).map_err(io)?;
    let found = fs::symlink_metadata(path).map_err(io)?;
    if found.is_symlink() {
        return Err(CacheError::SymbolicLink {
            path: path.to_owned(),
        });
    }
    if !found.is_dir() {
        return Err(CacheError::NotAFolder {
            path: path.to_owned(),
        });
    }
    let real = path.canonicalize().map_err(io)?;
    #[cfg(unix)]
    {
        unix::check_owner(&real, &found)?;
        unix::check_parents(&real)?;
    }
    Ok(real)
}

/// Makes a folder, and those on the way, for the owner alone.
pub(super) fn make(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        // What is there instead of a folder is told by the checks.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, Metadata};
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use super::CacheError;

    const PERMISSIONS: u32 = 0o7777;
    const FOR_OTHERS: u32 = 0o077;
    const WRITE_FOR_ALL: u32 = 0o002;
    const STICKY: u32 = 0o1000;

    pub(super) fn check_owner(path: &Path, found: &Metadata) -> Result<(), CacheError> {
        let owner = found.uid();
        if owner != rustix::process::geteuid().as_raw() {
            return Err(CacheError::OtherOwner {
                path: path.to_owned(),
                owner,
            });
        }
        let mode = found.mode() & PERMISSIONS;
        if mode & FOR_OTHERS != 0 {
            return Err(CacheError::OpenToOthers {
                path: path.to_owned(),
                mode,
            });
        }
        Ok(())
    }

    /// Refuses folders on the way that everybody may write, unless the sticky
    /// bit keeps people from moving what is not theirs. Folders that a group
    /// may write pass: on many systems each user has a group alone.
    pub(super) fn check_parents(path: &Path) -> Result<(), CacheError> {
        for parent in path.ancestors().skip(1) {
            let mode = fs::metadata(parent)
                .map_err(|source| CacheError::Io {
                    path: path.to_owned(),
                    source,
                })?
                .mode();
            if mode & WRITE_FOR_ALL != 0 && mode & STICKY == 0 {
                return Err(CacheError::OpenParent {
                    path: path.to_owned(),
                    parent: parent.to_owned(),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve_with(platform: Platform, vars: &[(&str, &str)]) -> Option<PathBuf> {
        resolve(platform, |name| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| PathBuf::from(value))
        })
    }

    #[test]
    #[cfg(unix)]
    fn each_platform_has_its_place() {
        let home = ("HOME", "/home/me");
        assert_eq!(
            resolve_with(Platform::Unix, &[home]),
            Some("/home/me/.cache/ringfence".into())
        );
        assert_eq!(
            resolve_with(Platform::Unix, &[home, ("XDG_CACHE_HOME", "/fast")]),
            Some("/fast/ringfence".into())
        );
        assert_eq!(
            resolve_with(Platform::Unix, &[home, ("XDG_CACHE_HOME", "relative")]),
            Some("/home/me/.cache/ringfence".into())
        );
        assert_eq!(
            resolve_with(Platform::Apple, &[home]),
            Some("/home/me/Library/Caches/ringfence".into())
        );
        assert_eq!(resolve_with(Platform::Unix, &[]), None);
        assert_eq!(resolve_with(Platform::Windows, &[home]), None);
    }
}
