//! What an edit makes of the lines that it replaces.

use std::ops::Range;

use patch::{Change, LineEnding, split_lines};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::skip::Skip;
use crate::sources::SourceText;

/// The byte order mark, which the readers of a file do not see.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Edits with more lines than this, old and new ones together, are not
/// searched for lines that stay: that takes time in the square of them, and
/// whoever writes the edit picks its length.
const MAX_DIFF_LINES: usize = 400;

/// The lines that an edit replaces, counted from 0.
pub(crate) fn range(first: u32, last: u32, text: &SourceText) -> Result<Range<usize>, Skip> {
    if first == 0 {
        return Err(Skip::LineZero);
    }
    if first > last {
        return Err(Skip::Backwards);
    }
    let (first, last) = (first as usize, last as usize);
    if last > text.len() {
        return Err(Skip::BehindEnd(text.len()));
    }
    Ok(first - 1..last)
}

/// What stands in the place of the lines of `range` afterwards: the
/// replacement in whole lines, each with the line break that the replaced
/// lines have. Where the file ends without a break it goes on doing so. Where it
/// starts with a byte order mark, too, unless its first line goes and the mark
/// with it.
pub(crate) fn rewritten(
    replacement: &str,
    range: &Range<usize>,
    text: &SourceText,
) -> Result<Vec<u8>, Skip> {
    if replacement.contains('\0') {
        return Err(Skip::BinaryReplacement);
    }
    let old = text.lines(range.clone());
    let before = text.lines(range.start.saturating_sub(1)..range.start);
    let ending = first_line(old)
        .and_then(LineEnding::of)
        .or_else(|| LineEnding::of(before))
        .unwrap_or(LineEnding::Lf);

    let mut new = Vec::with_capacity(replacement.len() + 2);
    let keeps_bom = range.start == 0 && old.starts_with(BOM) && !replacement.is_empty();
    if keeps_bom && !replacement.as_bytes().starts_with(BOM) {
        new.extend_from_slice(BOM);
    }
    for line in split_lines(replacement.as_bytes()) {
        let content = match LineEnding::of(line) {
            Some(own) => &line[..line.len() - own.as_bytes().len()],
            None => line,
        };
        new.extend_from_slice(content);
        new.extend_from_slice(ending.as_bytes());
    }
    if LineEnding::of(old).is_none() && new.ends_with(ending.as_bytes()) {
        new.truncate(new.len() - ending.as_bytes().len());
    }
    if new == old {
        Err(Skip::NoChange)
    } else {
        Ok(new)
    }
}

fn first_line(text: &[u8]) -> Option<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').next()
}

/// The changes that turn the lines `old`, of which the first is line
/// `offset` of the file (counted from 0), into `new`, top to bottom.
pub(crate) fn changes<'a>(offset: usize, old: &[&[u8]], new: &[&'a [u8]]) -> Vec<Change<'a>> {
    let same = |(a, b): (&&[u8], &&[u8])| a == b;
    let head = old.iter().zip(new).take_while(|pair| same(*pair)).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|pair| same(*pair))
        .count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let offset = offset + head;
    let change = |lines: Range<usize>, new: &[&'a [u8]]| Change {
        old: offset + lines.start..offset + lines.end,
        new: new.to_vec(),
    };
    if old.len() + new.len() > MAX_DIFF_LINES {
        return vec![change(0..old.len(), new)];
    }
    capture_diff_slices(Algorithm::Myers, old, new)
        .iter()
        .filter(|op| !matches!(op, DiffOp::Equal { .. }))
        .map(|op| change(op.old_range(), &new[op.new_range()]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use patch::splice;
    use proptest::prelude::*;

    fn rewrite(text: &str, lines: (u32, u32), replacement: &str) -> Result<String, Skip> {
        let text = SourceText::new(text.as_bytes().to_vec());
        let range = range(lines.0, lines.1, &text)?;
        Ok(String::from_utf8(rewritten(replacement, &range, &text)?).unwrap())
    }

    #[test]
    fn the_break_at_the_end_may_be_left_out() {
        assert_eq!(rewrite("a\nb\n", (1, 1), "x").unwrap(), "x\n");
        assert_eq!(rewrite("a\nb\n", (1, 1), "x\n").unwrap(), "x\n");
        assert_eq!(rewrite("a\nb\n", (1, 1), "x\n\n").unwrap(), "x\n\n");
        assert_eq!(rewrite("a\nb\n", (1, 1), "\n").unwrap(), "\n");
        assert_eq!(rewrite("a\nb\n", (1, 1), "").unwrap(), "");
    }

    #[test]
    fn line_breaks_stay_what_they_are() {
        assert_eq!(rewrite("a\r\nb\r\n", (1, 1), "x\ny").unwrap(), "x\r\ny\r\n");
        assert_eq!(rewrite("a\nb\n", (1, 1), "x\r\ny\r\n").unwrap(), "x\ny\n");
        assert_eq!(rewrite("a\r\nb", (2, 2), "x\ny\n").unwrap(), "x\r\ny");
        assert_eq!(
            rewrite("a\r\nb\n", (2, 2), "x").unwrap(),
            "x\n",
            "as the line itself"
        );
    }

    #[test]
    fn a_file_without_a_last_break_stays_without() {
        assert_eq!(rewrite("a\nb", (2, 2), "x\n").unwrap(), "x");
        assert_eq!(rewrite("a\nb", (1, 2), "x\ny\n").unwrap(), "x\ny");
        assert_eq!(rewrite("a", (1, 1), "").unwrap(), "");
        assert_eq!(rewrite("a", (1, 1), "\n").unwrap(), "");
        assert_eq!(
            rewrite("a", (1, 1), "a\n\n").unwrap(),
            "a\n",
            "an empty line has a break"
        );
    }

    #[test]
    fn a_byte_order_mark_stays() {
        assert_eq!(
            rewrite("\u{feff}a\nb\n", (1, 1), "x\n").unwrap(),
            "\u{feff}x\n"
        );
        assert_eq!(
            rewrite("\u{feff}a\nb\n", (1, 1), "\u{feff}x\n").unwrap(),
            "\u{feff}x\n"
        );
        assert_eq!(rewrite("\u{feff}a\nb\n", (1, 1), "").unwrap(), "");
        assert_eq!(rewrite("a\n\u{feff}b\n", (2, 2), "x\n").unwrap(), "x\n");
    }

    #[test]
    fn ranges_outside_of_the_file_are_refused() {
        for (lines, skip) in [
            ((0, 0), Skip::LineZero),
            ((0, 1), Skip::LineZero),
            ((2, 1), Skip::Backwards),
            ((u32::MAX, 1), Skip::Backwards),
            ((1, 3), Skip::BehindEnd(2)),
            ((3, 3), Skip::BehindEnd(2)),
            ((u32::MAX, u32::MAX), Skip::BehindEnd(2)),
        ] {
            assert_eq!(
                rewrite("a\nb\n", lines, "x").unwrap_err(),
                skip,
                "{lines:?}"
            );
        }
        assert_eq!(rewrite("", (1, 1), "x").unwrap_err(), Skip::BehindEnd(0));
    }

    #[test]
    fn edits_that_change_nothing_are_refused() {
        for (text, replacement) in [("a\r\n", "a\n"), ("a", "a\n"), ("\u{feff}a\n", "a")] {
            assert_eq!(
                rewrite(text, (1, 1), replacement).unwrap_err(),
                Skip::NoChange
            );
        }
        assert_eq!(
            rewrite("a\n", (1, 1), "\0").unwrap_err(),
            Skip::BinaryReplacement
        );
    }

    fn lines(text: &[u8]) -> Vec<&[u8]> {
        split_lines(text)
    }

    #[test]
    fn lines_that_stay_are_no_part_of_a_change() {
        let old = lines(b"a\nb\nc\nd\n");
        let new = lines(b"doc\na\nb\nC\nd\n");
        let changes = changes(10, &old, &new);
        let places: Vec<_> = changes.iter().map(|change| change.old.clone()).collect();
        assert_eq!(places, [10..10, 12..13]);
    }

    #[test]
    fn long_edits_are_one_change() {
        let numbers = |from: usize| -> String {
            (from..from + MAX_DIFF_LINES)
                .map(|n| format!("{n}\n"))
                .collect()
        };
        let (old, new) = (format!("x\n{}", numbers(0)), format!("x\n{}", numbers(1)));
        let changes = changes(0, &lines(old.as_bytes()), &lines(new.as_bytes()));
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].old, 1..MAX_DIFF_LINES + 1);
    }

    proptest! {
        #[test]
        fn changes_turn_the_old_lines_into_the_new(old in "([ab]?\n){0,12}", new in "([ab]?\n){0,12}") {
            let (old, new) = (lines(old.as_bytes()), lines(new.as_bytes()));
            prop_assert_eq!(splice(&old, &changes(0, &old, &new)), new.concat());
        }
    }
}
