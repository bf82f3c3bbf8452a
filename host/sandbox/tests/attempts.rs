//! What holds of every attempt, with guests of a few instructions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod rig;

use std::future::pending;

use rig::{Guest, Rig, request, request_with_mounts};
use ringfence_flow::{
    AgentName, AttemptRunner as _, Budgets, FailureCode, MountAccess, MountGrant, MountName, Role,
    RunId, StopReason, TaskRequest,
};
use ringfence_sandbox::AgentConfig;

const SPIN: &str = "(loop $spin (br $spin))";

#[tokio::test]
async fn an_agent_is_what_it_says() {
    let rig = Rig::with(&[Guest::new("one"), Guest::new("two")], |config| {
        let agent = AgentConfig {
            instances: 7,
            ..AgentConfig::default()
        };
        config.agents.insert(AgentName::new("two").unwrap(), agent);
    })
    .await;
    let profiles = rig.sandbox.agents();
    let names: Vec<_> = profiles.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(&*profiles[0].version, "1.0");
    assert_eq!(*profiles[0].roles, [Role::new("tester").unwrap()]);
    assert_eq!((profiles[0].instances, profiles[1].instances), (4, 7));
    assert_ne!(profiles[0].hash, profiles[1].hash);
}

#[tokio::test]
async fn can_handle_is_the_agents_answer() {
    let rig = Rig::new(&[
        Guest::new("willing"),
        Guest::new("choosy").can_handle("(i32.const 0)"),
        Guest::new("broken").can_handle("unreachable"),
    ])
    .await;
    let ask = async |name: &str| {
        let name = AgentName::new(name).unwrap();
        rig.sandbox.can_handle(&name, &request()).await
    };
    assert_eq!(ask("willing").await, Ok(true));
    assert_eq!(ask("choosy").await, Ok(false));
    assert_eq!(ask("broken").await.unwrap_err().code, FailureCode::Trap);
    assert_eq!(
        ask("nobody").await.unwrap_err().code,
        FailureCode::Transient
    );
}

#[tokio::test]
async fn an_attempt_that_is_stopped_before_it_begins_runs_nothing() {
    let rig = Rig::new(&[Guest::new("good")]).await;
    for (reason, code) in [
        (StopReason::Cancelled, FailureCode::Cancelled),
        (StopReason::Deadline, FailureCode::Deadline),
    ] {
        let stop = Box::pin(async move { reason });
        let ran = rig.stopped_by("good", Budgets::default(), stop).await;
        assert_eq!(ran.failure().code, code);
        assert_eq!(ran.report.usage, ringfence_flow::Usage::default());
    }
}

#[tokio::test]
async fn a_guest_that_spins_is_stopped() {
    let log = r#"(import "ringfence:agent/log@0.1.0" "write"
        (func $log (param i32 i32 i32 i32 i32)))"#;
    let body = format!(
        "(call $log (i32.const 2) (i32.const 2048) (i32.const 6) (i32.const 0) (i32.const 0)) {SPIN}"
    );
    let rig = Rig::new(&[Guest::new("spinner").import(log).execute(&body)]).await;
    // Asked once before the attempt begins, and then at each of its ticks.
    let stop = Box::pin(async {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        StopReason::Cancelled
    });
    let ran = rig.stopped_by("spinner", Budgets::default(), stop).await;
    ran.failed_with(FailureCode::Cancelled, "the run was cancelled");
    assert_eq!(ran.seen.logs.lock().unwrap().len(), 1, "it had begun");
}

#[tokio::test]
async fn memory_is_fresh_for_each_attempt() {
    // Traps if any byte of the heap is set, then sets them all.
    let body = "
        (local.set $i (i32.const 8192))
        (loop $next
            (if (i32.load (local.get $i)) (then unreachable))
            (i32.store (local.get $i) (i32.const -1))
            (local.set $i (i32.add (local.get $i) (i32.const 4)))
            (br_if $next (i32.lt_u (local.get $i) (i32.const 3276800))))
        (global.set $used (i32.add (global.get $used) (i32.const 1)))
        (if (i32.ne (global.get $used) (i32.const 1)) (then unreachable))
        (if (i32.eqz (ref.is_null (table.get $t (i32.const 5)))) (then unreachable))
        (table.set $t (i32.const 5) (ref.func $execute))";
    let define =
        "(global $used (mut i32) (i32.const 0)) (table $t 10 funcref) (elem declare func $execute)";
    let dirty = |name: &str| Guest::new(name).pages(50).define(define).execute(body);
    let rig = Rig::with(&[dirty("one"), dirty("two")], |config| {
        config.max_sandboxes = 1;
    })
    .await;
    for _ in 0..5 {
        for name in ["one", "two"] {
            rig.run(name, Budgets::default()).await.output();
        }
    }
}

#[tokio::test]
async fn what_is_random_is_the_same_in_a_replay_and_differs_between_tasks() {
    // The value is a number drawn at random, as 8 letters.
    let guest = Guest::new("draws")
        .import(r#"(import "wasi:random/random@0.2.0" "get-random-u64" (func $draw (result i64)))"#)
        .value("\"........\"")
        .execute(
            "(local.set $j (call $draw))
            (local.set $i (i32.const 0))
            (loop $next
                (i32.store8 (i32.add (i32.const 2305) (local.get $i))
                    (i32.add (i32.const 97) (i32.wrap_i64 (i64.and (local.get $j) (i64.const 15)))))
                (local.set $j (i64.shr_u (local.get $j) (i64.const 4)))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $i) (i32.const 8))))",
        );
    let rig = Rig::new(&[guest]).await;
    let drawn = async |request: TaskRequest| {
        let ran = rig
            .attempt("draws", Budgets::default(), Box::pin(pending()), request)
            .await;
        ran.output().value.to_string()
    };
    let first = drawn(request()).await;
    assert_eq!(drawn(request()).await, first);
    let other_run = RunId::new("r-2").unwrap();
    assert_ne!(
        drawn(TaskRequest {
            run: other_run,
            ..request()
        })
        .await,
        first
    );
    assert_ne!(
        drawn(TaskRequest {
            attempt: 2,
            ..request()
        })
        .await,
        first
    );
    assert_ne!(
        drawn(TaskRequest {
            round: 2,
            ..request()
        })
        .await,
        first
    );
}

#[tokio::test]
async fn decisions_on_mounts_are_told_with_their_rule() {
    let count = Guest::new("mounted")
        .import(
            r#"(import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $folders (param i32)))"#,
        )
        .execute("(call $folders (i32.const 3072)) (i32.store8 (i32.const 2304) (i32.add (i32.const 48) (i32.load (i32.const 3076))))")
        .value("0");
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with(&[count], |config| {
        let mount = |name: &str| MountName::new(name).unwrap();
        config.mounts.insert(mount("src"), folder.path().to_owned());
        config
            .mounts
            .insert(mount("gone"), folder.path().join("gone"));
        let grant = |name: &str| MountGrant {
            name: mount(name),
            access: MountAccess::ReadOnly,
        };
        let agent = AgentConfig {
            mounts: vec![grant("src"), grant("gone")],
            ..AgentConfig::default()
        };
        config
            .agents
            .insert(AgentName::new("mounted").unwrap(), agent);
    })
    .await;
    let run = async |names: &[&str]| {
        let request = request_with_mounts(names);
        rig.attempt("mounted", Budgets::default(), Box::pin(pending()), request)
            .await
    };
    let ran = run(&["src", "other"]).await;
    assert_eq!(ran.output().value.as_str(), "1");
    let decisions = ran.seen.decisions.lock().unwrap().clone();
    let said: Vec<_> = decisions.iter().map(|d| (&*d.effect, d.allowed)).collect();
    assert_eq!(said, [("mount src", true), ("mount other", false)]);
    assert_eq!(
        run(&[]).await.output().value.as_str(),
        "0",
        "what was not asked for is not there"
    );
    run(&["gone"]).await.failed_with(
        FailureCode::HostError,
        "the folder of the mount `gone` cannot be opened",
    );
}

#[tokio::test]
async fn a_model_is_denied_with_an_answer() {
    let guest = Guest::new("asks")
        .import(
            r#"(import "ringfence:agent/model@0.1.0" "chat" (func $chat
                (param i32 i32 i32 i32 i32 i32 i32 i32 f32 i32 i32 i32 i32)))"#,
        )
        .execute(
            "(call $chat (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 0) (i32.const 0) (f32.const 0) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 3072))
            (if (i32.ne (i32.load8_u (i32.const 3072)) (i32.const 1)) (then unreachable))",
        );
    let rig = Rig::new(&[guest]).await;
    let ran = rig.run("asks", Budgets::default()).await;
    ran.output();
    let decisions = ran.seen.decisions.lock().unwrap();
    assert_eq!(decisions.len(), 1);
    assert!(!decisions[0].allowed);
}

#[tokio::test]
async fn more_attempts_than_places_wait_for_their_turn() {
    let rig = Rig::with(&[Guest::new("good")], |config| config.max_sandboxes = 2).await;
    let runs: Vec<_> = (0..20)
        .map(|_| rig.run("good", Budgets::default()))
        .collect();
    for ran in futures_of(runs).await {
        ran.output();
    }
}

#[tokio::test]
async fn a_question_is_answered_while_attempts_take_every_place() {
    let sleeper = Guest::new("sleeper")
        .import(
            r#"(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration"
                (func $subscribe (param i64) (result i32)))
            (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))"#,
        )
        .execute("(call $block (call $subscribe (i64.const 3600000000000)))");
    let rig = Rig::with(&[sleeper, Guest::new("willing")], |config| {
        config.max_sandboxes = 1;
    })
    .await;
    let name = AgentName::new("willing").unwrap();
    let asked = request();
    // The attempt is polled first, so it has the only place when the question
    // comes; if the question waited, the attempt would run out of time first.
    let answer = tokio::select! {
        biased;
        ran = rig.run("sleeper", Budgets::default()) => panic!("it ended: {:?}", ran.report),
        answer = rig.sandbox.can_handle(&name, &asked) => answer,
    };
    assert_eq!(answer, Ok(true));
}

/// Polls all futures to their end, side by side.
async fn futures_of<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        running.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => {
                done.push(output);
                false
            }
            std::task::Poll::Pending => true,
        });
        if running.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done
}

#[tokio::test]
async fn a_trap_names_the_functions_that_led_to_it() {
    let guest = Guest::new("traps")
        .define("(func $inner_part unreachable) (func $outer_part (call $inner_part))")
        .execute("(call $outer_part)");
    let ran = Rig::new(&[guest])
        .await
        .run("traps", Budgets::default())
        .await;
    ran.failed_with(FailureCode::Trap, "it gave up");
    ran.failed_with(FailureCode::Trap, "\n  in inner_part\n  in outer_part");
}

/// What each of WebAssembly's own traps is told as, and where.
#[tokio::test]
async fn a_trap_is_told_in_words_and_with_its_functions() {
    let cases = [
        ("unreachable", "unreachable", "it gave up"),
        (
            "divides",
            "(drop (i32.div_s (i32.const 1) (i32.const 0)))",
            "it divided an integer by zero",
        ),
        (
            "overflows",
            "(drop (i32.trunc_f32_s (f32.const 1e30)))",
            "a number became larger than its integer type holds",
        ),
        (
            "converts",
            "(drop (i32.trunc_f32_s (f32.const nan)))",
            "it converted a float to an integer that cannot hold it",
        ),
        (
            "reaches",
            "(drop (i32.load (i32.const -4)))",
            "it reached out of bounds of its memory",
        ),
        ("recurses", "(call $broken)", "the call stack is exhausted"),
        (
            "calls-null",
            "(call_indirect $t (i32.const 0))",
            "it called a function pointer that is null",
        ),
        (
            "calls-another",
            "(call_indirect $t (param i32) (i32.const 7) (i32.const 1))",
            "it called a function pointer of another type",
        ),
        (
            "calls-nobody",
            "(call_indirect $t (i32.const 9))",
            "it reached out of bounds of a table",
        ),
    ];
    let guests: Vec<_> = cases
        .iter()
        .map(|(name, body, _)| {
            let define = format!(
                "(table $t 2 funcref) (elem (table $t) (i32.const 1) func $broken)
                 (func $broken {body}) (func $caller (call $broken))"
            );
            Guest::new(name).define(&define).execute("(call $caller)")
        })
        .collect();
    let rig = Rig::new(&guests).await;
    for (name, _, told) in cases {
        let ran = rig.run(name, Budgets::default()).await;
        ran.failed_with(FailureCode::Trap, &format!("the attempt trapped: {told}"));
        ran.failed_with(FailureCode::Trap, "\n  in broken");
        let message = &ran.failure().message;
        assert!(!message.contains("wasm trap"), "{message}");
        assert!(
            !message.contains("line-tables-only"),
            "names are known: {message}"
        );
    }
}

#[tokio::test]
async fn a_component_without_names_is_told_how_to_say_where() {
    let guest = Guest::new("nameless")
        .execute("unreachable")
        .without_names();
    let broken = Guest::new("undecided")
        .can_handle("unreachable")
        .without_names();
    let rig = Rig::new(&[guest, broken]).await;
    let ran = rig.run("nameless", Budgets::default()).await;
    ran.failed_with(FailureCode::Trap, "it gave up");
    ran.failed_with(
        FailureCode::Trap,
        "\nhint: to see in which function and line, build it with `debug = \"line-tables-only\"`",
    );
    let name = AgentName::new("undecided").unwrap();
    let failure = rig.sandbox.can_handle(&name, &request()).await.unwrap_err();
    assert!(
        failure
            .message
            .starts_with("`can-handle` trapped: it gave up"),
        "{failure}"
    );
    assert!(
        failure.message.contains("hint: to see in which"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_result_that_points_nowhere_is_no_outcome() {
    let guest = Guest::new("points").execute("(i32.store (i32.const 1036) (i32.const -8))");
    Rig::new(&[guest])
        .await
        .run("points", Budgets::default())
        .await
        .failed_with(FailureCode::InvalidOutput, "cannot be read");
}
