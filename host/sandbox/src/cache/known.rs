//! Which files have which content, so that a start need not read and hash what
//! an earlier one did.
//!
//! A file that is the same by its [`Stamp`] has the content that it had then. What
//! is run is found by that content, so a file that changed behind its stamp is run
//! as it was, and never under the hash of something else.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ringfence_flow::ContentHash;
use serde::{Deserialize, Serialize};

use super::entry::TEMPORARY_PREFIX;
use crate::folder::Stamp;

/// The file, in the cache's folder. The number is that of its format.
const FILE: &str = "known-files-1.json";

/// The most files that are remembered. When there are more, those go that this
/// process has not met.
const MOST: usize = 4_096;

/// What is known of files.
#[derive(Debug)]
pub(crate) struct KnownFiles {
    path: PathBuf,
    files: Mutex<Files>,
}

#[derive(Debug, Default)]
struct Files {
    known: BTreeMap<Stamp, Known>,
    /// Whether something is known that the file does not say.
    is_news: bool,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    content: ContentHash,
    /// Whether this process has met the file.
    met: bool,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    stamp: Stamp,
    content: ContentHash,
}

impl KnownFiles {
    /// What the cache in `folder` knows. One that cannot be read knows nothing.
    pub(crate) fn read(folder: &Path) -> Self {
        let path = folder.join(FILE);
        let lines: Vec<Line> = fs::read(&path)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        let known = lines.into_iter().map(|Line { stamp, content }| {
            let met = false;
            (stamp, Known { content, met })
        });
        let files = Files {
            known: known.collect(),
            is_news: false,
        };
        Self {
            path,
            files: Mutex::new(files),
        }
    }

    /// The content of the file with this stamp, if it is known.
    pub(crate) fn content(&self, stamp: &Stamp) -> Option<ContentHash> {
        let mut files = self.files();
        let known = files.known.get_mut(stamp)?;
        known.met = true;
        Some(known.content)
    }

    /// The file with this stamp was read and has this content.
    pub(crate) fn learn(&self, stamp: Stamp, content: ContentHash) {
        let mut files = self.files();
        files.known.insert(stamp, Known { content, met: true });
        files.is_news = true;
    }

    /// Writes down what was learned, if anything was. Of two processes that do so
    /// at once one is forgotten, and reads its files again.
    pub(crate) fn keep(&self) -> io::Result<()> {
        let mut files = self.files();
        if !std::mem::take(&mut files.is_news) {
            return Ok(());
        }
        if files.known.len() > MOST {
            files.known.retain(|_, known| known.met);
        }
        let lines: Vec<_> = files
            .known
            .iter()
            .take(MOST)
            .map(|(stamp, known)| Line {
                stamp: *stamp,
                content: known.content,
            })
            .collect();
        drop(files);
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .tempfile_in(folder)?;
        file.write_all(&serde_json::to_vec(&lines)?)?;
        // Not synced: what a crash leaves is the old file, or one that says nothing.
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(byte: u8) -> ContentHash {
        ContentHash::from_bytes([byte; 32])
    }

    #[test]
    fn what_was_learned_is_known_to_the_next_process() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (Stamp::numbered(1), Stamp::numbered(2));
        let known = KnownFiles::read(dir.path());
        assert_eq!(known.content(&one), None);
        known.learn(one, content(7));
        known.keep().unwrap();

        let known = KnownFiles::read(dir.path());
        assert_eq!(known.content(&one), Some(content(7)));
        assert_eq!(known.content(&two), None);
        known.learn(one, content(8));
        known.keep().unwrap();
        let known = KnownFiles::read(dir.path());
        assert_eq!(known.content(&one), Some(content(8)));
    }

    #[test]
    fn a_damaged_file_knows_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let known = KnownFiles::read(dir.path());
        known.learn(Stamp::numbered(1), content(7));
        known.keep().unwrap();
        let text = fs::read(dir.path().join(FILE)).unwrap();
        fs::write(dir.path().join(FILE), &text[..text.len() - 1]).unwrap();
        let known = KnownFiles::read(dir.path());
        assert_eq!(known.content(&Stamp::numbered(1)), None);
    }

    #[test]
    fn the_number_of_files_is_kept_and_what_is_not_met_goes_first() {
        let dir = tempfile::tempdir().unwrap();
        let known = KnownFiles::read(dir.path());
        (0..MOST as u64).for_each(|n| known.learn(Stamp::numbered(n), content(1)));
        known.keep().unwrap();
        let known = KnownFiles::read(dir.path());
        assert!(known.content(&Stamp::numbered(3)).is_some(), "as many fit");
        known.learn(Stamp::numbered(MOST as u64), content(2));
        known.keep().unwrap();
        let known = KnownFiles::read(dir.path());
        assert!(known.content(&Stamp::numbered(3)).is_some());
        assert!(known.content(&Stamp::numbered(4)).is_none());
        assert!(known.content(&Stamp::numbered(MOST as u64)).is_some());
    }
}
