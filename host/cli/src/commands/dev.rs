//! `ringfence dev`

use std::path::PathBuf;
use std::time::Duration;

use console::Style;
use ringfence::flow::{AttemptResult, ByteSize, Fuel};
use ringfence_project::{
    Case, CaseTask, ChangeFinder, Changes, Comparison, Project, Sample, Scene, Tree, Workbench,
    develop, judge,
};

use super::call::read_input;
use super::interrupt::Interrupts;
use super::stage::{self, Stage};
use super::test::{read_cases, show_mismatch};
use crate::args::{DevArgs, Global};
use crate::error::CliError;
use crate::output::{indented, print, say, shown};

/// How often the project is looked at. A change is taken up when two looks have
/// found it the same.
const LOOK: Duration = Duration::from_millis(250);

/// The most files that are named when something has changed.
const MAX_NAMED: usize = 3;

pub(crate) async fn dev(global: &Global, args: &DevArgs) -> Result<(), CliError> {
    let project = stage::project(global, &args.folder)?;
    let input = args.input.as_deref().map(read_input).transpose()?;
    let mut bench = Bench {
        global,
        project: &project,
        case: args.case.as_deref(),
        input: input.map(CaseTask::of),
    };
    // A name of a case that is wrong now is wrong from the start.
    bench.task()?;
    let mut watch = Watch {
        project: &project,
        finder: ChangeFinder::new(Tree::of(&project)),
    };
    let mut interrupts = Interrupts::listen();
    tokio::select! {
        () = develop(&mut bench, &mut watch, show) => {}
        () = interrupts.next() => say("stopped"),
    }
    Ok(())
}

/// Builds the project and tries the agent.
struct Bench<'a> {
    global: &'a Global,
    project: &'a Project,
    case: Option<&'a str>,
    input: Option<CaseTask>,
}

/// What the agent is tried with.
enum Chosen {
    Task(CaseTask),
    Case(Box<Case>),
}

impl Bench<'_> {
    /// The task as the files say it now.
    fn task(&self) -> Result<Chosen, CliError> {
        if let Some(task) = &self.input {
            return Ok(Chosen::Task(task.clone()));
        }
        let files = read_cases(self.project)?;
        let mut cases = files.into_iter().flat_map(|file| file.cases);
        let found = match self.case {
            Some(name) => cases.find(|case| case.name == name),
            None => cases.next(),
        };
        match (found, self.case) {
            (Some(case), _) => Ok(Chosen::Case(Box::new(case))),
            (None, Some(name)) => Err(CliError::usage(
                format!("no case is called `{name}`"),
                "`ringfence test` lists them",
            )),
            (None, None) => Err(CliError::usage(
                "the project has no cases",
                "add one to `cases/hello.yaml`, or give a task with `--input JSON`",
            )),
        }
    }
}

impl Workbench for Bench<'_> {
    type Error = CliError;

    async fn attempt(&mut self) -> Result<Sample, CliError> {
        stage::build(self.project).await?;
        let chosen = self.task()?;
        let stage = Stage::open(self.global, self.project, &[]).await?;
        Ok(match chosen {
            Chosen::Task(task) => Sample {
                case: None,
                trial: stage.attempt(&task).await?,
                mismatches: Vec::new(),
            },
            Chosen::Case(case) => {
                let trial = stage.attempt(&case.task).await?;
                Sample {
                    mismatches: judge(&case, &trial),
                    case: Some(case.name),
                    trial,
                }
            }
        })
    }
}

/// Looks at the project's files again and again.
struct Watch<'a> {
    project: &'a Project,
    finder: ChangeFinder,
}

impl Changes for Watch<'_> {
    async fn next(&mut self) -> Option<Vec<PathBuf>> {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Some(changed) = self.finder.look(Tree::of(self.project)) {
                return Some(changed);
            }
        }
    }
}

fn show(scene: Scene<'_, CliError>) {
    match scene {
        Scene::Building([]) => say("building; Ctrl-C ends"),
        Scene::Building(changed) => say(&format!("\n{}", changes(changed))),
        Scene::Broken(error) => {
            let style = Style::new().for_stderr().red().bold();
            say(&format!("{} {error}", style.apply_to("error:")));
            say("waiting for a change");
        }
        Scene::Tried { sample, comparison } => {
            print(&tried(sample, comparison.as_ref()));
            say("waiting for a change");
        }
    }
}

fn changes(changed: &[PathBuf]) -> String {
    let named: Vec<_> = changed
        .iter()
        .take(MAX_NAMED)
        .map(|path| format!("`{}`", shown(path)))
        .collect();
    let more = match changed.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more} changed; building", named.join(", "))
}

/// What came of the sample task, and what is other than the last time.
fn tried(sample: &Sample, comparison: Option<&Comparison>) -> String {
    let trial = &sample.trial;
    let (dim, green, red) = (Style::new().dim(), Style::new().green(), Style::new().red());
    let mut lines = Vec::new();
    if let Some(case) = &sample.case {
        lines.push(match sample.mismatches.is_empty() {
            true => format!("{}  {case}", green.apply_to("ok    ")),
            false => format!("{}  {case}", red.apply_to("FAILED")),
        });
        lines.extend(sample.mismatches.iter().map(show_mismatch));
    }
    for line in &trial.logs {
        lines.push(format!(
            "{}: {}",
            line.level.as_str(),
            indented(&line.message)
        ));
    }
    lines.push(outcome(&trial.result));
    for artifact in &trial.artifacts {
        let artifact = &artifact.artifact;
        lines.push(format!(
            "artifact {} ({}, {} bytes)",
            artifact.name, artifact.media_type, artifact.size
        ));
    }
    for denied in trial.decisions.iter().filter(|decision| !decision.allowed) {
        lines.push(format!("denied {}: {}", denied.effect, denied.rule));
    }
    let usage = &trial.usage;
    let (fuel, memory) = match comparison {
        Some(before) => (
            fuel_delta(before.fuel, usage.fuel),
            memory_delta(before.memory, usage.peak_memory),
        ),
        None => (String::new(), String::new()),
    };
    let used = format!(
        "fuel {}{fuel}, memory {}{memory}",
        usage.fuel, usage.peak_memory
    );
    lines.push(dim.apply_to(used).to_string());
    if let Some(comparison) = comparison {
        lines.extend(difference("the outcome", &comparison.result));
        lines.extend(difference("the log", &comparison.logs));
        if comparison.result.is_empty() && comparison.logs.is_empty() {
            lines.push("outcome and log are as before".to_owned());
        }
    }
    lines.join("\n")
}

fn outcome(result: &AttemptResult) -> String {
    match result {
        AttemptResult::Completed(output) => {
            let findings = output.findings.iter();
            let mut lines: Vec<_> = findings.map(finding).collect();
            let value = output.value.to_value();
            lines.push(serde_json::to_string_pretty(&value).unwrap_or_default());
            lines.join("\n")
        }
        AttemptResult::Rejected(rejection) => {
            let reason = format!("rejected: {}", indented(&rejection.reason));
            let findings = rejection.findings.iter().map(finding);
            std::iter::once(reason)
                .chain(findings)
                .collect::<Vec<_>>()
                .join("\n")
        }
        AttemptResult::Failed(failure) => indented(&failure.to_string()),
    }
}

fn finding(finding: &ringfence::flow::Finding) -> String {
    format!(
        "{} {} [{}]",
        finding.severity,
        indented(&finding.message),
        finding.rule
    )
}

fn difference(what: &str, diff: &str) -> Option<String> {
    (!diff.is_empty()).then(|| {
        show_mismatch(&ringfence_project::Mismatch {
            what: format!("{what} is other than before (- before, + now)"),
            detail: diff.to_owned(),
        })
    })
}

fn fuel_delta(before: Fuel, now: Fuel) -> String {
    let difference = Fuel::units(before.as_u64().abs_diff(now.as_u64()));
    delta(before.as_u64(), now.as_u64(), &difference.to_string())
}

fn memory_delta(before: ByteSize, now: ByteSize) -> String {
    let difference = ByteSize::bytes(before.as_u64().abs_diff(now.as_u64()));
    delta(before.as_u64(), now.as_u64(), &difference.to_string())
}

/// As in ` (+1.2M, +3.4 %)`; an attempt of the same component costs the same, so
/// the least difference is one of the code.
fn delta(before: u64, now: u64, difference: &str) -> String {
    let sign = match before.cmp(&now) {
        std::cmp::Ordering::Equal => return " (as before)".to_owned(),
        std::cmp::Ordering::Less => '+',
        std::cmp::Ordering::Greater => '-',
    };
    let share = match before {
        0 => String::new(),
        before => format!(
            ", {sign}{:.1} %",
            before.abs_diff(now) as f64 * 100.0 / before as f64
        ),
    };
    format!(" ({sign}{difference}{share})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_says_how_much_and_what_share() {
        let fuel = |before, now| fuel_delta(Fuel::units(before), Fuel::units(now));
        assert_eq!(fuel(1000, 1000), " (as before)");
        assert_eq!(fuel(1000, 1001), " (+1, +0.1 %)");
        assert_eq!(fuel(2_000_000, 1_000_000), " (-1M, -50.0 %)");
        assert_eq!(fuel(0, 5), " (+5)");
        let memory = memory_delta(ByteSize::mib(1), ByteSize::mib(2));
        assert_eq!(memory, " (+1 MiB, +100.0 %)");
    }

    #[test]
    fn of_many_changed_files_some_are_named() {
        let paths =
            |count: usize| -> Vec<PathBuf> { (0..count).map(|n| n.to_string().into()).collect() };
        assert_eq!(changes(&paths(1)), "`0` changed; building");
        assert_eq!(
            changes(&paths(5)),
            "`0`, `1`, `2` and 2 more changed; building"
        );
    }
}
