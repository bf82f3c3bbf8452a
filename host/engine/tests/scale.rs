//! 100,000 tasks through the whole engine. The slow group: `--ignored`, with
//! `--nocapture` for the figures.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "the figures go to the test's log")]
#![allow(
    clippy::disallowed_methods,
    reason = "the figure is a time on the clock; nothing is decided by it"
)]

mod rig;

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rig::{Scripted, done};
use ringfence_engine::{Clock, Host, HostConfig, RunSpec};
use ringfence_flow::{
    Plan, RunEvent, RunStatus, SourceFile, TaskId, Timestamp, WorkflowFile, WorkflowMeter,
    WorkflowSource,
};
use serde_json::json;

/// The most memory that 100,000 tasks may take, in MiB: some hundred bytes each
/// for the scheduler, and what their outputs and the meter hold.
const MAX_MEMORY: u64 = 600;

fn host() -> Host {
    let mut agents = Scripted::default().agent("trivial", "work", |request| {
        (Duration::ZERO, done(json!(request.key.item)))
    });
    for (profile, _) in agents.agents.values_mut() {
        Arc::make_mut(profile).instances = 64;
    }
    Host::start(
        Arc::new(agents),
        HostConfig::default(),
        Clock::starting_at(Timestamp::default()),
    )
}

/// The most memory that this process has held, in MiB, where that is known.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
    kib.unwrap_or(0_u64) / 1024
}

/// Runs a plan to its end, and gives how many tasks and items its meter saw.
async fn run(plan: Plan, what: &str) -> u64 {
    let meter = Arc::new(Mutex::new(WorkflowMeter::new()));
    let watching = Arc::clone(&meter);
    let host = host();
    let spec = RunSpec::new(Arc::new(plan), json!({}).into(), host.clock());
    let spec = spec.watched(move |event: &RunEvent| watching.lock().unwrap().apply(event));
    let start = Instant::now();
    let outcome = host.run(spec).await.unwrap().outcome().await.unwrap();
    let took = start.elapsed();
    assert_eq!(
        outcome.status,
        RunStatus::Completed,
        "{:?}",
        outcome.failure
    );
    let metrics = meter.lock().unwrap().metrics(host.clock().now());
    assert_eq!(metrics.completed, metrics.total);
    let (total, memory) = (metrics.total, peak_memory());
    println!(
        "{what}: {total} tasks in {:.2} s, {:.1} us a task, at most {memory} MiB in this process",
        took.as_secs_f64(),
        took.as_secs_f64() * 1e6 / total as f64
    );
    assert!(memory < MAX_MEMORY, "{memory} MiB");
    total
}

#[tokio::test(start_paused = true)]
#[ignore = "slow"]
async fn a_map_of_100_000_items() {
    let text = "version: 1\nname: wide\nconcurrency: 64\ntasks:\n  each: { role: work, for_each: 'range(100000)' }\n  merge: { role: work, needs: [each] }\n";
    let file = WorkflowFile::parse("wide", text).unwrap();
    assert_eq!(run(file.into_plan(), "a map").await, 100_001);
}

/// 10,000 tasks, each of which needs the one before and the one ten before.
struct Long;

impl WorkflowSource for Long {
    fn read(&self, _: &str, path: &str) -> Result<SourceFile, String> {
        let mut text =
            "version: 1\nname: long\nconcurrency: 64\ntasks:\n  t0: { role: work }\n".to_owned();
        for n in 1..10_000 {
            let far = if n > 10 {
                format!(", t{}", n - 10)
            } else {
                String::new()
            };
            writeln!(text, "  t{n}: {{ role: work, needs: [t{}{far}] }}", n - 1).unwrap();
        }
        Ok(SourceFile {
            name: path.to_owned(),
            text,
        })
    }
}

#[tokio::test(start_paused = true)]
#[ignore = "slow"]
async fn ten_workflows_of_10_000_tasks() {
    let text = "version: 1\nname: deep\nconcurrency: 64\ntasks:\n  each: { workflow: long, for_each: 'range(10)', input: {} }\n";
    let file = WorkflowFile::parse_with("deep", text, &Long).unwrap();
    assert_eq!(run(file.into_plan(), "ten graphs").await, 100_000);
}

#[tokio::test(start_paused = true)]
async fn a_map_without_items_and_one_with_one() {
    for count in [0, 1] {
        let text = format!(
            "version: 1\nname: few\ntasks:\n  each: {{ role: work, for_each: 'range({count})' }}\n"
        );
        let plan = WorkflowFile::parse("few", &text).unwrap().into_plan();
        let host = host();
        let spec = RunSpec::new(Arc::new(plan), json!({}).into(), host.clock());
        let outcome = host.run(spec).await.unwrap().outcome().await.unwrap();
        let (_, output) = outcome.results.get(&TaskId::new("each").unwrap()).unwrap();
        let expected = if count == 0 { json!([]) } else { json!([0]) };
        assert_eq!(output.value.to_value(), expected);
    }
}
