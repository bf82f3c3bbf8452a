//! The artifacts of a run in the folder beside its journal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringfence_flow::{ArtifactError, ArtifactStore, BoxFuture, ByteSize, ContentHash};

use crate::contents::Contents;

/// The most that the artifacts of a run may take together.
const LIMIT: ByteSize = ByteSize::mib(1024);

/// The artifacts of one run. It finds no others, whoever knows their hash.
#[derive(Clone, Debug)]
pub struct FolderArtifacts {
    contents: Contents,
    held: Arc<Mutex<Held>>,
}

/// What the run has put.
#[derive(Debug, Default)]
struct Held {
    sizes: HashMap<ContentHash, u64>,
    total: u64,
}

impl Held {
    /// Room for a content before it is written, so that many at once do not
    /// exceed together what each would have kept.
    fn reserve(&mut self, size: u64) -> Result<(), Full> {
        let total = self.total.saturating_add(size);
        if total > LIMIT.as_u64() {
            return Err(Full);
        }
        self.total = total;
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the run's artifacts would take more than {LIMIT} of disk")]
struct Full;

impl FolderArtifacts {
    pub(crate) fn new(contents: Contents, sizes: HashMap<ContentHash, u64>) -> Self {
        let total = sizes.values().sum();
        Self {
            contents,
            held: Arc::new(Mutex::new(Held { sizes, total })),
        }
    }

    fn store(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ArtifactError {
        ArtifactError::Store(error.into())
    }

    fn insert(&self, content: &[u8]) -> Result<ContentHash, ArtifactError> {
        let size = content.len() as u64;
        self.held().reserve(size).map_err(Self::store)?;
        let put = self.contents.put(content).map_err(Self::store);
        let mut held = self.held();
        let is_new = match &put {
            Ok(hash) => held.sizes.insert(*hash, size).is_none(),
            Err(_) => false,
        };
        if !is_new {
            held.total -= size;
        }
        put
    }

    fn size_of(&self, hash: ContentHash) -> Result<ByteSize, ArtifactError> {
        match self.held().sizes.get(&hash) {
            Some(size) => Ok(ByteSize::bytes(*size)),
            None => Err(ArtifactError::NotFound(hash)),
        }
    }

    fn find(&self, hash: ContentHash) -> Result<Arc<[u8]>, ArtifactError> {
        self.size_of(hash)?;
        self.contents
            .read(hash)
            .map(Into::into)
            .map_err(Self::store)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a disk where that keeps nobody else from going on.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, ArtifactError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(FolderArtifacts::store(error)),
    }
}

impl ArtifactStore for FolderArtifacts {
    fn put(&self, content: Arc<[u8]>) -> BoxFuture<'_, Result<ContentHash, ArtifactError>> {
        let store = self.clone();
        Box::pin(aside(move || store.insert(&content)))
    }

    fn size(&self, hash: ContentHash) -> BoxFuture<'_, Result<ByteSize, ArtifactError>> {
        let size = self.size_of(hash);
        Box::pin(async move { size })
    }

    fn get(&self, hash: ContentHash) -> BoxFuture<'_, Result<Arc<[u8]>, ArtifactError>> {
        let store = self.clone();
        Box::pin(aside(move || store.find(hash)))
    }
}
