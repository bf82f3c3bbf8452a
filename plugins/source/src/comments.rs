//! The comments of a file, which parsing drops.

use crate::lexer::{LexemeKind, lexemes};

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The line it begins on, counted from 1.
    pub first: u32,
    /// The line it ends on.
    pub last: u32,
    /// Its text, with the `//` or `/*`.
    pub text: String,
    /// Whether no code stands before it on its first line.
    pub own_line: bool,
}

impl Comment {
    /// Whether it is documentation: `///`, `//!`, `/**` or `/*!`.
    #[must_use]
    pub fn is_doc(&self) -> bool {
        is_doc(&self.text)
    }
}

/// Whether a comment is documentation.
pub(crate) fn is_doc(text: &str) -> bool {
    text.starts_with("//!")
        || text.starts_with("/*!")
        || text.starts_with("///") && !text.starts_with("////")
        || text.starts_with("/**") && !text.starts_with("/***") && text != "/**/"
}

/// How many lines of a file hold what. A line with both code and a comment is
/// a line of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LineCounts {
    /// Lines with code.
    pub code: u32,
    /// Lines with nothing but comments.
    pub comment: u32,
    /// Lines with nothing but white space outside of strings and comments.
    pub blank: u32,
}

impl LineCounts {
    /// All lines.
    #[must_use]
    pub fn total(self) -> u32 {
        self.code + self.comment + self.blank
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LineKind {
    Blank,
    Comment,
    Code,
    /// Begins with an attribute: code that a comment may be above of.
    Attribute,
}

/// The comments of a file by line. Comment marks within strings are none.
#[derive(Clone, Debug, Default)]
pub struct Comments {
    comments: Vec<Comment>,
    lines: Vec<LineKind>,
}

impl Comments {
    /// The comments of `text`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut lines = vec![LineKind::Blank; text.lines().count()];
        let mut comments = Vec::new();
        let (mut line, mut seen) = (0_usize, 0_usize);
        for lexeme in lexemes(text) {
            line += newlines(&text[seen..lexeme.start]);
            let last = line + newlines(lexeme.text);
            let is_comment = matches!(
                lexeme.kind,
                LexemeKind::LineComment | LexemeKind::BlockComment
            );
            if is_comment {
                comments.push(Comment {
                    first: number(line),
                    last: number(last),
                    text: lexeme.text.to_owned(),
                    own_line: lines.get(line).is_none_or(|kind| *kind < LineKind::Code),
                });
            }
            let kind = match lexeme.kind {
                _ if is_comment => LineKind::Comment,
                LexemeKind::Punct if lexeme.text == "#" => LineKind::Attribute,
                _ => LineKind::Code,
            };
            for slot in lines.iter_mut().take(last + 1).skip(line) {
                // The first code of a line decides what the line is.
                if *slot < LineKind::Code {
                    *slot = (*slot).max(kind);
                }
            }
            line = last;
            seen = lexeme.start + lexeme.text.len();
        }
        Self { comments, lines }
    }

    /// All of them, in order.
    #[must_use]
    pub fn all(&self) -> &[Comment] {
        &self.comments
    }

    /// The comments that touch line `line`, counted from 1.
    pub fn on(&self, line: u32) -> impl Iterator<Item = &Comment> {
        let from = self.comments.partition_point(|comment| comment.last < line);
        self.comments[from..]
            .iter()
            .take_while(move |comment| comment.first <= line)
    }

    /// The comments that belong to the code on line `line` (counted from 1):
    /// those on the line itself and those that stand directly above it, with
    /// nothing but attributes between. In the order of the file.
    #[must_use]
    pub fn above(&self, line: u32) -> Vec<&Comment> {
        let mut top = line;
        while top > 1
            && matches!(
                self.kind(top - 1),
                Some(LineKind::Comment | LineKind::Attribute)
            )
        {
            top -= 1;
        }
        let from = self.comments.partition_point(|comment| comment.last < top);
        self.comments[from..]
            .iter()
            .take_while(|comment| comment.first <= line)
            .collect()
    }

    /// Whether a comment that belongs to line `line` holds `words`, in any
    /// case: `comments.mentions(12, "safety:")`.
    #[must_use]
    pub fn mentions(&self, line: u32, words: &str) -> bool {
        let words = words.to_lowercase();
        self.above(line)
            .iter()
            .any(|comment| comment.text.to_lowercase().contains(&words))
    }

    /// How many lines hold what.
    #[must_use]
    pub fn counts(&self) -> LineCounts {
        let mut counts = LineCounts::default();
        for kind in &self.lines {
            match kind {
                LineKind::Blank => counts.blank += 1,
                LineKind::Comment => counts.comment += 1,
                LineKind::Code | LineKind::Attribute => counts.code += 1,
            }
        }
        counts
    }

    /// Whether line `line` holds code, counted from 1.
    #[must_use]
    pub fn is_code(&self, line: u32) -> bool {
        self.kind(line).is_some_and(|kind| kind >= LineKind::Code)
    }

    fn kind(&self, line: u32) -> Option<LineKind> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        self.lines.get(index).copied()
    }
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

fn number(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX - 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
//! Docs.

// SAFETY: one
// two
#[inline]
unsafe fn f() {} // three
let s = \"
// not a comment
\"; /* a
b */
x();
";

    #[test]
    fn comments_above_code_belong_to_it() {
        let comments = Comments::of(TEXT);
        let texts = |line| {
            comments
                .above(line)
                .iter()
                .map(|comment| comment.text.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(6), ["// SAFETY: one", "// two", "// three"]);
        assert_eq!(texts(7), [""; 0]);
        assert_eq!(texts(11), ["/* a\nb */"]);
        assert!(comments.mentions(6, "safety:"));
        assert!(!comments.mentions(7, "safety:"));
        assert!(comments.all()[0].is_doc());
        assert!(!comments.all()[1].is_doc());
        assert!(comments.all()[1].own_line);
        assert!(!comments.all()[3].own_line);
        assert_eq!(comments.on(10).count(), 1);
    }

    #[test]
    fn each_line_is_counted_once() {
        let counts = Comments::of(TEXT).counts();
        assert_eq!(
            counts,
            LineCounts {
                code: 6,
                comment: 4,
                blank: 1
            }
        );
        assert_eq!(counts.total(), 11);
        assert_eq!(Comments::of("").counts().total(), 0);
    }
}
