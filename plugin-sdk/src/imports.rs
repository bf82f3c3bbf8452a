//! The host as a guest sees it: the contract's imports.

use std::path::PathBuf;

use crate::bindings::ringfence::agent::{artifacts, log, model, progress};
use crate::{Activity, LogLevel, ModelError, ModelRequest, ModelResponse, conv};

/// Each method calls one import, so that an import nobody calls is dropped
/// from the component.
#[derive(Debug)]
pub(crate) struct Imports;

impl Imports {
    pub(crate) fn log(&self, level: LogLevel, message: &str, fields: &[(String, String)]) {
        log::write(conv::level(level), message, fields);
    }

    pub(crate) fn progress(&self, activity: Activity, fraction: Option<f32>, note: &str) {
        progress::report(conv::activity(activity), fraction, note);
    }

    pub(crate) fn put_artifact(
        &self,
        name: &str,
        media_type: &str,
        content: &[u8],
    ) -> Result<artifacts::Artifact, artifacts::ArtifactError> {
        artifacts::put(name, media_type, content)
    }

    pub(crate) fn get_artifact(&self, sha256: &str) -> Result<Vec<u8>, artifacts::ArtifactError> {
        artifacts::get(sha256)
    }

    pub(crate) fn chat(&self, request: &ModelRequest) -> Result<ModelResponse, ModelError> {
        model::chat(&conv::model_request(request))
            .map(conv::model_response)
            .map_err(conv::model_error)
    }

    pub(crate) fn mount(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/{name}"))
    }
}
