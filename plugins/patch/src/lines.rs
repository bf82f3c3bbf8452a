//! Texts as sequences of lines.

/// The lines of a text, each with its line break; only the last one may have
/// none. An empty text has no lines.
///
/// A line ends in `\n`. A `\r` before it belongs to the line, so nothing is
/// lost and the lines put together are the text again.
#[must_use]
pub fn split_lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// How many lines [`split_lines`] gives, without the memory for them.
#[must_use]
pub fn count_lines(text: &[u8]) -> usize {
    let breaks = text.iter().filter(|byte| **byte == b'\n').count();
    breaks + usize::from(text.last().is_some_and(|byte| *byte != b'\n'))
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineEnding {
    /// `\n`
    Lf,
    /// `\r\n`
    CrLf,
}

impl LineEnding {
    /// The ending of `line`, if it has one.
    #[must_use]
    pub fn of(line: &[u8]) -> Option<Self> {
        if line.ends_with(b"\r\n") {
            Some(Self::CrLf)
        } else if line.ends_with(b"\n") {
            Some(Self::Lf)
        } else {
            None
        }
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_last_line_may_lack_a_break() {
        let cases: [(&[u8], &[&[u8]]); 5] = [
            (b"", &[]),
            (b"a", &[b"a"]),
            (b"a\n", &[b"a\n"]),
            (b"a\r\n\nb", &[b"a\r\n", b"\n", b"b"]),
            (b"a\rb\n", &[b"a\rb\n"]),
        ];
        for (text, lines) in cases {
            assert_eq!(split_lines(text), lines);
        }
    }

    #[test]
    fn a_line_knows_its_ending() {
        assert_eq!(LineEnding::of(b"a\r\n"), Some(LineEnding::CrLf));
        assert_eq!(LineEnding::of(b"\n"), Some(LineEnding::Lf));
        assert_eq!(LineEnding::of(b"a\r"), None);
        assert_eq!(LineEnding::of(b""), None);
        for ending in [LineEnding::Lf, LineEnding::CrLf] {
            assert_eq!(LineEnding::of(ending.as_bytes()), Some(ending));
        }
    }

    proptest! {
        #[test]
        fn lines_put_together_are_the_text(text in "[ab\r\n]{0,40}") {
            let lines = split_lines(text.as_bytes());
            prop_assert_eq!(lines.concat(), text.as_bytes());
            prop_assert_eq!(lines.len(), count_lines(text.as_bytes()));
        }
    }
}
