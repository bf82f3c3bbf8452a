//! Files, names and readers that mean no good.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use support::{built, plugins, ringfence, run};

const GOOD: &str = "version: 1\nname: good\ntasks:\n  say: {role: echo}\n";

#[test]
fn a_file_that_never_ends_is_refused() {
    let folder = plugins(&["echo"]);
    let ended = run(folder.path(), &["check", "--no-agents", "/dev/zero"]).expect(6);
    assert!(ended.stderr.contains("64 MiB"), "{}", ended.stderr);
    run(
        folder.path(),
        &[
            "--plugins",
            ".",
            "agents",
            "call",
            "echo",
            "--input",
            "@/dev/zero",
        ],
    )
    .expect(6);
}

#[test]
fn a_line_that_no_screen_holds_is_not_drawn() {
    let folder = plugins(&[]);
    let long = format!("version: 1\nname: {}\ntasks: {{}}\n", "x".repeat(100_000));
    fs::write(folder.path().join("long.yaml"), long).unwrap();
    let ended = run(folder.path(), &["check", "--no-agents", "long.yaml"]).expect(4);
    assert!(ended.stderr.contains("long.yaml:2:"), "{}", ended.stderr);
    assert!(ended.stderr.len() < 2_000, "{} bytes", ended.stderr.len());
}

#[test]
fn a_run_goes_on_when_nobody_reads_what_is_said_beside_it() {
    let folder = plugins(&["echo"]);
    fs::write(folder.path().join("w.yaml"), GOOD).unwrap();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = ringfence(folder.path())
        .args(["--plugins", ".", "run", "w.yaml"])
        .stderr(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("completed `good`")
    );
}

#[test]
fn the_name_of_a_file_cannot_forge_a_line() {
    let folder = plugins(&[]);
    let name = "x\nrefused: 0\n\u{1b}[2J.wasm";
    fs::write(folder.path().join(name), "no component").unwrap();
    let ended = run(folder.path(), &["--plugins", ".", "agents", "list"]).expect(0);
    assert!(ended.stdout.contains("refused: 1"), "{}", ended.stdout);
    assert!(
        !ended.stdout.lines().any(|line| line == "refused: 0"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains('\u{1b}'), "{}", ended.stdout);
}

#[test]
fn the_name_of_a_file_need_not_be_text() {
    let folder = plugins(&[]);
    let name = OsStr::from_bytes(b"\xff\xfe.wasm");
    fs::copy(built("guests", "echo"), folder.path().join(name)).unwrap();
    let args = [
        "--plugins",
        ".",
        "agents",
        "inspect",
        "echo",
        "--format",
        "json",
    ];
    let json = run(folder.path(), &args).expect(0).json();
    assert_eq!(json["profile"]["name"], "echo");
}

#[test]
fn artifacts_of_one_name_are_all_kept() {
    let folder = plugins(&["put-artifacts"]);
    let workflow = "version: 1\nname: many\ntasks:\n  put:\n    role: put-artifacts\n    for_each: \"range(3)\"\n    input: {bytes: 8, count: 1}\n";
    fs::write(folder.path().join("w.yaml"), workflow).unwrap();
    run(
        folder.path(),
        &["--plugins", ".", "run", "w.yaml", "--artifacts", "out"],
    )
    .expect(0);
    let files = fs::read_dir(folder.path().join("out")).unwrap().count();
    assert_eq!(files, 3);
}

#[test]
fn what_can_be_written_is_written_when_a_report_cannot() {
    let folder = plugins(&["echo"]);
    fs::write(folder.path().join("w.yaml"), GOOD).unwrap();
    fs::create_dir_all(folder.path().join("taken.md")).unwrap();
    let args = [
        "--plugins",
        ".",
        "run",
        "w.yaml",
        "--report",
        "taken.md",
        "--report",
        "good.md",
    ];
    let ended = run(folder.path(), &args).expect(6);
    assert!(
        ended.stdout.contains("completed `good`"),
        "{}",
        ended.stdout
    );
    assert!(folder.path().join("good.md").is_file());
}

#[test]
fn a_workflow_file_that_would_eat_the_host_is_refused_with_its_place() {
    let folder = plugins(&[]);
    let tasks: String = (0..500_000)
        .map(|n| format!("  t{n}: {{role: echo, input: {{a: {}}}}}\n", "x".repeat(60)))
        .collect();
    let aliases: String = (1..12)
        .map(|n| {
            let before = format!("*x{},", n - 1).repeat(10);
            format!("x{n}: &x{n} [{before}]\n")
        })
        .collect();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (name, body, says) in [
        ("large", format!("tasks:\n{tasks}"), "at most 4 MiB"),
        (
            "bomb",
            format!("x0: &x0 [1]\n{aliases}tasks:\n  a: {{role: echo, input: *x11}}\n"),
            "more than 200000 values, aliases expanded",
        ),
        (
            "deep",
            format!("tasks:\n  a: {{role: echo, input: {deep}}}\n"),
            "nest deeper than 64 levels",
        ),
        (
            "times",
            "tasks:\n  a: {role: echo, input: \"${{ 'x' * 1000000000 }}\"}\n".to_owned(),
            "does not repeat texts",
        ),
    ] {
        let file = format!("{name}.yaml");
        let text = format!("version: 1\nname: {name}\n{body}");
        fs::write(folder.path().join(&file), text).unwrap();
        let ended = run(folder.path(), &["check", "--no-agents", &file]).expect(4);
        assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(&format!("{file}:")),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.len() < 4_000, "{} bytes", ended.stderr.len());
    }
}

#[test]
fn an_expression_that_would_eat_the_host_fails_its_task() {
    let folder = plugins(&["echo"]);
    for (expression, says) in [
        ("range(1000000000)", "too many elements"),
        ("range(1000000000) | join('x')", "too many elements"),
        (
            "range(9999) | join(range(9999) | join('xxxxxxxxxx'))",
            "expression-failed",
        ),
    ] {
        for key in ["for_each", "input"] {
            let text = format!(
                "version: 1\nname: w\ntasks:\n  a: {{role: echo, {key}: \"${{{{ {expression} }}}}\"}}\n"
            );
            fs::write(folder.path().join("w.yaml"), text).unwrap();
            let args = ["--plugins", ".", "run", "--no-journal", "w.yaml"];
            let ended = run(folder.path(), &args).expect(1);
            assert!(
                ended.stdout.contains(says),
                "{expression}: {}",
                ended.stdout
            );
            assert!(ended.stdout.len() < 4_000, "{} bytes", ended.stdout.len());
        }
    }
}

#[test]
fn a_grant_with_a_slip_of_the_pen_is_told_with_the_nearest() {
    let folder = plugins(&["echo"]);
    fs::write(folder.path().join("w.yaml"), GOOD).unwrap();
    let config = "schema = 1\nplugins = [\".\"]\n[agents.ecko]\n[agents.echo]\nmounts = [\"srcs\", \"other\"]\n";
    fs::write(folder.path().join("ringfence.toml"), config).unwrap();
    let args = ["run", "--no-journal", "w.yaml", "--mount", "src=."];
    let said = run(folder.path(), &args).expect(0).stderr;
    for part in [
        "decides about `ecko`",
        "did you mean `echo`?",
        "the mount `srcs`",
        "did you mean `src`?",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(
        !said.contains("`other`"),
        "that may be for another run: {said}"
    );
}
