//! One attempt of an agent at the task of a case.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringfence_flow::{
    AgentProfile, Artifact, ArtifactError, ArtifactStore, Attempt, AttemptObserver, AttemptResult,
    AttemptRunner, Dependency, GrantDecision, LogLine, MountName, Output, Progress, Role, RunId,
    StopSignal, TaskRequest, Usage, show_duration,
};

use crate::case::{CaseArtifact, CaseNeed, CaseTask};

/// What came of an attempt, and what was seen of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// How it ended.
    pub result: AttemptResult,
    /// What it used.
    pub usage: Usage,
    /// What the agent logged.
    pub logs: Vec<LogLine>,
    /// How far it said to have come.
    pub progress: Vec<Progress>,
    /// What was granted and denied.
    pub decisions: Vec<GrantDecision>,
    /// The artifacts of its output, with what is in them.
    pub artifacts: Vec<TrialArtifact>,
}

/// An artifact, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialArtifact {
    /// What the agent says of it.
    pub artifact: Artifact,
    /// What is in it.
    pub content: Arc<[u8]>,
}

/// Why no attempt was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrialError {
    /// The agent does not play the role.
    #[error("`{agent}` does not have the role `{role}`\nhint: it has {has}")]
    OtherRole {
        /// The agent.
        agent: String,
        /// The role that the case asks for.
        role: Role,
        /// Those that it has.
        has: String,
    },
    /// The case asks for more time than any attempt may have.
    #[error("the `timeout` of {} is above {}, the most that an attempt may take", show_duration(*.asked), show_duration(*.most))]
    TooLong {
        /// What it asks for.
        asked: Duration,
        /// The ceiling.
        most: Duration,
    },
    /// The artifacts cannot be kept.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
}

/// The name of the run that a case belongs to. The same each time: so are the
/// random numbers that the agent draws, and the fuel that it uses.
const RUN: &str = "case";

/// Lets `agent` do the task of a case, in an attempt of `runner` that `stop`
/// ends early.
///
/// # Errors
/// [`TrialError`], where the task cannot be given to this agent.
pub async fn attempt(
    runner: &dyn AttemptRunner,
    agent: &AgentProfile,
    task: &CaseTask,
    artifacts: Arc<dyn ArtifactStore>,
    stop: StopSignal,
) -> Result<Trial, TrialError> {
    let mut budgets = runner.default_budgets();
    if let Some(asked) = task.timeout {
        let most = runner.ceiling().time;
        if asked > most {
            return Err(TrialError::TooLong { asked, most });
        }
        budgets.time = asked;
    }
    for artifact in &task.artifacts {
        put(artifact, &*artifacts).await?;
    }
    let mut needs = Vec::with_capacity(task.needs.len());
    for need in &task.needs {
        needs.push(dependency(need, &*artifacts).await?);
    }
    let mounts: Vec<MountName> = task.mounts.iter().map(|mount| mount.name.clone()).collect();
    let request = TaskRequest {
        run: run(),
        key: task.key.clone(),
        role: role(agent, task)?,
        priority: task.priority,
        attempt: task.attempt,
        round: task.round,
        input: task.input.clone(),
        needs: needs.into(),
        feedback: task.feedback.clone().into(),
        mounts: mounts.into(),
        time_left: budgets.time,
    };
    let recorder = Arc::new(Recorder::default());
    let attempt = Attempt {
        agent: agent.name.clone(),
        request,
        budgets,
        artifacts: Arc::clone(&artifacts),
        observer: Arc::clone(&recorder) as Arc<dyn AttemptObserver>,
        stop,
    };
    let report = runner.execute(attempt).await;
    let given = match &report.result {
        AttemptResult::Completed(output) => contents(output, &*artifacts).await?,
        AttemptResult::Rejected(_) | AttemptResult::Failed(_) => Vec::new(),
    };
    let seen = std::mem::take(&mut *recorder.seen());
    Ok(Trial {
        result: report.result,
        usage: report.usage,
        logs: seen.logs,
        progress: seen.progress,
        decisions: seen.decisions,
        artifacts: given,
    })
}

fn run() -> RunId {
    match RunId::new(RUN) {
        Ok(run) => run,
        Err(error) => unreachable!("`{RUN}` is a name: {error}"),
    }
}

fn role(agent: &AgentProfile, task: &CaseTask) -> Result<Role, TrialError> {
    let Some(role) = &task.role else {
        return Ok(agent.roles[0].clone());
    };
    if agent.has_role(role) {
        return Ok(role.clone());
    }
    let roles = agent.roles.iter();
    let roles: Vec<_> = roles.map(|role| format!("`{role}`")).collect();
    Err(TrialError::OtherRole {
        agent: agent.name.to_string(),
        role: role.clone(),
        has: roles.join(", "),
    })
}

async fn dependency(
    need: &CaseNeed,
    store: &dyn ArtifactStore,
) -> Result<Dependency, ArtifactError> {
    let mut artifacts = Vec::with_capacity(need.artifacts.len());
    for artifact in &need.artifacts {
        artifacts.push(put(artifact, store).await?);
    }
    Ok(Dependency {
        task: need.task.clone(),
        output: Output {
            value: need.value.clone(),
            findings: need.findings.clone().into(),
            artifacts: artifacts.into(),
        },
    })
}

async fn put(
    artifact: &CaseArtifact,
    store: &dyn ArtifactStore,
) -> Result<Artifact, ArtifactError> {
    Ok(Artifact {
        name: artifact.name.as_str().into(),
        media_type: artifact.media_type.as_str().into(),
        sha256: store.put(Arc::clone(&artifact.content)).await?,
        size: artifact.content.len() as u64,
    })
}

async fn contents(
    output: &Output,
    store: &dyn ArtifactStore,
) -> Result<Vec<TrialArtifact>, ArtifactError> {
    let mut contents = Vec::with_capacity(output.artifacts.len());
    for artifact in output.artifacts.iter() {
        contents.push(TrialArtifact {
            artifact: artifact.clone(),
            content: store.get(artifact.sha256).await?,
        });
    }
    Ok(contents)
}

/// Keeps what is seen of an attempt.
#[derive(Debug, Default)]
struct Recorder(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    logs: Vec<LogLine>,
    progress: Vec<Progress>,
    decisions: Vec<GrantDecision>,
}

impl Recorder {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AttemptObserver for Recorder {
    fn progress(&self, progress: Progress) {
        self.seen().progress.push(progress);
    }

    fn log(&self, line: LogLine) {
        self.seen().logs.push(line);
    }

    fn decision(&self, decision: GrantDecision) {
        self.seen().decisions.push(decision);
    }
}
