//! Artifacts of a run, kept in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ringfence_flow::{ArtifactError, ArtifactStore, BoxFuture, ByteSize, ContentHash};
use sha2::{Digest, Sha256};

/// Artifacts in memory, up to a limit on all of them together. They are gone
/// with the store.
#[derive(Debug)]
pub struct MemoryArtifacts {
    limit: ByteSize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    contents: HashMap<ContentHash, Arc<[u8]>>,
    size: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("the run's artifacts would take more than {limit} of memory")]
struct Full {
    limit: ByteSize,
}

/// The default limit. The guests pick what they put, the host pays.
const DEFAULT_LIMIT: ByteSize = ByteSize::mib(1024);

impl MemoryArtifacts {
    /// An empty store that holds at most `limit`.
    #[must_use]
    pub fn with_limit(limit: ByteSize) -> Self {
        Self {
            limit,
            held: Mutex::default(),
        }
    }

    fn insert(&self, content: Arc<[u8]>) -> Result<ContentHash, ArtifactError> {
        let hash = ContentHash::from_bytes(Sha256::digest(&content).into());
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.contents.contains_key(&hash) {
            return Ok(hash);
        }
        let size = held.size + content.len() as u64;
        if size > self.limit.as_u64() {
            return Err(ArtifactError::Store(Box::new(Full { limit: self.limit })));
        }
        held.size = size;
        held.contents.insert(hash, content);
        Ok(hash)
    }

    fn find(&self, hash: ContentHash) -> Result<Arc<[u8]>, ArtifactError> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.contents
            .get(&hash)
            .cloned()
            .ok_or(ArtifactError::NotFound(hash))
    }
}

impl Default for MemoryArtifacts {
    /// An empty store that holds at most 1 GiB.
    fn default() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }
}

impl ArtifactStore for MemoryArtifacts {
    fn put(&self, content: Arc<[u8]>) -> BoxFuture<'_, Result<ContentHash, ArtifactError>> {
        Box::pin(async move { self.insert(content) })
    }

    fn size(&self, hash: ContentHash) -> BoxFuture<'_, Result<ByteSize, ArtifactError>> {
        Box::pin(async move { Ok(ByteSize::bytes(self.find(hash)?.len() as u64)) })
    }

    fn get(&self, hash: ContentHash) -> BoxFuture<'_, Result<Arc<[u8]>, ArtifactError>> {
        Box::pin(async move { self.find(hash) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_put_is_found_by_its_content() {
        let store = MemoryArtifacts::default();
        let hash = store.put(b"abc".as_slice().into()).await.unwrap();
        assert_eq!(
            hash.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(&*store.get(hash).await.unwrap(), b"abc");
        let other = ContentHash::from_bytes([0; 32]);
        assert!(matches!(
            store.get(other).await,
            Err(ArtifactError::NotFound(_))
        ));
    }

    #[tokio::test]
    async fn the_limit_holds_and_the_same_content_counts_once() {
        let store = MemoryArtifacts::with_limit(ByteSize::bytes(4));
        for _ in 0..3 {
            store.put(b"abcd".as_slice().into()).await.unwrap();
        }
        assert!(store.put(b"e".as_slice().into()).await.is_err());
    }
}
