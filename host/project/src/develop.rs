//! Builds and tries an agent whenever its project changes.

use std::future::Future;
use std::path::PathBuf;

use ringfence_flow::{ByteSize, Fuel};

use crate::compare::{diff, diff_texts};
use crate::judge::Mismatch;
use crate::trial::Trial;

/// Where an agent is built and tried.
pub trait Workbench {
    /// Why one could not be.
    type Error;

    /// Builds the agent as its project is now, and lets it do the sample task.
    fn attempt(&mut self) -> impl Future<Output = Result<Sample, Self::Error>>;
}

/// What came of the sample task.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The case that the task is from, if it is from one.
    pub case: Option<String>,
    /// What came of it.
    pub trial: Trial,
    /// What is not as the case expects.
    pub mismatches: Vec<Mismatch>,
}

/// Tells when a project changes.
pub trait Changes {
    /// The files that changed next, or `None` when nobody wants to know any more.
    fn next(&mut self) -> impl Future<Output = Option<Vec<PathBuf>>>;
}

/// What there is to show.
#[derive(Debug)]
pub enum Scene<'a, E> {
    /// The agent is about to be built; these files have changed since the last
    /// time.
    Building(&'a [PathBuf]),
    /// It was not, or it could not be tried.
    Broken(&'a E),
    /// It did the sample task.
    Tried {
        /// What came of it.
        sample: &'a Sample,
        /// How that compares with the time before, if it was the same task.
        comparison: Option<Comparison>,
    },
}

/// How an attempt compares with the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What differs in how it ended, line by line; empty where nothing does.
    pub result: String,
    /// What differs in the log, line by line; empty where nothing does.
    pub logs: String,
    /// The fuel that was used before.
    pub fuel: Fuel,
    /// The memory that was held before.
    pub memory: ByteSize,
}

impl Comparison {
    /// Compares an attempt with the one `before`.
    #[must_use]
    pub fn of(before: &Trial, now: &Trial) -> Self {
        let result = |trial: &Trial| serde_json::to_value(&trial.result).unwrap_or_default();
        Self {
            result: diff(&result(before), &result(now)),
            logs: diff_texts(&log(before), &log(now)),
            fuel: before.usage.fuel,
            memory: before.usage.peak_memory,
        }
    }
}

fn log(trial: &Trial) -> String {
    let lines = trial.logs.iter();
    lines
        .map(|line| format!("{}: {}\n", line.level.as_str(), line.message))
        .collect()
}

/// Builds and tries the agent now and after each change, until `changes` end. What
/// is broken is shown, and the next change waited for.
pub async fn develop<B: Workbench>(
    bench: &mut B,
    changes: &mut impl Changes,
    mut show: impl FnMut(Scene<'_, B::Error>),
) {
    let mut changed = Vec::new();
    let mut last: Option<Sample> = None;
    loop {
        show(Scene::Building(&changed));
        match bench.attempt().await {
            Ok(sample) => {
                let before = last.filter(|last| last.case == sample.case);
                let comparison = before.map(|last| Comparison::of(&last.trial, &sample.trial));
                show(Scene::Tried {
                    sample: &sample,
                    comparison,
                });
                last = Some(sample);
            }
            Err(error) => show(Scene::Broken(&error)),
        }
        match changes.next().await {
            Some(files) => changed = files,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use ringfence_flow::{AttemptResult, Failure, FailureCode, Json, Output, Usage};
    use serde_json::json;

    use super::*;

    /// Gives these, one after the other.
    struct Script(VecDeque<Result<Sample, String>>);

    impl Workbench for Script {
        type Error = String;

        async fn attempt(&mut self) -> Result<Sample, String> {
            self.0.pop_front().unwrap()
        }
    }

    impl Changes for VecDeque<Vec<PathBuf>> {
        async fn next(&mut self) -> Option<Vec<PathBuf>> {
            self.pop_front()
        }
    }

    fn sample(case: &str, result: AttemptResult, fuel: u64) -> Sample {
        let usage = Usage {
            fuel: Fuel::units(fuel),
            ..Usage::default()
        };
        Sample {
            case: Some(case.to_owned()),
            trial: Trial {
                result,
                usage,
                logs: Vec::new(),
                progress: Vec::new(),
                decisions: Vec::new(),
                artifacts: Vec::new(),
            },
            mismatches: Vec::new(),
        }
    }

    fn completed(n: u32) -> AttemptResult {
        AttemptResult::Completed(Output::of(Json::from(&json!(n))))
    }

    #[tokio::test]
    async fn each_change_is_built_tried_and_compared_with_the_last_that_went() {
        let failed = AttemptResult::Failed(Failure::new(FailureCode::Trap, "a panic"));
        let mut bench = Script(VecDeque::from([
            Ok(sample("a", completed(1), 100)),
            Err("it does not compile".to_owned()),
            Ok(sample("a", completed(1), 90)),
            Ok(sample("a", failed, 90)),
            Ok(sample("b", completed(1), 50)),
        ]));
        let file = |name: &str| vec![PathBuf::from(name)];
        let mut changes = VecDeque::from([file("1"), file("2"), file("3"), file("4")]);
        let mut told = Vec::new();
        develop(&mut bench, &mut changes, |scene| {
            told.push(match scene {
                Scene::Building(files) => format!("building {files:?}"),
                Scene::Broken(error) => error.clone(),
                Scene::Tried { comparison, .. } => match comparison {
                    None => "first of its case".to_owned(),
                    Some(Comparison { result, fuel, .. }) => {
                        format!("{} lines differ, fuel was {fuel}", result.lines().count())
                    }
                },
            });
        })
        .await;
        assert_eq!(
            told,
            [
                "building []",
                "first of its case",
                "building [\"1\"]",
                "it does not compile",
                "building [\"2\"]",
                "0 lines differ, fuel was 100",
                "building [\"3\"]",
                "10 lines differ, fuel was 90",
                "building [\"4\"]",
                "first of its case",
            ]
        );
    }
}
