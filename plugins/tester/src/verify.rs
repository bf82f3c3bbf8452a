//! Whether a patch holds what its report says.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use patch::limits::{MAX_FILE_BYTES, MAX_FILE_LINES};
use patch::{AppliedFix, Change, FileDiff, FixReport, Patch, count_lines, splice, split_lines};
use ringfence_sdk::{Finding, Severity};

use crate::attribute::{Attribution, Unit, attribute};
use crate::blame::guilty;
use crate::surface::{PublicItem, difference, surface_of};

/// The file does not parse once the patch is applied.
pub const DOES_NOT_PARSE: &str = "patch-does-not-parse";
/// A public item is not what it was.
pub const PUBLIC_ITEM_CHANGED: &str = "public-item-changed";
/// Something changes that is in no edit of the report.
pub const CHANGE_OUTSIDE_EDIT: &str = "change-outside-edit";
/// The report lists an edit that the patch does not make.
pub const EDIT_NOT_IN_PATCH: &str = "edit-not-in-patch";
/// It is no patch of these sources.
pub const DOES_NOT_APPLY: &str = "patch-does-not-apply";

/// The rules of all findings that the tester has.
pub const RULES: [&str; 5] = [
    DOES_NOT_PARSE,
    PUBLIC_ITEM_CHANGED,
    CHANGE_OUTSIDE_EDIT,
    EDIT_NOT_IN_PATCH,
    DOES_NOT_APPLY,
];

/// How many bytes an attempt may parse to find which edits break a file.
/// Whoever writes the edits picks their number, the attempt's fuel pays.
const MAX_SEARCH_BYTES: usize = 4 * 1024 * 1024;

/// The longest text of others in a message, in bytes.
const MAX_QUOTED: usize = 200;

/// What was checked, and what is wrong.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// How many files were checked.
    pub(crate) files: usize,
    /// How many edits were found in them.
    pub(crate) edits: usize,
    /// Rust files that did not parse before the patch either.
    pub(crate) unparsed: Vec<String>,
    /// What is wrong.
    pub(crate) findings: Vec<Finding>,
}

/// Checks `patch` against the tree at `root` and the developer's `report`.
pub(crate) fn verify(root: &Path, patch: &[u8], report: &FixReport) -> Verdict {
    let mut verdict = Verdict::default();
    let patch = match Patch::parse(patch) {
        Ok(patch) => patch,
        Err(error) => {
            let message = format!("`fixes.patch` is no unified patch: {error}");
            verdict
                .findings
                .push(Finding::new(DOES_NOT_APPLY, Severity::High, message));
            return verdict;
        }
    };
    let mut fixes: BTreeMap<&str, Vec<&AppliedFix>> = BTreeMap::new();
    for fix in &report.applied {
        fixes.entry(&fix.path).or_default().push(fix);
    }
    let mut search_bytes = MAX_SEARCH_BYTES;
    for file in &patch.files {
        let fixes = fixes.remove(file.path).unwrap_or_default();
        verdict.files += 1;
        verdict.file(root, file, &fixes, &mut search_bytes);
    }
    for (path, fixes) in fixes {
        for fix in fixes {
            verdict.missing(path, fix.first);
        }
    }
    verdict
}

impl Verdict {
    fn found(&mut self, rule: &str, path: &str, line: u32, message: String) {
        self.findings
            .push(Finding::new(rule, Severity::High, message).at(path, line, 1));
    }

    fn missing(&mut self, path: &str, line: u32) {
        let message = "the report lists an edit here, but the patch changes nothing".to_owned();
        self.found(EDIT_NOT_IN_PATCH, path, line, message);
    }

    fn file(
        &mut self,
        root: &Path,
        file: &FileDiff<'_>,
        fixes: &[&AppliedFix],
        search_bytes: &mut usize,
    ) {
        let text = match read(root, file.path) {
            Ok(text) => text,
            Err(why) => return self.does_not_apply(file.path, fixes, &why, 1),
        };
        let old = split_lines(&text);
        let changes = match file.changes_on(&old) {
            Ok(changes) => changes,
            Err(mismatch) => {
                let line = u32::try_from(mismatch.line).unwrap_or(u32::MAX);
                return self.does_not_apply(file.path, fixes, &mismatch.to_string(), line);
            }
        };
        let Attribution {
            units,
            outside,
            missing,
        } = attribute(&changes, fixes);
        for line in outside {
            let message =
                "the patch changes something here that is in no edit of the report".to_owned();
            self.found(CHANGE_OUTSIDE_EDIT, file.path, line, message);
        }
        for line in missing {
            self.missing(file.path, line);
        }
        self.edits += units
            .iter()
            .map(|unit| unit.first_lines.len())
            .sum::<usize>();
        if file.path.ends_with(".rs") {
            self.rust_file(file.path, &text, &old, &changes, &units, search_bytes);
        }
    }

    /// One finding for each edit of the file, so that all of them are dropped:
    /// which of them does not fit is not known.
    fn does_not_apply(&mut self, path: &str, fixes: &[&AppliedFix], why: &str, line: u32) {
        let message = format!("the patch does not apply: {why}");
        if fixes.is_empty() {
            return self.found(DOES_NOT_APPLY, path, line, message);
        }
        let mut lines: Vec<u32> = fixes.iter().map(|fix| fix.first).collect();
        lines.sort_unstable();
        lines.dedup();
        for line in lines {
            self.found(DOES_NOT_APPLY, path, line, message.clone());
        }
    }

    /// Checks that the file still parses and offers what it did; if not, finds
    /// the edits that are to blame.
    fn rust_file(
        &mut self,
        path: &str,
        text: &[u8],
        old: &[&[u8]],
        changes: &[Change<'_>],
        units: &[Unit],
        search_bytes: &mut usize,
    ) {
        let before = std::str::from_utf8(text)
            .ok()
            .and_then(|text| surface_of(path, text).ok());
        let Some(before) = before else {
            self.unparsed.push(path.to_owned());
            return;
        };
        let check = |kept: &[usize]| {
            let mut kept: Vec<usize> = kept
                .iter()
                .flat_map(|unit| units[*unit].changes.iter().copied())
                .collect();
            kept.sort_unstable();
            let new = splice(old, kept.iter().map(|index| &changes[*index]));
            trouble(path, &new, &before)
        };
        let may_search = || match search_bytes.checked_sub(text.len()) {
            Some(left) => {
                *search_bytes = left;
                true
            }
            None => false,
        };
        for (unit, (rule, message)) in guilty(units.len(), check, may_search) {
            for line in &units[unit].first_lines {
                self.found(rule, path, *line, message.clone());
            }
        }
    }
}

/// What is wrong with the new text of a file: the rule and a message.
fn trouble(path: &str, new: &[u8], before: &[PublicItem]) -> Option<(&'static str, String)> {
    let Ok(text) = std::str::from_utf8(new) else {
        return Some((
            DOES_NOT_PARSE,
            "with this edit the file is not UTF-8".to_owned(),
        ));
    };
    match surface_of(path, text) {
        Err(problem) => {
            let problem = quoted(&problem.to_string());
            Some((
                DOES_NOT_PARSE,
                format!("with this edit the file does not parse: {problem}"),
            ))
        }
        Ok(after) => {
            let name = quoted(difference(before, &after)?);
            Some((
                PUBLIC_ITEM_CHANGED,
                format!("this edit changes the public item `{name}`"),
            ))
        }
    }
}

fn quoted(text: &str) -> String {
    if text.len() <= MAX_QUOTED {
        return text.to_owned();
    }
    let cut = text.floor_char_boundary(MAX_QUOTED);
    format!("{}...", text.get(..cut).unwrap_or_default())
}

fn read(root: &Path, path: &str) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("the file cannot be read: {}", error.kind());
    let mut text = Vec::new();
    fs::File::open(root.join(path))
        .and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut text))
        .map_err(unreadable)?;
    if text.len() > MAX_FILE_BYTES {
        return Err(format!("the file has more than {MAX_FILE_BYTES} bytes"));
    }
    if count_lines(&text) > MAX_FILE_LINES {
        return Err(format!("the file has more than {MAX_FILE_LINES} lines"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
