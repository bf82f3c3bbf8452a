//! Agents that are closures, and a host that runs them under paused time.

#![allow(dead_code, reason = "each suite uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(unreachable_pub, reason = "shared by suites, public to none")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringfence_engine::{Clock, Host, HostConfig, MemoryArtifacts, RunOutcome, RunSpec};
use ringfence_flow::{
    AgentName, AgentProfile, Attempt, AttemptReport, AttemptResult, AttemptRunner, BoxFuture,
    Budgets, ContentHash, Failure, FailureCode, Json, MountAccess, MountGrant, MountName, Output,
    Plan, Role, RunEvent, RunEventKind, RunId, SourceFile, StopReason, TaskId, TaskRequest,
    TaskStatus, Timestamp, Usage, WorkflowFile, WorkflowSource,
};

/// What an agent does with a task, and how long it takes.
pub type Script = Box<dyn Fn(&TaskRequest) -> (Duration, AttemptResult) + Send + Sync>;

/// Agents that are closures.
#[derive(Default)]
pub struct Scripted {
    pub agents: BTreeMap<AgentName, (Arc<AgentProfile>, Script)>,
    pub declines: Vec<(&'static str, &'static str)>,
    /// Agents that take so long to say whether they can.
    pub dawdles: BTreeMap<&'static str, Duration>,
    /// Agents of whose attempts nobody outside can tell.
    pub sealed: BTreeSet<&'static str>,
}

impl Scripted {
    pub fn agent(
        mut self,
        name: &str,
        role: &str,
        script: impl Fn(&TaskRequest) -> (Duration, AttemptResult) + Send + Sync + 'static,
    ) -> Self {
        let name = AgentName::new(name).unwrap();
        let profile = AgentProfile {
            name: name.clone(),
            version: "1.0.0".into(),
            summary: "".into(),
            roles: [Role::new(role).unwrap()].into(),
            hash: ContentHash::from_bytes([7; 32]),
            instances: 4,
            mounts: [].into(),
        };
        self.agents
            .insert(name, (Arc::new(profile), Box::new(script)));
        self
    }

    /// Has nobody outside tell of the attempts of an agent.
    pub fn seal(mut self, name: &'static str) -> Self {
        self.sealed.insert(name);
        self
    }

    /// Grants all agents a mount.
    pub fn with_mount(mut self, name: &str) -> Self {
        for (profile, _) in self.agents.values_mut() {
            let grant = MountGrant {
                name: MountName::new(name).unwrap(),
                access: MountAccess::ReadOnly,
            };
            Arc::get_mut(profile).unwrap().mounts = [grant].into();
        }
        self
    }
}

impl AttemptRunner for Scripted {
    fn agents(&self) -> Vec<Arc<AgentProfile>> {
        self.agents
            .values()
            .map(|(profile, _)| Arc::clone(profile))
            .collect()
    }

    fn ceiling(&self) -> Budgets {
        Budgets::default()
    }

    fn default_budgets(&self) -> Budgets {
        Budgets::default()
    }

    fn can_handle<'a>(
        &'a self,
        agent: &'a AgentName,
        request: &'a TaskRequest,
    ) -> BoxFuture<'a, Result<bool, Failure>> {
        let declines = self
            .declines
            .iter()
            .any(|(who, task)| *who == agent.as_str() && *task == request.key.task.as_str());
        let time = self.dawdles.get(agent.as_str()).copied();
        Box::pin(async move {
            tokio::time::sleep(time.unwrap_or_default()).await;
            Ok(!declines)
        })
    }

    fn fingerprint<'a>(
        &'a self,
        agent: &'a AgentName,
        _mounts: &'a [MountName],
    ) -> BoxFuture<'a, Option<ContentHash>> {
        Box::pin(async move { Some(self.agents.get(agent)?.0.hash) })
    }

    fn is_sealed(&self, agent: &AgentName, _mounts: &[MountName]) -> bool {
        self.sealed.contains(agent.as_str())
    }

    fn execute(&self, attempt: Attempt) -> BoxFuture<'_, AttemptReport> {
        Box::pin(async move {
            let (_, script) = &self.agents[&attempt.agent];
            let (time, result) = script(&attempt.request);
            let result = tokio::select! {
                () = tokio::time::sleep(time) => result,
                reason = attempt.stop => AttemptResult::Failed(match reason {
                    StopReason::Cancelled => Failure::new(FailureCode::Cancelled, "stopped"),
                    StopReason::Deadline => Failure::new(FailureCode::Deadline, "stopped"),
                }),
            };
            AttemptReport {
                result,
                usage: Usage::default(),
            }
        })
    }
}

pub fn done(value: serde_json::Value) -> AttemptResult {
    AttemptResult::Completed(Output::of(Json::from(value)))
}

pub fn failed(code: FailureCode, message: &str) -> AttemptResult {
    AttemptResult::Failed(Failure::new(code, message))
}

pub fn second(result: AttemptResult) -> (Duration, AttemptResult) {
    (Duration::from_secs(1), result)
}

pub type Events = Arc<Mutex<Vec<RunEvent>>>;

pub fn host(runner: Scripted) -> Host {
    let clock = Clock::starting_at(Timestamp::from_unix(Duration::from_secs(1_000_000)));
    Host::start(Arc::new(runner), HostConfig::default(), clock)
}

/// The files that workflows name, by path.
pub struct Files<'a>(pub &'a [(&'a str, &'a str)]);

impl WorkflowSource for Files<'_> {
    fn read(&self, _from: &str, path: &str) -> Result<SourceFile, String> {
        let (name, text) = self
            .0
            .iter()
            .find(|(name, _)| *name == path)
            .ok_or("is missing")?;
        Ok(SourceFile {
            name: (*name).to_owned(),
            text: (*text).to_owned(),
        })
    }
}

pub fn plan(workflow: &str, files: &Files<'_>) -> Arc<Plan> {
    let file = WorkflowFile::parse_with("test.yaml", workflow, files);
    Arc::new(file.unwrap_or_else(|e| panic!("{e:#?}")).into_plan())
}

pub fn spec(workflow: &str, inputs: serde_json::Value, events: &Events) -> RunSpec {
    spec_of(plan(workflow, &Files(&[])), inputs, events)
}

pub fn spec_of(plan: Arc<Plan>, inputs: serde_json::Value, events: &Events) -> RunSpec {
    let events = Arc::clone(events);
    RunSpec {
        id: RunId::new("r1").unwrap(),
        plan,
        inputs: Json::from(inputs),
        seed: 1,
        budgets: None,
        artifacts: Arc::new(MemoryArtifacts::default()),
        results: None,
        journal: None,
        observer: Box::new(move |event: &RunEvent| events.lock().unwrap().push(event.clone())),
    }
}

pub async fn run(runner: Scripted, workflow: &str) -> (RunOutcome, Vec<RunEvent>) {
    run_with(runner, workflow, &Files(&[])).await
}

pub async fn run_with(
    runner: Scripted,
    workflow: &str,
    files: &Files<'_>,
) -> (RunOutcome, Vec<RunEvent>) {
    let events = Events::default();
    let host = host(runner);
    let spec = spec_of(plan(workflow, files), serde_json::json!({}), &events);
    let mut handle = host.run(spec).await.unwrap();
    let outcome = handle.outcome().await.unwrap();
    let events = std::mem::take(&mut *events.lock().unwrap());
    (outcome, events)
}

/// How each task of the run ended, in the order in which they did.
pub fn ends(events: &[RunEvent]) -> Vec<(String, TaskStatus)> {
    let end = |event: &RunEvent| match &event.event {
        RunEventKind::TaskEnded { key, status, .. } => Some((key.to_string(), *status)),
        _ => None,
    };
    events.iter().filter_map(end).collect()
}

pub fn value(outcome: &RunOutcome, task: &str) -> serde_json::Value {
    let (_, output) = outcome.results.get(&TaskId::new(task).unwrap()).unwrap();
    output.value.to_value()
}

pub fn status(outcome: &RunOutcome, task: &str) -> TaskStatus {
    outcome.results.get(&TaskId::new(task).unwrap()).unwrap().0
}

/// Seconds from the first event to the last.
pub fn took(events: &[RunEvent]) -> u64 {
    events[events.len() - 1].at.since(events[0].at).as_secs()
}
