//! The guests that are measured, and sandboxes that hold them.

use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ringfence::engine::MemoryArtifacts;
use ringfence_flow::{
    AgentName, Attempt, AttemptObserver, AttemptReport, AttemptResult, AttemptRunner as _, Budgets,
    GrantDecision, Json, LogLine, MountAccess, MountGrant, MountName, Progress, Role, RunId,
    TaskId, TaskKey, TaskRequest,
};
use ringfence_sandbox::{AgentConfig, Sandbox, SandboxConfig};
use tokio::runtime::{Builder, Runtime};

/// The input of an attempt whose work is next to nothing.
pub(crate) const INPUT: &str = "7";

/// What `cargo xtask build-guests` built.
pub(crate) fn guest(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/guests")
        .join(name)
        .with_extension("wasm");
    assert!(path.is_file(), "run `cargo xtask build-guests` first");
    path
}

/// A runtime on one thread, or on all cores.
pub(crate) fn runtime(threads: usize) -> Runtime {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().unwrap()
}

/// The attempts that may be alive at once, as in a host.
pub(crate) const ROOM: u32 = 68;

/// The mount that the guest may write, where a task asks for it.
pub(crate) const MOUNT: &str = "out";

/// A sandbox that has loaded one guest, with room for so many attempts of it.
pub(crate) fn sandbox(runtime: &Runtime, name: &str, room: u32) -> Arc<Sandbox> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(guest(name), folder.path().join("guest.wasm")).unwrap();
    let mut config = SandboxConfig {
        plugins: vec![folder.path().to_owned()],
        max_sandboxes: room,
        ..SandboxConfig::default()
    };
    let mount = MountName::new(MOUNT).unwrap();
    let agent = AgentConfig {
        instances: room,
        mounts: vec![MountGrant {
            name: mount.clone(),
            access: MountAccess::ReadWrite,
        }],
        ..AgentConfig::default()
    };
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    config.mounts.insert(mount, target);
    config.agents.insert(AgentName::new(name).unwrap(), agent);
    let loading = runtime.block_on(Sandbox::load(config, &())).unwrap();
    assert!(loading.refused.is_empty(), "{:?}", loading.refused);
    Arc::new(loading.sandbox)
}

/// Watches nothing.
pub(crate) struct Nobody;

impl AttemptObserver for Nobody {
    fn progress(&self, _: Progress) {}
    fn log(&self, _: LogLine) {}
    fn decision(&self, _: GrantDecision) {}
}

/// A task that is there before it is measured what becomes of it.
#[derive(Clone)]
pub(crate) struct Task {
    agent: AgentName,
    request: TaskRequest,
    artifacts: Arc<MemoryArtifacts>,
    observer: Arc<Nobody>,
}

impl Task {
    pub(crate) fn new(agent: &str, input: &str) -> Self {
        Self {
            agent: AgentName::new(agent).unwrap(),
            request: TaskRequest::first(
                RunId::new("r-1").unwrap(),
                TaskKey::single(TaskId::new("only").unwrap()),
                Role::new("test").unwrap(),
                Json::parse(input).unwrap(),
                Duration::from_secs(30),
            ),
            artifacts: Arc::default(),
            observer: Arc::new(Nobody),
        }
    }

    /// One attempt at it, with all budgets.
    pub(crate) async fn attempt(&self, sandbox: &Sandbox) -> AttemptReport {
        let report = sandbox
            .execute(Attempt {
                agent: self.agent.clone(),
                request: self.request.clone(),
                budgets: Budgets::default(),
                artifacts: Arc::clone(&self.artifacts) as Arc<_>,
                observer: Arc::clone(&self.observer) as Arc<_>,
                stop: Box::pin(pending()),
            })
            .await;
        assert!(
            matches!(report.result, AttemptResult::Completed(_)),
            "{:?}",
            report.result
        );
        report
    }
}
