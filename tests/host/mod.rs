//! A host with the guests of `tests/guests`, and an observer that remembers.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each suite uses a part of it; a test that cannot go on panics"
)]

use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringfence::engine::MemoryArtifacts;
use ringfence_flow::{
    AgentName, Attempt, AttemptObserver, AttemptReport, AttemptResult, AttemptRunner as _, Budgets,
    Failure, FailureCode, GrantDecision, Json, LogLine, MountName, Output, Progress, Role, RunId,
    StopSignal, TaskId, TaskKey, TaskRequest,
};
use ringfence_sandbox::{Loading, Refusal, Sandbox, SandboxConfig};
use tempfile::TempDir;

/// Where `cargo xtask build-guests` puts the guests.
fn guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests")
}

/// The file of one guest.
pub fn guest(name: &str) -> PathBuf {
    let path = guests().join(format!("{name}.wasm"));
    assert!(
        path.is_file(),
        "the guest `{name}` is not built: run `cargo xtask build-guests`"
    );
    path
}

/// A sandbox with the guests called `names`, and a configuration that `change`
/// makes. What it has loaded stays when the folder goes.
pub async fn sandbox(names: &[&str], change: impl FnOnce(&mut SandboxConfig)) -> Sandbox {
    let folder = tempfile::tempdir().unwrap();
    load(folder.path(), names, change).await
}

async fn load(folder: &Path, names: &[&str], change: impl FnOnce(&mut SandboxConfig)) -> Sandbox {
    let loading = load_from(folder, names, change).await;
    assert!(loading.refused.is_empty(), "{:?}", loading.refused);
    loading.sandbox
}

/// Puts the guests called `names` into `folder` and loads all that it holds.
pub async fn load_from(
    folder: &Path,
    names: &[&str],
    change: impl FnOnce(&mut SandboxConfig),
) -> Loading {
    for name in names {
        std::fs::copy(guest(name), folder.join(format!("{name}.wasm"))).unwrap();
    }
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-guests");
    make_private(&cache);
    let mut config = SandboxConfig {
        plugins: vec![folder.to_owned()],
        max_sandboxes: 16,
        cache_dir: Some(cache),
        ..SandboxConfig::default()
    };
    change(&mut config);
    Sandbox::load(config, &()).await.unwrap()
}

/// The process that compiles for the command, which suites with bytes that nobody
/// trusts use as it is.
pub fn in_child() -> ringfence_sandbox::Compilation {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let program = target.join("debug/ringfence");
    assert!(program.is_file(), "run `cargo build --workspace` first");
    ringfence_sandbox::Compilation::ChildProcess {
        program,
        args: vec![ringfence_sandbox::COMPILE_ARGUMENT.to_owned()],
    }
}

/// A host that has loaded some guests.
pub struct Host {
    sandbox: Sandbox,
    _folder: TempDir,
}

impl Host {
    /// Loads the guests called `names`, with a configuration that `change`
    /// makes. Compiled guests are kept from one suite to the next.
    pub async fn with(names: &[&str], change: impl FnOnce(&mut SandboxConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            sandbox: load(folder.path(), names, change).await,
            _folder: folder,
        }
    }

    /// The same, of which some may be refused.
    pub async fn try_with(
        names: &[&str],
        change: impl FnOnce(&mut SandboxConfig),
    ) -> (Self, Vec<Refusal>) {
        let folder = tempfile::tempdir().unwrap();
        let Loading { sandbox, refused } = load_from(folder.path(), names, change).await;
        let host = Self {
            sandbox,
            _folder: folder,
        };
        (host, refused)
    }

    /// Loads the guests called `names`.
    pub async fn new(names: &[&str]) -> Self {
        Self::with(names, |_| {}).await
    }

    /// Whether nobody outside can tell of an attempt of `agent` with these mounts.
    pub fn is_sealed(&self, agent: &str, mounts: &[MountName]) -> bool {
        let agent = AgentName::new(agent).unwrap();
        self.sandbox.is_sealed(&agent, mounts)
    }

    /// Runs one attempt of `agent` with `input` within `budgets`.
    pub async fn run(&self, agent: &str, input: serde_json::Value, budgets: Budgets) -> Ran {
        let request = request(input);
        self.attempt(agent, request, budgets, Box::pin(pending()))
            .await
    }

    /// Runs one attempt that `stop` may stop.
    pub async fn attempt(
        &self,
        agent: &str,
        request: TaskRequest,
        budgets: Budgets,
        stop: StopSignal,
    ) -> Ran {
        attempt_on(&self.sandbox, agent, request, budgets, stop).await
    }
}

/// Runs one attempt of `agent` with `input` within `budgets`.
pub async fn run_on(
    sandbox: &Sandbox,
    agent: &str,
    input: serde_json::Value,
    budgets: Budgets,
) -> Ran {
    attempt_on(sandbox, agent, request(input), budgets, Box::pin(pending())).await
}

/// Runs one attempt that `stop` may stop.
pub async fn attempt_on(
    sandbox: &Sandbox,
    agent: &str,
    request: TaskRequest,
    budgets: Budgets,
    stop: StopSignal,
) -> Ran {
    let seen = Arc::new(Seen::default());
    let report = sandbox
        .execute(Attempt {
            agent: AgentName::new(agent).unwrap(),
            request,
            budgets,
            artifacts: Arc::new(MemoryArtifacts::default()),
            observer: Arc::clone(&seen) as Arc<dyn AttemptObserver>,
            stop,
        })
        .await;
    Ran { report, seen }
}

/// A guest that does the same as the one called `name` and is another file: it
/// has a section more, which nobody reads.
pub fn variant(name: &str, number: u8) -> Vec<u8> {
    let mut bytes = std::fs::read(guest(name)).unwrap();
    // Section 0, seven bytes long: a name of five, and what it holds.
    bytes.extend(b"\0\x07\x05other");
    bytes.push(number);
    bytes
}

/// Only its owner may write to a folder of compiled code.
fn make_private(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
}

/// Until all that changed in the plugins folder has been loaded.
pub const PATIENCE: Duration = Duration::MAX;

/// A task with `input`.
pub fn request(input: serde_json::Value) -> TaskRequest {
    TaskRequest::first(
        RunId::new("r-1").unwrap(),
        TaskKey::single(TaskId::new("only").unwrap()),
        Role::new("test").unwrap(),
        Json::from(input),
        Duration::from_secs(30),
    )
}

/// A task with `input` that asks for mounts.
pub fn request_with_mounts(input: serde_json::Value, names: &[&str]) -> TaskRequest {
    TaskRequest {
        mounts: names
            .iter()
            .map(|name| MountName::new(name).unwrap())
            .collect(),
        ..request(input)
    }
}

/// An attempt that is over.
pub struct Ran {
    pub report: AttemptReport,
    pub seen: Arc<Seen>,
}

impl Ran {
    /// The output, if it completed.
    #[track_caller]
    pub fn output(&self) -> &Output {
        match &self.report.result {
            AttemptResult::Completed(output) => output,
            other => panic!("did not complete: {other:?}"),
        }
    }

    /// The failure, if it failed.
    #[track_caller]
    pub fn failure(&self) -> &Failure {
        match &self.report.result {
            AttemptResult::Failed(failure) => failure,
            other => panic!("did not fail: {other:?}"),
        }
    }

    /// Asserts that it failed with `code`, and that the message has `part`.
    #[track_caller]
    pub fn failed_with(&self, code: FailureCode, part: &str) {
        let failure = self.failure();
        assert_eq!(failure.code, code, "{failure}");
        assert!(failure.message.contains(part), "{failure}");
    }
}

/// Remembers what it sees.
#[derive(Default)]
pub struct Seen {
    pub logs: Mutex<Vec<LogLine>>,
    pub progress: Mutex<Vec<Progress>>,
    pub decisions: Mutex<Vec<GrantDecision>>,
}

impl AttemptObserver for Seen {
    fn progress(&self, progress: Progress) {
        self.progress.lock().unwrap().push(progress);
    }

    fn log(&self, line: LogLine) {
        self.logs.lock().unwrap().push(line);
    }

    fn decision(&self, decision: GrantDecision) {
        self.decisions.lock().unwrap().push(decision);
    }
}
