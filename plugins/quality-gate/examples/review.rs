//! Reviews a tree with the standard agents' own code, on one thread, in the order
//! of `workflows/review.yaml`: no sandbox, no scheduler, no journal. `cargo xtask
//! bench` compares the host with it.
//!
//! What goes in and comes out takes the same form as in the contract. Prints how
//! many findings there are, and how many of them the patch mends, as JSON.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "it stops where something is wrong"
)]

use std::path::{Path, PathBuf};

use architect::Architect;
use developer::Developer;
use performance::Performance;
use quality_gate::QualityGate;
use reviewer::Reviewer;
use ringfence_sdk::serde::Serialize;
use ringfence_sdk::serde_json::{self, Value, json};
use ringfence_sdk::testing::{TestHost, TestRun};
use ringfence_sdk::{Agent, Outcome, Output};
use security::Security;
use tester::Tester;

fn main() {
    let tree: PathBuf = std::env::args_os()
        .nth(1)
        .expect("the path of a tree")
        .into();
    let (findings, mended) = review(&tree);
    println!("{}", json!({ "findings": findings, "mended": mended }));
}

/// Reviews a tree, one agent after the other.
fn review(tree: &Path) -> (usize, usize) {
    let architect = |input| {
        let host = TestHost::new().mount("src", tree);
        given(host.input(input).execute::<Architect>())
    };
    let survey = architect(json!({}));
    let split = architect(json!({ "only": "shards" }));
    let shards = split.value["shards"].as_array().unwrap();
    let sides = [
        ("security", side::<Security>(tree, shards)),
        ("performance", side::<Performance>(tree, shards)),
        ("quality", side::<Reviewer>(tree, shards)),
    ];
    let findings = sides.iter().map(|(_, output)| output.findings.len()).sum();
    let reviewed = |host: TestHost| {
        sides.iter().fold(host, |host, (name, output)| {
            host.need_output(*name, output.clone())
        })
    };

    let fixed = reviewed(TestHost::new().mount("src", tree)).execute::<Developer>();
    let patch = fixed.artifacts.first().cloned();
    let mut fix = given(fixed);
    let mended = fix.value["applied"].as_array().map_or(0, Vec::len);

    let host = TestHost::new().mount("src", tree);
    if let Some(patch) = patch {
        fix.artifacts = vec![host.put_artifact(
            &patch.artifact.name,
            &patch.artifact.media_type,
            &patch.content,
        )];
    }
    let verified = given(host.need_output("fix", fix.clone()).execute::<Tester>());
    let host = TestHost::new()
        .input(json!({ "fail_at": "high" }))
        .need_output("verify", verified)
        .need_output("fix", fix)
        .need_output("survey", survey);
    // Approved or rejected: both are an answer.
    reviewed(host).execute::<QualityGate>().outcome.unwrap();
    (findings, mended)
}

/// What an agent says of all shards: a list of values, and all findings.
fn side<A: Agent>(tree: &Path, shards: &[Value]) -> Output
where
    A::Output: Serialize,
{
    let mut all = Output::default();
    let mut values = Vec::new();
    for shard in shards {
        let host = TestHost::new().mount("src", tree);
        let output = given(
            host.input(json!({ "files": shard["files"] }))
                .execute::<A>(),
        );
        values.push(output.value);
        all.findings.extend(output.findings);
    }
    all.value = Value::Array(values);
    all
}

/// What a task gives to those that need it.
fn given<T: Serialize>(run: TestRun<T>) -> Output {
    match run.outcome.unwrap() {
        Outcome::Completed {
            value,
            findings,
            artifacts,
        } => Output {
            value: serde_json::to_value(value).unwrap(),
            findings,
            artifacts,
        },
        Outcome::Rejected(rejection) => panic!("rejected: {}", rejection.reason),
    }
}
