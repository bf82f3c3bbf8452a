//! The listings of folders that a guest holds: read in one pass, and no further than the
//! host may spend on them.

#[cfg(unix)]
use std::ffi::CStr;
#[cfg(unix)]
use std::fs::File;
#[cfg(unix)]
use std::io;
#[cfg(unix)]
use std::sync::Arc;
use std::vec;

#[cfg(unix)]
use rustix::fs::FileType;
#[cfg(unix)]
use wasmtime_wasi::p2::bindings::filesystem::types::DescriptorType;
use wasmtime_wasi::p2::bindings::filesystem::types::{DirectoryEntry, ErrorCode};

/// What the host keeps for one entry beside its name, and for a listing beside its
/// entries, in bytes. The guest picks the folder, the host pays.
#[cfg(unix)]
const ENTRY: u64 = 64;

/// The most entries of a listing that is made in the attempt's own thread.
#[cfg(unix)]
const FEW: usize = 256;

/// One entry, or why it cannot be told.
type Entry = Result<DirectoryEntry, ErrorCode>;

/// The entries of a folder that the guest has not taken yet.
#[derive(Debug)]
pub(super) struct Listing {
    entries: vec::IntoIter<Entry>,
    held: u64,
}

impl Listing {
    /// Of these entries, and what is held for them in bytes.
    pub(super) fn new(entries: Vec<Entry>, held: u64) -> Self {
        let entries = entries.into_iter();
        Self { entries, held }
    }

    /// What the host holds for it until the guest drops it, in bytes.
    pub(super) const fn held(&self) -> u64 {
        self.held
    }

    /// The next entry. `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<DirectoryEntry>, ErrorCode> {
        self.entries.next().transpose()
    }
}

/// Lists `folder`. More than `most` bytes are held of a listing that is not whole.
/// `in_place` says whether files are read in the attempt's own thread: then a small folder
/// is listed there, too.
///
/// # Errors
/// The folder cannot be read.
#[cfg(unix)]
pub(super) async fn list(folder: Arc<File>, most: u64, in_place: bool) -> io::Result<Listing> {
    if in_place && crate::quick_files::is_small(&folder) {
        let listing = read(&folder, most, FEW)?;
        if listing.entries.len() <= FEW {
            return Ok(listing);
        }
    }
    let read = tokio::task::spawn_blocking(move || read(&folder, most, usize::MAX));
    read.await.map_err(io::Error::other)?
}

/// Reads a folder up to the first entry with which there are more bytes or more entries
/// than given.
#[cfg(unix)]
fn read(folder: &File, bytes: u64, entries: usize) -> io::Result<Listing> {
    use rustix::fs::{Dir, Mode, OFlags, openat};
    // Opened anew: reading moves a place that all who hold the folder share.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = openat(folder, ".", flags, Mode::empty())?;
    let (mut listed, mut held) = (Vec::new(), ENTRY);
    for found in Dir::new(opened)? {
        let found = found?;
        let name = found.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        held += ENTRY + name.to_bytes().len() as u64;
        listed.push(match name.to_str() {
            Ok(told) => Ok(DirectoryEntry {
                type_: kind(folder, name, found.file_type()),
                name: told.to_owned(),
            }),
            Err(_) => Err(ErrorCode::IllegalByteSequence),
        });
        if held > bytes || listed.len() > entries {
            break;
        }
    }
    Ok(Listing::new(listed, held))
}

/// What an entry is. Not every filesystem says so in the folder; then it is looked at.
#[cfg(unix)]
fn kind(folder: &File, name: &CStr, told: FileType) -> DescriptorType {
    use rustix::fs::{AtFlags, statat};
    let found = match told {
        FileType::Unknown => statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_or(told, |found| FileType::from_raw_mode(found.st_mode)),
        told => told,
    };
    match found {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        // wasmtime calls pipes and sockets unknown.
        FileType::Fifo | FileType::Socket | FileType::Unknown => DescriptorType::Unknown,
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::quick_files;

    fn folder(names: &[&str]) -> (tempfile::TempDir, Arc<File>) {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let open = Arc::new(File::open(folder.path()).unwrap());
        (folder, open)
    }

    /// What it tells, sorted.
    fn told(mut listing: Listing) -> Vec<(String, DescriptorType)> {
        let entries = std::iter::from_fn(|| listing.next().unwrap());
        let mut told: Vec<_> = entries.map(|entry| (entry.name, entry.type_)).collect();
        told.sort_by(|one, other| one.0.cmp(&other.0));
        told
    }

    #[tokio::test]
    async fn a_listing_ends_with_the_first_entry_that_is_too_much() {
        let (_folder, open) = folder(&["a", "bb", "ccc"]);
        let whole = 4 * ENTRY + 6;
        for in_place in [true, false] {
            let list = async |most| list(Arc::clone(&open), most, in_place).await.unwrap();
            for most in [u64::MAX, whole] {
                let listing = list(most).await;
                assert_eq!(listing.held(), whole);
                let names =
                    ["a", "bb", "ccc"].map(|name| (name.to_owned(), DescriptorType::RegularFile));
                assert_eq!(told(listing), names);
            }
            let over = list(2 * ENTRY).await;
            assert!(over.held() > 2 * ENTRY && over.held() < whole);
            assert_eq!(told(over).len(), 1);
        }
    }

    #[tokio::test]
    async fn an_entry_is_told_as_what_it_is() {
        let (folder, open) = folder(&["file"]);
        let path = folder.path();
        std::fs::create_dir(path.join("folder")).unwrap();
        std::os::unix::fs::symlink("folder", path.join("link")).unwrap();
        std::os::unix::net::UnixListener::bind(path.join("socket")).unwrap();
        let listing = read(&open, u64::MAX, usize::MAX).unwrap();
        let kinds = [
            ("file", DescriptorType::RegularFile),
            ("folder", DescriptorType::Directory),
            ("link", DescriptorType::SymbolicLink),
            ("socket", DescriptorType::Unknown),
        ];
        assert_eq!(
            told(listing),
            kinds.map(|(name, kind)| (name.to_owned(), kind))
        );
        // Where the folder does not say, and where nobody can.
        let unsaid = |name| kind(&open, name, FileType::Unknown);
        assert_eq!(unsaid(c"link"), DescriptorType::SymbolicLink);
        assert_eq!(unsaid(c"gone"), DescriptorType::Unknown);
    }

    #[tokio::test]
    async fn a_name_that_is_no_text_is_an_error_and_the_others_are_told() {
        let (folder, open) = folder(&["before"]);
        let name = std::ffi::OsStr::from_bytes(b"\xff");
        std::fs::write(folder.path().join(name), "").unwrap();
        let mut listing = read(&open, u64::MAX, usize::MAX).unwrap();
        assert_eq!(listing.held(), 3 * ENTRY + 7);
        let mut told = [listing.next(), listing.next()].map(|entry| entry.map(Option::unwrap));
        told.sort_by_key(Result::is_err);
        assert_eq!(told[0].as_ref().unwrap().name, "before");
        assert_eq!(
            told[1].as_ref().unwrap_err(),
            &ErrorCode::IllegalByteSequence
        );
        assert!(listing.next().unwrap().is_none());
    }

    /// The listing where it is made at once, by nobody else.
    fn at_once(open: &Arc<File>, in_place: bool) -> Option<Listing> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        let _guard = runtime.enter();
        // Who could do it is busy until then.
        let (over, wait) = std::sync::mpsc::channel::<()>();
        runtime.spawn_blocking(move || wait.recv());
        let mut listing = std::pin::pin!(list(Arc::clone(open), u64::MAX, in_place));
        let polled = listing
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        drop(over);
        match polled {
            Poll::Ready(listing) => Some(listing.unwrap()),
            Poll::Pending => None,
        }
    }

    #[test]
    fn only_few_entries_are_read_in_the_attempts_own_thread() {
        let names: Vec<_> = (0..FEW).map(|name| name.to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let (folder, open) = folder(&names);
        assert!(at_once(&open, false).is_none());
        let few = at_once(&open, true);
        assert_eq!(few.is_some(), quick_files::is_small(&open));
        assert!(few.is_none_or(|few| told(few).len() == FEW));

        std::fs::write(folder.path().join("another"), "").unwrap();
        assert!(at_once(&open, true).is_none());
        let read = read(&open, u64::MAX, FEW).unwrap();
        assert_eq!(told(read).len(), FEW + 1, "it stops there");
    }

    #[tokio::test]
    async fn many_entries_are_listed_whole() {
        let names: Vec<_> = (0..=FEW).map(|name| name.to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let (_folder, open) = folder(&names);
        let listing = list(open, u64::MAX, true).await.unwrap();
        assert_eq!(told(listing).len(), FEW + 1);
    }
}
