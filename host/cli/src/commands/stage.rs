//! The sandbox in which an author's agent is tried: the same as a host's, with the
//! one agent of a project, and grants that a case gives.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringfence::config::Config;
use ringfence::engine::MemoryArtifacts;
use ringfence::flow::{AgentName, MountGrant, Role, StopReason};
use ringfence::sandbox::{
    AgentConfig, AgentKind, LoadedAgent, Loading, Refusal, RefusalReason, Sandbox, SandboxConfig,
};
use ringfence_project::{Built, CaseFile, CaseMount, CaseTask, Project, Trial, attempt};

use super::interrupt::Interrupts;
use super::session::{LoadProgress, config, in_child, load_error};
use crate::args::Global;
use crate::error::CliError;
use crate::output::indented;

/// How many sandboxes are there at once: cases run one after the other.
const SANDBOXES: u32 = 1;

/// The role of a command that no case gives one: it cannot say.
const COMMAND_ROLE: &str = "agent";

/// A project's component, as a host would take it.
pub(super) struct Stage {
    config: SandboxConfig,
    component: PathBuf,
    agent: Arc<LoadedAgent>,
    bare: Arc<Sandbox>,
}

impl Stage {
    /// Loads the component of a project. That it loads means that a host takes it.
    pub(super) async fn open(
        global: &Global,
        project: &Project,
        files: &[CaseFile],
    ) -> Result<Self, CliError> {
        let component = project.component();
        if !component.is_file() {
            return Err(CliError::usage(
                format!("`{}` is not built", project.name()),
                "`ringfence build` builds it",
            ));
        }
        let mut config = sandbox_config(global, project)?;
        let mut loading = load(config.clone()).await?;
        if let Some(name) = command_without_role(&loading, &component) {
            config.agents.insert(name, command(files));
            loading = load(config.clone()).await?;
        }
        let agent = find(&loading, &component)?;
        Ok(Self {
            config,
            component,
            agent,
            bare: Arc::new(loading.sandbox),
        })
    }

    pub(super) fn agent(&self) -> &LoadedAgent {
        &self.agent
    }

    /// Whether it is a program that knows nothing of the contract.
    pub(super) fn is_command(&self) -> bool {
        self.agent.report().kind == AgentKind::Command
    }

    /// Lets the agent do the task of a case, granted what the case mounts. An
    /// interrupt ends it early.
    pub(super) async fn attempt(&self, task: &CaseTask) -> Result<Trial, CliError> {
        let sandbox = self.sandbox(&task.mounts).await?;
        let mut interrupts = Interrupts::listen();
        let stop = Box::pin(async move {
            interrupts.next().await;
            StopReason::Cancelled
        });
        let artifacts = Arc::new(MemoryArtifacts::default());
        let profile = self.agent.profile();
        Ok(attempt(&*sandbox, profile, task, artifacts, stop).await?)
    }

    /// A sandbox with these mounts. The agent comes from the compile cache, so it
    /// takes some milliseconds.
    async fn sandbox(&self, mounts: &[CaseMount]) -> Result<Arc<Sandbox>, CliError> {
        if mounts.is_empty() {
            return Ok(Arc::clone(&self.bare));
        }
        let mut config = self.config.clone();
        let name = self.agent.profile().name.clone();
        let decided = config.agents.entry(name).or_default();
        for mount in mounts {
            decided.mounts.push(MountGrant {
                name: mount.name.clone(),
                access: mount.access,
            });
            config
                .mounts
                .insert(mount.name.clone(), mount.folder.clone());
        }
        let loading = load(config).await?;
        find(&loading, &self.component)?;
        Ok(Arc::new(loading.sandbox))
    }
}

/// The project in `folder`, for a command that tries its agent alone.
pub(super) fn project(global: &Global, folder: &Path) -> Result<Project, CliError> {
    if !global.plugins.is_empty() {
        return Err(CliError::usage(
            "`--plugins` is for commands that run workflows: a project's own agent is tried alone",
            "leave it out",
        ));
    }
    Ok(Project::open(folder)?)
}

/// What holds for an agent that is being written: nothing is granted, and the
/// budgets are the defaults, or those of a file that is named.
fn sandbox_config(global: &Global, project: &Project) -> Result<SandboxConfig, CliError> {
    let config = match &global.config {
        Some(_) => config(global)?,
        None => Config::default(),
    };
    Ok(SandboxConfig {
        plugins: vec![project.dist()],
        max_sandboxes: SANDBOXES,
        agents: std::collections::BTreeMap::new(),
        compilation: in_child()?,
        ..config.sandbox()
    })
}

async fn load(config: SandboxConfig) -> Result<Loading, CliError> {
    let progress = LoadProgress::new();
    let loading = Sandbox::load(config, &progress).await;
    progress.done();
    loading.map_err(load_error)
}

fn refusal<'a>(loading: &'a Loading, component: &PathBuf) -> Option<&'a Refusal> {
    let mut refused = loading.refused.iter();
    refused.find(|refusal| refusal.path == *component)
}

fn command_without_role(loading: &Loading, component: &PathBuf) -> Option<AgentName> {
    match &refusal(loading, component)?.reason {
        RefusalReason::NoRoles { name } => Some(name.clone()),
        _ => None,
    }
}

/// A command has the roles that its cases ask for.
fn command(files: &[CaseFile]) -> AgentConfig {
    let cases = files.iter().flat_map(|file| &file.cases);
    let roles: BTreeSet<_> = cases.filter_map(|case| case.task.role.clone()).collect();
    let mut roles: Vec<_> = roles.into_iter().collect();
    if roles.is_empty() {
        roles.extend(Role::new(COMMAND_ROLE));
    }
    AgentConfig {
        roles,
        ..AgentConfig::default()
    }
}

fn find(loading: &Loading, component: &PathBuf) -> Result<Arc<LoadedAgent>, CliError> {
    if let Some(refusal) = refusal(loading, component) {
        let what = indented(&refusal.to_string());
        let hint = refusal.hint();
        return Err(CliError::Invalid(format!(
            "no host takes it: {what}\nhint: {hint}"
        )));
    }
    let agents = loading.sandbox.loaded();
    let ours = agents
        .into_iter()
        .find(|agent| agent.report().path == *component);
    ours.ok_or_else(|| {
        let what = format!("`{}` was taken away just now", component.display());
        CliError::usage(what, "`ringfence build` builds it")
    })
}

/// Builds a project on a thread that may wait, so that an interrupt is heard.
pub(super) async fn build(project: &Project) -> Result<Built, CliError> {
    let project = project.clone();
    let built = tokio::task::spawn_blocking(move || project.build()).await;
    let built = built.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    Ok(built?)
}
