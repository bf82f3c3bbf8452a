//! The plugins folders of a live host.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::compile::Compiler;
use crate::config::SandboxConfig;
use crate::folder::{Due, Folder, FolderError, Looks, Stamp};
use crate::refusal::{Refusal, RefusalReason};
use crate::runtime::Runtime;
use crate::sandbox::{Agents, LoadedAgent, admit};

/// What [`Sandbox::refresh`](crate::Sandbox::refresh) found.
#[derive(Debug)]
pub struct Refreshed {
    /// Whether there are other agents than before.
    pub has_changed: bool,
    /// The files that were not taken in, and why. Where one took the place of an
    /// agent's file, that agent stays.
    pub refused: Vec<Refusal>,
}

/// The folders, what was seen of them, and the files that are being loaded.
#[derive(Debug)]
pub(crate) struct HotFolder {
    folder: Folder,
    compiler: Arc<Compiler>,
    looks: Looks,
    /// The files that were refused for the name of their agent.
    shadowed: BTreeSet<PathBuf>,
    /// They go on when nobody waits for them: one that takes a minute to compile
    /// holds up no other.
    loading: JoinSet<Loaded>,
    /// How many are loaded at a time.
    room: Arc<Semaphore>,
}

/// What came of a file that was due.
type Loaded = (PathBuf, Stamp, Result<LoadedAgent, Refusal>);

/// What agents are loaded for, and how.
#[derive(Clone)]
pub(crate) struct Admission {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) config: Arc<SandboxConfig>,
}

impl HotFolder {
    /// Folders of which all was taken in that `looks` has seen, but for the names
    /// of `shadowed`.
    pub(crate) fn new(
        folder: Folder,
        compiler: Arc<Compiler>,
        looks: Looks,
        shadowed: BTreeSet<PathBuf>,
    ) -> Self {
        let room = Arc::new(Semaphore::new(folder.parallel()));
        Self {
            folder,
            compiler,
            looks,
            shadowed,
            loading: JoinSet::new(),
            room,
        }
    }

    /// Looks once: takes away from `agents` what is gone, and begins to load what
    /// is new.
    pub(crate) async fn look(
        &mut self,
        agents: &mut Agents,
        admission: &Admission,
    ) -> Result<(), FolderError> {
        let folder = self.folder.clone();
        let stamps = tokio::task::spawn_blocking(move || folder.stamps()).await;
        let stamps =
            stamps.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
        for due in self.looks.look(&stamps) {
            match due {
                Due::Gone(path) => self.take_away(&path, agents),
                Due::Load(path, stamp) => self.begin(path, stamp, admission.clone()),
            }
        }
        Ok(())
    }

    fn begin(&mut self, path: PathBuf, stamp: Stamp, admission: Admission) {
        let (folder, compiler) = (self.folder.clone(), Arc::clone(&self.compiler));
        let room = Arc::clone(&self.room);
        self.loading.spawn(async move {
            // Nobody closes the semaphore.
            let _place = room.acquire_owned().await;
            let loaded = load(path.clone(), &folder, &compiler, &admission).await;
            (path, stamp, loaded)
        });
    }

    /// Waits for the next file that has been loaded; none is being loaded if there
    /// is none. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Loaded> {
        match self.loading.join_next().await? {
            Ok(loaded) => Some(loaded),
            // A panic in here is a defect of the host, to be seen as such.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Takes in what was loaded, unless there is something else by now.
    pub(crate) fn settle(
        &mut self,
        (path, stamp, loaded): Loaded,
        agents: &mut Agents,
    ) -> Option<Refusal> {
        if !self.looks.is_due(&path, stamp) {
            return None;
        }
        match loaded {
            Ok(agent) => self.take_in(agent, agents),
            Err(refusal) => Some(refusal),
        }
    }

    fn take_in(&mut self, agent: LoadedAgent, agents: &mut Agents) -> Option<Refusal> {
        let path = agent.report().path.clone();
        let name = agent.profile().name.clone();
        if let Some(other) = agents.get(&name)
            && other.report().path != path
        {
            self.shadowed.insert(path.clone());
            let reason = RefusalReason::SameName {
                name,
                others: vec![other.report().path.clone()],
                more: 0,
            };
            return Some(Refusal::new(path, reason));
        }
        self.shadowed.remove(&path);
        // The file may have held an agent of another name.
        agents.retain(|_, known| known.report().path != path);
        agents.insert(name, Arc::new(agent));
        None
    }

    fn take_away(&mut self, path: &Path, agents: &mut Agents) {
        self.shadowed.remove(path);
        agents.retain(|_, known| known.report().path != path);
        // A name may be free now.
        for path in &self.shadowed {
            self.looks.forget(path);
        }
    }
}

async fn load(
    path: PathBuf,
    folder: &Folder,
    compiler: &Arc<Compiler>,
    admission: &Admission,
) -> Result<LoadedAgent, Refusal> {
    let Admission { runtime, config } = admission;
    let component = folder
        .load_one(path.clone(), runtime.engine(), compiler)
        .await?;
    let admitted = admit(runtime, config, compiler, &component).await;
    admitted.map_err(|reason| Refusal::new(path, reason))
}
