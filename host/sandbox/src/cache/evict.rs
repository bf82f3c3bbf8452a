//! Keeps the cache below its size: what was not used for longest goes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ringfence_flow::ByteSize;

use super::entry;

struct Found {
    path: PathBuf,
    size: u64,
    used: SystemTime,
}

/// Removes the entries that were not used for longest until all together
/// have at most `limit`, but never `keep`. Files that a crashed process left
/// half-written count as entries and go in their turn.
///
/// A file that another process maps stays readable for it.
pub(super) fn evict(cache: &Path, keep: &Path, limit: ByteSize) -> io::Result<()> {
    let mut found = Vec::new();
    for folder in fs::read_dir(cache)?.flatten() {
        if folder.file_type()?.is_dir() {
            list(&folder.path(), &mut found)?;
        }
    }
    let mut total: u64 = found.iter().map(|entry| entry.size).sum();
    found.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
    for old in found.iter().filter(|entry| entry.path != keep) {
        if total <= limit.as_u64() {
            break;
        }
        entry::remove(&old.path)?;
        total -= old.size;
        tracing::debug!(path = %old.path.display(), "removed the oldest entry of the compile cache");
    }
    Ok(())
}

fn list(folder: &Path, found: &mut Vec<Found>) -> io::Result<()> {
    for file in fs::read_dir(folder)?.flatten() {
        // What another process removed in the meantime is not there to count.
        let Ok(metadata) = file.metadata() else {
            continue;
        };
        if metadata.is_file() {
            found.push(Found {
                path: file.path(),
                size: metadata.len(),
                used: metadata.modified()?,
            });
        }
    }
    Ok(())
}
