//! Somebody writes an agent: makes a project, builds it, tests it, breaks it, and
//! reads what they are told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};

use insta::assert_snapshot;
use support::{Ended, author, builds_components, root, run};

/// The one project that is built here, by one test at a time: cargo finds what it
/// has built before.
static PROJECT: Mutex<()> = Mutex::new(());

/// The folder that it is made in.
fn projects() -> PathBuf {
    let folder = root().join("target").join("author");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn ringfence(folder: &Path, args: &[&str]) -> Ended {
    author(folder).args(args).output().unwrap().into()
}

/// A new project called `greeter`, with what an earlier one left cargo, and its
/// folder. It belongs to this test as long as the first of both lives.
fn new_project() -> (MutexGuard<'static, ()>, PathBuf) {
    let ours = PROJECT.lock().unwrap_or_else(PoisonError::into_inner);
    let (folder, kept) = (projects().join("greeter"), projects().join("kept"));
    let built = folder.join("target");
    if built.exists() {
        let _ = fs::remove_dir_all(&kept);
        fs::rename(&built, &kept).unwrap();
    }
    let _ = fs::remove_dir_all(&folder);
    ringfence(&projects(), &["new", "greeter"]).expect(0);
    if kept.exists() {
        fs::rename(&kept, &built).unwrap();
    }
    (ours, folder)
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn the_help_says_what_each_command_does() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["new", "build", "test", "dev"] {
        let help = run(folder.path(), &[command, "-h"]).expect(0);
        assert_snapshot!(format!("help_{command}"), help.stdout);
    }
}

#[test]
fn what_cannot_be_made_says_why_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("mine")).unwrap();
    fs::write(folder.join("mine/notes.txt"), "mine").unwrap();
    let mut told = String::new();
    for args in [
        &["new", "mine"][..],
        &["new", "My Agent"],
        &["new", "hello", "--lang", "cobol"],
        &["new"],
    ] {
        let ended = run(folder, args).expect(2);
        assert_eq!(ended.stdout, "");
        told += &format!("$ ringfence {}\n{}\n", args.join(" "), ended.stderr);
    }
    assert_snapshot!("cannot_be_made", told);
    let left: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["mine"]);
}

#[test]
fn plugins_of_a_host_are_not_for_the_trial_of_one_agent() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["new", "hello"]).expect(0);
    for command in ["build", "test", "dev", "attempt"] {
        let ended = run(folder.path(), &[command, "hello", "--plugins", "elsewhere"]).expect(2);
        let says = "`--plugins` is for commands that run workflows";
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
    }
}

#[test]
fn a_folder_without_a_project_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = String::new();
    for command in ["build", "test", "dev"] {
        told += &run(folder.path(), &[command, "nowhere"]).expect(2).stderr;
    }
    fs::write(
        folder.path().join("Cargo.toml"),
        "[package]\nname = \"My_Agent\"\n",
    )
    .unwrap();
    told += &run(folder.path(), &["build"]).expect(4).stderr;
    fs::write(folder.path().join("Cargo.toml"), "[workspace]\n").unwrap();
    told += &run(folder.path(), &["build"]).expect(4).stderr;
    assert_snapshot!("no_project", told);
}

#[test]
fn a_case_file_that_is_wrong_is_told_before_anything_is_built() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["new", "hello"]).expect(0);
    let project = folder.path().join("hello");
    edit(
        &project.join("cases/hello.yaml"),
        "input: { name: Ada }",
        "inptu: { name: Ada }",
    );
    let ended = run(&project, &["test"]).expect(4);
    assert_snapshot!("wrong_case_file", ended.stderr);
    fs::write(
        project.join("cases/hello.yaml"),
        "- name: a\n  task: {}\n  expect: { completed: 1 }\n",
    )
    .unwrap();
    let ended = run(&project, &["test", "--filter", "b"]).expect(2);
    assert_snapshot!("wrong_filter", ended.stderr);
}

#[cfg(unix)]
#[test]
fn what_is_missing_is_told_with_what_to_type() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["new", "hello"]).expect(0);
    let project = folder.path().join("hello");
    let tools = folder.path().join("tools");
    fs::create_dir(&tools).unwrap();
    let build = || {
        let mut command = support::ringfence(&project);
        Ended::from(command.arg("build").env("PATH", &tools).output().unwrap())
    };
    let mut told = build().expect(1).stderr;
    for tool in ["cargo", "rustc"] {
        let path = tools.join(tool);
        fs::write(&path, "#!/bin/sh\necho /nowhere\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    told += &build().expect(1).stderr;
    assert_snapshot!("missing", told);
}

#[test]
fn the_schema_takes_the_cases_of_a_new_project() {
    let folder = tempfile::tempdir().unwrap();
    let schema = run(folder.path(), &["schema", "case"]).expect(0).json();
    assert!(jsonschema::validator_for(&schema).is_ok());
}

/// From the first command to an agent that works, through what goes wrong on the
/// way. One test, as each step builds on the one before.
#[test]
fn an_agent_is_written() {
    if !builds_components() {
        return;
    }
    let (_ours, project) = new_project();
    let built = ringfence(&project, &["build", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(built["agent"]["name"], "greeter");
    assert_eq!(built["agent"]["roles"][0], "greeter");
    assert!(built["size"].as_u64().unwrap() < 4 << 20, "{built}");
    assert!(project.join("dist/greeter.wasm").is_file());

    let tested = ringfence(&project, &["test"]).expect(0);
    assert!(
        tested.stdout.contains("ok      greets by name"),
        "{tested:#?}"
    );
    assert!(
        tested.stdout.ends_with("own tests: ok; 2 cases: all ok\n"),
        "{tested:#?}"
    );
    assert!(
        tested.stderr.contains("greets_in_the_sandbox ... ok"),
        "{tested:#?}"
    );
    assert!(!tested.stderr.contains("warning"), "{tested:#?}");

    a_case_that_fails(&project);
    an_agent_that_panics(&project);
    code_that_does_not_compile(&project);
    an_agent_that_looks_at_what_it_is_given(&project);
}

fn a_case_that_fails(project: &Path) {
    let cases = project.join("cases/hello.yaml");
    edit(&cases, "Hello, Ada!", "Hello, Bob!");
    let ended = ringfence(project, &["test", "--filter", "greets"]).expect(1);
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert!(
        lines[0].starts_with("FAILED  greets by name  fuel "),
        "{ended:#?}"
    );
    assert_eq!(
        lines[1..],
        [
            "        cases/hello.yaml:3",
            "        the value differs (- expected, + given)",
            "              {",
            "            -   \"text\": \"Hello, Bob!\"",
            "            +   \"text\": \"Hello, Ada!\"",
            "              }",
            "        logged info: greeting somebody",
            "1 case: failed",
        ]
    );
    let json = ringfence(project, &["test", "--filter", "greets", "--format", "json"]);
    let json = json.expect(1).json();
    assert_eq!(json["cases"][0]["ok"], false);
    assert_eq!(
        json["cases"][0]["result"]["completed"]["value"]["text"],
        "Hello, Ada!"
    );
    edit(&cases, "Hello, Bob!", "Hello, Ada!");
    edit(&cases, "fuel: 1M", "fuel: 10");
    let ended = ringfence(project, &["test", "--filter", "greets"]).expect(1);
    assert!(
        ended.stdout.contains("used, at most 10 expected"),
        "{ended:#?}"
    );
    edit(&cases, "fuel: 10", "fuel: 1M");
}

/// The message of the panic, the function and the line: what an author looks for.
fn an_agent_that_panics(project: &Path) {
    let source = project.join("src/lib.rs");
    let panic = "let text = [\"Hello\"].get(1).copied().expect(\"a second word\").to_owned();";
    edit(
        &source,
        "let text = format!(\"Hello, {}!\", input.name);",
        panic,
    );
    let ended = ringfence(project, &["test", "--filter", "greets"]).expect(1);
    assert!(
        ended.stdout.contains("and it failed with `trap`"),
        "{ended:#?}"
    );
    assert!(ended.stdout.contains("a second word"), "{ended:#?}");
    assert!(ended.stdout.contains("src/lib.rs:25"), "{ended:#?}");
    assert!(
        ended.stdout.contains("in <agent::Greeter as "),
        "{ended:#?}"
    );
    edit(
        &source,
        panic,
        "let text = format!(\"Hello, {}!\", input.name);",
    );
}

fn code_that_does_not_compile(project: &Path) {
    let before = fs::read(project.join("dist/greeter.wasm")).unwrap();
    let source = project.join("src/lib.rs");
    edit(&source, "input.name)", "input.nam)");
    let ended = ringfence(project, &["build"]).expect(1);
    assert!(ended.stderr.contains("no field `nam`"), "{ended:#?}");
    assert!(ended.stderr.contains("error: `cargo build"), "{ended:#?}");
    let after = fs::read(project.join("dist/greeter.wasm")).unwrap();
    assert!(before == after, "the component that was there stays");
    edit(&source, "input.nam)", "input.name)");
}

/// Needs, feedback, artifacts and mounts come through a case and through the SDK's
/// test kit as they would through a host.
fn an_agent_that_looks_at_what_it_is_given(project: &Path) {
    let fixture = root().join("host/cli/fixtures/given");
    for folder in ["tests", "cases"] {
        fs::remove_dir_all(project.join(folder)).unwrap();
    }
    fs::create_dir_all(project.join("tests")).unwrap();
    fs::create_dir_all(project.join("cases/src")).unwrap();
    for file in [
        "src/lib.rs",
        "tests/given.rs",
        "cases/given.yaml",
        "cases/src/a.txt",
    ] {
        fs::write(project.join(file), fs::read(fixture.join(file)).unwrap()).unwrap();
    }
    let ended = ringfence(project, &["test"]).expect(0);
    assert!(
        ended.stdout.ends_with("own tests: ok; 2 cases: all ok\n"),
        "{ended:#?}"
    );
    assert!(
        ended
            .stderr
            .contains("gives_what_the_test_host_gives ... ok"),
        "{ended:#?}"
    );
    edit(
        &project.join("cases/given.yaml"),
        "role: second",
        "role: third",
    );
    let ended = ringfence(project, &["test", "--filter", "all"]).expect(4);
    assert!(
        ended.stderr.contains("cases/given.yaml:1: `all that a task can give` cannot be tried: `given` does not have the role `third`\nhint: it has `first`, `second`"),
        "{ended:#?}"
    );
}

/// Nothing here waits for a time: each step reads what the command prints until
/// it has taken up the change before.
#[test]
fn each_change_is_built_and_tried() {
    if !builds_components() {
        return;
    }
    let (_ours, project) = new_project();
    ringfence(&project, &["build"]).expect(0);
    let mut dev = author(&project)
        .arg("dev")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(dev.stdout.take().unwrap()).lines();
    let mut until = |part: &str| {
        let mut read = Vec::new();
        loop {
            let line = lines
                .next()
                .unwrap_or_else(|| panic!("no `{part}` in {read:#?}"))
                .unwrap();
            let found = line.contains(part);
            read.push(line);
            if found {
                return read;
            }
        }
    };
    until("ok      greets by name");
    until("fuel ");
    edit(&project.join("src/lib.rs"), "Hello, {}!", "Good day, {}!");
    let told = until("the outcome is other than before").join("\n");
    assert!(told.contains("FAILED  greets by name"), "{told}");
    until("\"Good day, Ada!\"");
    edit(&project.join("src/lib.rs"), "Good day, {}!", "Hello, {}!");
    until("ok      greets by name");
    let told = until("fuel ").join("\n");
    assert!(told.contains("memory"), "{told}");
    dev.kill().unwrap();
    dev.wait().unwrap();
}
