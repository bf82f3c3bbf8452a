//! What a listing of a folder costs the host, told before it is made: wasmtime
//! reads all names at once.

use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::quick_files;

/// What the host keeps for one entry beside its name. The guest picks the
/// folder, the host pays.
const ENTRY: u64 = 64;

/// The most entries of a listing that is made in the attempt's own thread, beside those
/// of the folder itself and the one above.
const FEW: usize = 256;

/// What a listing costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// In bytes; at least one more than may be spent if it is more.
    pub(super) bytes: u64,
    /// Whether it may be made in the attempt's own thread.
    pub(super) is_quick: bool,
}

/// The cost of a listing of `folder`, where `most` bytes may be spent. `in_place` says
/// whether files are read in the attempt's own thread.
///
/// # Errors
/// The folder cannot be read.
pub(super) async fn cost(folder: Arc<File>, most: u64, in_place: bool) -> io::Result<Cost> {
    if in_place && quick_files::is_small(&folder) {
        let (bytes, entries) = add_up(&folder, most, FEW)?;
        if entries <= FEW {
            let is_quick = true;
            return Ok(Cost { bytes, is_quick });
        }
    }
    let added = tokio::task::spawn_blocking(move || add_up(&folder, most, usize::MAX));
    let (bytes, _) = added.await.map_err(io::Error::other)??;
    let is_quick = false;
    Ok(Cost { bytes, is_quick })
}

/// How many bytes and entries, up to the first entry with which either is more than given.
#[cfg(unix)]
fn add_up(folder: &File, bytes: u64, entries: usize) -> io::Result<(u64, usize)> {
    use rustix::fs::{Dir, Mode, OFlags, openat};
    // Opened anew: reading moves a place that all who hold the folder share.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(folder, ".", flags, Mode::empty())?;
    let (mut sum, mut count) = (0_u64, 0);
    for entry in Dir::new(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        sum = sum.saturating_add(ENTRY + name.len() as u64);
        count += usize::from(!matches!(name, b"." | b".."));
        if sum > bytes || count > entries {
            break;
        }
    }
    Ok((sum, count))
}

/// Nothing: only on Unix can a folder be read through its handle. There a listing
/// is bounded by what lies in the mount.
#[cfg(not(unix))]
fn add_up(_folder: &File, _bytes: u64, _entries: usize) -> io::Result<(u64, usize)> {
    Ok((0, 0))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listing_is_counted_up_to_what_may_be_spent() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "bb", "ccc"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let open = Arc::new(File::open(folder.path()).unwrap());
        let cost = async |most, in_place| cost(Arc::clone(&open), most, in_place).await.unwrap();
        // With the entries for the folder itself and the one above.
        let whole = 5 * ENTRY + 6 + 3;
        for in_place in [true, false] {
            let is_quick = in_place && quick_files::is_small(&open);
            let bytes = whole;
            assert_eq!(cost(10_000, in_place).await, Cost { bytes, is_quick });
            assert_eq!(cost(whole, in_place).await, Cost { bytes, is_quick });
            assert!(cost(100, in_place).await.bytes > 100);
        }
    }

    #[tokio::test]
    async fn a_listing_of_many_entries_is_no_quick_one() {
        let folder = tempfile::tempdir().unwrap();
        let open = Arc::new(File::open(folder.path()).unwrap());
        let cost = async || cost(Arc::clone(&open), u64::MAX, true).await.unwrap();
        for name in 0..FEW {
            std::fs::write(folder.path().join(name.to_string()), "").unwrap();
        }
        let few = cost().await;
        assert_eq!(few.is_quick, quick_files::is_small(&open));
        std::fs::write(folder.path().join("more"), "").unwrap();
        let bytes = few.bytes + ENTRY + 4;
        let is_quick = false;
        assert_eq!(cost().await, Cost { bytes, is_quick });
    }
}
