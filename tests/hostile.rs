//! The corpus: each hostile plugin does what is expected of it and nothing
//! else, alone and with all others beside a victim.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod corpus;
mod host;

use std::collections::BTreeMap;
use std::sync::Arc;

use corpus::{Attempted, Ends, Expected, Guest, VICTIM, dropped, expected};
use host::{Host, Ran};
use ringfence::engine::{Clock, Host as Engine, HostConfig, RunOutcome, RunSpec};
use ringfence_flow::{AttemptResult, Budgets, Json, RunStatus, TaskStatus, WorkflowFile};
use ringfence_sandbox::{Refusal, Sandbox};
use serde_json::json;

/// The longest message of a failure or of a log line, in bytes, that gets out of
/// a sandbox.
const LONGEST_TEXT: usize = 8 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn each_guest_does_what_is_expected_and_its_neighbour_does_not_notice() {
    let mut wrong = Vec::new();
    for guest in Guest::ALL {
        let names = [guest.name(), VICTIM.name()];
        let names = if guest == VICTIM { &names[..1] } else { &names };
        let (host, refused) = Host::try_with(names, corpus::commands).await;
        match expected(guest) {
            Expected::Refused(code) => {
                let codes: Vec<_> = refused.iter().map(Refusal::code).collect();
                if codes != [code] {
                    wrong.push(format!("{guest:?}: {refused:?}, not {code}"));
                }
                undisturbed(&host).await;
            }
            Expected::Attempts(attempts) => {
                assert!(refused.is_empty(), "{guest:?}: {refused:?}");
                for attempted in attempts {
                    let (input, budgets) = (attempted.input.clone(), attempted.budgets);
                    let hostile = host.run(guest.agent(), input, budgets);
                    let (ran, ()) = tokio::join!(hostile, undisturbed(&host));
                    wrong.extend(unexpected(guest, &attempted, &ran));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn files_that_are_no_plugins_are_refused_each_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let files = dropped(folder.path());
    let loading = host::load_from(folder.path(), &[VICTIM.name()], |config| {
        config.compilation = host::in_child();
    })
    .await;
    let refused: BTreeMap<_, _> = loading
        .refused
        .iter()
        .map(|refusal| {
            let name = refusal.path.file_name().unwrap().to_str().unwrap();
            (name.to_owned(), refusal)
        })
        .collect();
    let wrong: Vec<_> = files
        .iter()
        .filter_map(|file| match refused.get(&file.name) {
            Some(refusal) if refusal.code() == file.code => None,
            other => Some(format!("{:?}: {other:?}, not {}", file.name, file.code)),
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(refused.len(), files.len());
    for refusal in refused.values() {
        let text = refusal.to_string();
        assert!(!text.contains(['\n', '\u{1b}', '\u{202e}']), "{text}");
        assert!(!refusal.hint().is_empty());
    }
    let names: Vec<_> = loading
        .sandbox
        .loaded()
        .into_iter()
        .map(|agent| agent.profile().name.to_string())
        .collect();
    assert_eq!(names, [VICTIM.name()]);
}

/// A workflow that means no harm: a chain, a map over what it gave, and its end.
const VICTIM_WORKFLOW: &str = "version: 1
name: victim
defaults: { retry: { max_retries: 0 } }
tasks:
  first: { role: echo, input: { n: 1 } }
  second: { role: echo, needs: [first], input: '${{ tasks.first.output }}' }
  each:
    role: echo
    needs: [second]
    for_each: 'range(100)'
    input: { item: '${{ item }}', so_far: '${{ tasks.second.output.input }}' }
  last: { role: echo, needs: [each], input: '${{ tasks.each.output }}' }
";

/// All guests that can be loaded, a task for each attempt that is expected of
/// them.
fn hostile_workflow() -> (String, BTreeMap<String, Ends>) {
    let mut text =
        "version: 1\nname: hostile\ndefaults: { retry: { max_retries: 0 } }\ntasks:\n".to_owned();
    let mut ends = BTreeMap::new();
    for guest in Guest::ALL {
        let Expected::Attempts(attempts) = expected(guest) else {
            continue;
        };
        // Two of one name are both refused when they lie in one folder.
        if matches!(guest, Guest::TwinA | Guest::TwinB) {
            continue;
        }
        for (n, attempted) in attempts.iter().enumerate() {
            let task = format!("{}-{n}", guest.name());
            let Budgets {
                fuel,
                time,
                memory,
                artifacts,
                ..
            } = attempted.budgets;
            let budget = format!(
                "fuel: '{}', time: {}ms, memory: {}B, artifacts: {}B",
                fuel.as_u64(),
                time.as_millis(),
                memory.as_u64(),
                artifacts.as_u64()
            );
            text += &format!(
                "  {task}:\n    role: {}\n    on_failure: continue\n    budget: {{ {budget} }}\n    input: {}\n",
                guest.name(),
                attempted.input
            );
            ends.insert(task, attempted.ends);
        }
    }
    (text, ends)
}

async fn outcome(host: &Engine, text: &str) -> RunOutcome {
    let file = WorkflowFile::parse("w", text).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let spec = RunSpec::new(
        Arc::new(file.into_plan()),
        Json::from(json!({})),
        host.clock(),
    );
    host.run(spec).await.unwrap().outcome().await.unwrap()
}

fn engine(sandbox: Sandbox) -> Engine {
    // No rest for agents that fail: all that they do is to be seen.
    let mut config = HostConfig::default();
    config.breaker.threshold = u32::MAX;
    config.conduct.faults = None;
    Engine::start(Arc::new(sandbox), config, Clock::system())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_together_change_nothing_for_a_victim() {
    let alone = host::sandbox(&[VICTIM.name()], |_| {}).await;
    let alone = outcome(&engine(alone), VICTIM_WORKFLOW).await;
    assert_eq!(alone.status, RunStatus::Completed);

    let folder = tempfile::tempdir().unwrap();
    let files = dropped(folder.path());
    let guests = Guest::ALL.map(Guest::name);
    let loading = host::load_from(folder.path(), &guests, |config| {
        config.compilation = host::in_child();
        // Everything anew: what another suite has compiled was not compiled there.
        config.cache_dir = None;
        corpus::commands(config);
    })
    .await;
    let refused = Guest::ALL
        .iter()
        .filter(|guest| matches!(expected(**guest), Expected::Refused(_)));
    assert_eq!(
        loading.refused.len(),
        files.len() + refused.count() + 2,
        "two twins"
    );

    let host = engine(loading.sandbox);
    let (hostile, ends) = hostile_workflow();
    let (attack, beside) = tokio::join!(outcome(&host, &hostile), outcome(&host, VICTIM_WORKFLOW));
    assert_eq!(beside.status, RunStatus::Completed);
    for task in ["first", "second", "each", "last"] {
        let task = task.parse().unwrap();
        assert_eq!(
            beside.results.get(&task),
            alone.results.get(&task),
            "{task}"
        );
    }
    let ended = ends.keys().map(|task| {
        let (status, _) = attack.results.get(&task.parse().unwrap()).unwrap();
        (task.clone(), status)
    });
    let ended: BTreeMap<_, _> = ended.collect();
    let wanted = ends.iter().map(|(task, ends)| {
        let status = match ends {
            Ends::Completed => TaskStatus::Completed,
            Ends::Rejected => TaskStatus::Rejected,
            Ends::Failed(_) => TaskStatus::Failed,
        };
        (task.clone(), status)
    });
    assert_eq!(ended, wanted.collect());
    let afterwards = outcome(&host, VICTIM_WORKFLOW).await;
    assert_eq!(afterwards.output, alone.output);
}

async fn undisturbed(host: &Host) {
    let input = json!({"neighbour": [1, 2, 3]});
    let ran = host
        .run(VICTIM.name(), input.clone(), Budgets::default())
        .await;
    assert_eq!(ran.output().value.to_value()["input"], input);
}

/// What is not as expected.
fn unexpected(guest: Guest, attempted: &Attempted, ran: &Ran) -> Option<String> {
    let Attempted {
        input,
        ends,
        says,
        logs: lines,
        denied,
        ..
    } = attempted;
    let (ended, failure) = match &ran.report.result {
        AttemptResult::Completed(_) => (Ends::Completed, String::new()),
        AttemptResult::Rejected(_) => (Ends::Rejected, String::new()),
        AttemptResult::Failed(failure) => (Ends::Failed(failure.code), failure.to_string()),
    };
    let logs = ran.seen.logs.lock().unwrap();
    let said = failure.contains(says) || logs.iter().any(|line| line.message.contains(says));
    let longest = logs.iter().map(|line| line.message.len()).max();
    let longest = longest.unwrap_or(0).max(failure.len());
    let audit = ran.seen.decisions.lock().unwrap();
    let reached: Vec<_> = audit
        .iter()
        .filter(|d| !d.allowed)
        .map(|d| &*d.effect)
        .collect();
    let is_told = logs.len() == *lines && reached == *denied;
    let good = ended == *ends && said && is_told && longest <= LONGEST_TEXT;
    let shown: String = failure.chars().take(300).collect();
    (!good).then(|| {
        format!(
            "{guest:?} {input}: {ended:?}, not {ends:?} with {says:?}; longest text {longest}; {} lines, not {lines}; denied {reached:?}, not {denied:?}; {shown}",
            logs.len()
        )
    })
}
