//! SARIF: valid against the schema that OASIS publishes, whatever the run was.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows a test's helper functions for no test"
)]

mod fixture;

use jsonschema::Validator;
use ringfence_flow::{RunRecord, RunStatus};
use ringfence_report::{NoSources, SourceLookup, sarif};
use serde_json::Value;

fn schema() -> Validator {
    // The published pattern for languages has a bracket too many, which is no
    // regular expression for strict readers. Reports of ours name no language.
    let published = include_str!("sarif-schema-2.1.0.json");
    let schema = published.replace(
        "^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$",
        "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$",
    );
    let schema: Value = serde_json::from_str(&schema).unwrap();
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

/// The report as JSON, checked.
fn valid(record: &RunRecord, sources: &dyn SourceLookup) -> Value {
    let report: Value = serde_json::from_str(&sarif(record, sources).unwrap()).unwrap();
    let errors: Vec<_> = schema()
        .iter_errors(&report)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    report
}

#[test]
fn a_review_is_valid() {
    let report = valid(&fixture::review(), &fixture::sources());
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
}

#[test]
fn a_run_of_which_nothing_is_known_is_valid() {
    let report = valid(&RunRecord::new(), &NoSources);
    assert_eq!(report["runs"][0]["results"], serde_json::json!([]));
    assert_eq!(
        report["runs"][0]["invocations"][0]["executionSuccessful"],
        false
    );
}

#[test]
fn a_large_run_is_valid() {
    let report = valid(&fixture::large(5_000, 500), &NoSources);
    assert_eq!(
        report["runs"][0]["results"].as_array().unwrap().len(),
        5_000
    );
    assert_eq!(
        report["runs"][0]["tool"]["driver"]["rules"]
            .as_array()
            .unwrap()
            .len(),
        23
    );
}

#[test]
fn a_hostile_run_is_valid_and_stays_below_the_mount() {
    let report = valid(&fixture::hostile(), &fixture::hostile_sources());
    let results = report["runs"][0]["results"].as_array().unwrap();
    let mut places = 0;
    for result in results {
        for location in result["locations"].as_array().into_iter().flatten() {
            let Some(uri) = location["physicalLocation"]["artifactLocation"]["uri"].as_str() else {
                continue;
            };
            places += 1;
            assert!(!uri.starts_with('/') && !uri.contains(':'), "{uri}");
            assert!(uri.split('/').all(|part| part != ".."), "{uri}");
            assert!(uri.is_ascii(), "{uri}");
        }
        let message = result["message"]["text"].as_str().unwrap();
        let unescaped = message.replace(r"\]", "");
        assert!(!unescaped.contains("]("), "an embedded link: {message}");
    }
    assert!(places > 0);
    let rules = report["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(
            rules[index]["id"], result["ruleId"],
            "the index names the rule"
        );
    }
}

#[test]
fn the_schema_would_find_a_mistake() {
    let mut report = valid(&fixture::review(), &NoSources);
    report["runs"][0]["results"][0]["level"] = "dreadful".into();
    assert!(!schema().is_valid(&report));
}

#[test]
fn a_rejection_is_a_success_of_the_tool_and_a_failure_is_not() {
    let success = |status| {
        let mut record = RunRecord::new();
        record.status = Some(status);
        valid(&record, &NoSources)["runs"][0]["invocations"][0]["executionSuccessful"].clone()
    };
    assert_eq!(success(RunStatus::Completed), true);
    assert_eq!(success(RunStatus::Rejected), true);
    assert_eq!(success(RunStatus::Failed), false);
    assert_eq!(success(RunStatus::Cancelled), false);
}

#[test]
fn fingerprints_are_unique_and_stay() {
    let of = |record: &RunRecord| -> Vec<String> {
        let report = valid(record, &fixture::sources());
        let results = report["runs"][0]["results"].as_array().unwrap();
        let print = |result: &Value| result["partialFingerprints"]["ringfence/v1"].to_string();
        results.iter().map(print).collect()
    };
    let prints = of(&fixture::review());
    let mut unique = prints.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), prints.len());
    assert_eq!(prints, of(&fixture::review()));
}
