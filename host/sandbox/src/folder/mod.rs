//! The plugins folders: what is in them, loaded or refused.

mod known;
mod observer;
mod read;
mod same_name;
mod stamp;
mod watch;

pub use observer::FolderObserver;
pub(crate) use same_name::refuse_same_names;
pub(crate) use stamp::Stamp;
pub(crate) use watch::{Due, Looks};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use ringfence_flow::{AgentName, ByteSize, ContentHash};
use tokio::task::JoinSet;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::cache::CacheKey;
use crate::compile::{Compatibility, Compiler, LoadedCode};
use crate::component_check::{AgentKind, ComponentInterface};
use crate::refusal::{Refusal, RefusalReason, show_path};
use crate::source_lines::SourceLines;
use read::Opened;

/// The largest component that is accepted, unless the host says otherwise.
pub const DEFAULT_COMPONENT_LIMIT: ByteSize = ByteSize::mib(64);

/// How the name of a component's file ends.
const EXTENSION: &str = "wasm";

/// Why a plugins folder cannot be searched.
#[derive(Debug, thiserror::Error)]
#[error("the plugins folder {} cannot be read: {source}\nhint: make it, or name another with `plugins = [...]` in `ringfence.toml` or `--plugins`", show_path(.path))]
pub struct FolderError {
    /// The folder.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// A component that can be run. What it calls itself is not known yet.
#[derive(Clone)]
pub struct LoadedComponent {
    /// Its file.
    pub path: PathBuf,
    /// The SHA-256 of its file.
    pub hash: ContentHash,
    /// The size of its file.
    pub size: ByteSize,
    /// What it asks for and offers.
    pub interface: ComponentInterface,
    /// The code.
    pub component: Component,
    pub(crate) compatible: Compatibility,
    pub(crate) lines: SourceLines,
}

impl LoadedComponent {
    fn new(path: PathBuf, size: ByteSize, code: LoadedCode) -> Self {
        let LoadedCode {
            component,
            interface,
            hash,
            compatible,
            lines,
        } = code;
        Self {
            path,
            hash,
            size,
            interface,
            component,
            compatible,
            lines,
        }
    }

    /// Where the cache has what is known of it.
    pub(crate) fn key(&self) -> CacheKey {
        CacheKey {
            compatible: self.compatible,
            content: self.hash,
        }
    }

    /// The name that its file gives it: what a command is called.
    ///
    /// # Errors
    /// The file's name, without `.wasm`, is no name for an agent.
    pub fn file_name(&self) -> Result<AgentName, RefusalReason> {
        let stem = self.path.file_stem().unwrap_or_default();
        AgentName::new(&stem.to_string_lossy()).map_err(RefusalReason::InvalidFileName)
    }

    /// How the host talks to it.
    #[must_use]
    pub fn kind(&self) -> AgentKind {
        self.interface.kind
    }
}

impl fmt::Debug for LoadedComponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedComponent")
            .field("path", &self.path)
            .field("hash", &self.hash)
            .field("size", &self.size)
            .field("interface", &self.interface)
            .finish_non_exhaustive()
    }
}

/// What the folders hold, each in the order of the paths.
#[derive(Debug, Default)]
pub struct FolderContent {
    /// What can be run.
    pub loaded: Vec<LoadedComponent>,
    /// What cannot, and why.
    pub refused: Vec<Refusal>,
}

/// The folders in which plugins are looked for. Only files that end in
/// `.wasm` count, and folders inside are not searched.
#[derive(Clone, Debug)]
pub struct Folder {
    folders: Vec<PathBuf>,
    limit: ByteSize,
    parallel: usize,
}

impl Folder {
    /// Looks in `folders`, with components of at most
    /// [`DEFAULT_COMPONENT_LIMIT`], as many at a time as there are cores.
    #[must_use]
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self {
            folders,
            limit: DEFAULT_COMPONENT_LIMIT,
            parallel: thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// The same with components of at most `limit`.
    #[must_use]
    pub fn with_component_limit(mut self, limit: ByteSize) -> Self {
        self.limit = limit;
        self
    }

    /// The files, sorted, each once: a folder that is named twice counts once.
    ///
    /// # Errors
    /// A folder is not there or cannot be read. Somebody named it, so this is
    /// no empty folder.
    pub fn files(&self) -> Result<Vec<PathBuf>, FolderError> {
        let mut seen = BTreeSet::new();
        let mut files = Vec::new();
        for folder in &self.folders {
            let at = |source| FolderError {
                path: folder.clone(),
                source,
            };
            if !seen.insert(folder.canonicalize().map_err(at)?) {
                continue;
            }
            for entry in fs::read_dir(folder).map_err(at)? {
                let path = entry.map_err(at)?.path();
                if path
                    .extension()
                    .is_some_and(|extension| extension == EXTENSION)
                {
                    files.push(path);
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// How many files are loaded at a time.
    pub(crate) fn parallel(&self) -> usize {
        self.parallel
    }

    /// What tells each file from another one. One that cannot be looked at is
    /// left out.
    ///
    /// # Errors
    /// As [`files`](Self::files).
    pub(crate) fn stamps(&self) -> Result<BTreeMap<PathBuf, Stamp>, FolderError> {
        let stamp = |path: PathBuf| {
            let metadata = fs::metadata(&path).or_else(|_| fs::symlink_metadata(&path));
            Some((path, Stamp::of(&metadata.ok()?)))
        };
        Ok(self.files()?.into_iter().filter_map(stamp).collect())
    }

    /// Loads one file of the folders.
    pub(crate) async fn load_one(
        &self,
        path: PathBuf,
        engine: &Engine,
        compiler: &Arc<Compiler>,
    ) -> Result<LoadedComponent, Refusal> {
        let loader = Arc::new(self.loader(engine, compiler));
        let (known, owned) = (Arc::clone(&loader), path.clone());
        match aside(move || known.load_known(&owned)).await {
            Some(component) => Ok(component),
            None => loader.load(path).await,
        }
    }

    /// Loads all that the folders hold, several at a time: first what an earlier
    /// start has compiled, then what is new. One that is refused never stops the
    /// others. Dropping the future stops what is under way.
    ///
    /// # Errors
    /// A folder is not there or cannot be read.
    pub async fn load(
        &self,
        engine: &Engine,
        compiler: &Arc<Compiler>,
        observer: &dyn FolderObserver,
    ) -> Result<FolderContent, FolderError> {
        let files = self.files()?;
        observer.found(files.len());
        let loader = Arc::new(self.loader(engine, compiler));
        let (known, new) = known::load(&loader, files, self.parallel).await;
        for component in &known {
            observer.started(&component.path);
            observer.loaded(component);
        }
        let mut content = FolderContent {
            loaded: known,
            refused: Vec::new(),
        };
        let mut waiting = new.into_iter();
        let mut under_way = JoinSet::new();
        loop {
            while under_way.len() < self.parallel
                && let Some(path) = waiting.next()
            {
                observer.started(&path);
                let loader = Arc::clone(&loader);
                under_way.spawn(async move { loader.load(path).await });
            }
            match under_way.join_next().await {
                None => break,
                Some(Ok(Ok(component))) => {
                    observer.loaded(&component);
                    content.loaded.push(component);
                }
                Some(Ok(Err(refusal))) => {
                    observer.refused(&refusal);
                    content.refused.push(refusal);
                }
                // A panic in here is a defect of the host, to be seen as such.
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        content.loaded.sort_by(|a, b| a.path.cmp(&b.path));
        content.refused.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(content)
    }

    fn loader(&self, engine: &Engine, compiler: &Arc<Compiler>) -> Loader {
        Loader {
            limit: self.limit,
            compatible: Compatibility::of(engine),
            engine: engine.clone(),
            compiler: Arc::clone(compiler),
        }
    }
}

/// Loads files.
struct Loader {
    limit: ByteSize,
    engine: Engine,
    compatible: Compatibility,
    compiler: Arc<Compiler>,
}

impl Loader {
    /// Loads one file that an earlier start has read, if it is the same by its stamp
    /// and its code is there. Reads from disk, and does not compile.
    fn load_known(&self, path: &Path) -> Option<LoadedComponent> {
        let stamp = Stamp::of(&fs::metadata(path).ok()?);
        let size = ByteSize::bytes(stamp.len());
        if size > self.limit {
            return None;
        }
        let key = self.key(self.compiler.known(&stamp)?);
        let code = self.compiler.cached(&self.engine, key)?;
        Some(LoadedComponent::new(path.to_owned(), size, code))
    }

    fn key(&self, content: ContentHash) -> CacheKey {
        CacheKey {
            compatible: self.compatible,
            content,
        }
    }

    /// Loads one file, whoever has read it before.
    async fn load(&self, path: PathBuf) -> Result<LoadedComponent, Refusal> {
        match self.load_code(&path).await {
            Ok((code, size)) => Ok(LoadedComponent::new(path, size, code)),
            Err(reason) => Err(Refusal::new(path, reason)),
        }
    }

    async fn load_code(&self, path: &Path) -> Result<(LoadedCode, ByteSize), RefusalReason> {
        let (owned, limit) = (path.to_owned(), self.limit);
        let (file, hash, size) = aside(move || Opened::open(&owned, limit)?.hash()).await?;
        let stamp = file.stamp();
        let (engine, compiler) = (self.engine.clone(), Arc::clone(&self.compiler));
        let key = self.key(hash);
        if let Some(code) = aside(move || compiler.cached(&engine, key)).await {
            self.compiler.learn(stamp, hash);
            return Ok((code, size));
        }
        // Hashed once more: what is compiled is what has this hash, whatever the file
        // was a moment ago.
        let bytes = aside(move || file.read()).await?;
        let size = ByteSize::bytes(bytes.len() as u64);
        let code = self.compiler.load(&self.engine, bytes.into()).await?;
        self.compiler.learn(stamp, code.hash);
        Ok((code, size))
    }
}

/// Does something with a file where it does not keep other tasks from running.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

#[cfg(test)]
mod tests;
