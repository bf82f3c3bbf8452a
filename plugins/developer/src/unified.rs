//! Writing unified patches.
//!
//! The changes are known, so there is nothing to search: a file costs time in
//! proportion to the changed lines and the few around them.

use patch::Change;

/// How many lines around a change are shown.
pub(crate) const CONTEXT: usize = 3;

/// Appends what `changes` do to the file at `path` with the lines `old` to the
/// patch `out`. The changes are in order, do not overlap, and at least one.
///
/// Changes that touch each other keep their order, a removed line followed by
/// the added ones: so whoever reads the patch can tell them apart.
pub(crate) fn write_file(out: &mut Vec<u8>, path: &str, old: &[&[u8]], changes: &[Change<'_>]) {
    // Without the tab, readers take a name with a space in it to end there.
    let tab = if path.contains(' ') { "\t" } else { "" };
    out.extend_from_slice(
        format!("diff --git a/{path} b/{path}\n--- a/{path}{tab}\n+++ b/{path}{tab}\n").as_bytes(),
    );
    let (mut removed, mut added) = (0, 0);
    let mut rest = changes;
    while !rest.is_empty() {
        let near = rest
            .windows(2)
            .take_while(|pair| pair[1].old.start - pair[0].old.end <= 2 * CONTEXT)
            .count();
        let (hunk, later) = rest.split_at(near + 1);
        // Hunks before this one have moved the lines of the new file.
        let moved = Moved { removed, added };
        for change in hunk {
            removed += change.old.len();
            added += change.new.len();
        }
        write_hunk(out, old, hunk, &moved);
        rest = later;
    }
}

/// How many lines went and came above a hunk.
struct Moved {
    removed: usize,
    added: usize,
}

fn write_hunk(out: &mut Vec<u8>, old: &[&[u8]], hunk: &[Change<'_>], moved: &Moved) {
    let (Some(top), Some(bottom)) = (hunk.first(), hunk.last()) else {
        return;
    };
    let start = top.old.start.saturating_sub(CONTEXT);
    let end = (bottom.old.end + CONTEXT).min(old.len());
    let went: usize = hunk.iter().map(|change| change.old.len()).sum();
    let came: usize = hunk.iter().map(|change| change.new.len()).sum();
    let old_side = side(start, end - start);
    let new_side = side(
        start + moved.added - moved.removed,
        end - start + came - went,
    );
    out.extend_from_slice(format!("@@ -{old_side} +{new_side} @@\n").as_bytes());

    let mut at = start;
    for change in hunk {
        old[at..change.old.start]
            .iter()
            .for_each(|line| write_line(out, b' ', line));
        old[change.old.clone()]
            .iter()
            .for_each(|line| write_line(out, b'-', line));
        change
            .new
            .iter()
            .for_each(|line| write_line(out, b'+', line));
        at = change.old.end;
    }
    old[at..end]
        .iter()
        .for_each(|line| write_line(out, b' ', line));
}

/// The place of a hunk on one side. Without lines it is named by the line
/// before it.
fn side(before: usize, count: usize) -> String {
    match count {
        0 => format!("{before},0"),
        1 => format!("{}", before + 1),
        _ => format!("{},{count}", before + 1),
    }
}

fn write_line(out: &mut Vec<u8>, sign: u8, line: &[u8]) {
    out.push(sign);
    out.extend_from_slice(line);
    if !line.ends_with(b"\n") {
        out.extend_from_slice(b"\n\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patch::{Patch, splice, split_lines};
    use proptest::prelude::*;

    fn write(path: &str, old: &str, changes: &[(std::ops::Range<usize>, &str)]) -> String {
        let changes: Vec<_> = changes
            .iter()
            .map(|(old, new)| Change {
                old: old.clone(),
                new: split_lines(new.as_bytes()),
            })
            .collect();
        let mut out = Vec::new();
        write_file(&mut out, path, &split_lines(old.as_bytes()), &changes);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_change_has_three_lines_around_it() {
        assert_eq!(
            write("a.rs", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", &[(4..5, "V\nv\n")]),
            "diff --git a/a.rs b/a.rs\n--- a/a.rs\n+++ b/a.rs\n@@ -2,7 +2,8 @@\n 2\n 3\n 4\n-5\n+V\n+v\n 6\n 7\n 8\n"
        );
    }

    #[test]
    fn changes_share_a_hunk_when_their_surroundings_touch() {
        let old: String = (1..=20).map(|n| format!("{n}\n")).collect();
        let hunks = |second: usize| {
            write("a", &old, &[(2..3, ""), (second..second + 1, "x\n")])
                .matches("@@ -")
                .count()
        };
        assert_eq!(hunks(9), 1);
        assert_eq!(hunks(10), 2);
        assert!(write("a", &old, &[(2..3, ""), (10..11, "x\n")]).contains("@@ -8,7 +7,7 @@"));
    }

    #[test]
    fn changes_that_touch_are_told_apart() {
        assert!(
            write("a", "1\n2\n", &[(0..1, "x\n"), (1..2, "y\n")]).ends_with("\n-1\n+x\n-2\n+y\n")
        );
    }

    #[test]
    fn the_end_of_a_file_is_exact() {
        let mark = "\\ No newline at end of file";
        assert!(
            write("a", "1\n2", &[(1..2, "x")])
                .ends_with(&format!("@@ -1,2 +1,2 @@\n 1\n-2\n{mark}\n+x\n{mark}\n"))
        );
        assert!(
            write("a", "1\n2", &[(0..1, "")])
                .ends_with(&format!("@@ -1,2 +1 @@\n-1\n 2\n{mark}\n"))
        );
        assert!(write("a", "1\n", &[(0..1, "")]).ends_with("@@ -1 +0,0 @@\n-1\n"));
        assert!(write("a", "1\n", &[(1..1, "2\n")]).ends_with("@@ -1 +1,2 @@\n 1\n+2\n"));
    }

    #[test]
    fn a_name_with_a_space_ends_in_a_tab() {
        let patch = write("a b.rs", "1\n", &[(0..1, "")]);
        assert!(
            patch.starts_with("diff --git a/a b.rs b/a b.rs\n--- a/a b.rs\t\n+++ b/a b.rs\t\n")
        );
    }

    /// Changes in order that do not overlap, for a file of `lines` lines.
    fn some_changes(lines: usize) -> impl Strategy<Value = Vec<(usize, usize, String)>> {
        prop::collection::vec((0..5_usize, 0..3_usize, "([xy]?\r?\n){0,3}"), 1..6).prop_map(
            move |steps| {
                let mut at = 0;
                let mut changes = Vec::new();
                for (gap, len, new) in steps {
                    let start = at + gap;
                    if start + len <= lines && (len > 0 || !new.is_empty()) {
                        changes.push((start, start + len, new));
                        at = start + len;
                    }
                }
                changes
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_what_was_meant(
            (old, changes) in "([ab]?\r?\n){0,20}".prop_flat_map(|old| {
                let lines = old.matches('\n').count();
                (Just(old), some_changes(lines))
            }),
        ) {
            prop_assume!(!changes.is_empty());
            let lines = split_lines(old.as_bytes());
            let changes: Vec<_> = changes
                .iter()
                .map(|(start, end, new)| Change { old: *start..*end, new: split_lines(new.as_bytes()) })
                .collect();
            let mut out = Vec::new();
            write_file(&mut out, "src/a.rs", &lines, &changes);
            let patch = Patch::parse(&out).unwrap();
            let read = patch.files[0].changes_on(&lines).unwrap();
            prop_assert_eq!(splice(&lines, &read), splice(&lines, &changes));
        }
    }
}
