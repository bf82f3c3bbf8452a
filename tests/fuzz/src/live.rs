//! A live sandbox that targets share.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ringfence::engine::MemoryArtifacts;
use ringfence_flow::{
    AgentName, Attempt, AttemptObserver, AttemptReport, AttemptResult, AttemptRunner as _, Budgets,
    FailureCode, Fuel, GrantDecision, Json, LogLine, MountName, Progress, Role, RunId, TaskId,
    TaskKey, TaskRequest,
};
use ringfence_sandbox::{Sandbox, SandboxConfig};
use tokio::runtime::Runtime;

/// A host with one plugins folder.
pub(crate) struct Live {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) sandbox: Sandbox,
    pub(crate) runtime: Runtime,
}

/// The file of a guest.
pub(crate) fn guest(name: &str) -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    let path = built.join(format!("{name}.wasm"));
    assert!(
        path.is_file(),
        "the guest `{name}` is not built: run `cargo xtask build-guests`"
    );
    path
}

impl Live {
    pub(crate) fn start(guests: &[&str], change: impl FnOnce(&mut SandboxConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in guests {
            fs::copy(guest(name), folder.path().join(format!("{name}.wasm"))).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let mut config = SandboxConfig {
            plugins: vec![folder.path().to_owned()],
            max_sandboxes: 2,
            ..SandboxConfig::default()
        };
        change(&mut config);
        let loading = runtime.block_on(Sandbox::load(config, &())).unwrap();
        assert!(loading.refused.is_empty(), "{:?}", loading.refused);
        Self {
            folder,
            sandbox: loading.sandbox,
            runtime,
        }
    }

    /// One attempt, which is never the host's own failure.
    pub(crate) fn attempt(&self, agent: &AgentName, input: serde_json::Value) -> AttemptReport {
        let seen = Arc::new(Seen::default());
        let mounts = ["src"].map(|name| MountName::new(name).unwrap());
        let request = TaskRequest {
            mounts: mounts.into(),
            ..TaskRequest::first(
                RunId::new("fuzz").unwrap(),
                TaskKey::single(TaskId::new("only").unwrap()),
                Role::new("test").unwrap(),
                Json::from(input),
                Duration::from_secs(30),
            )
        };
        let budgets = Budgets {
            fuel: Fuel::units(50_000_000),
            time: Duration::from_secs(5),
            ..Budgets::default()
        };
        let report = self.runtime.block_on(self.sandbox.execute(Attempt {
            agent: agent.clone(),
            request,
            budgets,
            artifacts: Arc::new(MemoryArtifacts::default()),
            observer: Arc::clone(&seen) as Arc<dyn AttemptObserver>,
            stop: Box::pin(std::future::pending()),
        }));
        if let AttemptResult::Failed(failure) = &report.result {
            assert_ne!(failure.code, FailureCode::HostError, "{failure}");
            assert!(failure.message.len() < 16 << 10, "{failure}");
        }
        assert!(report.usage.fuel <= budgets.fuel);
        assert!(report.usage.peak_memory <= budgets.memory);
        let (lines, bytes) = *seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(lines <= budgets.log_lines && bytes <= budgets.log_bytes.as_u64());
        report
    }
}

/// Counts log lines and their bytes, and looks at each.
#[derive(Default)]
struct Seen(Mutex<(u32, u64)>);

impl AttemptObserver for Seen {
    fn progress(&self, progress: Progress) {
        assert!(is_clean(&progress.note), "{progress:?}");
        let fraction = progress.fraction.unwrap_or(0.0);
        assert!((0.0..=1.0).contains(&fraction), "{progress:?}");
    }

    fn log(&self, line: LogLine) {
        assert!(is_clean(&line.message), "{line:?}");
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.0 += 1;
        seen.1 += line.message.len() as u64;
    }

    fn decision(&self, decision: GrantDecision) {
        assert!(!decision.rule.is_empty(), "{decision:?}");
    }
}

/// Whether a text can neither colour a terminal nor forge a line.
fn is_clean(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && c != '\t')
}
