//! What a listing of a folder costs the host, told before it is made: wasmtime
//! reads all names at once.

use std::fs::File;
use std::io;
use std::sync::Arc;

/// What the host keeps for one entry beside its name. The guest picks the
/// folder, the host pays.
const ENTRY: u64 = 64;

/// The cost of a listing of `folder` in bytes; if it is more than `most`, at least
/// one byte more.
///
/// # Errors
/// The folder cannot be read.
pub(super) async fn cost(folder: Arc<File>, most: u64) -> io::Result<u64> {
    let added = tokio::task::spawn_blocking(move || add_up(&folder, most));
    added.await.map_err(io::Error::other)?
}

#[cfg(unix)]
fn add_up(folder: &File, most: u64) -> io::Result<u64> {
    use rustix::fs::{Dir, Mode, OFlags, openat};
    // Opened anew: reading moves a place that all who hold the folder share.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(folder, ".", flags, Mode::empty())?;
    let mut sum = 0_u64;
    for entry in Dir::new(folder)? {
        let name = entry?.file_name().to_bytes().len() as u64;
        sum = sum.saturating_add(ENTRY + name);
        if sum > most {
            break;
        }
    }
    Ok(sum)
}

/// Nothing: only on Unix can a folder be read through its handle. There a listing
/// is bounded by what lies in the mount.
#[cfg(not(unix))]
fn add_up(_folder: &File, _most: u64) -> io::Result<u64> {
    Ok(0)
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
        // With the entries for the folder itself and the one above.
        let whole = 5 * ENTRY + 6 + 3;
        assert_eq!(cost(Arc::clone(&open), 10_000).await.unwrap(), whole);
        assert_eq!(cost(Arc::clone(&open), whole).await.unwrap(), whole);
        assert!(cost(open, 100).await.unwrap() > 100);
    }
}
