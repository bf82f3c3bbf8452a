//! `ringfence test`

use console::Style;
use ringfence::flow::{AttemptResult, GrantDecision, LogLine, Usage};
use ringfence_project::{
    BuildError, Case, CaseFile, CaseFileError, Mismatch, Project, Trial, case_files, judge,
};
use serde::Serialize;

use super::stage::{self, Stage};
use super::workflow::Source;
use crate::args::{Format, Global, TestArgs};
use crate::error::CliError;
use crate::exit::ExitCode;
use crate::output::{indented, print, print_json, say};

/// What `test --format json` prints.
#[derive(Serialize)]
struct Report<'a> {
    agent: &'a ringfence::flow::AgentName,
    /// Of the language's own tests.
    tests: Tests,
    cases: Vec<Tried<'a>>,
}

/// How the language's own tests went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Tests {
    /// There are none, or they were not asked for.
    None,
    Ok,
    Failed,
}

/// A case, and how it went.
#[derive(Serialize)]
struct Tried<'a> {
    file: &'a str,
    line: u32,
    name: &'a str,
    ok: bool,
    mismatches: Vec<Mismatch>,
    result: AttemptResult,
    usage: Usage,
    logs: Vec<LogLine>,
    decisions: Vec<GrantDecision>,
}

/// How many of the last log lines are shown of a case that failed.
const SHOWN_LOGS: usize = 20;

pub(crate) async fn test(global: &Global, args: &TestArgs) -> Result<ExitCode, CliError> {
    let project = stage::project(global, &args.folder)?;
    // Before anything takes long.
    let files = read_cases(&project)?;
    check_filter(&files, args.filter.as_deref())?;
    stage::build(&project).await?;
    let stage = Stage::open(global, &project, &files).await?;
    let tests = match args.filter {
        Some(_) => Tests::None,
        None => own_tests(&project).await?,
    };
    let mut cases = Vec::new();
    for (file, case) in chosen(&files, args.filter.as_deref()) {
        let trial = stage.attempt(&case.task).await;
        let trial = trial.map_err(|error| in_case(file, case, error))?;
        let tried = Tried::of(file, case, trial);
        if args.format == Format::Human {
            print(&tried.for_people());
        }
        let is_cancelled = tried.is_cancelled();
        cases.push(tried);
        if is_cancelled {
            return Ok(ExitCode::Cancelled);
        }
    }
    let failed = cases.iter().filter(|tried| !tried.ok).count();
    match args.format {
        Format::Json => print_json(&Report {
            agent: &stage.agent().profile().name,
            tests,
            cases,
        }),
        Format::Human => print(&summary(cases.len(), failed, tests)),
    }
    Ok(match failed == 0 && tests != Tests::Failed {
        true => ExitCode::Completed,
        false => ExitCode::Failed,
    })
}

/// Reads all case files. What is wrong with them is printed.
pub(super) fn read_cases(project: &Project) -> Result<Vec<CaseFile>, CliError> {
    let errors = match case_files(project) {
        Ok(files) => return Ok(files),
        Err(errors) => errors,
    };
    let mut last = None;
    for error in errors {
        let error = match error {
            CaseFileError::Invalid {
                name,
                text,
                diagnostics,
            } => Source { name, text }.refuse(&diagnostics),
            error => CliError::Files(error.to_string()),
        };
        if let Some(before) = last.replace(error) {
            say(&before.to_string());
        }
    }
    Err(last.unwrap_or_else(|| CliError::Files("the cases cannot be read".to_owned())))
}

/// The error of a case whose task cannot be given to the agent, with its place.
fn in_case(file: &CaseFile, case: &Case, error: CliError) -> CliError {
    match error {
        CliError::Trial(error) => CliError::Invalid(format!(
            "{}:{}: `{}` cannot be tried: {error}",
            file.name, case.line, case.name
        )),
        error => error,
    }
}

fn chosen<'a>(
    files: &'a [CaseFile],
    filter: Option<&'a str>,
) -> impl Iterator<Item = (&'a CaseFile, &'a Case)> {
    let cases = files
        .iter()
        .flat_map(|file| file.cases.iter().map(move |case| (file, case)));
    cases.filter(move |(_, case)| filter.is_none_or(|part| case.name.contains(part)))
}

/// A filter that fits nothing tests nothing, which is not what anybody wants.
fn check_filter(files: &[CaseFile], filter: Option<&str>) -> Result<(), CliError> {
    let Some(part) = filter else {
        return Ok(());
    };
    if chosen(files, filter).next().is_some() {
        return Ok(());
    }
    let names: Vec<_> = chosen(files, None)
        .map(|(_, case)| format!("`{}`", case.name))
        .collect();
    let hint = match names.is_empty() {
        true => "the project has no cases: add some to `cases/hello.yaml`".to_owned(),
        false => format!("these are: {}", names.join(", ")),
    };
    Err(CliError::usage(
        format!("no case has `{part}` in its name"),
        hint,
    ))
}

/// Runs the tests that the project has in its own language.
async fn own_tests(project: &Project) -> Result<Tests, CliError> {
    let program = std::env::current_exe();
    let program = program.map_err(CliError::disk("ringfence".as_ref(), "find"))?;
    let project = project.clone();
    let tested = tokio::task::spawn_blocking(move || project.test(&program)).await;
    let tested = tested.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    match tested {
        None => Ok(Tests::None),
        Some(Ok(())) => Ok(Tests::Ok),
        Some(Err(BuildError::Failed { .. })) => Ok(Tests::Failed),
        Some(Err(error)) => Err(error.into()),
    }
}

impl<'a> Tried<'a> {
    fn of(file: &'a CaseFile, case: &'a Case, trial: Trial) -> Self {
        let mismatches = judge(case, &trial);
        Self {
            file: &file.name,
            line: case.line,
            name: &case.name,
            ok: mismatches.is_empty(),
            mismatches,
            result: trial.result,
            usage: trial.usage,
            logs: trial.logs,
            decisions: trial.decisions,
        }
    }

    fn is_cancelled(&self) -> bool {
        matches!(&self.result, AttemptResult::Failed(failure)
            if failure.code == ringfence::flow::FailureCode::Cancelled)
    }

    fn for_people(&self) -> String {
        let (green, red, dim) = (
            Style::new().green(),
            Style::new().red().bold(),
            Style::new().dim(),
        );
        let word = match self.ok {
            true => green.apply_to("ok    "),
            false => red.apply_to("FAILED"),
        };
        let used = format!(
            "fuel {}, memory {}",
            self.usage.fuel, self.usage.peak_memory
        );
        let mut text = format!("{word}  {}  {}", self.name, dim.apply_to(used));
        if !self.ok {
            let place = format!("{}:{}", self.file, self.line);
            text += &format!("\n        {}", dim.apply_to(place));
        }
        for mismatch in &self.mismatches {
            text += "\n";
            text += &show_mismatch(mismatch);
        }
        if !self.ok {
            for line in self.seen() {
                text += &format!("\n        {}", dim.apply_to(line));
            }
        }
        text
    }

    /// What else was seen of a case that failed: what it logged and was denied.
    fn seen(&self) -> impl Iterator<Item = String> {
        let first = self.logs.len().saturating_sub(SHOWN_LOGS);
        let logs = self.logs[first..].iter();
        let logs = logs.map(|line| {
            let message = indented(&line.message);
            format!("logged {}: {message}", line.level.as_str())
        });
        let denied = self.decisions.iter().filter(|decision| !decision.allowed);
        logs.chain(denied.map(|denied| format!("denied {}: {}", denied.effect, denied.rule)))
    }
}

/// What is not as expected, below the line of its case.
pub(super) fn show_mismatch(mismatch: &Mismatch) -> String {
    let (green, red) = (Style::new().green(), Style::new().red());
    let mut text = format!("        {}", indented(&mismatch.what));
    for line in mismatch.detail.lines() {
        let line = match line.as_bytes() {
            [b'-', b' ', ..] => red.apply_to(line).to_string(),
            [b'+', b' ', ..] => green.apply_to(line).to_string(),
            _ => line.to_owned(),
        };
        text += &format!("\n            {line}");
    }
    text
}

fn summary(cases: usize, failed: usize, tests: Tests) -> String {
    let cases = match (cases, failed) {
        (0, _) => "no cases".to_owned(),
        (1, 0) => "1 case: ok".to_owned(),
        (1, _) => "1 case: failed".to_owned(),
        (cases, 0) => format!("{cases} cases: all ok"),
        (cases, failed) => format!("{cases} cases: {failed} failed"),
    };
    match tests {
        Tests::None => cases,
        Tests::Ok => format!("own tests: ok; {cases}"),
        Tests::Failed => format!("own tests: failed, see above; {cases}"),
    }
}
