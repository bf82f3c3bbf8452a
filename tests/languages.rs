//! Agents in Python and JavaScript in the real sandbox: built by their packagers,
//! within the default budgets. Slow, since building and compiling one takes about
//! twenty seconds; `cargo xtask test --slow` provides the packagers.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot go on panics, and one that is skipped says so"
)]

mod host;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use host::{load_from, run_on};
use ringfence_flow::{AgentName, AttemptResult, Budgets, FailureCode, Fuel, LogLevel};
use ringfence_project::{Language, Project, create};
use ringfence_sandbox::Sandbox;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Where `cargo xtask test --slow` puts the packagers.
fn packagers(language: Language) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/packagers");
    let (folder, witness) = match language {
        Language::Python => (folder.join("python"), "bin/componentize-py"),
        Language::JavaScript => (folder.join("js"), "node_modules/esbuild"),
        Language::Rust => unreachable!("cargo is the packager of Rust"),
    };
    if folder.join(witness).exists() {
        return folder.canonicalize().ok();
    }
    eprintln!(
        "skipped: the packager of {language} is not in {}; `cargo xtask test --slow` puts it there",
        folder.display()
    );
    None
}

/// A new project that finds its packager, or `None` where there is none.
fn project(language: Language) -> Option<(TempDir, Project)> {
    let packagers = packagers(language)?;
    let folder = tempfile::tempdir().unwrap();
    // A space, as there is one in many a folder.
    let home = folder.path().join("my agents");
    fs::create_dir(&home).unwrap();
    create(
        &AgentName::new("hello").unwrap(),
        language,
        &home.join("hello"),
    )
    .unwrap();
    let project = Project::open(&home.join("hello")).unwrap();
    match language {
        Language::JavaScript => {
            let to = project.folder().join("node_modules");
            fs::create_dir(&to).unwrap();
            for name in ["@bytecodealliance", "esbuild", ".bin"] {
                symlink(packagers.join("node_modules").join(name), to.join(name)).unwrap();
            }
            // As npm does with a dependency on a folder.
            symlink("../sdk", to.join("ringfence-sdk")).unwrap();
        }
        _ => symlink(&packagers, project.folder().join(".venv")).unwrap(),
    }
    Some((folder, project))
}

/// The agent of a project, built and loaded.
async fn load(project: &Project) -> Sandbox {
    project.build().unwrap();
    let loading = load_from(&project.dist(), &[], |_| {}).await;
    assert!(loading.refused.is_empty(), "{:?}", loading.refused);
    loading.sandbox
}

/// A project whose agent does as it is told, see `tests/languages`.
fn told(language: Language, source: &str) -> Option<(TempDir, Project)> {
    let (folder, project) = project(language)?;
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("languages")
        .join(source);
    fs::copy(from, project.folder().join("src").join(source)).unwrap();
    Some((folder, project))
}

async fn run(sandbox: &Sandbox, input: Value) -> host::Ran {
    run_on(sandbox, "hello", input, Budgets::default()).await
}

/// What agents of both languages do alike.
async fn does_as_it_is_told(sandbox: &Sandbox) {
    let ran = run(
        sandbox,
        json!({ "do": "answer", "files": [{ "path": "a" }] }),
    )
    .await;
    let value: Value = serde_json::from_str(ran.output().value.as_str()).unwrap();
    assert_eq!(value, json!({ "kept": "kept", "attempt": 1 }));
    let logs = ran.seen.logs.lock().unwrap().clone();
    assert_eq!(&*logs[0].message, "answering");
    assert_eq!(logs[0].level, LogLevel::Info);
    assert_eq!(ran.seen.progress.lock().unwrap().len(), 1);

    run(
        sandbox,
        json!({ "do": "answer", "files": [{ "path": "a" }, { "path": 3 }] }),
    )
    .await
    .failed_with(
        FailureCode::InvalidInput,
        "`input.files[1].path` does not fit",
    );
    let ran = run(sandbox, json!({ "do": "wait" })).await;
    ran.failed_with(FailureCode::Transient, "busy");
    assert_eq!(ran.failure().retry_after.unwrap().as_millis(), 1_500);
    let ran = run(sandbox, json!({ "do": "reject" })).await;
    assert!(matches!(ran.report.result, AttemptResult::Rejected(_)));
}

/// The budgets hold for an interpreter as for anything else.
async fn is_held_to_its_budgets(sandbox: &Sandbox) {
    let budgets = Budgets {
        fuel: Fuel::units(500_000_000),
        ..Budgets::default()
    };
    run_on(sandbox, "hello", json!({ "do": "spin" }), budgets)
        .await
        .failed_with(FailureCode::OutOfFuel, "used up its 500M units of fuel");
}

/// Nothing of an attempt is there in the next one, and each costs the same.
async fn forgets(sandbox: &Sandbox) {
    let mut fuel = Vec::new();
    for _ in 0..1_000 {
        let ran = run(sandbox, json!({ "do": "count" })).await;
        assert_eq!(ran.output().value.as_str(), "1");
        fuel.push(ran.report.usage.fuel);
    }
    fuel.dedup();
    assert_eq!(fuel.len(), 1, "the same attempt costs the same: {fuel:?}");
}

/// What holds in whatever language.
async fn is_an_agent_as_any_other(sandbox: &Sandbox) {
    does_as_it_is_told(sandbox).await;
    is_held_to_its_budgets(sandbox).await;
    forgets(sandbox).await;
}

/// An exception arrives as a trap, with its trace.
async fn raises(sandbox: &Sandbox, trace: &str) {
    let ran = run(sandbox, json!({ "do": "raise" })).await;
    let failure = ran.failure();
    assert_eq!(failure.code, FailureCode::Trap);
    assert!(failure.message.contains(trace), "{}", failure.message);
}

#[tokio::test]
#[ignore = "slow: builds and compiles an interpreter"]
async fn the_templates_build_and_greet() {
    for language in [Language::Python, Language::JavaScript] {
        let Some((_folder, project)) = project(language) else {
            continue;
        };
        if let Some(tests) = project.test(Path::new("ringfence")) {
            tests.unwrap();
        }
        let sandbox = load(&project).await;
        let ran = run(&sandbox, json!({ "name": "Ada" })).await;
        let value: Value = serde_json::from_str(ran.output().value.as_str()).unwrap();
        assert_eq!(value, json!({ "text": "Hello, Ada!" }));
        run(&sandbox, json!({ "nam": "Ada" }))
            .await
            .failed_with(FailureCode::InvalidInput, "`name`");
    }
}

#[tokio::test]
#[ignore = "slow: builds and compiles an interpreter"]
async fn a_python_agent_is_an_agent_as_any_other() {
    let Some((_folder, project)) = told(Language::Python, "agent.py") else {
        return;
    };
    let sandbox = load(&project).await;
    is_an_agent_as_any_other(&sandbox).await;
    let trace = [
        "Traceback (most recent call last):",
        "  File \"agent.py\", line 38, in act\n    fall(3)",
        "  File \"agent.py\", line 23, in fall\n    fall(depth - 1)\n  the same 2 more times",
        "  File \"agent.py\", line 22, in fall\n    raise ValueError(\"the well is empty\")",
        "ValueError: the well is empty",
    ];
    raises(&sandbox, &trace.join("\n")).await;
    let ran = run(&sandbox, json!({ "do": "hoard" })).await;
    ran.failed_with(FailureCode::OutOfMemory, "needed more than its 64 MiB");
    ran.failed_with(FailureCode::OutOfMemory, "line 49, in act");
    // A mount that nobody granted is a folder that is not there.
    let ran = run(
        &sandbox,
        json!({ "do": "read", "files": [{ "path": "a" }] }),
    )
    .await;
    assert_eq!(ran.output().value.as_str(), r#"["a"]"#);
    run(&sandbox, json!({ "do": "set" })).await.failed_with(
        FailureCode::Trap,
        "TypeError: the output: `set` cannot be written as JSON",
    );
}

#[tokio::test]
#[ignore = "slow: builds and compiles an interpreter"]
async fn a_javascript_agent_is_an_agent_as_any_other() {
    let Some((_folder, project)) = told(Language::JavaScript, "agent.js") else {
        return;
    };
    let sandbox = load(&project).await;
    is_an_agent_as_any_other(&sandbox).await;
    let trace = [
        "RangeError: the well is empty",
        "    at fall (src/agent.js:8)",
        "    at fall (src/agent.js:9)",
        "    at fall (src/agent.js:9)",
        "    at fall (src/agent.js:9)",
        "    at raise (src/agent.js:19)",
        "    at execute (src/agent.js:42)",
    ];
    raises(&sandbox, &trace.join("\n")).await;
    // The engine throws that it was denied memory, and asks for the time before it
    // gives up.
    run(&sandbox, json!({ "do": "hoard" }))
        .await
        .failed_with(FailureCode::OutOfMemory, "needed more than its 64 MiB");
}

/// A test in TypeScript, of an agent in TypeScript.
const TYPESCRIPT_TEST: &str = "\
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestHost } from 'ringfence-sdk/testing';
import { agent } from '../src/agent.ts';

test('it counts', async () => {
  const given: { listings: { title: string }[] } = { listings: [{ title: 'a' }] };
  const outcome = await new TestHost().run(agent, given);
  assert.deepEqual(outcome.value, { found: 0, prices: [0] });
});
";

#[tokio::test]
#[ignore = "slow: builds and compiles an interpreter"]
async fn typescript_is_bundled_and_its_errors_name_its_lines() {
    let Some((_folder, project)) = told(Language::JavaScript, "agent.ts") else {
        return;
    };
    let manifest = project.folder().join("package.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("src/agent.js", "src/agent.ts")).unwrap();
    let tests = project.folder().join("test");
    fs::remove_file(tests.join("agent.test.js")).unwrap();
    fs::write(tests.join("agent.test.ts"), TYPESCRIPT_TEST).unwrap();
    project.test("ringfence".as_ref()).unwrap().unwrap();
    let sandbox = load(&project).await;
    let ran = run(&sandbox, json!({ "listings": [{ "title": "a" }] })).await;
    assert_eq!(ran.output().value.as_str(), r#"{"found":0,"prices":[0]}"#);
    run(&sandbox, json!({ "listings": [{ "title": "" }] }))
        .await
        .failed_with(
            FailureCode::Trap,
            "RangeError: no title\n    at check (src/agent.ts:10)",
        );
}
