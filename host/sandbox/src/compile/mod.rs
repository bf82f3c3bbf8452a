//! From untrusted bytes to code that the engine runs.
//!
//! ```text
//! bytes -> in the cache? --yes-> mapped
//!               |                  ^
//!               no                 |
//!               v                  |
//!     in a child process:          |
//!     classified -> compiled -> kept
//!         |            |
//!      refused      refused
//! ```
//!
//! A compiler is a large program, and whoever drops a component picks what it
//! reads. So bytes are looked at and compiled in a process of their own with
//! limits on time and memory, which holds nothing worth having: no environment,
//! no files, no descriptors but its three pipes; and which may ask the system
//! for next to nothing (`confine`). The host itself only hashes them.

mod artefact;
mod child;
mod compatibility;
#[cfg(unix)]
mod confine;
mod limits;
mod own_program;
mod process;

pub(crate) use artefact::Artefact;
pub use child::compile_child_main;
pub(crate) use compatibility::Compatibility;
#[cfg(target_os = "linux")]
pub(crate) use confine::{has_landlock, has_seccomp};
pub use limits::CompileLimits;
pub use own_program::{COMPILE_ARGUMENT, is_compile_child, own_program};

use std::fmt;
use std::sync::Arc;

use ringfence_flow::{ContentHash, clean_text};
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::cache::{CacheKey, CompileCache, GivenUp};
use crate::clock;
use crate::component_check::{ComponentInterface, RawDescription};
use crate::config::Compilation;
use crate::folder::Stamp;
use crate::refusal::RefusalReason;
use crate::source_lines::SourceLines;

/// The longest part of wasmtime's messages that is shown, in bytes.
const MAX_MESSAGE: usize = 600;

/// What was read of a component before it was compiled, and is kept with its
/// code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ComponentFacts {
    /// What it asks for and offers.
    pub(crate) interface: ComponentInterface,
    /// Where its instructions come from.
    pub(crate) lines: SourceLines,
}

/// A component that was looked at and compiled.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// What it is.
    pub(crate) facts: ComponentFacts,
    /// Its code.
    pub(crate) code: Vec<u8>,
}

/// A component that an engine can run.
#[derive(Clone)]
pub struct LoadedCode {
    /// Its code.
    pub component: Component,
    /// What it asks for and offers.
    pub interface: ComponentInterface,
    /// The SHA-256 of the bytes that it was made of.
    pub hash: ContentHash,
    pub(crate) compatible: Compatibility,
    pub(crate) lines: SourceLines,
}

impl LoadedCode {
    fn new(component: Component, facts: ComponentFacts, key: CacheKey) -> Self {
        let ComponentFacts { interface, lines } = facts;
        Self {
            component,
            interface,
            hash: key.content,
            compatible: key.compatible,
            lines,
        }
    }
}

impl fmt::Debug for LoadedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedCode")
            .field("interface", &self.interface)
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

/// Compiles components, or takes them from the cache.
#[derive(Debug)]
pub struct Compiler {
    compilation: Compilation,
    limits: CompileLimits,
    cache: Option<Arc<CompileCache>>,
}

impl Compiler {
    /// A compiler that works as `compilation` says and keeps what it made in
    /// `cache`. Without a cache, each start compiles everything again.
    #[must_use]
    pub fn new(
        compilation: Compilation,
        limits: CompileLimits,
        cache: Option<CompileCache>,
    ) -> Self {
        Self {
            compilation,
            limits,
            cache: cache.map(Arc::new),
        }
    }

    /// Loads the component that `bytes` are, for `engine` to run, and says what
    /// it asks for and offers.
    ///
    /// # Errors
    /// Why the component cannot be used. A cache that fails is no error: the
    /// component is compiled.
    pub async fn load(
        &self,
        engine: &Engine,
        bytes: Arc<[u8]>,
    ) -> Result<LoadedCode, RefusalReason> {
        let compatible = Compatibility::of(engine);
        let (key, cached) = blocking({
            let (bytes, engine) = (Arc::clone(&bytes), engine.clone());
            let cache = self.cache.clone();
            move || {
                let content = ContentHash::from_bytes(Sha256::digest(&bytes).into());
                let key = CacheKey {
                    compatible,
                    content,
                };
                Ok((key, from_cache(cache.as_deref(), &engine, key)))
            }
        })
        .await?;
        if let Some(code) = cached {
            return Ok(code);
        }
        let (engine, cache) = (engine.clone(), self.cache.clone());
        if let Some(known) = cache.as_ref().and_then(|cache| cache.given_up(&key))
            && let Some(reason) = known.refusal(&self.limits)
        {
            return Err(reason);
        }
        let compiled = match self.compile(&engine, bytes, compatible).await {
            Ok(compiled) => compiled,
            Err(reason) => {
                self.remember(&key, &reason);
                return Err(reason);
            }
        };
        blocking(move || {
            // Loaded before it is kept, so that the cache never holds what
            // the engine has no room for.
            let component = Artefact::Bytes(&compiled.code).load(&engine).map_err(invalid)?;
            if let Some(cache) = cache
                && let Err(error) = cache.store(&key, &compiled)
            {
                tracing::warn!(%error, "cannot keep a compiled component; it is compiled again next time");
            }
            Ok(LoadedCode::new(component, compiled.facts, key))
        })
        .await
    }

    /// Remembers a component that broke a limit, so that it is not tried again at
    /// each start.
    fn remember(&self, key: &CacheKey, reason: &RefusalReason) {
        let known = GivenUp::of(reason);
        if let (Some(cache), Some(known)) = (&self.cache, known)
            && let Err(error) = cache.give_up(key, known)
        {
            tracing::warn!(%error, "cannot remember that a component was given up");
        }
    }

    /// The component for `key`, if the cache has it. Reads from disk.
    pub(crate) fn cached(&self, engine: &Engine, key: CacheKey) -> Option<LoadedCode> {
        from_cache(self.cache.as_deref(), engine, key)
    }

    /// The content of the file with this stamp, if an earlier start read it.
    pub(crate) fn known(&self, stamp: &Stamp) -> Option<ContentHash> {
        self.cache.as_ref()?.files().content(stamp)
    }

    /// A file had this stamp before it was read, and this content.
    pub(crate) fn learn(&self, stamp: Stamp, content: ContentHash) {
        if let Some(cache) = &self.cache
            && stamp.is_settled(clock::of_files())
        {
            cache.files().learn(stamp, content);
        }
    }

    /// Writes down what was learned of files, for later starts.
    pub(crate) async fn keep_known(&self) {
        if let Some(cache) = self.cache.clone() {
            let kept = tokio::task::spawn_blocking(move || cache.files().keep());
            if let Ok(Err(error)) = kept.await {
                tracing::warn!(%error, "cannot keep what files hold; they are read again next time");
            }
        }
    }

    /// What the agent for `key` has said of itself.
    pub(crate) fn said(&self, key: &CacheKey) -> Option<RawDescription> {
        self.cache.as_ref()?.said(key)
    }

    /// Keeps what it has said.
    pub(crate) fn keep_said(&self, key: &CacheKey, said: &RawDescription) {
        if let Some(cache) = &self.cache
            && let Err(error) = cache.keep_said(key, said)
        {
            tracing::warn!(%error, "cannot keep what an agent says of itself; it is asked again next time");
        }
    }

    /// Loads a component that this has loaded before for another engine, of the
    /// same configuration.
    ///
    /// # Errors
    /// Those of wasmtime: the engine is another, or its pool has no room.
    pub(crate) fn load_again(
        &self,
        engine: &Engine,
        component: &Component,
        content: ContentHash,
    ) -> wasmtime::Result<Component> {
        let key = CacheKey {
            compatible: Compatibility::of(engine),
            content,
        };
        // From the cache, so that all engines share the memory of its code.
        let cached = self
            .cache
            .as_ref()
            .and_then(|cache| cache.load(engine, &key));
        match cached {
            Some((component, _)) => Ok(component),
            None => Artefact::Bytes(&component.serialize()?).load(engine),
        }
    }

    async fn compile(
        &self,
        engine: &Engine,
        bytes: Arc<[u8]>,
        compatible: Compatibility,
    ) -> Result<Compiled, RefusalReason> {
        match &self.compilation {
            Compilation::InProcess => {
                let engine = engine.clone();
                blocking(move || {
                    let interface = ComponentInterface::read(&bytes)?;
                    let code = engine.precompile_component(&bytes).map_err(invalid)?;
                    let lines = SourceLines::read(&bytes);
                    let facts = ComponentFacts { interface, lines };
                    Ok(Compiled { facts, code })
                })
                .await
            }
            Compilation::ChildProcess { program, args } => {
                process::compile(program, args, &bytes, compatible, &self.limits).await
            }
        }
    }
}

/// An engine that runs what a [`Compiler`] loads, with room for `sandboxes` at
/// a time.
///
/// # Errors
/// Those of wasmtime, when the machine cannot reserve the address space:
/// some GiB for each sandbox.
pub fn engine_for(sandboxes: u32) -> wasmtime::Result<Engine> {
    crate::engine::pooled(sandboxes)
}

fn from_cache(cache: Option<&CompileCache>, engine: &Engine, key: CacheKey) -> Option<LoadedCode> {
    let (component, facts) = cache?.load(engine, &key)?;
    Some(LoadedCode::new(component, facts, key))
}

/// Runs `work` where it does not keep other tasks from running.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RefusalReason> + Send + 'static,
) -> Result<T, RefusalReason> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(RefusalReason::CompilerCrashed {
            how: clean_text(&error.to_string(), MAX_MESSAGE),
        }),
    }
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "passed to `map_err`, which gives the error away"
)]
fn invalid(error: wasmtime::Error) -> RefusalReason {
    RefusalReason::InvalidComponent {
        message: clean_text(&format!("{error:#}"), MAX_MESSAGE),
    }
}
