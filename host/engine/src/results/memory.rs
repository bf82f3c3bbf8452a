//! Results in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use ringfence_flow::{ArtifactStore, BoxFuture, ByteSize, ContentHash, Recalled, ResultStore};

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

#[derive(Clone, Debug)]
struct Kept {
    result: Recalled,
    contents: Arc<[Arc<[u8]>]>,
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
        if kept.size > self.limit.as_u64() || held.results.contains_key(&key) {
            return;
        }
        held.size += kept.size;
        held.results.insert(key, kept);
        held.oldest.push_back(key);
        while held.size > self.limit.as_u64() {
            let Some(oldest) = held.oldest.pop_front() else {
                return;
            };
            let dropped = held.results.remove(&oldest);
            held.size -= dropped.map_or(0, |kept| kept.size);
        }
    }
}

impl ResultStore for MemoryResults {
    fn get<'a>(
        &'a self,
        key: ContentHash,
        artifacts: &'a dyn ArtifactStore,
    ) -> BoxFuture<'a, Option<Recalled>> {
        Box::pin(async move {
            let kept = self.find(key)?;
            for content in kept.contents.iter() {
                artifacts.put(Arc::clone(content)).await.ok()?;
            }
            Some(kept.result)
        })
    }

    fn put<'a>(
        &'a self,
        key: ContentHash,
        result: Recalled,
        artifacts: &'a dyn ArtifactStore,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let mut contents = Vec::new();
            for artifact in result.output.artifacts.iter() {
                let Ok(content) = artifacts.get(artifact.sha256).await else {
                    return;
                };
                contents.push(content);
            }
            let of_contents: usize = contents.iter().map(|content| content.len()).sum();
            let text = serde_json::to_string(&result).map_or(0, |text| text.len());
            let kept = Kept {
                result,
                contents: contents.into(),
                size: (of_contents + text) as u64,
            };
            self.keep(key, kept);
        })
    }
}
