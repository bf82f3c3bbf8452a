//! A folder of contents, each in a file named by its hash.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ringfence_flow::ContentHash;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

/// A folder of contents. What is put outlives the machine before `put` returns,
/// and what is read is checked.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    folder: PathBuf,
}

impl Contents {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn put(&self, content: &[u8]) -> io::Result<ContentHash> {
        let hash = hash(content);
        let path = self.path(hash);
        if self.read(hash).is_ok() {
            return Ok(hash);
        }
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        sync_folder(folder)?;
        sync_folder(&self.folder)?;
        Ok(hash)
    }

    /// The content with this hash; `InvalidData` if the file holds another.
    pub(crate) fn read(&self, wanted: ContentHash) -> io::Result<Vec<u8>> {
        let content = fs::read(self.path(wanted))?;
        if hash(&content) == wanted {
            Ok(content)
        } else {
            let message = format!("the content {} is damaged", wanted.short());
            Err(io::Error::new(io::ErrorKind::InvalidData, message))
        }
    }

    /// Removes what nobody holds. Gives how many bytes that were.
    pub(crate) fn keep_only(&self, held: impl Fn(ContentHash) -> bool) -> io::Result<u64> {
        let mut freed = 0;
        for folder in folders(&self.folder)? {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let name = entry.file_name();
                let named = name.to_str().and_then(|name| name.parse().ok());
                if !named.is_some_and(&held) {
                    freed += entry.metadata()?.len();
                    fs::remove_file(entry.path())?;
                }
            }
        }
        Ok(freed)
    }

    fn path(&self, hash: ContentHash) -> PathBuf {
        let name = hash.to_string();
        self.folder.join(&name[..2]).join(name)
    }
}

fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    entries.map(|entry| Ok(entry?.path())).collect()
}

fn hash(content: &[u8]) -> ContentHash {
    ContentHash::from_bytes(Sha256::digest(content).into())
}

/// A file that was renamed into a folder is there after a crash only when the
/// folder is synced.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_is_found_by_its_hash_and_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let contents = Contents::new(folder.path().join("contents"));
        let hash = contents.put(b"abc").unwrap();
        assert_eq!(contents.read(hash).unwrap(), b"abc");
        fs::write(contents.path(hash), b"abd").unwrap();
        let error = contents.read(hash).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(contents.put(b"abc").unwrap(), hash);
        assert_eq!(contents.read(hash).unwrap(), b"abc", "put mends it");
    }

    #[test]
    fn what_nobody_holds_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let contents = Contents::new(folder.path().join("contents"));
        let (kept, gone) = (
            contents.put(b"kept").unwrap(),
            contents.put(b"gone").unwrap(),
        );
        assert_eq!(contents.keep_only(|hash| hash == kept).unwrap(), 4);
        assert!(contents.read(kept).is_ok());
        assert!(contents.read(gone).is_err());
    }
}
