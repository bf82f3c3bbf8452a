//! A run that is cancelled stops every sandbox, however busy.
//!
//! A suite of its own: what is measured is the time that this process has
//! spent on cores, which other tests would add to. How busy the machine is
//! otherwise does not matter.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "the figure goes to the test's log")]

mod host;

use std::sync::Arc;
use std::time::Duration;

use ringfence::engine::{Clock, Host, HostConfig, RunSpec};
use ringfence_flow::{Json, RunEvent, RunEventKind, RunStatus, WorkflowFile};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use tokio::sync::mpsc;

/// How many guests spin at once.
const SPINNERS: u32 = 8;

/// How long each may spin after the run was cancelled.
const MOST: Duration = Duration::from_millis(100);

/// What each has spun before that at the least.
const WARM: Duration = Duration::from_millis(50);

fn spent_on_cores() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_run_reaches_every_sandbox_at_once() {
    let sandbox = host::sandbox(&["spin"], |config| {
        config
            .agents
            .entry("spin".parse().unwrap())
            .or_default()
            .instances = SPINNERS;
    })
    .await;
    let workflow = format!(
        "version: 1\nname: busy\ntasks:\n  x: {{ role: spin, timeout: 10m, budget: {{ fuel: 50G }}, for_each: 'range({SPINNERS})' }}\n"
    );
    let plan = Arc::new(WorkflowFile::parse("busy", &workflow).unwrap().into_plan());
    let engine = Host::start(Arc::new(sandbox), HostConfig::default(), Clock::system());
    let (told, mut started) = mpsc::unbounded_channel();
    let spec = RunSpec::new(plan, Json::from(json!({})), engine.clock());
    let mut handle = engine
        .run(spec.watched(move |event: &RunEvent| {
            if let RunEventKind::AttemptStarted { .. } = event.event {
                told.send(()).unwrap();
            }
        }))
        .await
        .unwrap();
    for _ in 0..SPINNERS {
        started.recv().await.unwrap();
    }
    // They have started, and spin when they have spent more time than starting
    // takes: nobody else here computes.
    let idle = spent_on_cores();
    while spent_on_cores() - idle < SPINNERS * WARM {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let before = spent_on_cores();
    handle.cancel().await;
    let outcome = handle.outcome().await.unwrap();
    let each = (spent_on_cores() - before) / SPINNERS;
    println!("{SPINNERS} guests spun for {each:?} each after the run was cancelled");
    assert_eq!(outcome.status, RunStatus::Cancelled);
    assert!(each < MOST, "{each:?}");
}
