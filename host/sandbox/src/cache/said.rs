//! What an agent said of itself when it was asked, so that a later start need not
//! run it to know.
//!
//! ```text
//! CRC-32 of what follows, in hexadecimal (8) ‖ description as JSON
//! ```
//!
//! It counts as an entry of the cache and goes in its turn; then the agent is asked
//! again. What it says is checked anew with each start.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::entry::{CacheKey, TEMPORARY_PREFIX};
use super::place;
use crate::component_check::RawDescription;

/// The length of the checksum.
const CHECKSUM_LEN: usize = 8;

/// Where it is, beside the code. The ending counts the format.
fn path(cache: &Path, key: &CacheKey) -> PathBuf {
    key.folder(cache).join(format!("{}.said1", key.content))
}

/// What was said, if that is there and whole.
pub(super) fn read(cache: &Path, key: &CacheKey) -> Option<RawDescription> {
    let file = fs::read(path(cache, key)).ok()?;
    let (checksum, body) = file.split_at_checked(CHECKSUM_LEN)?;
    let said = (checksum == sum(body).as_bytes()).then(|| serde_json::from_slice(body));
    said?.ok()
}

/// Keeps what was said: others see the whole of it or nothing.
pub(super) fn write(cache: &Path, key: &CacheKey, said: &RawDescription) -> io::Result<()> {
    let folder = key.folder(cache);
    place::make(&folder)?;
    let body = serde_json::to_vec(said)?;
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .tempfile_in(&folder)?;
    file.write_all(sum(&body).as_bytes())?;
    file.write_all(&body)?;
    // Not synced: what a crash leaves is nothing, or does not have its checksum.
    file.persist(path(cache, key))
        .map_err(|error| error.error)?;
    Ok(())
}

fn sum(body: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(body))
}

#[cfg(test)]
mod tests {
    use ringfence_flow::ContentHash;

    use super::*;
    use crate::compile::Compatibility;
    use crate::engine::pooled;

    #[test]
    fn what_was_said_is_read_back_and_what_is_damaged_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let key = CacheKey {
            compatible: Compatibility::of(&pooled(1).unwrap()),
            content: ContentHash::from_bytes([7; 32]),
        };
        let said = RawDescription {
            name: "reviewer".to_owned(),
            input_schema: Some("{}".to_owned()),
            ..RawDescription::default()
        };
        assert_eq!(read(dir.path(), &key), None);
        write(dir.path(), &key, &said).unwrap();
        assert_eq!(read(dir.path(), &key), Some(said));
        let other = CacheKey {
            content: ContentHash::from_bytes([8; 32]),
            ..key
        };
        assert_eq!(read(dir.path(), &other), None);

        let at = path(dir.path(), &key);
        let whole = fs::read(&at).unwrap();
        let mut flipped = whole.clone();
        let name = whole.windows(8).position(|part| part == b"reviewer");
        flipped[name.unwrap()] ^= 1;
        for damaged in [&whole[..4], &whole[..whole.len() - 1], &flipped[..]] {
            fs::write(&at, damaged).unwrap();
            assert_eq!(read(dir.path(), &key), None);
        }
    }
}
