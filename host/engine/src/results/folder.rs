//! Results in a folder, where later processes find them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use ringfence_flow::{ArtifactStore, BoxFuture, ByteSize, ContentHash, Recalled, ResultStore};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::Kept;

/// Results and their artifacts as files, each written whole or not at all. Any
/// number of processes may use one folder at once.
///
/// What is read is checked: an artifact against its hash, a result by its form.
/// Whoever may write to the folder can forge results, so it should belong to
/// the user alone.
#[derive(Clone, Debug)]
pub struct FolderResults {
    folder: Arc<Path>,
    limit: ByteSize,
    /// How many bytes were written since the last look at how many there are.
    grown: Arc<AtomicU64>,
}

/// What all files together may take unless somebody says otherwise.
const DEFAULT_LIMIT: ByteSize = ByteSize::mib(1024);

impl FolderResults {
    /// The results in `folder`, which is made if it is not there. They take up
    /// to 1 GiB together, and an eighth more for a while: a look at all files at
    /// each write would cost more than it saves.
    ///
    /// # Errors
    /// If the folder cannot be made or read.
    pub fn open(folder: &Path) -> io::Result<Self> {
        for part in ["results", "artifacts"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let results = Self {
            folder: folder.into(),
            limit: DEFAULT_LIMIT,
            grown: Arc::default(),
        };
        results.evict()?;
        Ok(results)
    }

    /// The same with room for `limit`. When more is kept, the files that were
    /// not used for longest go.
    #[must_use]
    pub fn with_limit(mut self, limit: ByteSize) -> Self {
        self.limit = limit;
        self
    }

    fn result_path(&self, key: ContentHash) -> PathBuf {
        self.folder.join("results").join(format!("{key}.json"))
    }

    fn artifact_path(&self, hash: ContentHash) -> PathBuf {
        self.folder.join("artifacts").join(hash.to_string())
    }

    fn read(&self, key: ContentHash) -> io::Result<Kept> {
        let path = self.result_path(key);
        let text = fs::read(&path)?;
        let result: Recalled = serde_json::from_slice(&text).map_err(io::Error::other)?;
        let contents = result
            .output
            .artifacts
            .iter()
            .map(|artifact| self.read_artifact(artifact.sha256))
            .collect::<io::Result<_>>()?;
        touch(&path);
        Ok(Kept { result, contents })
    }

    fn read_artifact(&self, hash: ContentHash) -> io::Result<Arc<[u8]>> {
        let path = self.artifact_path(hash);
        let content = fs::read(&path)?;
        if Sha256::digest(&content)[..] != hash.as_bytes()[..] {
            return Err(io::Error::other("an artifact does not fit its hash"));
        }
        touch(&path);
        Ok(content.into())
    }

    fn write(&self, key: ContentHash, kept: &Kept) -> io::Result<()> {
        let artifacts = kept
            .result
            .output
            .artifacts
            .iter()
            .zip(kept.contents.iter());
        // The result last: it is found only when all that it names is there.
        for (artifact, content) in artifacts {
            write_whole(&self.artifact_path(artifact.sha256), content)?;
        }
        let text = serde_json::to_vec(&kept.result).map_err(io::Error::other)?;
        write_whole(&self.result_path(key), &text)?;
        let size = kept.size();
        let grown = self.grown.fetch_add(size, Ordering::Relaxed) + size;
        if grown > self.limit.as_u64() / 8 {
            self.grown.store(0, Ordering::Relaxed);
            self.evict()?;
        }
        Ok(())
    }

    /// Removes the files that were not used for longest, until the rest fits.
    fn evict(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for part in ["results", "artifacts"] {
            for entry in fs::read_dir(self.folder.join(part))? {
                let entry = entry?;
                // Another process may have removed it in the meantime.
                let Ok(about) = entry.metadata() else {
                    continue;
                };
                let used = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push((used, entry.path(), about.len()));
            }
        }
        let mut size: u64 = files.iter().map(|(_, _, size)| size).sum();
        files.sort();
        for (_, path, file_size) in files {
            if size <= self.limit.as_u64() {
                break;
            }
            match fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            size -= file_size;
        }
        Ok(())
    }
}

/// Notes that a file was used. Where that fails it only goes earlier.
fn touch(path: &Path) {
    if let Ok(file) = fs::File::options().append(true).open(path) {
        drop(file.set_modified(now()));
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the age of files is measured on the clock of the file system"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Writes a file whole or not at all.
fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    if path.exists() {
        touch(path);
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, content)?;
    file.persist(path)?;
    Ok(())
}

impl ResultStore for FolderResults {
    fn get<'a>(
        &'a self,
        key: ContentHash,
        artifacts: &'a dyn ArtifactStore,
    ) -> BoxFuture<'a, Option<Recalled>> {
        Box::pin(async move {
            let store = self.clone();
            let kept = match spawn_blocking(move || store.read(key)).await.ok()? {
                Ok(kept) => kept,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
                Err(error) => {
                    tracing::warn!(%key, %error, "an earlier result cannot be read");
                    return None;
                }
            };
            kept.take(artifacts).await
        })
    }

    fn put<'a>(
        &'a self,
        key: ContentHash,
        result: Recalled,
        artifacts: &'a dyn ArtifactStore,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Some(kept) = Kept::of(result, artifacts).await else {
                return;
            };
            let store = self.clone();
            let written = spawn_blocking(move || store.write(key, &kept)).await;
            if let Ok(Err(error)) = written {
                tracing::warn!(%key, %error, "a result cannot be kept");
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use ringfence_flow::{Artifact, Output, RunId, Timestamp};

    use super::*;
    use crate::MemoryArtifacts;

    fn key(n: u8) -> ContentHash {
        ContentHash::from_bytes([n; 32])
    }

    async fn result(content: &'static [u8], artifacts: &MemoryArtifacts) -> Recalled {
        let artifact = Artifact {
            name: "a".into(),
            media_type: "text/plain".into(),
            sha256: artifacts.put(content.into()).await.unwrap(),
            size: content.len() as u64,
        };
        Recalled {
            output: Output {
                artifacts: [artifact].into(),
                ..Output::default()
            },
            run: RunId::new("r").unwrap(),
            at: Timestamp::default(),
        }
    }

    #[tokio::test]
    async fn another_process_finds_what_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        let made = MemoryArtifacts::default();
        let kept = result(b"abc", &made).await;
        let store = FolderResults::open(folder.path()).unwrap();
        store.put(key(1), kept.clone(), &made).await;
        let (later, fresh) = (
            FolderResults::open(folder.path()).unwrap(),
            MemoryArtifacts::default(),
        );
        assert_eq!(later.get(key(1), &fresh).await, Some(kept.clone()));
        let hash = kept.output.artifacts[0].sha256;
        assert_eq!(&*fresh.get(hash).await.unwrap(), b"abc");
        assert_eq!(later.get(key(2), &fresh).await, None);
    }

    #[tokio::test]
    async fn what_is_damaged_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let made = MemoryArtifacts::default();
        let kept = result(b"abc", &made).await;
        let store = FolderResults::open(folder.path()).unwrap();
        store.put(key(1), kept.clone(), &made).await;
        store.put(key(2), kept.clone(), &made).await;
        fs::write(store.result_path(key(1)), "{").unwrap();
        assert_eq!(store.get(key(1), &made).await, None);
        fs::write(store.artifact_path(kept.output.artifacts[0].sha256), "abd").unwrap();
        assert_eq!(store.get(key(2), &made).await, None);
    }

    #[tokio::test]
    async fn what_was_not_used_for_longest_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let made = MemoryArtifacts::default();
        let store = FolderResults::open(folder.path()).unwrap();
        for (n, content) in [(1, b"one"), (2, b"two")] {
            let kept = result(content, &made).await;
            store.put(key(n), kept, &made).await;
        }
        // As if the first had lain there for a year.
        let year = std::time::Duration::from_secs(365 * 24 * 3600);
        let old = now() - year;
        let path = store.result_path(key(1));
        let file = fs::File::options().append(true).open(path).unwrap();
        file.set_modified(old).unwrap();
        let one = fs::metadata(store.result_path(key(2))).unwrap().len();
        let small = store.with_limit(ByteSize::bytes(2 * one + 100));
        let third = result(b"six", &made).await;
        small.put(key(3), third, &made).await;
        assert_eq!(small.get(key(1), &made).await, None);
        for newer in [2, 3] {
            assert!(small.get(key(newer), &made).await.is_some(), "{newer}");
        }
    }
}
