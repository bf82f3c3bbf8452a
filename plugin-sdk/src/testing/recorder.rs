//! The host as a native test sees it: in memory, remembering everything.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::bindings::ringfence::agent::artifacts::ArtifactError;
use crate::bindings::ringfence::agent::types as wire;
use crate::{Activity, Artifact, LogLevel, ModelError, ModelRequest, ModelResponse, conv};

/// A log line that an agent wrote.
///
/// ```
/// # let host = ringfence_sdk::testing::TestHost::new();
/// host.context().log().with("n", 1).warn("odd");
/// assert_eq!(host.logs()[0].message, "odd");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How important it is.
    pub level: LogLevel,
    /// The text.
    pub message: String,
    /// Names and values that belong to it.
    pub fields: Vec<(String, String)>,
}

/// A progress report of an agent.
///
/// ```
/// # use ringfence_sdk::Activity;
/// # let host = ringfence_sdk::testing::TestHost::new();
/// host.context().progress(Activity::Thinking, None, "about it");
/// assert_eq!(host.progress()[0].note, "about it");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What the agent is doing.
    pub activity: Activity,
    /// How much is done, from 0 to 1.
    pub fraction: Option<f32>,
    /// What the agent says of it.
    pub note: String,
}

/// An artifact and its content.
///
/// ```
/// # let host = ringfence_sdk::testing::TestHost::new();
/// host.put_artifact("notes.txt", "text/plain", b"none");
/// assert_eq!(host.artifacts()[0].content, b"none");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredArtifact {
    /// Its name, type, hash and size.
    pub artifact: Artifact,
    /// Its content.
    pub content: Vec<u8>,
}

#[derive(Debug, Default)]
struct Recorded {
    logs: Vec<LogLine>,
    progress: Vec<Progress>,
    artifacts: Vec<StoredArtifact>,
    mounts: HashMap<String, PathBuf>,
    answers: VecDeque<Result<ModelResponse, ModelError>>,
}

/// Clones share what is recorded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Arc<Mutex<Recorded>>);

impl Recorder {
    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        // A test that panicked elsewhere is reported there.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add_mount(&self, name: String, folder: &Path) {
        self.recorded().mounts.insert(name, folder.to_owned());
    }

    pub(super) fn add_answer(&self, answer: Result<ModelResponse, ModelError>) {
        self.recorded().answers.push_back(answer);
    }

    /// Whether answers of a model are left.
    pub(super) fn has_answers(&self) -> bool {
        !self.recorded().answers.is_empty()
    }

    pub(super) fn mounts(&self) -> Vec<(String, PathBuf)> {
        let mounts = self.recorded().mounts.clone();
        let mut mounts: Vec<_> = mounts.into_iter().collect();
        mounts.sort();
        mounts
    }

    pub(super) fn logs(&self) -> Vec<LogLine> {
        self.recorded().logs.clone()
    }

    pub(super) fn reports(&self) -> Vec<Progress> {
        self.recorded().progress.clone()
    }

    pub(super) fn artifacts(&self) -> Vec<StoredArtifact> {
        self.recorded().artifacts.clone()
    }

    pub(super) fn store(&self, name: &str, media_type: &str, content: &[u8]) -> Artifact {
        let digest = Sha256::digest(content);
        let artifact = Artifact {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            size: content.len() as u64,
        };
        self.recorded().artifacts.push(StoredArtifact {
            artifact: artifact.clone(),
            content: content.to_vec(),
        });
        artifact
    }

    pub(crate) fn log(&self, level: LogLevel, message: &str, fields: &[(String, String)]) {
        self.recorded().logs.push(LogLine {
            level,
            message: message.to_owned(),
            fields: fields.to_vec(),
        });
    }

    pub(crate) fn progress(&self, activity: Activity, fraction: Option<f32>, note: &str) {
        self.recorded().progress.push(Progress {
            activity,
            fraction,
            note: note.to_owned(),
        });
    }

    pub(crate) fn put_artifact(
        &self,
        name: &str,
        media_type: &str,
        content: &[u8],
    ) -> Result<wire::Artifact, ArtifactError> {
        Ok(conv::wire_artifact(self.store(name, media_type, content)))
    }

    pub(crate) fn get_artifact(&self, sha256: &str) -> Result<Vec<u8>, ArtifactError> {
        self.recorded()
            .artifacts
            .iter()
            .find(|stored| stored.artifact.sha256 == sha256)
            .map(|stored| stored.content.clone())
            .ok_or(ArtifactError::NotFound)
    }

    pub(crate) fn chat(&self, _: &ModelRequest) -> Result<ModelResponse, ModelError> {
        self.recorded().answers.pop_front().unwrap_or_else(|| {
            Err(ModelError::Denied(
                "the test has no answer left; hint: add one with `TestHost::model_says`".to_owned(),
            ))
        })
    }

    /// Where nothing is mounted, a path that does not exist.
    pub(crate) fn mount(&self, name: &str) -> PathBuf {
        self.recorded()
            .mounts
            .get(name)
            .cloned()
            .unwrap_or_else(|| Path::new("/not-mounted-in-this-test").join(name))
    }
}
