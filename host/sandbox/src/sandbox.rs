//! The agents of a host, loaded, and the attempts that they make.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ringfence_flow::{
    AgentName, AgentProfile, Attempt, AttemptReport, AttemptResult, AttemptRunner, BoxFuture,
    Budgets, ByteSize, ContentHash, Failure, FailureCode, MountName, TaskRequest, Usage,
};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::agent::{AgentPre, Answer, Question};
use crate::attempt::{self, CommandStdio, Ending, Finished, Sandboxing};
use crate::cache::{CacheError, CompileCache};
use crate::command_agent;
use crate::compile::{CompileLimits, Compiler};
use crate::component_check::{AgentDescription, AgentKind, ComponentInterface};
use crate::config::SandboxConfig;
use crate::conv;
use crate::fingerprint::fingerprint;
use crate::folder::{
    Folder, FolderError, FolderObserver, LoadedComponent, Looks, refuse_same_names,
};
use crate::grants;
use crate::host::Randomness;
use crate::hot::{Admission, HotFolder, Refreshed};
use crate::inspect::ComponentReport;
use crate::lanes::InLanes;
use crate::refusal::{Refusal, RefusalReason};
use crate::runtime::{Runtime, RuntimeError};
use crate::stdio::Capture;
use crate::verdict::{self, Judge};

/// What the version of a command is said to be: it cannot say.
const COMMAND_VERSION: &str = "0.0.0";

/// The longest part of wasmtime's messages that a refusal carries, in bytes.
const MAX_LINK_MESSAGE: usize = 600;

/// Why a host has no sandboxes at all. A plugin that cannot be loaded is no
/// such reason, see [`Loading::refused`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The default budgets are above the ceiling.
    #[error(
        "the default budget of {kind} is {asked}, above the ceiling of {ceiling}\nhint: lower it under `[budgets.default]` or raise it under `[budgets.ceiling]` in `ringfence.toml`"
    )]
    AboveCeiling {
        /// Which budget.
        kind: ringfence_flow::BudgetKind,
        /// The default.
        asked: String,
        /// The ceiling.
        ceiling: String,
    },
    /// The sandboxes cannot be set up.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The compile cache cannot be trusted.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A plugins folder cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// What [`Sandbox::load`] gives.
#[derive(Debug)]
pub struct Loading {
    /// The agents that can run.
    pub sandbox: Sandbox,
    /// The files that are no agents, and why.
    pub refused: Vec<Refusal>,
}

/// A loaded agent.
#[derive(Clone)]
pub struct LoadedAgent {
    profile: Arc<AgentProfile>,
    description: AgentDescription,
    report: ComponentReport,
    lanes: Arc<InLanes>,
}

impl LoadedAgent {
    /// What the scheduler knows of it.
    #[must_use]
    pub fn profile(&self) -> &Arc<AgentProfile> {
        &self.profile
    }

    /// What it says of itself. For a command: what its file and the
    /// configuration say.
    #[must_use]
    pub fn description(&self) -> &AgentDescription {
        &self.description
    }

    /// What its component asks for and offers.
    #[must_use]
    pub fn report(&self) -> &ComponentReport {
        &self.report
    }
}

impl fmt::Debug for LoadedAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedAgent")
            .field("profile", &self.profile)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

/// Runs attempts, each in a sandbox of its own.
///
/// A sandbox is a wasmtime store with its memories, tables and stack from a
/// pool. It is made for one call of one agent and thrown away whole after it,
/// however the call ended.
pub struct Sandbox {
    runtime: Arc<Runtime>,
    config: Arc<SandboxConfig>,
    /// Read by each attempt, without a count that all cores would share.
    agents: ArcSwap<Agents>,
    hot: tokio::sync::Mutex<HotFolder>,
}

/// The loaded agents. Attempts that are under way keep theirs, whatever takes
/// its place.
pub(crate) type Agents = BTreeMap<AgentName, Arc<LoadedAgent>>;

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("agents", &self.agents.load())
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Loads all plugins of the configured folders. A file that is refused
    /// never stops the others.
    ///
    /// # Errors
    /// [`LoadError`], when there can be no sandboxes at all.
    pub async fn load(
        config: SandboxConfig,
        observer: &dyn FolderObserver,
    ) -> Result<Loading, LoadError> {
        check_defaults(&config)?;
        let runtime = Arc::new(Runtime::new(&config)?);
        let config = Arc::new(config);
        let cache = config
            .cache_dir
            .as_deref()
            .map(CompileCache::open)
            .transpose()?;
        let compiler = Compiler::new(config.compilation.clone(), CompileLimits::default(), cache);
        let folder = Folder::new(config.plugins.clone());
        let compiler = Arc::new(compiler);
        // Before they are read: what changes in between is seen at the next look.
        let looks = Looks::first(folder.stamps()?);
        let content = folder.load(runtime.engine(), &compiler, observer).await?;
        compiler.keep_known().await;
        let mut refused = content.refused;
        let mut agents = Vec::with_capacity(content.loaded.len());
        for (path, admitted) in admit_all(&runtime, &config, &compiler, content.loaded).await {
            match admitted {
                Ok(agent) => agents.push(agent),
                Err(reason) => {
                    let refusal = Refusal::new(path, reason);
                    observer.refused(&refusal);
                    refused.push(refusal);
                }
            }
        }
        let (agents, same) = refuse_same_names(
            agents,
            |agent| &agent.profile.name,
            |agent| agent.report.path.as_path(),
        );
        for refusal in &same {
            observer.refused(refusal);
        }
        refused.extend(same);
        refused.sort_by(|a, b| a.path.cmp(&b.path));
        let agents: Agents = agents
            .into_iter()
            .map(|agent| (agent.profile.name.clone(), Arc::new(agent)))
            .collect();
        let shadowed = refused
            .iter()
            .filter(|refusal| matches!(refusal.reason, RefusalReason::SameName { .. }))
            .map(|refusal| refusal.path.clone())
            .collect();
        Ok(Loading {
            sandbox: Self {
                runtime,
                config,
                agents: ArcSwap::from_pointee(agents),
                hot: tokio::sync::Mutex::new(HotFolder::new(folder, compiler, looks, shadowed)),
            },
            refused,
        })
    }

    /// The loaded agents, in the order of their names.
    #[must_use]
    pub fn loaded(&self) -> Vec<Arc<LoadedAgent>> {
        self.agents.load().values().cloned().collect()
    }

    /// The loaded agent called `name`.
    #[must_use]
    pub fn agent(&self, name: &AgentName) -> Option<Arc<LoadedAgent>> {
        self.agents.load().get(name).cloned()
    }

    /// Looks at the plugins folders, and takes in what was added, replaced or
    /// taken away since the last look. A file is taken in when two looks in a row
    /// have found it the same, so that none is read that is still being written.
    ///
    /// Waits at most `patience` for files that are being loaded. What takes longer
    /// goes on, and is taken in by a later call, so that a file that is hard to
    /// compile holds up no other.
    ///
    /// Attempts that are under way end with the agent that they began with. Where
    /// a file is refused that took another's place, or that has the name of an
    /// agent from another file, the agent that was there before stays.
    ///
    /// # Errors
    /// [`FolderError`] if a folder is not there or cannot be read; nothing is
    /// changed then.
    pub async fn refresh(&self, patience: Duration) -> Result<Refreshed, FolderError> {
        let mut hot = self.hot.lock().await;
        let before = self.agents.load_full();
        let mut agents = Agents::clone(&before);
        let admission = Admission {
            runtime: Arc::clone(&self.runtime),
            config: Arc::clone(&self.config),
        };
        hot.look(&mut agents, &admission).await?;
        self.publish(&agents);
        let mut refused = Vec::new();
        let waited = sleep(patience);
        tokio::pin!(waited);
        loop {
            tokio::select! {
                biased;
                loaded = hot.next() => match loaded {
                    Some(loaded) => refused.extend(hot.settle(loaded, &mut agents)),
                    None => break,
                },
                () = &mut waited => break,
            }
            self.publish(&agents);
        }
        Ok(Refreshed {
            has_changed: !is_same(&before, &agents),
            refused,
        })
    }

    /// Has attempts find these agents from now on. Most looks find nothing new.
    fn publish(&self, agents: &Agents) {
        if !is_same(&self.agents.load(), agents) {
            self.agents.store(Arc::new(agents.clone()));
        }
    }

    /// What the operator decided.
    #[must_use]
    pub fn config(&self) -> &SandboxConfig {
        &self.config
    }

    async fn attempt(&self, mut attempt: Attempt) -> AttemptReport {
        let Some(agent) = self.agent(&attempt.agent) else {
            return not_run(unknown_agent(&attempt.agent));
        };
        let agent = agent.as_ref();
        let budgets = attempt.budgets.at_most(&self.config.ceiling);
        let request = &attempt.request;
        let size = ByteSize::bytes(conv::request_size(request));
        if size > budgets.memory {
            return not_run(verdict::too_much_to_read(
                size,
                &budgets,
                &self.config.ceiling,
            ));
        }
        let (preopens, decisions) = grants::decide_mounts(
            &attempt.agent,
            &request.mounts,
            &agent.profile.mounts,
            &self.config.mounts,
        );
        for decision in decisions {
            attempt.observer.decision(decision);
        }
        let stdout = Capture::new(budgets.output);
        let stdio = match command_stdio(agent, request, &stdout) {
            Ok(stdio) => stdio,
            Err(failure) => return not_run(failure),
        };
        let sandboxing = Sandboxing {
            budgets: &budgets,
            observer: Arc::clone(&attempt.observer),
            artifacts: Some(Arc::clone(&attempt.artifacts)),
            given_artifacts: conv::given_artifacts(request),
            preopens,
            random: Randomness::of(&attempt.agent, request),
            stdio,
        };
        let question = Question::Execute(request);
        let _place = match self.runtime.place(&mut attempt.stop).await {
            Ok(place) => place,
            Err(reason) => return not_run(verdict::stopped(reason)),
        };
        let (lane, pre) = agent.lanes.here(&self.runtime);
        match attempt::run(
            lane.engine(),
            self.runtime.turns(),
            pre,
            question,
            sandboxing,
            &mut attempt.stop,
        )
        .await
        {
            Ok(finished) => self.report(agent, finished, request, &budgets, &stdout),
            Err(error) => not_run(Failure::new(FailureCode::HostError, error.to_string())),
        }
    }

    fn report(
        &self,
        agent: &LoadedAgent,
        finished: Finished,
        request: &TaskRequest,
        budgets: &Budgets,
        stdout: &Capture,
    ) -> AttemptReport {
        let Finished {
            ending,
            mut usage,
            state,
        } = finished;
        let judge = Judge {
            question: Question::Execute(request),
            budgets,
            ceiling: &self.config.ceiling,
            state: &state,
            lines: agent.lanes.lines(),
        };
        let result = match ending {
            Ending::Answered(Answer::Outcome(outcome)) => {
                let size = ByteSize::bytes(conv::outcome_size(&outcome));
                if size > budgets.output {
                    AttemptResult::Failed(judge.output_too_large())
                } else {
                    usage.bytes_out = usage.bytes_out.saturating_add(size);
                    conv::outcome(outcome, &state.known_artifacts).unwrap_or_else(|problem| {
                        let failure = Failure::new(FailureCode::InvalidOutput, problem.to_string());
                        AttemptResult::Failed(failure)
                    })
                }
            }
            Ending::Answered(Answer::Exit(code)) => {
                let printed = stdout.take();
                let size = ByteSize::bytes(printed.len() as u64);
                usage.bytes_out = usage.bytes_out.saturating_add(size);
                command_agent::result(code, &printed, &state.log.stderr_tail(), request)
            }
            Ending::Answered(Answer::Description(_) | Answer::CanHandle(_)) => {
                AttemptResult::Failed(Failure::new(
                    FailureCode::HostError,
                    "the answer belongs to another question",
                ))
            }
            Ending::Broke(error) => AttemptResult::Failed(judge.failure(&error)),
            Ending::TimedOut => AttemptResult::Failed(judge.timed_out()),
            Ending::Stopped(reason) => AttemptResult::Failed(verdict::stopped(reason)),
        };
        AttemptReport { result, usage }
    }
}

/// Whether these are the very same agents.
fn is_same(before: &Agents, now: &Agents) -> bool {
    let is_there = |(name, agent): (&AgentName, &Arc<LoadedAgent>)| {
        before.get(name).is_some_and(|old| Arc::ptr_eq(old, agent))
    };
    before.len() == now.len() && now.iter().all(is_there)
}

impl AttemptRunner for Sandbox {
    fn agents(&self) -> Vec<Arc<AgentProfile>> {
        let agents = self.agents.load();
        let profiles = agents.values().map(|agent| Arc::clone(&agent.profile));
        profiles.collect()
    }

    fn ceiling(&self) -> Budgets {
        self.config.ceiling
    }

    fn default_budgets(&self) -> Budgets {
        self.config.defaults
    }

    fn can_handle<'a>(
        &'a self,
        agent: &'a AgentName,
        request: &'a TaskRequest,
    ) -> BoxFuture<'a, Result<bool, Failure>> {
        Box::pin(async move {
            let loaded = self.agent(agent).ok_or_else(|| unknown_agent(agent))?;
            self.runtime.can_handle(agent, &loaded.lanes, request).await
        })
    }

    fn fingerprint<'a>(
        &'a self,
        agent: &'a AgentName,
        mounts: &'a [MountName],
    ) -> BoxFuture<'a, Option<ContentHash>> {
        Box::pin(async move {
            let profile = Arc::clone(&self.agent(agent)?.profile);
            if mounts.iter().any(|mount| profile.may_write(mount)) {
                return None;
            }
            let folders: Option<Vec<_>> = mounts
                .iter()
                .map(|name| Some((name.clone(), self.config.mounts.get(name)?.clone())))
                .collect();
            let folders = folders?;
            let hashed = tokio::task::spawn_blocking(move || {
                let folders = folders.iter().map(|(name, path)| (name, path.as_path()));
                fingerprint(profile.hash, folders)
            });
            match hashed.await.ok()? {
                Ok(hash) => Some(hash),
                Err(error) => {
                    tracing::warn!(%agent, %error, "no earlier result is taken: a mount cannot be read");
                    None
                }
            }
        })
    }

    /// A mount that it may write is all that an agent can be granted to change, and
    /// there is no network.
    fn is_sealed(&self, agent: &AgentName, mounts: &[MountName]) -> bool {
        let agents = self.agents.load();
        let profile = agents.get(agent).map(|agent| &agent.profile);
        profile.is_some_and(|profile| !mounts.iter().any(|mount| profile.may_write(mount)))
    }

    fn execute(&self, attempt: Attempt) -> BoxFuture<'_, AttemptReport> {
        Box::pin(self.attempt(attempt))
    }
}

fn check_defaults(config: &SandboxConfig) -> Result<(), LoadError> {
    match config.defaults.above(&config.ceiling).next() {
        None => Ok(()),
        Some(kind) => Err(LoadError::AboveCeiling {
            kind,
            asked: config.defaults.get(kind).to_string(),
            ceiling: config.ceiling.get(kind).to_string(),
        }),
    }
}

/// Makes agents of components, all at once: what each may use to describe
/// itself is bounded, and so is how many of them run at a time.
async fn admit_all(
    runtime: &Arc<Runtime>,
    config: &Arc<SandboxConfig>,
    compiler: &Arc<Compiler>,
    components: Vec<LoadedComponent>,
) -> Vec<(PathBuf, Result<LoadedAgent, RefusalReason>)> {
    let mut under_way = JoinSet::new();
    for component in components {
        let (runtime, config) = (Arc::clone(runtime), Arc::clone(config));
        let compiler = Arc::clone(compiler);
        under_way.spawn(async move {
            let admitted = admit(&runtime, &config, &compiler, &component).await;
            (component.path, admitted)
        });
    }
    let mut admitted = under_way.join_all().await;
    admitted.sort_by(|(a, _), (b, _)| a.cmp(b));
    admitted
}

/// Makes an agent of a component: links it and asks it who it is.
pub(crate) async fn admit(
    runtime: &Runtime,
    config: &SandboxConfig,
    compiler: &Arc<Compiler>,
    component: &LoadedComponent,
) -> Result<LoadedAgent, RefusalReason> {
    let pre = runtime
        .link(&component.component, component.kind())
        .map_err(|error| RefusalReason::TypeMismatch {
            message: ringfence_flow::clean_text(&format!("{error:#}"), MAX_LINK_MESSAGE),
        })?;
    let description = match component.kind() {
        AgentKind::Plugin => {
            let description = describe_plugin(runtime, compiler, component, &pre).await?;
            if !config.agent(&description.name).roles.is_empty() {
                return Err(RefusalReason::RolesOfPlugin {
                    name: description.name,
                });
            }
            description
        }
        AgentKind::Command => describe_command(config, component)?,
    };
    let decided = config.agent(&description.name);
    if decided
        .sha256
        .is_some_and(|pinned| pinned != component.hash)
    {
        return Err(RefusalReason::NotPinned {
            name: description.name,
            hash: component.hash,
        });
    }
    Ok(LoadedAgent {
        profile: Arc::new(AgentProfile {
            name: description.name.clone(),
            version: Arc::clone(&description.version),
            summary: Arc::clone(&description.summary),
            roles: Arc::clone(&description.roles),
            hash: component.hash,
            instances: decided.instances,
            mounts: decided.mounts.into(),
        }),
        description,
        report: ComponentReport::of(component),
        lanes: Arc::new(InLanes::new(pre, runtime.lanes(), component, compiler)),
    })
}

/// What a plugin says of itself: as it said when a host with this cache first met
/// its content.
async fn describe_plugin(
    runtime: &Runtime,
    compiler: &Compiler,
    component: &LoadedComponent,
    pre: &AgentPre,
) -> Result<AgentDescription, RefusalReason> {
    let key = component.key();
    if let Some(said) = compiler.said(&key)
        && let Ok(description) = said.check()
    {
        return Ok(description);
    }
    let said = runtime.describe(pre, &component.lines).await;
    let said = said.map_err(RefusalReason::DescribeFailed)?;
    let description = said.clone().check();
    let description = description.map_err(RefusalReason::InvalidDescription)?;
    compiler.keep_said(&key, &said);
    Ok(description)
}

fn describe_command(
    config: &SandboxConfig,
    component: &LoadedComponent,
) -> Result<AgentDescription, RefusalReason> {
    let name = component.file_name()?;
    let roles = config.agent(&name).roles;
    if roles.is_empty() {
        return Err(RefusalReason::NoRoles { name });
    }
    let ComponentInterface { contract, .. } = &component.interface;
    Ok(AgentDescription {
        name,
        version: COMMAND_VERSION.into(),
        summary: format!("a command for `{contract}`").into(),
        roles: roles.into(),
        input_schema: None,
        output_schema: None,
    })
}

fn command_stdio(
    agent: &LoadedAgent,
    request: &TaskRequest,
    stdout: &Capture,
) -> Result<Option<CommandStdio>, Failure> {
    match agent.lanes.first() {
        AgentPre::Plugin(_) => Ok(None),
        AgentPre::Command(_) => {
            let stdin = command_agent::task_document(request).map_err(|error| {
                let message = format!("the task cannot be written as JSON: {error}");
                Failure::new(FailureCode::HostError, message)
            })?;
            Ok(Some(CommandStdio {
                stdin,
                stdout: stdout.clone(),
            }))
        }
    }
}

fn unknown_agent(name: &AgentName) -> Failure {
    // It was when the host chose it.
    let message = format!("the agent `{name}` was taken away just now");
    Failure::new(FailureCode::Transient, message)
}

/// The report of an attempt for which no guest was run.
fn not_run(failure: Failure) -> AttemptReport {
    AttemptReport {
        result: AttemptResult::Failed(failure),
        usage: Usage::default(),
    }
}
