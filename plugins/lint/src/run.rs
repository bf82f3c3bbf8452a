//! What an attempt does, whatever the rules are.

use std::collections::BTreeMap;

use ringfence_sdk::{Activity, Context, Failure, Outcome, Severity};
use serde::{Deserialize, Serialize};
use source::{FileInput, Reading, Tree, each_file};

use crate::report::{DEFAULT_MAX_FINDINGS, Report};

/// The rule under which a file is named that was not looked at.
const NOT_READ: &str = "file-not-checked";

/// Progress is told once for so many files: each time is a host call.
const FILES_PER_NOTE: usize = 50;

/// What the agent is asked.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The files to look at, relative to the mount, with `/` between their
    /// parts. All of the tree where it is not given.
    #[serde(default)]
    pub files: Option<Vec<String>>,
    /// The mount that holds the tree; `src` where it is not given.
    #[serde(default)]
    pub mount: Option<String>,
    /// The most findings to report; 2,000 where it is not given. The worst
    /// stay, and one more finding says what was left out.
    #[serde(default)]
    pub max_findings: Option<usize>,
}

/// What the agent looked at and how much it found.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Output {
    /// The files that were looked at.
    pub files: u64,
    /// Their lines.
    pub lines: u64,
    /// How often each rule was broken, whether reported or left out.
    pub findings_by_rule: BTreeMap<String, u64>,
}

/// Looks at each file that `input` asks for with `check`, which puts what it
/// finds into the report. A file that does not parse costs one finding.
///
/// # Errors
///
/// The mount cannot be listed, or `input` names a file that the tree cannot
/// have.
pub fn run(
    input: Input,
    cx: &Context,
    mut check: impl FnMut(&Reading<'_>, &mut Report),
) -> Result<Outcome<Output>, Failure> {
    let max = input.max_findings.unwrap_or(DEFAULT_MAX_FINDINGS);
    let input = FileInput {
        files: input.files,
        mount: input.mount,
    };
    let root = cx.mount(input.mount());
    let mut report = Report::default();
    let paths = match input.named() {
        Some(named) => named.map_err(Failure::invalid_input)?,
        None => {
            let tree = Tree::open(&root).map_err(Failure::permanent)?;
            report.left_out(&tree);
            tree.files().to_vec()
        }
    };

    let mut output = Output::default();
    each_file(&root, &paths, |path, reading| {
        report.enter(path);
        match reading {
            Ok(reading) => {
                check(&reading, &mut report);
                output.files += 1;
                output.lines += u64::from(reading.file.line_count());
            }
            Err(problem) => report.add(
                NOT_READ,
                Severity::Info,
                problem.position(),
                format!("the file is not checked: {}", problem.message()),
            ),
        }
        let done = usize::try_from(output.files).unwrap_or(usize::MAX);
        if done % FILES_PER_NOTE == 0 {
            cx.progress(
                Activity::Working,
                Some(done as f32 / paths.len() as f32),
                path,
            );
        }
    });

    let summary = report.finish(max);
    output.findings_by_rule = summary.by_rule;
    Ok(Outcome::completed(output).with_findings(summary.findings))
}
