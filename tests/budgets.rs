//! Each budget: a real guest that keeps it, and one that breaks it with an
//! error code of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod host;

use std::time::Duration;

use host::Host;
use ringfence_flow::{Budgets, ByteSize, FailureCode, Fuel};
use serde_json::json;

#[tokio::test]
async fn fuel() {
    let host = Host::new(&["burn-fuel"]).await;
    let budgets = Budgets {
        fuel: Fuel::units(50_000_000),
        ..Budgets::default()
    };
    let kept = host
        .run("burn-fuel", json!({"units": 1_000_000}), budgets)
        .await;
    kept.output();
    assert!(kept.report.usage.fuel >= Fuel::units(1_000_000));
    let broken = host
        .run("burn-fuel", json!({"units": 50_000_000}), budgets)
        .await;
    broken.failed_with(FailureCode::OutOfFuel, "used up its 50M units of fuel");
    assert_eq!(broken.report.usage.fuel, budgets.fuel);
}

#[tokio::test]
async fn the_same_input_costs_the_same_fuel_to_the_unit() {
    let host = Host::new(&["burn-fuel", "echo", "nan"]).await;
    for (agent, input) in [
        ("burn-fuel", json!({"units": 100_000})),
        ("echo", json!({"some": ["nested", {"input": 1.5}]})),
        ("nan", json!(null)),
    ] {
        let first = host.run(agent, input.clone(), Budgets::default()).await;
        for _ in 0..3 {
            let again = host.run(agent, input.clone(), Budgets::default()).await;
            assert_eq!(again.output(), first.output());
            assert_eq!(again.report.usage.fuel, first.report.usage.fuel, "{agent}");
        }
    }
}

#[tokio::test]
async fn values_that_are_no_number_have_one_form() {
    let host = Host::new(&["nan"]).await;
    let ran = host.run("nan", json!(null), Budgets::default()).await;
    let bits: Vec<String> = ran.output().value.decode().unwrap();
    let canonical = "7ff8000000000000".to_owned();
    assert_eq!(bits[..5], vec![canonical; 5]);
    assert_eq!(bits[5], "7fc00000");
}

/// What a task is given counts before it is copied: an agent that could not hold it
/// is not started.
#[tokio::test]
async fn input_within_memory() {
    let host = Host::new(&["echo"]).await;
    let budgets = Budgets {
        memory: ByteSize::mib(8),
        ..Budgets::default()
    };
    let input = |len: usize| json!({ "text": "x".repeat(len) });
    host.run("echo", input(100_000), budgets).await.output();
    let broken = host.run("echo", input(9 << 20), budgets).await;
    broken.failed_with(
        FailureCode::InvalidInput,
        "more than the agent's 8 MiB of memory",
    );
    assert_eq!(broken.report.usage.fuel, Fuel::units(0));
}

#[tokio::test]
async fn time() {
    let host = Host::new(&["spin", "sleep-long"]).await;
    let short = Budgets {
        time: Duration::from_millis(50),
        ..Budgets::default()
    };
    host.run("sleep-long", json!({"millis": 1}), Budgets::default())
        .await
        .output();
    for (agent, input) in [("spin", json!(null)), ("sleep-long", json!({}))] {
        let ran = host.run(agent, input, short).await;
        ran.failed_with(FailureCode::TimedOut, "took longer than its 50 ms");
        assert!(ran.report.usage.wall >= short.time, "{agent}");
    }
}

#[tokio::test]
async fn memory() {
    let host = Host::new(&["hold-memory"]).await;
    let kept = host
        .run("hold-memory", json!({"mib": 40}), Budgets::default())
        .await;
    kept.output();
    let peak = kept.report.usage.peak_memory;
    assert!(
        peak >= ByteSize::mib(40) && peak <= ByteSize::mib(64),
        "{peak}"
    );
    let broken = host
        .run("hold-memory", json!({"mib": 70}), Budgets::default())
        .await;
    broken.failed_with(
        FailureCode::OutOfMemory,
        "needed more than its 64 MiB of memory",
    );
    broken.failed_with(FailureCode::OutOfMemory, "hint: raise `budget.memory`");
    let more = Budgets {
        memory: ByteSize::mib(128),
        ..Budgets::default()
    };
    host.run("hold-memory", json!({"mib": 70}), more)
        .await
        .output();
}

#[tokio::test]
async fn output() {
    let host = Host::new(&["write-output"]).await;
    for in_findings in [false, true] {
        // A message of a finding has a limit of its own.
        let few = json!({"bytes": 4_000, "in_findings": in_findings});
        host.run("write-output", few, Budgets::default())
            .await
            .output();
        let many = json!({"bytes": 1 << 20, "in_findings": in_findings});
        host.run("write-output", many, Budgets::default())
            .await
            .failed_with(
                FailureCode::OutputTooLarge,
                "gave an output of more than 1 MiB",
            );
    }
    let roomy = Budgets {
        memory: ByteSize::mib(256),
        ..Budgets::default()
    };
    let far_too_many = json!({"bytes": 20 << 20});
    host.run("write-output", far_too_many, roomy)
        .await
        .failed_with(FailureCode::OutputTooLarge, "hint: raise `budget.output`");
}

#[tokio::test]
async fn artifacts() {
    let host = Host::new(&["put-artifacts"]).await;
    let budgets = Budgets {
        artifacts: ByteSize::kib(10),
        ..Budgets::default()
    };
    let kept = host
        .run(
            "put-artifacts",
            json!({"count": 10, "bytes": 1024}),
            budgets,
        )
        .await;
    assert_eq!(kept.output().artifacts.len(), 10);
    let broken = host
        .run(
            "put-artifacts",
            json!({"count": 11, "bytes": 1024}),
            budgets,
        )
        .await;
    broken.failed_with(
        FailureCode::OutputTooLarge,
        "put artifacts of more than 10 KiB",
    );
}

#[tokio::test]
async fn log() {
    let host = Host::new(&["flood-log"]).await;
    let kept = host
        .run(
            "flood-log",
            json!({"lines": 1_000, "bytes": 10}),
            Budgets::default(),
        )
        .await;
    kept.output();
    assert_eq!(kept.report.usage.log_lines, 1_000);
    assert_eq!(kept.report.usage.log_lines_dropped, 0);
    let lines = host
        .run(
            "flood-log",
            json!({"lines": 1_500, "bytes": 10}),
            Budgets::default(),
        )
        .await;
    lines.output();
    assert_eq!(lines.report.usage.log_lines_dropped, 500);
    let bytes = host
        .run(
            "flood-log",
            json!({"lines": 900, "bytes": 1_000}),
            Budgets::default(),
        )
        .await;
    bytes.output();
    let kept: usize = bytes
        .seen
        .logs
        .lock()
        .unwrap()
        .iter()
        .map(|line| line.message.len())
        .sum();
    assert!(kept <= 256 << 10, "{kept}");
    assert!(bytes.report.usage.log_lines_dropped > 600);
}

#[tokio::test]
async fn host_calls() {
    let host = Host::new(&["call-host"]).await;
    let kept = host
        .run("call-host", json!({"times": 9_000}), Budgets::default())
        .await;
    kept.output();
    assert!((9_000..=10_000).contains(&kept.report.usage.host_calls));
    host.run("call-host", json!({"times": 10_001}), Budgets::default())
        .await
        .failed_with(
            FailureCode::TooManyHostCalls,
            "called the host more than 10000 times",
        );
}

#[tokio::test]
async fn open_resources() {
    let host = Host::new(&["open-many"]).await;
    // A pollable is two resources: what is waited for, and the waiting.
    host.run("open-many", json!({"count": 100}), Budgets::default())
        .await
        .output();
    host.run("open-many", json!({"count": 300}), Budgets::default())
        .await
        .failed_with(
            FailureCode::TooManyHostCalls,
            "opened more than 256 resources at once",
        );
}

#[tokio::test]
async fn stack() {
    let host = Host::new(&["recurse"]).await;
    host.run("recurse", json!({"depth": 1_000}), Budgets::default())
        .await
        .output();
    host.run("recurse", json!({}), Budgets::default())
        .await
        .failed_with(FailureCode::Trap, "the call stack is exhausted");
}

#[tokio::test]
async fn random() {
    let host = Host::new(&["random-giant"]).await;
    host.run(
        "random-giant",
        json!({"bytes": 1 << 20}),
        Budgets::default(),
    )
    .await
    .output();
    host.run(
        "random-giant",
        json!({"bytes": 1_u64 << 32}),
        Budgets::default(),
    )
    .await
    .failed_with(
        FailureCode::Trap,
        "asked for 4294967296 random bytes at once",
    );
}
