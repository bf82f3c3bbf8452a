//! The artifacts of a run in the folder beside its journal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ringfence_flow::{ArtifactError, ArtifactStore, BoxFuture, ByteSize, ContentHash};

use crate::contents::Contents;

/// The most that the artifacts of a run may take together.
const LIMIT: ByteSize = ByteSize::mib(1024);

/// The artifacts of one run. It finds no others, whoever knows their hash.
#[derive(Debug)]
pub struct FolderArtifacts {
    contents: Contents,
    held: Mutex<HashMap<ContentHash, u64>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the run's artifacts would take more than {LIMIT} of disk")]
struct Full;

impl FolderArtifacts {
    pub(crate) fn new(contents: Contents, held: HashMap<ContentHash, u64>) -> Self {
        Self {
            contents,
            held: Mutex::new(held),
        }
    }

    fn store(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ArtifactError {
        ArtifactError::Store(error.into())
    }

    fn insert(&self, content: &[u8]) -> Result<ContentHash, ArtifactError> {
        let size = content.len() as u64;
        let used: u64 = self.held().values().sum();
        if used + size > LIMIT.as_u64() {
            return Err(Self::store(Full));
        }
        let hash = self.contents.put(content).map_err(Self::store)?;
        self.held().insert(hash, size);
        Ok(hash)
    }

    fn find(&self, hash: ContentHash) -> Result<Arc<[u8]>, ArtifactError> {
        if !self.held().contains_key(&hash) {
            return Err(ArtifactError::NotFound(hash));
        }
        self.contents
            .read(hash)
            .map(Into::into)
            .map_err(Self::store)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<ContentHash, u64>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ArtifactStore for FolderArtifacts {
    fn put(&self, content: Arc<[u8]>) -> BoxFuture<'_, Result<ContentHash, ArtifactError>> {
        Box::pin(async move { self.insert(&content) })
    }

    fn get(&self, hash: ContentHash) -> BoxFuture<'_, Result<Arc<[u8]>, ArtifactError>> {
        Box::pin(async move { self.find(hash) })
    }
}
