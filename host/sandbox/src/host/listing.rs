//! What a listing of a folder costs the host, told before it is made: wasmtime
//! reads all names at once.

use std::fs::File;
use std::io;
use std::sync::Arc;

/// What the host keeps for one entry beside its name. The guest picks the
/// folder, the host pays.
const ENTRY: u64 = 64;

/// The most entries of a listing that is made in the attempt's own thread: it takes as
/// long as to look at each of them, which is done there.
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
/// whether the folder answers at once.
///
/// # Errors
/// The folder cannot be read.
pub(super) async fn cost(folder: Arc<File>, most: u64, in_place: bool) -> io::Result<Cost> {
    if in_place && let Some(bytes) = add_up(&folder, most, FEW)? {
        let is_quick = true;
        return Ok(Cost { bytes, is_quick });
    }
    let added = tokio::task::spawn_blocking(move || add_up(&folder, most, usize::MAX));
    let bytes = added.await.map_err(io::Error::other)??;
    Ok(Cost {
        bytes: bytes.unwrap_or(u64::MAX),
        is_quick: false,
    })
}

/// `None` if there are more than `entries`.
#[cfg(unix)]
fn add_up(folder: &File, most: u64, entries: usize) -> io::Result<Option<u64>> {
    use rustix::fs::{Dir, Mode, OFlags, openat};
    // Opened anew: reading moves a place that all who hold the folder share.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(folder, ".", flags, Mode::empty())?;
    let mut sum = 0_u64;
    for (number, entry) in (1..).zip(Dir::new(folder)?) {
        let name = entry?.file_name().to_bytes().len() as u64;
        sum = sum.saturating_add(ENTRY + name);
        if sum > most {
            break;
        }
        if number > entries {
            return Ok(None);
        }
    }
    Ok(Some(sum))
}

/// Nothing: only on Unix can a folder be read through its handle. There a listing
/// is bounded by what lies in the mount.
#[cfg(not(unix))]
fn add_up(_folder: &File, _most: u64, _entries: usize) -> io::Result<Option<u64>> {
    Ok(Some(0))
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
        for is_quick in [true, false] {
            let bytes = whole;
            assert_eq!(cost(10_000, is_quick).await, Cost { bytes, is_quick });
            assert_eq!(cost(whole, is_quick).await, Cost { bytes, is_quick });
            assert!(cost(100, is_quick).await.bytes > 100);
        }
    }

    #[tokio::test]
    async fn a_listing_of_many_entries_is_no_quick_one() {
        let folder = tempfile::tempdir().unwrap();
        let open = Arc::new(File::open(folder.path()).unwrap());
        let cost = async || cost(Arc::clone(&open), u64::MAX, true).await.unwrap();
        // With the entries for the folder itself and the one above.
        for name in 2..FEW {
            std::fs::write(folder.path().join(name.to_string()), "").unwrap();
        }
        let few = cost().await;
        assert!(few.is_quick);
        std::fs::write(folder.path().join("more"), "").unwrap();
        let bytes = few.bytes + ENTRY + 4;
        let is_quick = false;
        assert_eq!(cost().await, Cost { bytes, is_quick });
    }
}
