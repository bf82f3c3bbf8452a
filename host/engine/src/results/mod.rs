//! Results of earlier attempts, for tasks that ask for `cache`.

mod folder;
mod memory;

pub use folder::FolderResults;
pub use memory::MemoryResults;

use ringfence_flow::{ContentHash, Dependency, Finding, Json, Role, TaskId, TaskRequest};
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
