//! Compiled components on disk, so that a start does not compile what an
//! earlier one did.
//!
//! An entry is keyed by the component's content and by the engines that can
//! run the code, so another version or configuration of the host never meets
//! it. Any number of processes may use one cache at once.

mod entry;
mod evict;
mod given_up;
mod known;
mod place;
mod said;

pub(crate) use entry::CacheKey;
pub(crate) use given_up::GivenUp;
pub(crate) use known::KnownFiles;
pub use place::{CacheError, default_cache_folder};

use std::io;
use std::path::{Path, PathBuf};

use ringfence_flow::ByteSize;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compile::{Artefact, Compiled, ComponentFacts};
use crate::component_check::RawDescription;
use entry::Entry;

/// What all entries together may take unless the host says otherwise. A Rust
/// agent takes some hundred KiB, a Python one about 40 MiB.
pub const DEFAULT_CACHE_SIZE: ByteSize = ByteSize::mib(2048);

/// A folder of compiled components that only its owner can write.
#[derive(Debug)]
pub struct CompileCache {
    folder: PathBuf,
    limit: ByteSize,
    files: KnownFiles,
}

impl CompileCache {
    /// Opens the cache in `folder`, which is made if it is not there. It
    /// holds up to [`DEFAULT_CACHE_SIZE`].
    ///
    /// Whoever can write there can run code in this host, so on Unix the
    /// folder must belong to the user who runs this process, let nobody else
    /// in (mode 0700), be no symbolic link, and lie in no folder that
    /// everybody may write, save those with a sticky bit such as `/tmp`. On
    /// Windows the folder's permissions are not checked; there it should lie
    /// in the user's own profile.
    ///
    /// # Errors
    /// [`CacheError`] says why the folder cannot be trusted, and what to type.
    pub fn open(folder: &Path) -> Result<Self, CacheError> {
        let folder = place::prepare(folder)?;
        Ok(Self {
            files: KnownFiles::read(&folder),
            folder,
            limit: DEFAULT_CACHE_SIZE,
        })
    }

    /// The same with room for `limit`. When more is stored, the entries that
    /// were not used for longest go.
    #[must_use]
    pub fn with_size(mut self, limit: ByteSize) -> Self {
        self.limit = limit;
        self
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Which files have which content.
    pub(crate) fn files(&self) -> &KnownFiles {
        &self.files
    }

    /// What the agent for `key` has said of itself, if it is there and whole.
    pub(crate) fn said(&self, key: &CacheKey) -> Option<RawDescription> {
        said::read(&self.folder, key)
    }

    /// Keeps what the agent for `key` said of itself.
    pub(crate) fn keep_said(&self, key: &CacheKey, said: &RawDescription) -> io::Result<()> {
        said::write(&self.folder, key, said)
    }

    /// The component for `key`, if it is there and whole. What is damaged is
    /// removed, and made again by whoever asked.
    pub(crate) fn load(
        &self,
        engine: &Engine,
        key: &CacheKey,
    ) -> Option<(Component, ComponentFacts)> {
        let path = key.path(&self.folder);
        let problem = match entry::verify(&path, key) {
            Ok(Entry::Missing) => return None,
            Ok(Entry::Whole { facts, used }) => match Artefact::VerifiedFile(&path).load(engine) {
                Ok(component) => {
                    entry::touch(&path, used);
                    return Some((component, facts));
                }
                Err(error) => format!("{error:#}"),
            },
            Ok(Entry::Damaged) => "its checksum does not fit".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(
            path = %path.display(),
            problem,
            "an entry of the compile cache is damaged; it is compiled again"
        );
        if let Err(error) = entry::remove(&path) {
            tracing::warn!(path = %path.display(), %error, "cannot remove the damaged entry");
        }
        None
    }

    /// Why the component for `key` was given up, if it was.
    pub(crate) fn given_up(&self, key: &CacheKey) -> Option<GivenUp> {
        given_up::read(&self.folder, key)
    }

    /// Remembers that the component for `key` broke a limit.
    pub(crate) fn give_up(&self, key: &CacheKey, why: GivenUp) -> io::Result<()> {
        given_up::write(&self.folder, key, why)
    }

    /// Keeps `compiled` for `key`.
    pub(crate) fn store(&self, key: &CacheKey, compiled: &Compiled) -> io::Result<()> {
        let Compiled { facts, code } = compiled;
        let interface = serde_json::to_vec(&facts.interface)?;
        let lines = facts.lines.as_bytes();
        let size = code.len() + interface.len() + lines.len() + entry::SEAL_LEN;
        let size = ByteSize::bytes(size as u64);
        if size > self.limit {
            return Ok(());
        }
        entry::write(&self.folder, key, [code, &interface, lines])?;
        evict::evict(&self.folder, &key.path(&self.folder), self.limit)
    }
}

#[cfg(test)]
mod tests;
