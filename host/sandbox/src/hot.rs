//! The plugins folders of a live host.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::compile::Compiler;
use crate::config::SandboxConfig;
use crate::folder::{Due, Folder, FolderError, Looks};
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

/// The folders, and what was seen of them.
#[derive(Debug)]
pub(crate) struct HotFolder {
    pub(crate) folder: Folder,
    pub(crate) compiler: Arc<Compiler>,
    pub(crate) looks: Looks,
    /// The files that were refused for the name of their agent.
    pub(crate) shadowed: BTreeSet<PathBuf>,
}

impl HotFolder {
    /// Looks once, and brings `agents` up to date.
    pub(crate) async fn look(
        &mut self,
        agents: &mut Agents,
        runtime: &Runtime,
        config: &SandboxConfig,
    ) -> Result<Vec<Refusal>, FolderError> {
        let folder = self.folder.clone();
        let stamps = tokio::task::spawn_blocking(move || folder.stamps()).await;
        let stamps =
            stamps.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
        let mut refused = Vec::new();
        for due in self.looks.look(&stamps) {
            match due {
                Due::Gone(path) => self.take_away(&path, agents),
                Due::Load(path) => match self.load(path.clone(), runtime, config).await {
                    Ok(agent) => refused.extend(self.take_in(agent, agents)),
                    Err(refusal) => refused.push(refusal),
                },
            }
        }
        Ok(refused)
    }

    async fn load(
        &self,
        path: PathBuf,
        runtime: &Runtime,
        config: &SandboxConfig,
    ) -> Result<LoadedAgent, Refusal> {
        let component = self
            .folder
            .load_one(path.clone(), runtime.engine(), &self.compiler);
        let admitted = admit(runtime, config, &self.compiler, &component.await?).await;
        admitted.map_err(|reason| Refusal::new(path, reason))
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
