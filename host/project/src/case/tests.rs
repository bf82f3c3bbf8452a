//! What is read, and what is said of what is wrong.

use std::path::Path;
use std::time::Duration;

use ringfence_flow::{ByteSize, FailureCode, Fuel, MountAccess, Priority, Severity};
use serde_json::json;

use super::*;

fn read(text: &str) -> Vec<Case> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    match CaseFile::parse("cases/a.yaml", text, &here.join("src")) {
        Ok(file) => file.cases,
        Err(error) => panic!("{error}"),
    }
}

fn errors(text: &str) -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let error = CaseFile::parse("cases/a.yaml", text, &here.join("src")).unwrap_err();
    error
        .to_string()
        .replace(env!("CARGO_MANIFEST_DIR"), "[HERE]")
}

#[test]
fn every_key_is_read() {
    let cases = read(
        r#"
- name: all of it
  task:
    id: fix[2]
    role: developer
    priority: high
    attempt: 2
    round: 3
    input: { n: 1 }
    needs:
      - task: review
        value: [1]
        findings: [{ rule: a-rule, severity: low, message: no, location: { path: a.rs, line: 3 } }]
        artifacts: [{ name: a.patch, media_type: text/x-diff, text: "--- a" }]
    feedback:
      - { rule: b, severity: high, message: m, fix: { path: a.rs, first: 1, last: 2, replacement: "" } }
    mounts: { src: case, out: "../templates:rw" }
    artifacts: [{ name: x, hex: 00fF }, { name: y, file: case/keys.rs }]
    timeout: 2s
  expect:
    contains: { n: 1 }
    findings: [{ rule: a, severity: low, message: m, path: p, line: 1, fix: true }]
    logs: [one, { level: warn, message: two }]
    artifacts: [{ name: a, media_type: t, text: x, contains: y }]
  uses: { fuel: 1M, memory: 2MiB, time: 1s, output: 3KiB, host-calls: 4 }
"#,
    );
    let Case {
        line,
        task,
        expect,
        uses,
        ..
    } = &cases[0];
    assert_eq!(*line, 2);
    assert_eq!(task.key.to_string(), "fix[2]");
    assert_eq!(
        (task.attempt, task.round, task.priority),
        (2, 3, Priority::High)
    );
    assert_eq!(task.input.as_str(), r#"{"n":1}"#);
    assert_eq!(task.needs[0].findings[0].severity, Severity::Low);
    assert_eq!(&*task.needs[0].artifacts[0].content, b"--- a");
    assert_eq!(task.feedback[0].fix.as_ref().unwrap().last, 2);
    let access: Vec<_> = task.mounts.iter().map(|mount| mount.access).collect();
    assert_eq!(access, [MountAccess::ReadOnly, MountAccess::ReadWrite]);
    assert!(task.mounts[0].folder.ends_with("src/case"));
    assert_eq!(&*task.artifacts[0].content, [0, 255]);
    assert_eq!(&*task.artifacts[1].content, include_bytes!("keys.rs"));
    assert_eq!(task.timeout, Some(Duration::from_secs(2)));
    assert_eq!(expect.end, ExpectedEnd::Contains(json!({ "n": 1 })));
    assert_eq!(expect.findings.as_ref().unwrap()[0].fix, Some(true));
    assert_eq!(expect.logs.as_ref().unwrap().len(), 2);
    assert_eq!(
        expect.artifacts.as_ref().unwrap()[0].contains.as_deref(),
        Some("y")
    );
    assert_eq!(uses.fuel, Some(Fuel::units(1_000_000)));
    assert_eq!(uses.memory, Some(ByteSize::mib(2)));
    assert_eq!(uses.host_calls, Some(4));
}

#[test]
fn an_attempt_may_end_in_four_ways() {
    let ends = |expect: &str| {
        let text = format!("- name: a\n  task: {{}}\n  expect: {expect}\n");
        read(&text).remove(0).expect.end
    };
    assert_eq!(
        ends("{ completed: null }"),
        ExpectedEnd::Completed(json!(null))
    );
    assert_eq!(ends("{ contains: 1 }"), ExpectedEnd::Contains(json!(1)));
    assert_eq!(
        ends("{ rejected: }"),
        ExpectedEnd::Rejected { reason: None }
    );
    let reason = Some("no".to_owned());
    assert_eq!(
        ends("{ rejected: { reason: no } }"),
        ExpectedEnd::Rejected { reason }
    );
    let code = FailureCode::OutOfFuel;
    let message = Some("fuel".to_owned());
    assert_eq!(
        ends("{ fails: out-of-fuel, message: fuel }"),
        ExpectedEnd::Fails { code, message }
    );
}

#[test]
fn all_that_is_wrong_is_told_with_its_place() {
    insta::assert_snapshot!(errors(
        r#"
- nam: greets
  task: { inptu: {} }
  expect: { completed: 1, fails: trap }
- name: twice
  task: { role: No Role, mounts: { src: nowhere }, artifacts: [{ name: a }] }
  expect: { fails: out-of-fule, findings: [] }
- name: twice
  task: { attempt: 0, needs: { a: 1 }, feedback: [{ rule: x }] }
  expect: {}
- name: third
  task: { artifacts: [{ name: a, hex: abc }], timeout: 30 }
  expect: { rejected: { findings: [] }, findings: [], message: no }
  uses: { fuel: lots, memmory: 1MiB }
"#
    ));
}

#[test]
fn a_file_without_cases_says_how_to_begin() {
    for empty in ["", "\n", "# nothing\n"] {
        assert!(errors(empty).contains("the file has no cases"), "{empty:?}");
    }
    assert!(errors("name: x\n").contains("put `- ` in front of each case"));
}
