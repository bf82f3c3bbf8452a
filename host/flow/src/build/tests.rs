use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::{
    Backoff, CodeRetry, FailureCode, Fuel, InputType, Jitter, NoFiles, OnItemFailure, OnTimeout,
    Require,
};

fn of_file(text: &str, source: &dyn WorkflowSource) -> Plan {
    let file = WorkflowFile::parse_with("file", text, source);
    file.unwrap_or_else(|e| panic!("{e:#?}")).into_plan()
}

fn built(builder: &WorkflowBuilder) -> Plan {
    let plan = builder.plan().unwrap_or_else(|e| panic!("{e}"));
    Arc::unwrap_or_clone(plan)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn the_shipped_review_is_as_short_and_the_same_plan() {
    let text = include_str!("../../../../workflows/review.yaml");
    let each_shard = |builder: TaskBuilder, input| {
        builder
            .needs(["shards"])
            .for_each("tasks.shards.output.shards")
            .input(input)
            .mounts(["src"])
    };
    let find = |builder| each_shard(builder, json!({ "files": "${{ item.files }}" }));
    let map = "(tasks.security.findings + tasks.performance.findings + tasks.quality.findings) | selectattr(\"fix\", \"defined\") | list | length > 0";
    let review = workflow("review")
        .description(
            "Reviews a source tree, mends what a machine can mend, and weighs what is left.",
        )
        .input(
            "fail_at",
            input(InputType::String)
                .one_of(["info", "low", "medium", "high", "critical"])
                .default("high")
                .description("The mildest severity that the quality gate does not let through."),
        )
        .concurrency(8)
        .deadline(seconds(30 * 60))
        .default_timeout(seconds(120))
        .default_budget(&BudgetOverrides {
            host_calls: Some(1_000_000),
            ..BudgetOverrides::default()
        })
        .default_retry(&RetryPolicy::default())
        .task(
            "shards",
            role("architect")
                .input(json!({ "only": "shards" }))
                .mounts(["src"]),
        )
        .task("security", find(role("security")))
        .task("performance", find(role("performance")))
        .task("quality", find(role("reviewer")))
        .task(
            "parts",
            each_shard(
                role("architect"),
                json!({ "only": "part", "files": "${{ item.files }}" }),
            ),
        )
        .task(
            "survey",
            role("architect")
                .needs(["shards", "parts"])
                .input(json!({ "only": "join" })),
        )
        .task(
            "fix",
            role("developer")
                .needs(["security", "performance", "quality"])
                .when(map)
                .mounts(["src"]),
        )
        .task(
            "verify",
            role("tester")
                .needs(["fix"])
                .when("tasks.fix.status == \"completed\"")
                .mounts(["src"])
                .on_reject("fix", 3),
        )
        .task(
            "gate",
            role("quality-gate")
                .needs([
                    "verify",
                    "fix",
                    "survey",
                    "security",
                    "performance",
                    "quality",
                ])
                .input(json!({ "fail_at": "${{ inputs.fail_at }}" })),
        );
    assert!(of_file(text, &NoFiles) == built(&review));
    let other = review.concurrency(9);
    assert!(
        of_file(text, &NoFiles) != built(&other),
        "a difference shows"
    );
}

#[test]
fn every_key_of_a_file_can_be_built() {
    let text = r#"
version: 1
name: all
limits: { roles: { developer: { concurrency: 3, rate: 10/s } }, agents: { dev: { rate: 100/m } } }
retry_budget: { at_least: 5, ratio: 0.5 }
priority: high
defaults: { on_failure: continue }
output: "${{ tasks.work.output }}"
tasks:
  work:
    role: developer
    agent: dev
    for_each: { items: "range(3)", concurrency: 2, on_item_failure: drop_item }
    when: "true"
    input: { n: "${{ item }}" }
    mounts: [src]
    priority: low
    timeout: 1m30s
    start_timeout: 10s
    total_timeout: 10m
    retry:
      max_retries: 4
      initial: 2s
      factor: 3
      max: 50s
      jitter: none
      escalate: true
      on: { timed-out: { max_retries: 1, initial: 5s, factor: 2, max: 60s, jitter: full } }
    budget: { fuel: 1M, memory: 1MiB, artifacts: 0B, log-lines: 7 }
    cache: true
    fallback: [other]
    on_failure: skip_dependents
  yes: { approve: { message: "Go?", timeout: 24h, on_timeout: reject }, needs: [work] }
  two: { require: { at_least: 2 }, needs: [work, yes], on_reject: { redo_from: work, max_rounds: 2 } }
  inner: { workflow: sum, needs: [two], input: { a: 1 } }
finally:
  tell: { role: reporter, input: "${{ run.status }}" }
"#;
    let sum = workflow("sum")
        .input("a", input(InputType::Integer))
        .task("add", role("adder").input(json!("${{ inputs.a }}")));
    let rate = |text: &str| Some(text.parse().unwrap());
    let limits = Limits {
        roles: BTreeMap::from([(
            "developer".parse().unwrap(),
            Limit {
                concurrency: Some(3),
                rate: rate("10/s"),
            },
        )]),
        agents: BTreeMap::from([(
            "dev".parse().unwrap(),
            Limit {
                concurrency: None,
                rate: rate("100/m"),
            },
        )]),
    };
    let all = workflow("all")
        .limits(&limits)
        .retry_budget(RetryBudget {
            at_least: 5,
            ratio: 0.5,
        })
        .priority(Priority::High)
        .default_on_failure(OnFailure::Continue)
        .output("${{ tasks.work.output }}")
        .task(
            "work",
            role("developer")
                .agent("dev")
                .for_each("range(3)")
                .item_concurrency(2)
                .on_item_failure(OnItemFailure::Drop)
                .when("true")
                .input(json!({ "n": "${{ item }}" }))
                .mounts(["src"])
                .priority(Priority::Low)
                .timeout(seconds(90))
                .start_timeout(seconds(10))
                .total_timeout(seconds(600))
                .retry(&RetryPolicy {
                    max_retries: 4,
                    backoff: Backoff {
                        initial: seconds(2),
                        factor: 3.0,
                        max: seconds(50),
                        jitter: Jitter::None,
                    },
                    escalate: true,
                    on: BTreeMap::from([(
                        FailureCode::TimedOut,
                        CodeRetry {
                            max_retries: 1,
                            backoff: Backoff {
                                initial: seconds(5),
                                ..Backoff::default()
                            },
                        },
                    )]),
                })
                .budget(&BudgetOverrides {
                    fuel: Some(Fuel::units(1_000_000)),
                    memory: Some(crate::ByteSize::mib(1)),
                    artifacts: Some(crate::ByteSize::bytes(0)),
                    log_lines: Some(7),
                    ..BudgetOverrides::default()
                })
                .cache()
                .fallback(["other"])
                .on_failure(OnFailure::SkipDependents),
        )
        .task(
            "yes",
            approval("Go?")
                .needs(["work"])
                .timeout(seconds(24 * 3600))
                .on_timeout(OnTimeout::Reject),
        )
        .task(
            "two",
            vote(Require::AtLeast(2))
                .needs(["work", "yes"])
                .on_reject("work", 2),
        )
        .task(
            "inner",
            sub_workflow(sum.clone())
                .needs(["two"])
                .input(json!({ "a": 1 })),
        )
        .finally("tell", role("reporter").input(json!("${{ run.status }}")));
    let held = Held(BTreeMap::from([("sum".to_owned(), sum.to_yaml())]));
    let from_rust = built(&all);
    assert!(of_file(text, &held) == from_rust);
    assert!(
        of_file(&all.to_yaml(), &held) == from_rust,
        "its text is a file"
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let error = workflow("bad")
        .task("a", role("Developer").needs(["c"]))
        .task("b", role("tester").for_each("inputs.nothing"))
        .plan()
        .unwrap_err();
    let codes: Vec<_> = error.diagnostics.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["invalid-name", "unknown-name"]);
    assert!(
        error
            .to_string()
            .contains("the workflow has no input `nothing`"),
        "{error}"
    );
    let twice = workflow("twice")
        .task("a", role("x"))
        .task("a", role("y"))
        .plan();
    assert_eq!(twice.unwrap_err().diagnostics[0].code, "duplicate-key");
    let empty = workflow("empty").plan().unwrap_err();
    assert_eq!(empty.diagnostics[0].code, "no-tasks");
}
