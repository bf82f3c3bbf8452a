use proptest::prelude::*;
use ringfence_sdk::testing::{TestHost, TestRun};
use serde_json::{Value, json};

use super::*;

fn finding(severity: Severity, line: u32) -> Finding {
    Finding::new("rule", severity, "m").at("a.rs", line, 1)
}

fn some(counts: [u32; 5]) -> Vec<Finding> {
    let mut line = 0;
    let mut findings = Vec::new();
    for (severity, count) in Severity::ALL.into_iter().zip(counts) {
        for _ in 0..count {
            line += 1;
            findings.push(finding(severity, line));
        }
    }
    findings
}

fn run(input: Value, findings: Vec<Finding>) -> TestRun<Approval> {
    TestHost::new()
        .input(input)
        .need("quality", json!([]), findings)
        .execute::<QualityGate>()
}

fn reason(input: Value, findings: Vec<Finding>) -> Option<String> {
    match run(input, findings).outcome.unwrap() {
        Outcome::Completed { .. } => None,
        Outcome::Rejected(rejection) => Some(rejection.reason),
    }
}

#[test]
fn mild_findings_are_let_through_and_counted() {
    let outcome = run(Value::Null, some([1, 2, 3, 0, 0])).outcome.unwrap();
    let approval = outcome.value().unwrap();
    assert_eq!(
        serde_json::to_value(approval).unwrap(),
        json!({
            "verdict": "approved",
            "counts": { "info": 1, "low": 2, "medium": 3, "high": 0, "critical": 0 },
            "fixed": 0,
            "remaining": 6,
            "ignored": 0,
            "weight": 11,
        })
    );
    assert!(
        TestHost::new()
            .execute::<QualityGate>()
            .outcome
            .unwrap()
            .value()
            .is_some()
    );
}

#[test]
fn one_bad_finding_is_sent_back() {
    let Outcome::Rejected(rejection) = run(json!({}), some([0, 1, 0, 2, 1])).outcome.unwrap()
    else {
        panic!("it was approved")
    };
    assert_eq!(
        rejection.reason,
        "too much is left to be mended: 1 critical finding (0 allowed), 2 high findings (0 allowed)"
    );
    let severities: Vec<_> = rejection
        .findings
        .iter()
        .map(|finding| finding.severity)
        .collect();
    assert_eq!(
        severities,
        [Severity::Critical, Severity::High, Severity::High]
    );
}

#[test]
fn each_threshold_is_kept_and_broken() {
    let high = some([0, 0, 0, 1, 0]);
    assert_eq!(reason(json!({ "fail_at": "critical" }), high.clone()), None);
    assert!(reason(json!({ "fail_at": "high" }), high).is_some());

    let two = json!({ "max": { "medium": 2 } });
    assert_eq!(reason(two.clone(), some([0, 9, 2, 0, 0])), None);
    assert_eq!(
        reason(two, some([0, 9, 3, 0, 0])).unwrap(),
        "too much is left to be mended: 3 medium findings (2 allowed)"
    );

    let weight = json!({ "max_weight": 10, "weights": { "low": 5 } });
    assert_eq!(reason(weight.clone(), some([9, 2, 0, 0, 0])), None);
    let Outcome::Rejected(rejection) = run(weight, some([9, 2, 1, 0, 0])).outcome.unwrap() else {
        panic!("it was approved")
    };
    assert_eq!(
        rejection.reason,
        "too much is left to be mended: a weight of 13 (10 allowed)"
    );
    assert_eq!(
        rejection.findings.len(),
        3,
        "what weighs nothing is not listed"
    );
}

#[test]
fn what_was_asked_for_and_is_mended_is_told_again() {
    let mended = finding(Severity::High, 3).fix(Edit::replace_lines("a.rs", 3..=3, "x\n"));
    let dropped = finding(Severity::High, 4).fix(Edit::replace_lines("a.rs", 4..=4, "x\n"));
    let left = finding(Severity::High, 5);
    let report = json!({
        "applied": [{ "rule": "rule", "path": "a.rs", "first": 3, "last": 3, "line": 3, "column": 1 }],
        "skipped": [], "skipped_total": 0, "files": 1, "patch": { "sha256": "0", "size": 1 },
    });
    let run = TestHost::new()
        .need("quality", json!([]), [mended.clone(), left.clone()])
        .need("fix", report, [])
        .feedback([mended.clone(), dropped])
        .execute::<QualityGate>();
    let Outcome::Rejected(rejection) = run.outcome.unwrap() else {
        panic!("it was approved")
    };
    assert_eq!(
        rejection.reason,
        "too much is left to be mended: 1 high finding (0 allowed); the patch mends 1 finding"
    );
    assert_eq!(rejection.findings, [left, mended]);
}

#[test]
fn what_the_patch_mends_does_not_count() {
    let bad = finding(Severity::High, 3).fix(Edit::replace_lines("a.rs", 3..=3, "x\n"));
    let report = json!({
        "applied": [{ "rule": "rule", "path": "a.rs", "first": 3, "last": 3, "line": 3, "column": 1 }],
        "skipped": [], "skipped_total": 0, "files": 1, "patch": { "sha256": "0", "size": 1 },
    });
    let with_fix = |others: Vec<Finding>| {
        TestHost::new()
            .need("quality", json!([]), [vec![bad.clone()], others].concat())
            .need("fix", report.clone(), [])
            .execute::<QualityGate>()
            .outcome
            .unwrap()
    };
    let approved = with_fix(vec![]);
    assert_eq!(
        (
            approved.value().unwrap().fixed,
            approved.value().unwrap().remaining
        ),
        (1, 0)
    );
    let Outcome::Rejected(rejection) = with_fix(vec![finding(Severity::High, 9)]) else {
        panic!("it was approved")
    };
    assert_eq!(
        rejection.reason,
        "too much is left to be mended: 1 high finding (0 allowed); the patch mends 1 finding"
    );
    assert_eq!(rejection.findings, [finding(Severity::High, 9)]);
}

#[test]
fn ignored_rules_are_counted_apart() {
    let run = run(
        json!({ "ignore_rules": ["rule", "none"] }),
        some([0, 0, 0, 2, 0]),
    );
    let outcome = run.outcome.unwrap();
    assert_eq!(outcome.value().unwrap().ignored, 2);
    assert!(
        run.logs
            .iter()
            .any(|line| line.fields == [("rule".to_owned(), "none".to_owned())])
    );
}

#[test]
fn a_rejection_is_bounded() {
    let Outcome::Rejected(rejection) = run(json!({}), some([0, 0, 0, 300, 1])).outcome.unwrap()
    else {
        panic!("it was approved")
    };
    assert_eq!(rejection.findings.len(), MAX_LISTED);
    assert_eq!(rejection.findings[0].severity, Severity::Critical);
    assert!(
        rejection.reason.ends_with("; 200 of 301 are listed"),
        "{}",
        rejection.reason
    );

    let mut large = some([0, 0, 0, 100, 0]);
    large
        .iter_mut()
        .for_each(|finding| finding.message = "\u{1}".repeat(10_000));
    large[0].message = "x".repeat(2 << 20);
    let Outcome::Rejected(rejection) = run(json!({}), large).outcome.unwrap() else {
        panic!("it was approved")
    };
    assert!(!rejection.findings.is_empty());
    assert!(serde_json::to_string(&rejection.findings).unwrap().len() < 1 << 20);
    assert!(rejection.reason.contains("100 high findings"));
}

#[test]
fn weights_do_not_overflow() {
    let weights = json!({ "max_weight": u64::MAX, "weights": { "low": u64::MAX } });
    assert_eq!(reason(weights, some([0, 3, 0, 0, 0])), None);
}

#[test]
fn a_wrong_input_fails() {
    for bad in [
        json!({ "weights": { "low": 1 } }),
        json!({ "fail_at": "none" }),
        json!("high"),
    ] {
        assert!(matches!(
            run(bad, vec![]).outcome,
            Err(Failure::InvalidInput(_))
        ));
    }
}

proptest! {
    /// The verdict follows from the counts, whatever the order of findings.
    #[test]
    fn the_verdict_follows_from_the_counts(
        counts in prop::array::uniform5(0..4_u32),
        fail_at in 0..5_usize,
        max in prop::array::uniform5(prop::option::of(0..4_u32)),
        turn in 0..20_usize,
    ) {
        let mut findings = some(counts);
        let by = turn % findings.len().max(1);
        let bounds: serde_json::Map<String, Value> = Severity::ALL.into_iter().zip(max)
            .filter_map(|(severity, max)| Some((severity.to_string(), json!(max?))))
            .collect();
        let input = json!({ "fail_at": Severity::ALL[fail_at], "max": bounds });
        let first = run(input.clone(), findings.clone()).outcome;
        findings.rotate_left(by);
        prop_assert_eq!(&first, &run(input, findings).outcome);
        let approves = (0..5).all(|index| match max[index] {
            Some(max) => counts[index] <= max,
            None => index < fail_at || counts[index] == 0,
        });
        prop_assert_eq!(first.unwrap().value().is_some(), approves);
    }
}
