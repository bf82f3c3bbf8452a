//! `ringfence:agent/model`.

use crate::bindings::ringfence::agent::model::{Host, ModelError, Request, Response};
use crate::grants::Effect;
use crate::state::AttemptState;

/// What a guest is told. No provider of models exists in this version, so no
/// line of configuration can grant one; whoever reads the configuration
/// refuses `models` for the same reason.
pub(crate) const NO_MODELS: &str = "no model is granted, and this host has no provider of models";

impl Host for AttemptState {
    async fn chat(&mut self, _request: Request) -> wasmtime::Result<Result<Response, ModelError>> {
        self.denials.deny(Effect::Model, &*self.observer);
        Ok(Err(ModelError::Denied(NO_MODELS.to_owned())))
    }
}
