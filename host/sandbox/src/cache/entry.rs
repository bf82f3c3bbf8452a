//! One file of the cache: compiled code, what its component asks for and
//! offers, and behind both a seal that says what it is and that it is whole.
//!
//! ```text
//! code ‖ interface ‖ magic (8) ‖ compatibility (32) ‖ content (32)
//!      ‖ length of code (8) ‖ length of interface (8) ‖ CRC-32 of all before (4)
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

use crc32fast::Hasher;
use ringfence_flow::ContentHash;

use super::place;
use crate::compile::Compatibility;
use crate::component_check::ComponentInterface;

const MAGIC: &[u8; 8] = b"rf-code3";

/// The length of what stands between the interface and the checksum.
const LABEL_LEN: usize = 8 + 32 + 32 + 8 + 8;

const CHECKSUM_LEN: usize = 4;

/// How much of a file is read at a time.
const PART: usize = 128 << 10;

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
        self.folder(cache).join(format!("{}.code3", self.content))
    }

    fn label(&self, code_len: u64, interface_len: u64) -> [u8; LABEL_LEN] {
        let mut label = [0; LABEL_LEN];
        label[..8].copy_from_slice(MAGIC);
        label[8..40].copy_from_slice(self.compatible.as_bytes());
        label[40..72].copy_from_slice(self.content.as_bytes());
        label[72..80].copy_from_slice(&code_len.to_le_bytes());
        label[80..].copy_from_slice(&interface_len.to_le_bytes());
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
    Whole(ComponentInterface),
}

/// Reads the entry and verifies it.
pub(super) fn verify(path: &Path, key: &CacheKey) -> io::Result<Entry> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Entry::Missing),
        Err(error) => return Err(error),
    };
    let Some(body) = file.metadata()?.len().checked_sub(SEAL_LEN as u64) else {
        return Ok(Entry::Damaged);
    };
    let mut seal = [0; SEAL_LEN];
    file.seek(SeekFrom::Start(body))?;
    file.read_exact(&mut seal)?;
    let (label, checksum) = seal.split_at(LABEL_LEN);
    let interface_len = u64::from_le_bytes(last_eight(label));
    let Some(code_len) = body.checked_sub(interface_len) else {
        return Ok(Entry::Damaged);
    };
    if label != key.label(code_len, interface_len) || interface_len > MAX_INTERFACE {
        return Ok(Entry::Damaged);
    }
    let mut sum = Hasher::new();
    file.rewind()?;
    add(&mut sum, &mut file, code_len)?;
    let mut interface = vec![0; interface_len as usize];
    file.read_exact(&mut interface)?;
    sum.update(&interface);
    sum.update(label);
    if checksum != sum.finalize().to_le_bytes() {
        return Ok(Entry::Damaged);
    }
    Ok(serde_json::from_slice(&interface).map_or(Entry::Damaged, Entry::Whole))
}

/// Adds the next `count` bytes of `file`.
fn add(sum: &mut Hasher, file: &mut File, count: u64) -> io::Result<()> {
    let mut part = vec![0; PART];
    let mut left = count;
    while left > 0 {
        let part = &mut part[..left.min(PART as u64) as usize];
        file.read_exact(part)?;
        sum.update(part);
        left -= part.len() as u64;
    }
    Ok(())
}

fn last_eight(bytes: &[u8]) -> [u8; 8] {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[bytes.len() - 8..]);
    eight
}

/// Writes an entry so that others see the whole of it or nothing, whatever
/// happens and whoever else writes it at the same time.
pub(super) fn write(cache: &Path, key: &CacheKey, code: &[u8], interface: &[u8]) -> io::Result<()> {
    let folder = key.folder(cache);
    place::make(&folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .tempfile_in(&folder)?;
    let label = key.label(code.len() as u64, interface.len() as u64);
    let mut sum = Hasher::new();
    for part in [code, interface, &label] {
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

/// Marks an entry as used now.
pub(super) fn touch(path: &Path) {
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
