//! Each budget, kept to the brim and broken by one, with guests of a few
//! instructions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod rig;

use std::time::Duration;

use rig::{Guest, Rig};
use ringfence_flow::{Budgets, ByteSize, FailureCode, Fuel};

const LOG: &str = r#"(import "ringfence:agent/log@0.1.0" "write"
    (func $log (param i32 i32 i32 i32 i32)))"#;
const PUT: &str = r#"(import "ringfence:agent/artifacts@0.1.0" "put"
    (func $put (param i32 i32 i32 i32 i32 i32 i32)))"#;
const PROGRESS: &str = r#"(import "ringfence:agent/progress@0.1.0" "report"
    (func $report (param i32 i32 f32 i32 i32)))"#;
const RANDOM: &str = r#"(import "wasi:random/random@0.2.0" "get-random-bytes"
    (func $random (param i64 i32)))"#;
const NETWORK: &str = r#"(import "wasi:sockets/instance-network@0.2.0" "instance-network"
    (func $network (result i32)))"#;

/// Does `body` `count` times.
fn times(count: u32, body: &str) -> String {
    format!(
        "(loop $again {body}
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (i32.const {count}))))"
    )
}

const SPIN: &str = "(loop $spin (br $spin))";

#[tokio::test]
async fn an_attempt_within_its_budgets_completes_and_reports_what_it_used() {
    let rig = Rig::new(&[Guest::new("good").value(r#"{"a":[1,2]}"#)]).await;
    assert!(rig.refused.is_empty(), "{:?}", rig.refused);
    let ran = rig.run("good", Budgets::default()).await;
    assert_eq!(ran.output().value.as_str(), r#"{"a":[1,2]}"#);
    let usage = &ran.report.usage;
    assert!(usage.fuel > Fuel::units(10), "{usage:?}");
    assert_eq!(usage.peak_memory, ByteSize::kib(64));
    assert!(
        usage.wall > Duration::ZERO && usage.cpu > Duration::ZERO,
        "{usage:?}"
    );
    assert_eq!(usage.bytes_out, ByteSize::bytes(11));
    assert_eq!(usage.host_calls, 0);
}

#[tokio::test]
async fn fuel_is_kept_to_the_unit_and_broken_by_one() {
    let work = times(1_000, "");
    let rig = Rig::new(&[Guest::new("worker").execute(&work)]).await;
    let used = rig
        .run("worker", Budgets::default())
        .await
        .report
        .usage
        .fuel;
    for _ in 0..3 {
        let again = rig.run("worker", Budgets::default()).await;
        assert_eq!(again.report.usage.fuel, used);
    }
    let with = |fuel| Budgets {
        fuel: Fuel::units(fuel),
        ..Budgets::default()
    };
    rig.run("worker", with(used.as_u64() + 1)).await.output();
    rig.run("worker", with(used.as_u64() / 2))
        .await
        .failed_with(FailureCode::OutOfFuel, "hint: raise `budget.fuel`");
}

#[tokio::test]
async fn time_is_broken_by_a_guest_that_spins() {
    let rig = Rig::new(&[Guest::new("spinner").execute(SPIN)]).await;
    let budgets = Budgets {
        time: Duration::from_millis(30),
        fuel: Fuel::units(u64::MAX / 2),
        ..Budgets::default()
    };
    let ran = rig.run("spinner", budgets).await;
    ran.failed_with(FailureCode::TimedOut, "took longer than its 30 ms");
    assert!(ran.report.usage.wall >= Duration::from_millis(30));
    assert!(ran.report.usage.cpu > Duration::ZERO);
}

#[tokio::test]
async fn time_is_broken_by_a_guest_that_waits_in_a_host_function() {
    let sleeper = Guest::new("sleeper")
        .import(
            r#"(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration"
                (func $subscribe (param i64) (result i32)))
            (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))"#,
        )
        .execute("(call $block (call $subscribe (i64.const 3600000000000)))");
    let rig = Rig::new(&[sleeper]).await;
    let budgets = Budgets {
        time: Duration::from_millis(30),
        ..Budgets::default()
    };
    let ran = rig.run("sleeper", budgets).await;
    ran.failed_with(FailureCode::TimedOut, "hint: raise `budget.time`");
    assert_eq!(ran.report.usage.host_calls, 2);
}

#[tokio::test]
async fn memory_is_kept_to_the_page_and_broken_by_one() {
    let grow = "(if (i32.eq (memory.grow (i32.const 9)) (i32.const -1)) (then unreachable))";
    let rig = Rig::new(&[Guest::new("grower").execute(grow)]).await;
    let with = |pages: u64| Budgets {
        memory: ByteSize::kib(64 * pages),
        ..Budgets::default()
    };
    let ran = rig.run("grower", with(10)).await;
    ran.output();
    assert_eq!(ran.report.usage.peak_memory, ByteSize::kib(640));
    let ran = rig.run("grower", with(9)).await;
    ran.failed_with(
        FailureCode::OutOfMemory,
        "needed more than its 576 KiB of memory",
    );
    ran.failed_with(
        FailureCode::OutOfMemory,
        "up to the operator's ceiling of 512 MiB",
    );
    assert_eq!(ran.report.usage.peak_memory, ByteSize::kib(64));
}

#[tokio::test]
async fn memory_that_a_guest_starts_with_counts() {
    let rig = Rig::new(&[Guest::new("large").pages(10)]).await;
    let with = |pages: u64| Budgets {
        memory: ByteSize::kib(64 * pages),
        ..Budgets::default()
    };
    rig.run("large", with(10)).await.output();
    let ran = rig.run("large", with(9)).await;
    ran.failed_with(FailureCode::OutOfMemory, "576 KiB");
}

#[tokio::test]
async fn a_guest_may_cope_with_a_memory_that_is_denied() {
    let guest = Guest::new("modest").execute("(drop (memory.grow (i32.const 60000)))");
    let rig = Rig::new(&[guest]).await;
    rig.run("modest", Budgets::default()).await.output();
}

#[tokio::test]
async fn a_trap_after_a_guest_has_coped_is_not_blamed_on_memory() {
    let denied = "(drop (memory.grow (i32.const 60000)))";
    let log =
        "(call $log (i32.const 2) (i32.const 2048) (i32.const 6) (i32.const 0) (i32.const 0))";
    let guest = |name: &str, between: &str| {
        Guest::new(name)
            .import(LOG)
            .execute(&format!("{denied} {between} unreachable"))
    };
    let rig = Rig::new(&[guest("gives-up", ""), guest("goes-on", log)]).await;
    rig.run("gives-up", Budgets::default())
        .await
        .failed_with(FailureCode::OutOfMemory, "needed more than its");
    rig.run("goes-on", Budgets::default())
        .await
        .failed_with(FailureCode::Trap, "it gave up");
}

#[tokio::test]
async fn tables_count_as_memory_and_have_a_limit() {
    let table = |elements: u32| {
        Guest::new("tabler")
            .define("(table $t 1 funcref)")
            .execute(&format!(
                "(if (i32.eq (table.grow $t (ref.null func) (i32.const {elements})) (i32.const -1))
                    (then unreachable))"
            ))
    };
    let rig = Rig::new(&[table(1_000)]).await;
    let ran = rig.run("tabler", Budgets::default()).await;
    ran.output();
    let peak = ran.report.usage.peak_memory.as_u64();
    assert!(peak >= (64 << 10) + 8 * 1_001, "{peak}");
    let rig = Rig::new(&[table(65_536)]).await;
    rig.run("tabler", Budgets::default())
        .await
        .failed_with(FailureCode::Trap, "a table of 65537 elements was denied");
}

#[tokio::test]
async fn output_is_kept_to_the_byte_and_broken_by_one() {
    let rig = Rig::new(&[Guest::new("talker").value(&format!("\"{}\"", "x".repeat(98)))]).await;
    let with = |bytes| Budgets {
        output: ByteSize::bytes(bytes),
        ..Budgets::default()
    };
    let ran = rig.run("talker", with(100)).await;
    assert_eq!(ran.output().value.as_str().len(), 100);
    rig.run("talker", with(99))
        .await
        .failed_with(FailureCode::OutputTooLarge, "hint: raise `budget.output`");
}

#[tokio::test]
async fn an_output_far_over_its_budget_is_not_even_copied() {
    let huge = Guest::new("huge")
        .pages(160)
        .execute("(i32.store (i32.const 1040) (i32.const 10000000))");
    let rig = Rig::new(&[huge]).await;
    let ran = rig.run("huge", Budgets::default()).await;
    ran.failed_with(
        FailureCode::OutputTooLarge,
        "gave an output of more than 1 MiB",
    );
}

#[tokio::test]
async fn artifacts_are_kept_to_the_byte_and_broken_by_one() {
    let put = "(call $put (i32.const 2048) (i32.const 3) (i32.const 3000) (i32.const 3)
        (i32.const 4096) (i32.const 1000) (i32.const 3072))";
    let guest = |count| {
        Guest::new("put")
            .import(PUT)
            .define(r#"(data (i32.const 3000) "a/b")"#)
            .execute(&times(count, put))
    };
    let budgets = Budgets {
        artifacts: ByteSize::bytes(3_000),
        ..Budgets::default()
    };
    let ran = Rig::new(&[guest(3)]).await.run("put", budgets).await;
    ran.output();
    assert_eq!(ran.report.usage.bytes_out, ByteSize::bytes(3_004));
    let ran = Rig::new(&[guest(4)]).await.run("put", budgets).await;
    ran.failed_with(
        FailureCode::OutputTooLarge,
        "put artifacts of more than 2.9 KiB",
    );
}

#[tokio::test]
async fn arguments_that_do_not_fit_the_memory_budget_are_not_copied() {
    let put = "(call $put (i32.const 2048) (i32.const 3) (i32.const 3000) (i32.const 3)
        (i32.const 4096) (i32.const 1900000) (i32.const 3072))";
    let guest = Guest::new("put").import(PUT).pages(32).execute(put);
    let rig = Rig::new(&[guest]).await;
    let budgets = Budgets {
        memory: ByteSize::mib(3),
        ..Budgets::default()
    };
    rig.run("put", budgets)
        .await
        .failed_with(FailureCode::OutOfMemory, "needed more than its 3 MiB");
}

#[tokio::test]
async fn log_lines_over_the_budget_are_dropped_and_the_attempt_goes_on() {
    let log =
        "(call $log (i32.const 2) (i32.const 2048) (i32.const 6) (i32.const 0) (i32.const 0))";
    let rig = Rig::new(&[Guest::new("logger").import(LOG).execute(&times(10, log))]).await;
    let with = |lines, bytes| Budgets {
        log_lines: lines,
        log_bytes: ByteSize::bytes(bytes),
        ..Budgets::default()
    };
    for (budgets, kept) in [(with(10, 60), 10), (with(9, 60), 9), (with(10, 59), 9)] {
        let ran = rig.run("logger", budgets).await;
        ran.output();
        assert_eq!(ran.report.usage.log_lines, kept);
        assert_eq!(ran.report.usage.log_lines_dropped, 10 - kept);
        assert_eq!(ran.seen.logs.lock().unwrap().len(), kept as usize);
    }
}

#[tokio::test]
async fn host_calls_are_counted_and_broken_by_one() {
    let log =
        "(call $log (i32.const 2) (i32.const 2048) (i32.const 6) (i32.const 0) (i32.const 0))";
    // WASI's count as well; growing memory is no host call.
    let body = format!(
        "{} (call $random (i64.const 8) (i32.const 3072)) (drop (memory.grow (i32.const 1)))",
        times(9, log)
    );
    let guest = Guest::new("caller")
        .import(LOG)
        .import(RANDOM)
        .execute(&body);
    let rig = Rig::new(&[guest]).await;
    let with = |host_calls| Budgets {
        host_calls,
        ..Budgets::default()
    };
    let ran = rig.run("caller", with(10)).await;
    ran.output();
    assert_eq!(ran.report.usage.host_calls, 10);
    rig.run("caller", with(9)).await.failed_with(
        FailureCode::TooManyHostCalls,
        "called the host more than 9 times",
    );
}

#[tokio::test]
async fn a_host_call_over_the_budget_has_no_effect() {
    let log =
        "(call $log (i32.const 2) (i32.const 2048) (i32.const 6) (i32.const 0) (i32.const 0))";
    let put = "(call $put (i32.const 2048) (i32.const 3) (i32.const 3000) (i32.const 3)
        (i32.const 4096) (i32.const 1000) (i32.const 3072))";
    let report =
        "(call $report (i32.const 1) (i32.const 0) (f32.const 0) (i32.const 2048) (i32.const 3))";
    let twice = |name: &str, import: &str, call: &str| {
        Guest::new(name)
            .import(import)
            .define(r#"(data (i32.const 3000) "a/b")"#)
            .execute(&times(2, call))
    };
    let rig = Rig::new(&[
        twice("logs", LOG, log),
        twice("puts", PUT, put),
        twice("reports", PROGRESS, report),
    ])
    .await;
    let budgets = Budgets {
        host_calls: 1,
        ..Budgets::default()
    };
    let run = async |name: &str| {
        let ran = rig.run(name, budgets).await;
        ran.failed_with(
            FailureCode::TooManyHostCalls,
            "called the host more than 1 times",
        );
        assert_eq!(ran.report.usage.host_calls, 1);
        ran
    };
    assert_eq!(run("logs").await.seen.logs.lock().unwrap().len(), 1);
    assert_eq!(
        run("puts").await.report.usage.bytes_out,
        ByteSize::bytes(1_000)
    );
    assert_eq!(run("reports").await.seen.progress.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn progress_over_the_budget_of_log_lines_is_dropped_and_the_attempt_goes_on() {
    let report =
        "(call $report (i32.const 1) (i32.const 0) (f32.const 0) (i32.const 2048) (i32.const 3))";
    let guest = Guest::new("eager")
        .import(PROGRESS)
        .execute(&times(10, report));
    let rig = Rig::new(&[guest]).await;
    for (lines, kept) in [(10, 10), (9, 9), (0, 0)] {
        let budgets = Budgets {
            log_lines: lines,
            ..Budgets::default()
        };
        let ran = rig.run("eager", budgets).await;
        ran.output();
        assert_eq!(ran.seen.progress.lock().unwrap().len(), kept);
        assert_eq!(ran.report.usage.host_calls, 10);
        assert_eq!(ran.report.usage.log_lines, 0);
        assert_eq!(ran.report.usage.log_lines_dropped, 0);
    }
}

#[tokio::test]
async fn an_answer_that_is_an_error_counts_as_one_host_call() {
    let guest = Guest::new("caller")
        .import(
            r#"(import "wasi:sockets/tcp-create-socket@0.2.0" "create-tcp-socket"
                (func $socket (param i32 i32)))"#,
        )
        .execute("(call $socket (i32.const 0) (i32.const 3072))");
    let ran = Rig::new(&[guest])
        .await
        .run("caller", Budgets::default())
        .await;
    ran.output();
    assert_eq!(ran.report.usage.host_calls, 1);
}

#[tokio::test]
async fn host_functions_cost_fuel_by_the_byte() {
    let random = |bytes: u32| {
        Guest::new("caller")
            .import(RANDOM)
            .pages(4)
            .execute(&format!(
                "(call $random (i64.const {bytes}) (i32.const 3072))"
            ))
    };
    let mut used = Vec::new();
    for bytes in [0, 100_000] {
        let rig = Rig::new(&[random(bytes)]).await;
        let ran = rig.run("caller", Budgets::default()).await;
        ran.output();
        used.push(ran.report.usage.fuel.as_u64());
    }
    assert!(used[1] >= used[0] + 100_000, "{used:?}");
    let rig = Rig::new(&[random(100_000)]).await;
    let budgets = Budgets {
        fuel: Fuel::units(50_000),
        ..Budgets::default()
    };
    rig.run("caller", budgets)
        .await
        .failed_with(FailureCode::OutOfFuel, "used up its 50k units");
}

#[tokio::test]
async fn open_resources_are_kept_and_broken_by_one() {
    let open = |count| {
        Guest::new("opener")
            .import(NETWORK)
            .execute(&times(count, "(drop (call $network))"))
    };
    let budgets = Budgets {
        open_resources: 10,
        ..Budgets::default()
    };
    Rig::new(&[open(10)])
        .await
        .run("opener", budgets)
        .await
        .output();
    Rig::new(&[open(11)])
        .await
        .run("opener", budgets)
        .await
        .failed_with(
            FailureCode::TooManyHostCalls,
            "opened more than 10 resources",
        );
}

#[tokio::test]
async fn the_stack_is_bounded() {
    let guest = Guest::new("deep")
        .define("(func $down (call $down) (call $down))")
        .execute("(call $down)");
    Rig::new(&[guest])
        .await
        .run("deep", Budgets::default())
        .await
        .failed_with(FailureCode::Trap, "the call stack is exhausted");
}

#[tokio::test]
async fn too_much_at_random_is_a_trap_that_says_so() {
    let guest = Guest::new("greedy")
        .import(RANDOM)
        .execute("(call $random (i64.const 4294967296) (i32.const 3072))");
    Rig::new(&[guest])
        .await
        .run("greedy", Budgets::default())
        .await
        .failed_with(FailureCode::Trap, "asked for 4294967296 random bytes");
}

#[tokio::test]
async fn describe_and_can_handle_have_budgets_of_their_own() {
    let rig = Rig::new(&[
        Guest::new("shy").describe(SPIN),
        Guest::new("unsure").can_handle(&format!("{SPIN} (i32.const 1)")),
        Guest::new("start").define("(func $start unreachable) (start $start)"),
    ])
    .await;
    let codes: Vec<_> = rig.refused.iter().map(ToString::to_string).collect();
    assert_eq!(codes.len(), 2, "{codes:?}");
    assert!(
        codes[0].contains("`describe` failed with out-of-fuel"),
        "{codes:?}"
    );
    assert!(
        codes[1].contains("`describe` failed with trap"),
        "{codes:?}"
    );
    use ringfence_flow::{AgentName, AttemptRunner};
    let failure = rig
        .sandbox
        .can_handle(&AgentName::new("unsure").unwrap(), &rig::request())
        .await
        .unwrap_err();
    assert_eq!(failure.code, FailureCode::OutOfFuel);
    assert!(
        failure.message.contains("`can-handle` has a small budget"),
        "{failure}"
    );
}
