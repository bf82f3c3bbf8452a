//! The tester as an agent, after the standard developer.

use std::fs;
use std::path::Path;

use developer::Developer;
use proptest::prelude::*;
use ringfence_sdk::testing::TestHost;
use serde_json::{Value, json};

use super::*;

fn tree(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.rs"), text).unwrap();
    folder
}

fn finding(first: u32, last: u32, text: &str) -> Finding {
    Finding::new(format!("rule-{first}-{last}"), Severity::Low, "m")
        .at("a.rs", first, 1)
        .fix(Edit::replace_lines("a.rs", first..=last, text))
}

/// Runs the developer on the findings, and gives its output and patch.
fn develop(root: &Path, findings: &[Finding], feedback: &[Finding]) -> (Output, Vec<u8>) {
    let run = TestHost::new()
        .mount("src", root)
        .need("quality", json!(null), findings.to_vec())
        .feedback(feedback.to_vec())
        .execute::<Developer>();
    let outcome = run.outcome.unwrap();
    let output = Output {
        value: serde_json::to_value(outcome.value().unwrap()).unwrap(),
        findings: Vec::new(),
        artifacts: outcome.artifacts().to_vec(),
    };
    let patch = run
        .artifacts
        .first()
        .map(|stored| stored.content.clone())
        .unwrap_or_default();
    (output, patch)
}

fn test(
    root: &Path,
    fix: Output,
    patch: &[u8],
    feedback: &[Finding],
) -> Result<Outcome<Checked>, Failure> {
    let host = TestHost::new()
        .mount("src", root)
        .feedback(feedback.to_vec());
    host.put_artifact(PATCH_NAME, "text/x-diff", patch);
    host.need_output("fix", fix).execute::<Tester>().outcome
}

const OLD: &str = "pub fn a() {\n    x()\n}\n\nfn b() {\n    y()\n}\n";

#[test]
fn a_good_patch_completes() {
    let tree = tree(OLD);
    let (fix, patch) = develop(
        tree.path(),
        &[finding(2, 2, "    xx()"), finding(6, 6, "")],
        &[],
    );
    let outcome = test(tree.path(), fix, &patch, &[]).unwrap();
    let expected = Checked {
        checked: 1,
        edits: 2,
        unparsed: Vec::new(),
    };
    assert_eq!(outcome, Outcome::completed(expected));
}

#[test]
fn without_a_patch_there_is_nothing_to_check() {
    let tree = tree(OLD);
    let (nothing, _) = develop(tree.path(), &[], &[]);
    for fix in [Output::of(Value::Null), nothing] {
        assert_eq!(
            test(tree.path(), fix, b"", &[]).unwrap(),
            Outcome::completed(Checked::default())
        );
    }
    assert_eq!(
        TestHost::new().execute::<Tester>().outcome,
        Ok(Outcome::completed(Checked::default()))
    );
}

#[test]
fn a_bad_edit_is_rejected_and_gone_in_the_next_round() {
    let tree = tree(OLD);
    let findings = [
        finding(1, 1, "pub fn other() {"),
        finding(2, 2, "    x("),
        finding(6, 6, "    yy()"),
    ];
    let (fix, patch) = develop(tree.path(), &findings, &[]);
    let Outcome::Rejected(rejection) = test(tree.path(), fix, &patch, &[]).unwrap() else {
        panic!("it was approved")
    };
    assert_eq!(
        rejection.reason,
        "the patch does not hold: 2 findings in 1 file"
    );
    let rules: Vec<_> = rejection
        .findings
        .iter()
        .map(|finding| finding.rule.as_str())
        .collect();
    assert_eq!(rules, [PUBLIC_ITEM_CHANGED, DOES_NOT_PARSE]);

    let (fix, patch) = develop(tree.path(), &findings, &rejection.findings);
    assert_eq!(fix.value["applied"].as_array().unwrap().len(), 1);
    let outcome = test(tree.path(), fix, &patch, &rejection.findings).unwrap();
    assert_eq!(outcome.value().unwrap().edits, 1);
}

#[test]
fn what_earlier_rounds_were_told_is_told_again() {
    let tree = tree(OLD);
    let (fix, patch) = develop(tree.path(), &[finding(2, 2, "    x(")], &[]);
    let earlier = Finding::new(DOES_NOT_PARSE, Severity::High, "m").at("a.rs", 6, 1);
    let same = Finding::new(DOES_NOT_PARSE, Severity::High, "m").at("a.rs", 2, 1);
    let foreign = Finding::new("unwrap", Severity::High, "m").at("a.rs", 6, 1);
    let outcome = test(tree.path(), fix, &patch, &[earlier, same, foreign]).unwrap();
    let lines: Vec<_> = outcome
        .findings()
        .iter()
        .map(|f| f.location.as_ref().unwrap().line)
        .collect();
    assert_eq!(lines, [2, 6]);
}

#[test]
fn a_report_without_its_patch_fails_for_good() {
    let tree = tree(OLD);
    let (mut fix, patch) = develop(tree.path(), &[finding(2, 2, "    xx()")], &[]);
    let artifacts = std::mem::take(&mut fix.artifacts);
    let failure = test(tree.path(), fix, &patch, &[]).unwrap_err();
    assert_eq!(
        failure.message(),
        "the task `fix` speaks of a patch that is not among its artifacts"
    );

    let bare = Output {
        value: json!({}),
        findings: Vec::new(),
        artifacts,
    };
    let failure = test(tree.path(), bare, &patch, &[]).unwrap_err();
    assert!(matches!(failure, Failure::Permanent(_)));
    assert!(failure.message().contains("\nhint: "), "{failure}");
}

#[test]
fn a_rejection_stays_below_the_limit_of_an_output() {
    let path = "d/".repeat(500) + "a.rs";
    let findings = (1..2_000).map(|line| {
        Finding::new(DOES_NOT_PARSE, Severity::High, "m".repeat(250)).at(&path, line, 1)
    });
    let outcome = reject(findings.collect(), &[]);
    let bytes = serde_json::to_string(outcome.findings()).unwrap().len();
    assert!(
        (MAX_FINDINGS_BYTES - 2_000..=MAX_FINDINGS_BYTES + 2).contains(&bytes),
        "{bytes}"
    );

    // One finding on each edit of the largest patch fits.
    let path = "crates/some-crate/src/module/file.rs";
    let findings = (1..=developer::MAX_EDITS).map(|line| {
        Finding::new(DOES_NOT_PARSE, Severity::High, "m".repeat(100)).at(path, line, 1)
    });
    assert_eq!(reject(findings.collect(), &[]).findings().len(), 2_000);
}

#[test]
fn the_input_names_the_mount_and_nothing_else() {
    let run = TestHost::new()
        .input(json!({ "mounts": "x" }))
        .execute::<Tester>();
    assert!(matches!(run.outcome, Err(Failure::InvalidInput(_))));
    assert!(
        TestHost::new()
            .input(json!({ "mount": "x" }))
            .execute::<Tester>()
            .outcome
            .is_ok()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever the edits are: the developer's patch is what its report says,
    /// and once the edits to blame are dropped nothing is wrong with the rest.
    #[test]
    fn two_agents_agree_after_some_rounds(
        edits in prop::collection::vec(
            (1..9_u32, 0..3_u32, prop::sample::select(vec!["", "    x();\n", "}\n", "fn n() {}\n", "pub fn p() {\n", "(", "// c"])),
            0..8,
        ),
        crlf in any::<bool>(),
        ends in any::<bool>(),
    ) {
        let mut text = OLD.to_owned();
        if crlf { text = text.replace('\n', "\r\n"); }
        if !ends { text.truncate(text.trim_end().len()); }
        let tree = tree(&text);
        let findings: Vec<_> = edits.iter().map(|(first, more, text)| finding(*first, first + more, text)).collect();
        let mut feedback = Vec::new();
        let mut rounds = 0;
        loop {
            let (fix, patch) = develop(tree.path(), &findings, &feedback);
            match test(tree.path(), fix, &patch, &feedback).unwrap() {
                Outcome::Completed { .. } => break,
                Outcome::Rejected(rejection) => {
                    for finding in &rejection.findings {
                        prop_assert!([DOES_NOT_PARSE, PUBLIC_ITEM_CHANGED].contains(&finding.rule.as_str()), "{finding:?}");
                    }
                    feedback = rejection.findings;
                }
            }
            rounds += 1;
            prop_assert!(rounds <= findings.len(), "each round drops at least one");
        }
    }
}
