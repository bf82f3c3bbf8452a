//! Edits of whole lines, made from edits within lines.

use crate::{Position, SourceFile};

/// Replaces whole lines of a file.
///
/// Give it to the SDK's `Edit::replace_lines(path, first..=last, replacement)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineEdit {
    /// The first line to replace, counted from 1.
    pub first: u32,
    /// The last line to replace, inclusive.
    pub last: u32,
    /// What stands there afterwards: whole lines, each with the line break that
    /// the file uses, or nothing where the lines go.
    pub replacement: String,
}

impl LineEdit {
    /// Takes the lines out.
    #[must_use]
    pub fn remove(first: u32, last: u32) -> Self {
        Self {
            first,
            last,
            replacement: String::new(),
        }
    }

    /// Replaces the text from `from` up to `to` (exclusive) by `text`, and keeps
    /// what else stands on these lines. `None` where the places are not in the
    /// file or the wrong way round.
    #[must_use]
    pub fn within(file: &SourceFile, from: Position, to: Position, text: &str) -> Option<Self> {
        if from > to {
            return None;
        }
        let head = file.line(from.line)?;
        let tail = file.line(to.line)?;
        let mut replacement = head[..byte_of(head, from.column)?].to_owned();
        replacement.push_str(text);
        replacement.push_str(&tail[byte_of(tail, to.column)?..]);
        replacement.push_str(file.line_break(to.line));
        Some(Self {
            first: from.line,
            last: to.line,
            replacement,
        })
    }
}

/// The byte at which the column begins; the column after the last one is the
/// line's end.
fn byte_of(line: &str, column: u32) -> Option<usize> {
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    line.char_indices()
        .map(|(byte, _)| byte)
        .chain([line.len()])
        .nth(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: u32, column: u32) -> Position {
        Position { line, column }
    }

    #[test]
    fn an_edit_within_lines_keeps_the_rest_of_them() {
        let file = SourceFile::new("a.rs", "let ä = dbg!(x);\r\nf(\r\n  y)\r\nlast");
        let edit = LineEdit::within(&file, place(1, 9), place(1, 16), "x").unwrap();
        assert_eq!(edit.replacement, "let ä = x;\r\n");
        let edit = LineEdit::within(&file, place(2, 2), place(3, 5), "()").unwrap();
        assert_eq!((edit.first, edit.last), (2, 3));
        assert_eq!(edit.replacement, "f()\r\n");
        let edit = LineEdit::within(&file, place(4, 1), place(4, 5), "end").unwrap();
        assert_eq!(edit.replacement, "end");
    }

    #[test]
    fn places_outside_of_the_file_give_no_edit() {
        let file = SourceFile::new("a.rs", "ab\n");
        for (from, to) in [
            (place(1, 1), place(1, 4)),
            (place(1, 2), place(1, 1)),
            (place(0, 1), place(1, 1)),
            (place(1, 0), place(1, 1)),
            (place(1, 1), place(3, 1)),
        ] {
            assert_eq!(LineEdit::within(&file, from, to, ""), None);
        }
    }
}
