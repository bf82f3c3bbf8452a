//! Compiled code, and the one place where it is trusted.

use std::path::Path;

use wasmtime::Engine;
use wasmtime::component::Component;

/// Where compiled code is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Artefact<'a> {
    /// In memory, as this process or its own child made it.
    Bytes(&'a [u8]),
    /// In a file of the cache whose checksum has been verified.
    VerifiedFile(&'a Path),
}

impl Artefact<'_> {
    /// Makes a component of it that `engine` can run.
    ///
    /// # Errors
    /// Those of wasmtime: the engine is another, or its pool has no room for
    /// what the component declares.
    #[allow(
        unsafe_code,
        reason = "wasmtime cannot check compiled code; here and nowhere else it is trusted"
    )]
    pub(crate) fn load(self, engine: &Engine) -> wasmtime::Result<Component> {
        match self {
            // SAFETY: `Engine::precompile_component` made these bytes, in this
            // process or in a child that runs the same program. The child
            // keeps a crash, an endless loop and a full memory out of the
            // host. It does not protect from a compiler that untrusted bytes
            // have taken over: nothing can tell its code from good code.
            Self::Bytes(bytes) => unsafe { Component::deserialize(engine, bytes) },
            // SAFETY: only this user can write to the cache's folder, which is
            // checked when the cache is opened; the host puts nothing there
            // but what the branch above would accept, and the checksum says
            // that this file is whole. Files there are replaced by renaming
            // and never written in place, so the mapping does not change.
            Self::VerifiedFile(path) => unsafe { Component::deserialize_file(engine, path) },
        }
    }
}
