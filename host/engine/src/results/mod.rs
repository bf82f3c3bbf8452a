//! Results of earlier attempts, for tasks that ask for `cache`.

mod folder;
mod memory;

pub use folder::FolderResults;
pub use memory::MemoryResults;

use std::sync::Arc;

use ringfence_flow::{
    ArtifactStore, ContentHash, Dependency, Finding, Json, Recalled, Role, TaskId, TaskRequest,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What an agent sees of a request that may change its result. The run, the
/// attempt, the round, the item's place and the time left are its
/// circumstances, and whoever asks for `cache` says that they don't matter.
#[derive(Serialize)]
struct Asked<'a> {
    version: u32,
    fingerprint: ContentHash,
    task: &'a TaskId,
    role: &'a Role,
    input: &'a Json,
    needs: &'a [Dependency],
    feedback: &'a [Finding],
}

/// The name of the result of a request, for an agent and mounts with this
/// fingerprint.
pub(crate) fn result_key(fingerprint: ContentHash, request: &TaskRequest) -> ContentHash {
    let asked = Asked {
        version: 1,
        fingerprint,
        task: &request.key.task,
        role: &request.role,
        input: &request.input,
        needs: &request.needs,
        feedback: &request.feedback,
    };
    match serde_json::to_vec(&asked) {
        Ok(text) => ContentHash::from_bytes(Sha256::digest(text).into()),
        Err(error) => unreachable!("requests have string keys: {error}"),
    }
}

/// A result with what its artifacts hold.
#[derive(Clone, Debug)]
struct Kept {
    result: Recalled,
    contents: Arc<[Arc<[u8]>]>,
}

impl Kept {
    /// Fetches the artifacts of a result; none if one of them is lost.
    async fn of(result: Recalled, artifacts: &dyn ArtifactStore) -> Option<Self> {
        let mut contents = Vec::new();
        for artifact in result.output.artifacts.iter() {
            contents.push(artifacts.get(artifact.sha256).await.ok()?);
        }
        Some(Self {
            result,
            contents: contents.into(),
        })
    }

    /// Puts the artifacts, and gives the result; none if there is no room.
    async fn take(self, artifacts: &dyn ArtifactStore) -> Option<Recalled> {
        for content in self.contents.iter() {
            artifacts.put(Arc::clone(content)).await.ok()?;
        }
        Some(self.result)
    }

    /// Bytes of the artifacts and of the result as JSON.
    fn size(&self) -> u64 {
        let contents: usize = self.contents.iter().map(|content| content.len()).sum();
        let text = serde_json::to_string(&self.result).map_or(0, |text| text.len());
        (contents + text) as u64
    }
}
