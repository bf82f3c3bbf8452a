//! `ringfence:agent/artifacts`.

use ringfence_flow::{ArtifactError as StoreError, ContentHash};

use crate::bindings::ringfence::agent::artifacts::{Artifact, ArtifactError, Host};
use crate::broken::Misuse;
use crate::conv;
use crate::state::AttemptState;

const ONLY_IN_EXECUTE: &str = "artifacts can be put and got only while a task is executed";

impl Host for AttemptState {
    async fn put(
        &mut self,
        name: String,
        media_type: String,
        content: Vec<u8>,
    ) -> wasmtime::Result<Result<Artifact, ArtifactError>> {
        self.meter
            .copy(name.len() + media_type.len() + content.len());
        let Some(store) = self.artifacts.clone() else {
            return Ok(Err(ArtifactError::Denied(ONLY_IN_EXECUTE.to_owned())));
        };
        if let Err(problem) = conv::check_artifact_names(&name, &media_type) {
            return Ok(Err(ArtifactError::Denied(problem.to_string())));
        }
        let size = content.len() as u64;
        self.meter.put_artifact(content.len())?;
        self.memory.hold(size)?;
        let stored = store.put(content.into()).await;
        self.memory.release(size);
        match stored {
            Ok(hash) => {
                self.known_artifacts.insert(hash, size);
                Ok(Ok(Artifact {
                    name,
                    media_type,
                    sha256: hash.to_string(),
                    size,
                }))
            }
            Err(error) => Err(host_failed(error)),
        }
    }

    async fn get(&mut self, sha256: String) -> wasmtime::Result<Result<Vec<u8>, ArtifactError>> {
        let Some(store) = self.artifacts.clone() else {
            return Ok(Err(ArtifactError::Denied(ONLY_IN_EXECUTE.to_owned())));
        };
        let Ok(hash) = sha256.parse::<ContentHash>() else {
            return Ok(Err(ArtifactError::NotFound));
        };
        let size = match store.size(hash).await {
            Ok(size) => size.as_u64(),
            Err(StoreError::NotFound(_)) => return Ok(Err(ArtifactError::NotFound)),
            Err(error @ StoreError::Store(_)) => return Err(host_failed(error)),
        };
        // The guest needs as much room as the copy in between.
        if size > self.memory.left() / 2 {
            return Ok(Err(ArtifactError::TooLarge(size)));
        }
        self.memory.hold(size)?;
        let content = store.get(hash).await;
        self.memory.release(size);
        let content = content.map_err(host_failed)?;
        self.meter.copy(content.len());
        self.known_artifacts.insert(hash, size);
        Ok(Ok(content.to_vec()))
    }
}

/// A store that fails is the host's failure, not an answer for the guest.
fn host_failed(error: StoreError) -> wasmtime::Error {
    match error {
        StoreError::Store(_) => error.into(),
        StoreError::NotFound(_) => Misuse(error.to_string()).into(),
    }
}
