//! The standard agent of the role `tester`: checks the developer's patch.
//!
//! It believes neither the patch nor the report on it. It reads the patch with
//! a parser of its own, applies it to the mounted sources in memory and checks
//! that
//!
//! - it applies exactly, without searching;
//! - nothing changes but lines of the edits that the report lists, and each of
//!   these edits is there;
//! - every changed Rust file parses if it did before;
//! - the public items of every changed Rust file are what they were: their
//!   signatures, not their bodies or documentation.
//!
//! If not, it rejects, with a finding for each edit that is to blame, at the
//! first line of the edit. Which ones are to blame is found by trying: without
//! them, the file is fine. So the developer can drop these and keep the rest.
//! What earlier rounds were told is told again, since feedback holds only what
//! the round before had to say.

mod attribute;
mod blame;
mod surface;
mod verify;

use std::collections::BTreeSet;

use patch::{FixReport, PATCH_NAME};
use ringfence_sdk::prelude::*;
use source::DEFAULT_MOUNT;

pub use verify::{
    CHANGE_OUTSIDE_EDIT, DOES_NOT_APPLY, DOES_NOT_PARSE, EDIT_NOT_IN_PATCH, PUBLIC_ITEM_CHANGED,
    RULES,
};

/// The most bytes of the findings of a rejection, as JSON: paths are as long as
/// whoever sent them likes, and the whole output has to fit into 1 MiB. It is
/// room for one on each edit of the largest patch, with paths of usual length.
const MAX_FINDINGS_BYTES: usize = 640 * 1024;

/// What the tester is asked. Nothing has to be given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The mount that holds the tree; `src` where it is not given.
    #[serde(default)]
    pub mount: Option<String>,
}

/// What the tester says of a patch that is good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// How many changed files were checked; 0 where there is no patch.
    pub checked: usize,
    /// How many edits they have.
    pub edits: usize,
    /// Changed Rust files that did not parse before either: of them only the
    /// places of the changes were checked.
    pub unparsed: Vec<String>,
}

/// The tester.
#[derive(Debug)]
pub struct Tester;

impl Agent for Tester {
    type Input = Option<Input>;
    type Output = Checked;

    fn describe() -> Description {
        Description::new(
            "tester",
            env!("CARGO_PKG_VERSION"),
            "checks that a patch applies, parses, keeps public items and changes nothing else",
        )
        .role("tester")
    }

    fn execute(input: Option<Input>, cx: &Context) -> Result<Outcome<Checked>, Failure> {
        let input = input.unwrap_or_default();
        let root = cx.mount(input.mount.as_deref().unwrap_or(DEFAULT_MOUNT));
        let mut checked = Checked::default();
        let mut findings = Vec::new();
        for (need, report) in reports(cx.task())? {
            let Some(patch) = &report.patch else { continue };
            let Some(artifact) = need.artifacts.iter().find(|a| a.sha256 == patch.sha256) else {
                return Err(Failure::permanent(format!(
                    "the task `{}` speaks of a patch that is not among its artifacts",
                    need.task
                )));
            };
            cx.progress(Activity::Working, None, "checking the patch");
            let verdict = verify::verify(&root, &cx.get_artifact(artifact)?, &report);
            checked.checked += verdict.files;
            checked.edits += verdict.edits;
            checked.unparsed.extend(verdict.unparsed);
            findings.extend(verdict.findings);
        }
        for path in &checked.unparsed {
            cx.log()
                .with("path", path)
                .warn("the file does not parse without the patch either");
        }
        if findings.is_empty() {
            return Ok(Outcome::completed(checked));
        }
        Ok(reject(findings, &cx.task().feedback))
    }
}

/// The reports of developers among the needs, each with the task it is from.
fn reports(task: &Task) -> Result<Vec<(&Dependency, FixReport)>, Failure> {
    let mut all = Vec::new();
    for need in &task.needs {
        let reports = FixReport::all_in(&need.decode()?);
        if reports.is_empty() && need.artifacts.iter().any(|a| a.name == PATCH_NAME) {
            return Err(Failure::permanent(format!(
                "the task `{}` gives `{PATCH_NAME}` but does not list what it applied\nhint: its value needs `applied`, `skipped`, `skipped_total`, `files` and `patch`, as the standard developer gives them",
                need.task
            )));
        }
        all.extend(reports.into_iter().map(|report| (need, report)));
    }
    Ok(all)
}

fn reject(mut findings: Vec<Finding>, feedback: &[Finding]) -> Outcome<Checked> {
    let wrong = findings.len();
    let files: BTreeSet<_> = (findings.iter())
        .filter_map(|finding| finding.location.as_ref().map(|place| place.path.as_str()))
        .collect();
    let reason = format!(
        "the patch does not hold: {wrong} {} in {} {}",
        if wrong == 1 { "finding" } else { "findings" },
        files.len(),
        if files.len() == 1 { "file" } else { "files" },
    );
    let before = feedback
        .iter()
        .filter(|finding| RULES.contains(&finding.rule.as_str()));
    findings.extend(before.cloned());
    let mut seen = BTreeSet::new();
    findings.retain(|finding| {
        let place = finding
            .location
            .as_ref()
            .map(|place| (place.path.clone(), place.line));
        seen.insert((finding.rule.clone(), place))
    });
    let mut room = MAX_FINDINGS_BYTES;
    findings.retain(|finding| {
        let size = serde_json::to_string(finding).map_or(usize::MAX, |json| json.len() + 1);
        let fits = size <= room;
        room -= if fits { size } else { 0 };
        fits
    });
    Outcome::rejected(reason).with_findings(findings)
}

ringfence_sdk::register!(Tester);

#[cfg(test)]
mod tests;
