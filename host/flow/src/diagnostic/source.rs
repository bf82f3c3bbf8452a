//! Places in a text.

use std::ops::Range;

/// A range of a text, and where it starts for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextSpan {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
    /// The line of the first byte, counted from 1.
    pub line: u32,
    /// Its column in characters, counted from 1.
    pub column: u32,
}

impl TextSpan {
    /// The bytes.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// A text and where its lines start.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    line_starts: Vec<usize>,
    /// The byte of each character; empty where each character is one byte.
    bytes: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        let bytes = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(at, _)| at).collect()
        };
        Self {
            text,
            line_starts: std::iter::once(0).chain(after_breaks).collect(),
            bytes,
        }
    }

    /// The byte at which the character `index`, counted from 0, starts.
    pub(crate) fn byte(&self, index: usize) -> usize {
        if self.bytes.is_empty() {
            index.min(self.text.len())
        } else {
            self.bytes.get(index).copied().unwrap_or(self.text.len())
        }
    }

    /// The span of a range of bytes, cut to the text.
    pub(crate) fn span(&self, range: Range<usize>) -> TextSpan {
        let start = self.floor(range.start);
        let end = self.floor(range.end).max(start);
        let line = self.line_starts.partition_point(|at| *at <= start) - 1;
        let column = self.text[self.line_starts[line]..start].chars().count();
        let count = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
        TextSpan {
            start,
            end,
            line: count(line),
            column: count(column),
        }
    }

    /// The nearest start of a character at or before `at`.
    fn floor(&self, at: usize) -> usize {
        let at = at.min(self.text.len());
        (0..=at)
            .rev()
            .find(|at| self.text.is_char_boundary(*at))
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_1() {
        let source = Source::new("a\näöü: x\n");
        let x = source.byte(7);
        assert_eq!(&source.text[x..=x], "x");
        let span = source.span(x..x + 1);
        assert_eq!((span.line, span.column), (2, 6));
        assert_eq!(source.span(0..1).line, 1);
    }

    #[test]
    fn ranges_outside_the_text_are_cut() {
        let source = Source::new("ä");
        assert_eq!(source.span(1..99).range(), 0..2);
        assert_eq!(source.span(5..9).range(), 2..2);
        assert_eq!(Source::new("").span(0..1).line, 1);
    }
}
