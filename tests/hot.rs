//! Plugins that are added, replaced and taken away while a host is live.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod host;

use std::fs;
use std::future::Future as _;
use std::path::{Path, PathBuf};

use host::{PATIENCE, guest, load_from, request, run_on, variant};
use ringfence_flow::{AgentName, Budgets, FailureCode, StopReason};
use ringfence_sandbox::{Refreshed, Refusal, Sandbox};
use serde_json::json;
use tempfile::{TempDir, tempdir};
use tokio::sync::oneshot;

struct Live {
    sandbox: Sandbox,
    folder: TempDir,
}

impl Live {
    async fn with(names: &[&str]) -> Self {
        let folder = tempdir().unwrap();
        let sandbox = load_from(folder.path(), names, |_| {}).await.sandbox;
        Self { sandbox, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.wasm"))
    }

    fn names(&self) -> Vec<String> {
        let agents = self.sandbox.loaded();
        agents
            .iter()
            .map(|agent| agent.profile().name.to_string())
            .collect()
    }

    async fn look(&self) -> Refreshed {
        self.sandbox.refresh(PATIENCE).await.unwrap()
    }

    /// Two looks: the second one finds that a file has come to rest.
    async fn settle(&self) -> Refreshed {
        let first = self.look().await;
        assert!(!first.has_changed && first.refused.is_empty());
        self.look().await
    }

    async fn version(&self, agent: &str) -> String {
        let agent = self.sandbox.agent(&AgentName::new(agent).unwrap()).unwrap();
        agent.profile().hash.to_string()
    }
}

fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

/// A file that takes long to load keeps nobody waiting: what is gone is gone at
/// once, and it is taken in when it is there.
#[tokio::test]
async fn what_is_slow_to_load_holds_up_no_other() {
    let live = Live::with(&["echo", "nan"]).await;
    fs::copy(guest("spin"), live.path("spin")).unwrap();
    live.look().await;
    let at_once = || live.sandbox.refresh(std::time::Duration::ZERO);
    at_once().await.unwrap();
    fs::remove_file(live.path("echo")).unwrap();
    at_once().await.unwrap();
    assert!(at_once().await.unwrap().has_changed);
    assert!(!live.names().contains(&"echo".to_owned()));
    live.look().await;
    assert_eq!(live.names(), ["nan", "spin"]);
}

/// Whoever stops waiting for a look loses nothing of what it found.
#[tokio::test]
async fn a_look_that_nobody_waits_for_loses_nothing() {
    let live = Live::with(&["echo"]).await;
    fs::copy(guest("spin"), live.path("spin")).unwrap();
    live.look().await;
    for _ in 0..3 {
        let mut look = Box::pin(live.sandbox.refresh(PATIENCE));
        let polled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(look.as_mut().poll(context).is_ready())
        });
        polled.await;
    }
    live.look().await;
    live.look().await;
    assert_eq!(live.names(), ["echo", "spin"]);
}

#[tokio::test]
async fn what_is_added_is_taken_in_and_what_is_taken_away_goes() {
    let live = Live::with(&["echo"]).await;
    assert!(!live.look().await.has_changed);
    fs::copy(guest("nan"), live.path("nan")).unwrap();
    assert!(live.settle().await.has_changed);
    assert_eq!(live.names(), ["echo", "nan"]);
    run_on(&live.sandbox, "nan", json!(null), Budgets::default())
        .await
        .output();
    fs::remove_file(live.path("echo")).unwrap();
    assert!(live.settle().await.has_changed);
    assert_eq!(live.names(), ["nan"]);
    assert!(!live.look().await.has_changed);
    let gone = run_on(&live.sandbox, "echo", json!(1), Budgets::default()).await;
    gone.failed_with(FailureCode::Transient, "was taken away just now");
}

#[tokio::test]
async fn a_file_that_is_still_written_is_not_read() {
    let live = Live::with(&["echo"]).await;
    let whole = fs::read(guest("nan")).unwrap();
    for part in [10, 1_000, whole.len() / 2, whole.len() - 1] {
        put(&live.path("nan"), &whole[..part]);
        let looked = live.look().await;
        assert!(!looked.has_changed && looked.refused.is_empty(), "{part}");
    }
    put(&live.path("nan"), &whole);
    assert!(live.settle().await.has_changed);
    assert_eq!(live.names(), ["echo", "nan"]);
}

#[tokio::test]
async fn a_broken_replacement_leaves_the_old_one_in_place() {
    let live = Live::with(&["echo"]).await;
    let before = live.version("echo").await;
    for (broken, code) in [
        (&b"no component"[..], "not-webassembly"),
        (
            &fs::read(guest("describe-trap")).unwrap(),
            "describe-failed",
        ),
    ] {
        put(&live.path("echo"), broken);
        let settled = live.settle().await;
        assert!(!settled.has_changed);
        let codes: Vec<_> = settled.refused.iter().map(Refusal::code).collect();
        assert_eq!(codes, [code]);
        assert!(live.look().await.refused.is_empty(), "told once");
        assert_eq!(live.version("echo").await, before);
        run_on(&live.sandbox, "echo", json!(1), Budgets::default())
            .await
            .output();
    }
    put(&live.path("echo"), &variant("echo", 1));
    assert!(live.settle().await.has_changed);
    assert_ne!(live.version("echo").await, before);
}

#[tokio::test]
async fn nobody_takes_the_name_of_an_agent_that_is_there() {
    let live = Live::with(&["twin-a"]).await;
    let before = live.version("twin").await;
    fs::copy(guest("twin-b"), live.path("impostor")).unwrap();
    let settled = live.settle().await;
    assert!(!settled.has_changed);
    assert_eq!(settled.refused[0].code(), "same-name");
    assert_eq!(live.version("twin").await, before);
    // When the name is free, it is taken in.
    fs::remove_file(live.path("twin-a")).unwrap();
    assert!(live.settle().await.has_changed);
    assert!(live.settle().await.has_changed);
    assert_ne!(live.version("twin").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_under_way_end_with_the_agent_that_they_began_with() {
    let live = Live::with(&["spin"]).await;
    let (end, ended) = oneshot::channel::<()>();
    let stop = Box::pin(async move {
        let _ = ended.await;
        StopReason::Cancelled
    });
    let under_way = host::attempt_on(
        &live.sandbox,
        "spin",
        request(json!(null)),
        Budgets::default(),
        stop,
    );
    let changes = async {
        let before = live.version("spin").await;
        put(&live.path("spin"), &variant("spin", 1));
        assert!(live.settle().await.has_changed);
        assert_ne!(live.version("spin").await, before);
        fs::remove_file(live.path("spin")).unwrap();
        assert!(live.settle().await.has_changed);
        end.send(()).unwrap();
    };
    let (ran, ()) = tokio::join!(under_way, changes);
    ran.failed_with(FailureCode::Cancelled, "cancelled");
    assert!(live.names().is_empty());
}

#[tokio::test]
async fn a_folder_that_is_gone_changes_nothing() {
    let live = Live::with(&["echo"]).await;
    let away = live.folder.path().with_extension("away");
    fs::rename(live.folder.path(), &away).unwrap();
    for _ in 0..3 {
        assert!(live.sandbox.refresh(PATIENCE).await.is_err());
    }
    assert_eq!(live.names(), ["echo"]);
    fs::rename(&away, live.folder.path()).unwrap();
    assert!(!live.look().await.has_changed);
}
