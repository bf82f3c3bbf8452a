//! Results in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use ringfence_flow::{ArtifactStore, BoxFuture, ByteSize, ContentHash, Recalled, ResultStore};

use super::Kept;

/// Results in memory, the oldest dropped first. They are gone with the store;
/// so are artifacts that the run's own store has lost.
#[derive(Debug)]
pub struct MemoryResults {
    limit: ByteSize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    results: HashMap<ContentHash, Kept>,
    oldest: VecDeque<ContentHash>,
    size: u64,
}

/// The default limit.
const DEFAULT_LIMIT: ByteSize = ByteSize::mib(256);

impl Default for MemoryResults {
    /// An empty store that holds at most 256 MiB.
    fn default() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }
}

impl MemoryResults {
    /// An empty store that holds at most `limit`.
    #[must_use]
    pub fn with_limit(limit: ByteSize) -> Self {
        Self {
            limit,
            held: Mutex::default(),
        }
    }

    fn find(&self, key: ContentHash) -> Option<Kept> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.results.get(&key).cloned()
    }

    fn keep(&self, key: ContentHash, kept: Kept) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let size = kept.size();
        if size > self.limit.as_u64() || held.results.contains_key(&key) {
            return;
        }
        held.size += size;
        held.results.insert(key, kept);
        held.oldest.push_back(key);
        while held.size > self.limit.as_u64() {
            let Some(oldest) = held.oldest.pop_front() else {
                return;
            };
            let dropped = held.results.remove(&oldest);
            held.size -= dropped.map_or(0, |kept| kept.size());
        }
    }
}

impl ResultStore for MemoryResults {
    fn get<'a>(
        &'a self,
        key: ContentHash,
        artifacts: &'a dyn ArtifactStore,
    ) -> BoxFuture<'a, Option<Recalled>> {
        Box::pin(async move { self.find(key)?.take(artifacts).await })
    }

    fn put<'a>(
        &'a self,
        key: ContentHash,
        result: Recalled,
        artifacts: &'a dyn ArtifactStore,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Some(kept) = Kept::of(result, artifacts).await {
                self.keep(key, kept);
            }
        })
    }
}
