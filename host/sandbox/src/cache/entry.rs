//! One file of the cache: compiled code, what its component asks for and
//! offers, where its instructions come from, and behind all a seal that says
//! what it is and that it is whole.
//!
//! ```text
//! code ‖ interface ‖ lines ‖ magic (8) ‖ compatibility (32) ‖ content (32)
//!      ‖ the lengths of code, interface and lines (8 each) ‖ CRC-32 of all before (4)
//! ```
//!
//! The checksum tells what a disk did, and is read with each start. It is none
//! against somebody who can write to the folder, and could write any other.
//!
//! The seal is at the end so that the file can be mapped as it is: wasmtime
//! wants the code at the beginning and does not mind what follows.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crc32fast::Hasher;
use ringfence_flow::ContentHash;

use super::place;
use crate::clock;
use crate::compile::{Compatibility, ComponentFacts};
use crate::source_lines::{MAX_LEN, SourceLines};

const MAGIC: &[u8; 8] = b"rf-code4";

/// The parts of an entry before its seal: code, interface and lines.
const PARTS: usize = 3;

/// The length of what stands between the lines and the checksum.
const LABEL_LEN: usize = 8 + 32 + 32 + PARTS * 8;

const CHECKSUM_LEN: usize = 4;

/// How much of a file is read at a time: little enough for the stack.
const PART: usize = 64 << 10;

/// The length of the seal.
pub(super) const SEAL_LEN: usize = LABEL_LEN + CHECKSUM_LEN;

/// The longest interface that an entry holds: what a component's names may
/// take, and as much again for how JSON writes them.
const MAX_INTERFACE: u64 = 1 << 20;

/// What a cached piece of code was made of, and for which engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CacheKey {
    /// The engines that can run it.
    pub(crate) compatible: Compatibility,
    /// The component that was compiled.
    pub(crate) content: ContentHash,
}

impl CacheKey {
    /// The folder of the entries for these engines.
    pub(super) fn folder(&self, cache: &Path) -> PathBuf {
        cache.join(self.compatible.to_string())
    }

    /// Where the entry is. The ending counts the format, so that an older entry
    /// is not taken for a damaged one: nobody asks for it, and it goes in its turn.
    pub(super) fn path(&self, cache: &Path) -> PathBuf {
        self.folder(cache).join(format!("{}.code4", self.content))
    }

    fn label(&self, lens: [u64; PARTS]) -> [u8; LABEL_LEN] {
        let mut label = [0; LABEL_LEN];
        label[..8].copy_from_slice(MAGIC);
        label[8..40].copy_from_slice(self.compatible.as_bytes());
        label[40..72].copy_from_slice(self.content.as_bytes());
        for (place, len) in label[72..].chunks_exact_mut(8).zip(lens) {
            place.copy_from_slice(&len.to_le_bytes());
        }
        label
    }
}

/// What is in the place of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Nothing.
    Missing,
    /// Something that is not the whole entry.
    Damaged,
    /// The entry, whole.
    Whole {
        /// What it says beside the code.
        facts: ComponentFacts,
        /// When it was last marked as used, as far as the system says.
        used: Option<SystemTime>,
    },
}

/// Reads the entry and verifies it.
pub(super) fn verify(path: &Path, key: &CacheKey) -> io::Result<Entry> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Entry::Missing),
        Err(error) => return Err(error),
    };
    let about = file.metadata()?;
    let Some(body) = about.len().checked_sub(SEAL_LEN as u64) else {
        return Ok(Entry::Damaged);
    };
    let mut seal = [0; SEAL_LEN];
    file.seek(SeekFrom::Start(body))?;
    file.read_exact(&mut seal)?;
    let (label, checksum) = seal.split_at(LABEL_LEN);
    let [code_len, interface_len, lines_len] = lens(label);
    let is_whole = code_len
        .checked_add(interface_len)
        .and_then(|len| len.checked_add(lines_len))
        .is_some_and(|len| len == body);
    if !is_whole
        || label != key.label([code_len, interface_len, lines_len])
        || interface_len > MAX_INTERFACE
        || lines_len > MAX_LEN as u64
    {
        return Ok(Entry::Damaged);
    }
    let mut sum = Hasher::new();
    file.rewind()?;
    add(&mut sum, &mut file, code_len)?;
    let interface = read_part(&mut sum, &mut file, interface_len)?;
    let lines = read_part(&mut sum, &mut file, lines_len)?;
    sum.update(label);
    if checksum != sum.finalize().to_le_bytes() {
        return Ok(Entry::Damaged);
    }
    let used = about.modified().ok();
    let facts = facts(&interface, &lines);
    Ok(facts.map_or(Entry::Damaged, |facts| Entry::Whole { facts, used }))
}

fn facts(interface: &[u8], lines: &[u8]) -> Option<ComponentFacts> {
    Some(ComponentFacts {
        interface: serde_json::from_slice(interface).ok()?,
        lines: SourceLines::from_bytes(lines)?,
    })
}

/// Reads and adds the next `len` bytes of `file`, which are few.
fn read_part(sum: &mut Hasher, file: &mut File, len: u64) -> io::Result<Vec<u8>> {
    let mut part = vec![0; len as usize];
    file.read_exact(&mut part)?;
    sum.update(&part);
    Ok(part)
}

/// Adds the next `count` bytes of `file`.
fn add(sum: &mut Hasher, file: &mut File, count: u64) -> io::Result<()> {
    let mut part = [0; PART];
    let mut left = count;
    while left > 0 {
        let part = &mut part[..left.min(PART as u64) as usize];
        file.read_exact(part)?;
        sum.update(part);
        left -= part.len() as u64;
    }
    Ok(())
}

/// The lengths of the parts, from the end of a label.
fn lens(label: &[u8]) -> [u64; PARTS] {
    let mut lens = [0; PARTS];
    let places = label[label.len() - PARTS * 8..].chunks_exact(8);
    for (len, place) in lens.iter_mut().zip(places) {
        let mut eight = [0; 8];
        eight.copy_from_slice(place);
        *len = u64::from_le_bytes(eight);
    }
    lens
}

/// Writes an entry so that others see the whole of it or nothing, whatever
/// happens and whoever else writes it at the same time.
pub(super) fn write(cache: &Path, key: &CacheKey, parts: [&[u8]; PARTS]) -> io::Result<()> {
    let folder = key.folder(cache);
    place::make(&folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .tempfile_in(&folder)?;
    let label = key.label(parts.map(|part| part.len() as u64));
    let mut sum = Hasher::new();
    for part in parts.into_iter().chain([label.as_slice()]) {
        sum.update(part);
        file.write_all(part)?;
    }
    file.write_all(&sum.finalize().to_le_bytes())?;
    file.as_file().sync_all()?;
    file.persist(key.path(cache)).map_err(|error| error.error)?;
    // The name lasts only when its folder has been written too.
    if cfg!(unix) {
        File::open(&folder)?.sync_all()?;
    }
    Ok(())
}

/// How the names of files begin that are being written.
pub(super) const TEMPORARY_PREFIX: &str = ".writing-";

/// How exact an entry says when it was used: marking it anew writes to disk.
const USED: Duration = Duration::from_secs(60);

/// Marks an entry as used now, unless it was a moment ago.
pub(super) fn touch(path: &Path, used: Option<SystemTime>) {
    let age = used.and_then(|used| clock::of_files().duration_since(used).ok());
    if age.is_some_and(|age| age < USED) {
        return;
    }
    #[cfg(unix)]
    {
        use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        };
        let times = Timestamps {
            last_access: now,
            last_modification: now,
        };
        if let Err(error) = utimensat(CWD, path, &times, AtFlags::empty()) {
            tracing::debug!(%error, "cannot mark a cache entry as used");
        }
    }
    // Elsewhere entries go by the time at which they were made.
    #[cfg(not(unix))]
    let _ = path;
}

/// Takes an entry away; that it is gone already is fine.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
