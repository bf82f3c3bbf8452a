//! Applying a patch to a file, exactly or not at all.

use std::ops::Range;

use crate::parse::{FileDiff, HunkLine};

/// A run of lines that a patch replaces, with nothing kept inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// Which lines of the old file go, counted from 0. Where the range is
    /// empty, lines are put in before its start.
    pub old: Range<usize>,
    /// The lines that come, each with its break.
    pub new: Vec<&'a [u8]>,
}

/// Where a patch does not fit a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not what the patch says it is")]
pub struct Mismatch {
    /// The first line of the old file that is not what the patch says,
    /// counted from 1; it can be behind the last one.
    pub line: usize,
    /// The hunk's header in the patch, counted from 1.
    pub hunk_at: usize,
}

impl<'a> FileDiff<'a> {
    /// The changes that the hunks make to a file with the lines `old`, top to
    /// bottom, without overlap.
    ///
    /// Every kept and removed line is compared with the file, byte for byte,
    /// at the place that the patch names; there is no searching.
    ///
    /// # Errors
    /// [`Mismatch`] with the first place where the file is different.
    pub fn changes_on(&self, old: &[&[u8]]) -> Result<Vec<Change<'a>>, Mismatch> {
        let mut changes: Vec<Change<'a>> = Vec::new();
        for hunk in &self.hunks {
            let mut line = hunk.old_before;
            let fits = |line: usize, content: &[u8]| {
                if old.get(line) == Some(&content) {
                    Ok(())
                } else {
                    Err(Mismatch {
                        line: line + 1,
                        hunk_at: hunk.at,
                    })
                }
            };
            if line > old.len() {
                return Err(Mismatch {
                    line,
                    hunk_at: hunk.at,
                });
            }
            let mut open: Option<Change<'a>> = None;
            for hunk_line in &hunk.lines {
                match *hunk_line {
                    HunkLine::Kept(content) => {
                        fits(line, content)?;
                        changes.extend(open.take());
                        line += 1;
                    }
                    HunkLine::Removed(content) => {
                        fits(line, content)?;
                        // A line that goes after one that came starts anew.
                        if open.as_ref().is_some_and(|change| !change.new.is_empty()) {
                            changes.extend(open.take());
                        }
                        let change = open.get_or_insert(Change {
                            old: line..line,
                            new: Vec::new(),
                        });
                        line += 1;
                        change.old.end = line;
                    }
                    HunkLine::Added(content) => {
                        let change = open.get_or_insert(Change {
                            old: line..line,
                            new: Vec::new(),
                        });
                        change.new.push(content);
                        // Only the last line of a file has no break.
                        if !content.ends_with(b"\n") && line != old.len() {
                            return Err(Mismatch {
                                line: line + 1,
                                hunk_at: hunk.at,
                            });
                        }
                    }
                }
            }
            changes.extend(open);
            // What is added behind a last line without a break would become
            // part of that line.
            if let Some(change) = changes.last()
                && !change.new.is_empty()
                && change.old.start == old.len()
                && change
                    .old
                    .start
                    .checked_sub(1)
                    .and_then(|last| old.get(last))
                    .is_some_and(|last| !last.ends_with(b"\n"))
            {
                return Err(Mismatch {
                    line: old.len(),
                    hunk_at: hunk.at,
                });
            }
        }
        Ok(changes)
    }
}

/// The file with the lines `old` after `changes`, which are in order and do
/// not overlap.
#[must_use]
pub fn splice<'c, 'a: 'c>(
    old: &[&[u8]],
    changes: impl IntoIterator<Item = &'c Change<'a>>,
) -> Vec<u8> {
    let mut text = Vec::with_capacity(old.iter().map(|line| line.len()).sum());
    let mut done = 0;
    for change in changes {
        let kept = old.get(done..change.old.start).unwrap_or_default();
        kept.iter().for_each(|line| text.extend_from_slice(line));
        change
            .new
            .iter()
            .for_each(|line| text.extend_from_slice(line));
        done = change.old.end;
    }
    let rest = old.get(done..).unwrap_or_default();
    rest.iter().for_each(|line| text.extend_from_slice(line));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Patch, split_lines};
    use proptest::prelude::*;
    use std::process::Command;

    fn apply(patch: &str, old: &str) -> Result<String, Mismatch> {
        let patch = Patch::parse(patch.as_bytes()).unwrap();
        let old = split_lines(old.as_bytes());
        let changes = patch.files[0].changes_on(&old)?;
        Ok(String::from_utf8(splice(&old, &changes)).unwrap())
    }

    fn file(hunks: &str) -> String {
        format!("--- a/f\n+++ b/f\n{hunks}")
    }

    #[test]
    fn lines_go_and_come() {
        let patch = file("@@ -1,3 +1,4 @@\n a\n-b\n+B\n+BB\n c\n@@ -5 +5,0 @@\n-e\n");
        assert_eq!(
            apply(&patch, "a\nb\nc\nd\ne\n").unwrap(),
            "a\nB\nBB\nc\nd\n"
        );
    }

    #[test]
    fn the_end_of_a_file_is_exact() {
        let end = "\\ No newline at end of file\n";
        let adds = file(&format!("@@ -1 +1 @@\n-a\n{end}+a\n"));
        assert_eq!(apply(&adds, "a").unwrap(), "a\n");
        assert_eq!(apply(&adds, "a\n").unwrap_err().line, 1);
        let takes = file(&format!("@@ -1 +1 @@\n-a\n+a\n{end}"));
        assert_eq!(apply(&takes, "a\n").unwrap(), "a");
        assert_eq!(
            apply(&takes, "a\nb\n").unwrap_err().line,
            2,
            "the line would join the next"
        );
        let behind = file("@@ -1,0 +2 @@\n+b\n");
        assert_eq!(apply(&behind, "a\n").unwrap(), "a\nb\n");
        assert_eq!(
            apply(&behind, "a").unwrap_err().line,
            1,
            "the line would join the last"
        );
        assert_eq!(apply(&file("@@ -1 +0,0 @@\n-a\n"), "a\n").unwrap(), "");
    }

    #[test]
    fn nothing_is_searched_or_guessed() {
        let patch = file("@@ -2,2 +2,2 @@\n b\n-c\n+C\n");
        assert_eq!(apply(&patch, "a\nb\nc\n").unwrap(), "a\nb\nC\n");
        for (old, line) in [
            ("b\nc\n", 2),
            ("a\nb\nx\n", 3),
            ("a\nb \nc\n", 2),
            ("a\nb\r\nc\n", 2),
            ("", 1),
            ("a\nb", 2),
        ] {
            let error = apply(&patch, old).unwrap_err();
            assert_eq!(error.hunk_at, 3);
            assert_eq!(error.line, line, "{old:?}");
        }
    }

    #[test]
    fn changes_that_touch_stay_apart() {
        let patch = Patch::parse(b"--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n-a\n+A\n-b\n+B\n").unwrap();
        let old: [&[u8]; 2] = [b"a\n", b"b\n"];
        let changes = patch.files[0].changes_on(&old).unwrap();
        assert_eq!(changes.len(), 2);
        assert_eq!(splice(&old, &changes[..1]), b"A\nb\n");
        assert_eq!(splice(&old, &changes[1..]), b"a\nB\n");
        assert_eq!(splice(&old, []), b"a\nb\n");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        /// What git writes is read, and gives what git was shown.
        #[test]
        fn patches_of_git_apply(
            old in "([a-d]{0,2}\r?\n){0,14}[ab]?",
            new in "([a-d]{0,2}\r?\n){0,14}[ab]?",
            context in 0..5,
        ) {
            prop_assume!(old != new);
            let folder = tempfile::tempdir().unwrap();
            for (side, text) in [("a", &old), ("b", &new)] {
                std::fs::create_dir(folder.path().join(side)).unwrap();
                std::fs::write(folder.path().join(side).join("f"), text).unwrap();
            }
            let output = Command::new("git")
                .args(["diff", "--no-index", "--no-prefix", "--no-color", "--no-ext-diff", &format!("-U{context}"), "a/f", "b/f"])
                .current_dir(folder.path())
                .output()
                .unwrap();
            let patch = Patch::parse(&output.stdout).unwrap();
            let lines = split_lines(old.as_bytes());
            let changes = patch.files[0].changes_on(&lines).unwrap();
            prop_assert_eq!(splice(&lines, &changes), new.as_bytes());
        }
    }
}
