//! From findings to a patch.

use std::collections::BTreeMap;
use std::path::Path;

use patch::limits::{MAX_PATCH_BYTES, MAX_PATCH_LINES};
use patch::{AppliedFix, FixReport, SkippedFix, count_lines, split_lines};
use ringfence_sdk::Finding;

use crate::candidate::{Candidate, candidates};
use crate::feedback::Feedback;
use crate::input::Input;
use crate::rewrite::{changes, range, rewritten};
use crate::skip::Skip;
use crate::sources::{SourceText, Sources};
use crate::unified::{CONTEXT, write_file};

/// The most bytes of the list of applied fixes in the report. Rules and paths
/// are as long as whoever sends them likes, and the whole output has to fit
/// into 1 MiB.
const MAX_APPLIED_BYTES: usize = 512 * 1024;

/// The most fixes that the report names as left out; the rest is counted.
const MAX_SKIPPED: usize = 200;

/// The longest text that the report repeats of a fix that is left out.
const MAX_TEXT: usize = 200;

/// What came of the findings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mending {
    /// What is to be said of it; where the patch is, is not known yet.
    pub(crate) report: FixReport,
    /// The patch; empty where there is nothing to change.
    pub(crate) patch: Vec<u8>,
}

/// The chosen edits of one file by their first line (counted from 1): the last
/// line, the rule, and what stands there afterwards.
type FileEdits<'a> = BTreeMap<u32, Chosen<'a>>;

#[derive(Debug)]
struct Chosen<'a> {
    last: u32,
    rule: &'a str,
    text: Vec<u8>,
}

/// How much room the patch and the report still have.
struct Room {
    edits: usize,
    max_edits: usize,
    patch_bytes: usize,
    patch_lines: usize,
    report_bytes: usize,
}

/// Chooses among the fixes that `findings` carry, applies them to the tree at
/// `root` and writes the patch. The same arguments give the same patch.
pub(crate) fn mend<'a>(
    root: &Path,
    findings: impl Iterator<Item = &'a Finding> + Clone,
    feedback: &'a [Finding],
    input: &Input,
) -> Mending {
    let feedback = Feedback::new(findings.clone(), feedback);
    let candidates = candidates(findings, &feedback, input);
    let mut sources = Sources::new(root);
    let mut chosen: BTreeMap<&str, FileEdits<'_>> = BTreeMap::new();
    let mut room = Room {
        edits: 0,
        max_edits: input.max_edits(),
        patch_bytes: MAX_PATCH_BYTES,
        patch_lines: MAX_PATCH_LINES,
        report_bytes: MAX_APPLIED_BYTES,
    };
    let mut report = FixReport {
        applied: Vec::new(),
        skipped: Vec::new(),
        skipped_total: 0,
        files: 0,
        patch: None,
    };
    for candidate in &candidates {
        let applied = applied(candidate);
        match choose(
            candidate,
            &applied,
            &feedback,
            &mut sources,
            &mut chosen,
            &mut room,
        ) {
            Ok(()) => report.applied.extend(applied),
            Err(skip) => {
                report.skipped_total += candidate.mends.len();
                let left = MAX_SKIPPED.saturating_sub(report.skipped.len());
                report.skipped.extend(skipped(candidate, &skip).take(left));
            }
        }
    }
    report.applied.sort_unstable_by(|a, b| {
        (&a.path, a.first, &a.rule, a.line, a.column)
            .cmp(&(&b.path, b.first, &b.rule, b.line, b.column))
    });
    report.files = chosen.len();
    Mending {
        patch: write(&mut sources, &chosen),
        report,
    }
}

/// Takes the candidate in, or says why not.
fn choose<'a>(
    candidate: &'a Candidate<'_>,
    applied: &[AppliedFix],
    feedback: &Feedback<'_>,
    sources: &mut Sources,
    chosen: &mut BTreeMap<&'a str, FileEdits<'a>>,
    room: &mut Room,
) -> Result<(), Skip> {
    let edit = candidate.edit;
    if let Some(rule) = feedback.complaint_about(edit) {
        return Err(Skip::Feedback(shortened(rule)));
    }
    if room.edits == room.max_edits {
        return Err(Skip::ManyEdits(room.max_edits));
    }
    let source = sources.get(&edit.path)?;
    let lines = range(edit.first, edit.last, source)?;
    if let Some(edits) = chosen.get(edit.path.as_str())
        && let Some((first, other)) = edits.range(..=edit.last).next_back()
        && other.last >= edit.first
    {
        return Err(Skip::Overlap {
            rule: shortened(other.rule),
            first: *first,
            last: other.last,
        });
    }
    let text = rewritten(&edit.replacement, &lines, source)?;

    // At most what this edit adds to the patch, as if it had a hunk of its own.
    let around = lines.start.saturating_sub(CONTEXT)..lines.end + CONTEXT;
    let old = source.lines(around);
    let patch_lines = count_lines(old) + count_lines(&text) + 8;
    let patch_bytes = old.len() + text.len() + patch_lines * 32 + edit.path.len() * 4;
    if patch_bytes > room.patch_bytes || patch_lines > room.patch_lines {
        return Err(Skip::PatchFull);
    }
    let report_bytes = serde_json::to_string(applied).map_or(usize::MAX, |json| json.len());
    if report_bytes > room.report_bytes {
        return Err(Skip::ReportFull);
    }
    room.edits += 1;
    room.patch_bytes -= patch_bytes;
    room.patch_lines -= patch_lines;
    room.report_bytes -= report_bytes;
    let edits = chosen.entry(edit.path.as_str()).or_default();
    edits.insert(
        edit.first,
        Chosen {
            last: edit.last,
            rule: candidate.rule(),
            text,
        },
    );
    Ok(())
}

/// Writes what was chosen: file by file in the order of their paths.
fn write(sources: &mut Sources, chosen: &BTreeMap<&str, FileEdits<'_>>) -> Vec<u8> {
    let mut patch = Vec::new();
    for (path, edits) in chosen {
        let Ok(source) = sources.get(path) else {
            continue;
        };
        write_edits(&mut patch, path, source, edits);
    }
    patch
}

fn write_edits(patch: &mut Vec<u8>, path: &str, source: &SourceText, edits: &FileEdits<'_>) {
    let old = split_lines(source.lines(0..source.len()));
    let mut all = Vec::new();
    for (first, edit) in edits {
        let (start, end) = (*first as usize - 1, edit.last as usize);
        all.extend(changes(start, &old[start..end], &split_lines(&edit.text)));
    }
    write_file(patch, path, &old, &all);
}

fn applied(candidate: &Candidate<'_>) -> Vec<AppliedFix> {
    let edit = candidate.edit;
    candidate
        .mends
        .iter()
        .map(|mended| AppliedFix {
            rule: mended.rule.to_owned(),
            path: edit.path.clone(),
            first: edit.first,
            last: edit.last,
            line: mended.line,
            column: mended.column,
        })
        .collect()
}

fn skipped(candidate: &Candidate<'_>, skip: &Skip) -> impl Iterator<Item = SkippedFix> {
    let edit = candidate.edit;
    candidate.mends.iter().map(move |mended| SkippedFix {
        rule: shortened(mended.rule),
        path: shortened(&edit.path),
        first: edit.first,
        last: edit.last,
        why: skip.to_string(),
    })
}

fn shortened(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    let cut = text.floor_char_boundary(MAX_TEXT);
    format!("{}...", text.get(..cut).unwrap_or_default())
}

#[cfg(test)]
mod tests;
