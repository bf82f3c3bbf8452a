//! What the author of an agent reads when it does not work, through the real
//! sandbox and with agents that the SDK made.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod host;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use host::{guest, run_on};
use ringfence_flow::{Budgets, Dependency, FailureCode, Json, Output, TaskId, TaskRequest};
use ringfence_sandbox::Loading;
use serde_json::{Value, json};

/// Loads files under the names of agents.
async fn loaded(files: &[(&str, Vec<u8>)]) -> Loading {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(format!("{name}.wasm")), bytes).unwrap();
    }
    host::load_from(folder.path(), &[], |_| {}).await
}

/// A guest as its author builds it while writing: with line tables.
fn with_lines(name: &str) -> Vec<u8> {
    fs::read(guest(&format!("lines/{name}-with-lines"))).unwrap()
}

/// How the guest `trap` ends that `bytes` are.
async fn trapped(bytes: Vec<u8>, input: Value) -> String {
    let sandbox = loaded(&[("trap", bytes)]).await.sandbox;
    let ran = run_on(&sandbox, "trap", input, Budgets::default()).await;
    let failure = ran.failure();
    assert_eq!(failure.code, FailureCode::Trap, "{failure}");
    failure.message.to_string()
}

/// The line of a guest's source that holds `text`, counted from 1.
fn line_of(name: &str, text: &str) -> usize {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("guests")
        .join(name)
        .join("src/lib.rs");
    let source = fs::read_to_string(source).unwrap();
    let line = source.lines().position(|line| line.contains(text));
    line.unwrap() + 1
}

#[tokio::test]
async fn a_panic_names_its_message_its_function_and_its_line() {
    let input = json!({"kind": "panic", "message": "the sky fell"});
    let message = trapped(with_lines("trap"), input).await;
    let line = line_of("trap", "panic!(");
    assert!(message.contains("the sky fell"), "{message}");
    let place = format!("trap/src/lib.rs:{line}");
    let step = message
        .lines()
        .find(|text| text.starts_with("  in "))
        .unwrap();
    assert!(
        step.contains("execute") && step.ends_with(&place),
        "{message}"
    );
    assert_eq!(message.matches("\n  in ").count(), 1, "{message}");
    for hidden in [
        "panicking",
        "rust_panic",
        "/rustc/",
        "wasm trap",
        env!("CARGO_MANIFEST_DIR"),
    ] {
        assert!(!message.contains(hidden), "{hidden}: {message}");
    }
}

#[tokio::test]
async fn a_trap_that_says_nothing_itself_is_found_by_its_line() {
    let message = trapped(with_lines("trap"), json!({"kind": "out-of-bounds"})).await;
    let line = line_of("trap", "ptr::read_volatile");
    assert!(
        message.contains("it reached out of bounds of its memory"),
        "{message}"
    );
    assert!(message.contains(&format!("src/lib.rs:{line}")), "{message}");
}

#[tokio::test]
async fn what_panics_in_the_library_is_its_callers_line() {
    let message = trapped(with_lines("trap"), json!({"kind": "unwrap"})).await;
    let line = line_of("trap", ".unwrap()");
    assert!(
        message.contains("called `Option::unwrap()` on a `None` value"),
        "{message}"
    );
    let step = message
        .lines()
        .find(|text| text.starts_with("  in "))
        .unwrap();
    assert!(step.ends_with(&format!("src/lib.rs:{line}")), "{message}");
}

#[tokio::test]
async fn without_line_tables_functions_are_named() {
    let bytes = fs::read(guest("trap")).unwrap();
    let message = trapped(bytes, json!({"kind": "panic", "message": "the sky fell"})).await;
    assert!(message.contains("the sky fell"), "{message}");
    assert!(message.contains("\n  in "), "{message}");
    assert!(!message.contains("line-tables-only"), "{message}");
}

/// The same from the compile cache as right after it was compiled.
#[tokio::test]
async fn cached_code_knows_its_lines() {
    // A section more, so that no other test has compiled it.
    let mut bytes = with_lines("trap");
    bytes.extend(b"\0\x07\x05other");
    bytes.push(b'a' + (std::process::id() % 26) as u8);
    let input = json!({"kind": "panic", "message": "again"});
    let first = trapped(bytes.clone(), input.clone()).await;
    assert!(first.contains("src/lib.rs:"), "{first}");
    assert_eq!(trapped(bytes, input).await, first);
}

#[tokio::test]
async fn what_traps_before_it_has_a_task_is_told_the_same_way() {
    let files = ["describe-trap", "start-trap"].map(|name| (name, with_lines(name)));
    let refused = loaded(&files).await.refused;
    let message = |name: &str| {
        let refusal = refused
            .iter()
            .find(|refusal| refusal.path.file_stem().is_some_and(|stem| stem == name))
            .unwrap();
        assert_eq!(refusal.code(), "describe-failed");
        refusal.to_string()
    };
    let describe = message("describe-trap");
    let line = line_of("describe-trap", "panic!(");
    assert!(describe.contains("it does not say who it is"), "{describe}");
    assert!(
        describe.contains(&format!("src/lib.rs:{line}")),
        "{describe}"
    );
    let start = message("start-trap");
    let line = line_of("start-trap", "wasm32::unreachable()");
    assert!(start.contains(&format!("src/lib.rs:{line}")), "{start}");
}

#[tokio::test]
async fn input_that_does_not_fit_names_the_field() {
    let files = ["trap", "needy"].map(|name| (name, fs::read(guest(name)).unwrap()));
    let sandbox = loaded(&files).await.sandbox;
    let trap = |input| run_on(&sandbox, "trap", input, Budgets::default());
    for (input, told) in [
        (
            json!(null),
            "`input` does not fit: it is null, and should be an object with `kind` and `message`",
        ),
        (
            json!({"kind": "panic", "message": 3}),
            "`input.message` does not fit: it is the number 3, and should be a string",
        ),
        (
            json!({"kind": "panik"}),
            "`input.kind` does not fit: unknown variant `panik`, expected one of `unreachable`, `panic`",
        ),
        (json!({}), "`input` does not fit: missing field `kind`"),
        (
            json!({"kind": "panic", "mesage": ""}),
            "`input.mesage` does not fit: unknown field `mesage`, expected `kind` or `message`",
        ),
    ] {
        trap(input)
            .await
            .failed_with(FailureCode::InvalidInput, told);
    }

    let needs = |value: Value| TaskRequest {
        needs: Arc::new([Dependency {
            task: TaskId::new("survey").unwrap(),
            output: Output::of(Json::from(value)),
        }]),
        ..host::request(json!({}))
    };
    let needy = |request| {
        let stop = Box::pin(std::future::pending());
        host::attempt_on(&sandbox, "needy", request, Budgets::default(), stop)
    };
    let ran = needy(needs(json!({"files": [{"path": "a"}, {"path": 3}]}))).await;
    ran.failed_with(
        FailureCode::InvalidInput,
        "`needs.survey.files[1].path` does not fit: it is the number 3, and should be a string",
    );
    needy(needs(json!({"files": []}))).await.output();
}
