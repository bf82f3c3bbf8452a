//! The listings of folders that a guest holds, read no further than the host may spend on
//! them.

#[cfg(unix)]
use std::ffi::CStr;
#[cfg(unix)]
use std::fs::File;
#[cfg(unix)]
use std::io;
#[cfg(unix)]
use std::sync::Arc;

#[cfg(unix)]
use rustix::fs::FileType;
use wasmtime_wasi::p2::bindings::filesystem::types::{DescriptorType, DirectoryEntry, ErrorCode};

/// What counts for one entry beside its name, and for a listing beside its entries, in
/// bytes. The guest picks the folder, the host pays.
const ENTRY: u64 = 64;

/// The most entries of a listing that is made in the attempt's own thread.
#[cfg(unix)]
const FEW: usize = 256;

/// What a folder holds, as far as the guest has not taken it yet.
///
/// All names lie in one piece of memory: a guest drops listings of a million entries in
/// its own thread.
#[derive(Debug)]
pub(super) struct Listing {
    entries: Vec<Entry>,
    /// How many of them are taken.
    taken: usize,
    names: String,
    /// Where the name of the next one begins.
    next_name: usize,
    held: u64,
}

#[derive(Debug)]
struct Entry {
    /// What it is, or why it cannot be told.
    found: Result<DescriptorType, ErrorCode>,
    name_len: usize,
}

impl Listing {
    /// One without entries.
    pub(super) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            taken: 0,
            names: String::new(),
            next_name: 0,
            held: ENTRY,
        }
    }

    /// Adds an entry, or why one cannot be told.
    pub(super) fn add(&mut self, entry: Result<(DescriptorType, &str), ErrorCode>) {
        let (found, name) = match entry {
            Ok((kind, name)) => (Ok(kind), name),
            Err(error) => (Err(error), ""),
        };
        let name_len = name.len();
        self.entries.push(Entry { found, name_len });
        self.names.push_str(name);
        self.held += ENTRY + name_len as u64;
    }

    /// What counts as held for it until the guest drops it, in bytes.
    pub(super) const fn held(&self) -> u64 {
        self.held
    }

    /// The next entry. `None` after the last.
    ///
    /// # Errors
    /// Why this one cannot be told. There may be more.
    pub(super) fn next(&mut self) -> Result<Option<DirectoryEntry>, ErrorCode> {
        let Some(entry) = self.entries.get(self.taken) else {
            return Ok(None);
        };
        let name = self.next_name..self.next_name + entry.name_len;
        self.taken += 1;
        self.next_name = name.end;
        let name = self.names[name].to_owned();
        entry
            .found
            .map(|type_| Some(DirectoryEntry { type_, name }))
    }
}

/// Lists `folder`. More than `most` bytes are held of a listing that is not whole.
/// `in_place` says whether files are read in the attempt's own thread: then a small folder
/// is listed there, too. What turns out not to be for that thread is begun anew by one
/// that may wait.
///
/// # Errors
/// The folder cannot be read.
#[cfg(unix)]
pub(super) async fn list(folder: Arc<File>, most: u64, in_place: bool) -> io::Result<Listing> {
    if in_place && crate::quick_files::is_small(&folder) {
        let (listing, is_done) = read(&folder, most, true)?;
        if is_done {
            return Ok(listing);
        }
    }
    let read = wasmtime_wasi::runtime::spawn_blocking(move || read(&folder, most, false));
    read.await.map(|(listing, _)| listing)
}

/// Reads a folder up to the first entry with which more than `most` bytes are held, or,
/// if it is to be quick, with which it is not; and whether it was quick enough.
#[cfg(unix)]
fn read(folder: &File, most: u64, is_to_be_quick: bool) -> io::Result<(Listing, bool)> {
    use rustix::fs::{Dir, Mode, OFlags, openat};
    // Opened anew: reading moves a place that all who hold the folder share.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = openat(folder, ".", flags, Mode::empty())?;
    let mut listing = Listing::new();
    for entry in Dir::new(opened)? {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                listing.add(Err(io::Error::from(error).into()));
                break;
            }
        };
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let is_told = entry.file_type() != FileType::Unknown;
        if is_to_be_quick && (!is_told || listing.entries.len() == FEW) {
            return Ok((listing, false));
        }
        listing.add(match name.to_str() {
            Ok(text) => Ok((kind(folder, name, entry.file_type()), text)),
            Err(_) => Err(ErrorCode::IllegalByteSequence),
        });
        if listing.held > most {
            break;
        }
    }
    listing.entries.shrink_to_fit();
    listing.names.shrink_to_fit();
    Ok((listing, true))
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
#[cfg(unix)]
mod tests {
    use std::path::Path;

    use tempfile::TempDir;

    use super::*;

    fn folder<T: AsRef<Path>>(names: impl IntoIterator<Item = T>) -> (TempDir, Arc<File>) {
        filled(tempfile::tempdir().unwrap(), names)
    }

    fn filled<T: AsRef<Path>>(
        folder: TempDir,
        names: impl IntoIterator<Item = T>,
    ) -> (TempDir, Arc<File>) {
        for name in names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let open = Arc::new(File::open(folder.path()).unwrap());
        (folder, open)
    }

    fn numbered(count: usize) -> impl Iterator<Item = String> {
        (0..count).map(|name| name.to_string())
    }

    /// What it tells, sorted.
    fn told(mut listing: Listing) -> Vec<(String, DescriptorType)> {
        let entries = std::iter::from_fn(|| listing.next().unwrap());
        let mut told: Vec<_> = entries.map(|entry| (entry.name, entry.type_)).collect();
        told.sort_by(|one, other| one.0.cmp(&other.0));
        assert!(listing.next().unwrap().is_none(), "it has ended");
        told
    }

    #[tokio::test]
    async fn a_listing_ends_with_the_first_entry_that_is_too_much() {
        let names = ["a", "bb", "ccc"];
        let (_folder, open) = folder(names);
        let whole = 4 * ENTRY + 6;
        for in_place in [true, false] {
            let list = async |most| list(Arc::clone(&open), most, in_place).await.unwrap();
            for most in [u64::MAX, whole] {
                let listing = list(most).await;
                assert_eq!(listing.held(), whole);
                let all = names.map(|name| (name.to_owned(), DescriptorType::RegularFile));
                assert_eq!(told(listing), all);
            }
            let over = list(2 * ENTRY).await;
            assert!(over.held() > 2 * ENTRY && over.held() < whole);
            assert_eq!(told(over).len(), 1);
        }
    }

    #[test]
    fn an_entry_is_told_as_what_it_is() {
        let (folder, open) = folder(["file"]);
        let path = folder.path();
        std::fs::create_dir(path.join("folder")).unwrap();
        std::os::unix::fs::symlink("folder", path.join("link")).unwrap();
        std::os::unix::net::UnixListener::bind(path.join("socket")).unwrap();
        let (listing, _) = read(&open, u64::MAX, false).unwrap();
        let kinds = [
            ("file", DescriptorType::RegularFile),
            ("folder", DescriptorType::Directory),
            ("link", DescriptorType::SymbolicLink),
            ("socket", DescriptorType::Unknown),
        ];
        let kinds = kinds.map(|(name, kind)| (name.to_owned(), kind));
        assert_eq!(told(listing), kinds);
        // Where the folder does not say, and where nobody can.
        let unsaid = |name| kind(&open, name, FileType::Unknown);
        assert_eq!(unsaid(c"link"), DescriptorType::SymbolicLink);
        assert_eq!(unsaid(c"socket"), DescriptorType::Unknown);
        assert_eq!(unsaid(c"gone"), DescriptorType::Unknown);
        let devices = File::open("/dev").unwrap();
        let null = kind(&devices, c"null", FileType::Unknown);
        assert_eq!(null, DescriptorType::CharacterDevice);
    }

    /// Where the filesystem takes such a name: that of macOS does not.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_no_text_is_an_error_and_the_others_are_told() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        let (folder, open) = folder(["before"]);
        std::fs::write(folder.path().join(OsStr::from_bytes(b"\xff")), "").unwrap();
        let (mut listing, _) = read(&open, u64::MAX, false).unwrap();
        assert_eq!(listing.held(), 3 * ENTRY + 6);
        let mut both = [listing.next(), listing.next()].map(|entry| entry.map(Option::unwrap));
        both.sort_by_key(Result::is_err);
        assert_eq!(both[0].as_ref().unwrap().name, "before");
        let error = both[1].as_ref().unwrap_err();
        assert_eq!(error, &ErrorCode::IllegalByteSequence);
        assert!(listing.next().unwrap().is_none());
    }

    /// The listing where it is made at once, by nobody else.
    #[cfg(target_os = "linux")]
    fn at_once(open: &Arc<File>, in_place: bool) -> Option<Listing> {
        use std::task::{Context, Poll, Waker};
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

    #[cfg(target_os = "linux")]
    #[test]
    fn only_few_entries_are_read_in_the_attempts_own_thread() {
        // In memory: the folder for temporary files may be one of overlayfs.
        let (folder, open) = filled(tempfile::tempdir_in("/dev/shm").unwrap(), numbered(FEW));
        assert!(crate::quick_files::is_small(&open));
        assert!(at_once(&open, false).is_none());
        let few = at_once(&open, true).unwrap();
        assert_eq!(told(few).len(), FEW);

        std::fs::write(folder.path().join("another"), "").unwrap();
        assert!(at_once(&open, true).is_none());
    }

    #[tokio::test]
    async fn many_entries_are_listed_whole() {
        let (_folder, open) = folder(numbered(FEW + 1));
        let listing = list(open, u64::MAX, true).await.unwrap();
        assert_eq!(told(listing).len(), FEW + 1);
    }
}
