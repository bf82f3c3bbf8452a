//! Refuses text that would make a parser or a walk recurse too deep.
//!
//! Syntax trees are parsed, walked and dropped by recursion, and a sandbox has
//! a small stack, so one line of ten thousand `(` or `!` would end the attempt
//! in a trap and with it the review of every other file. Parsing cannot be
//! asked to stop at a depth, so the lexemes are looked at first: the depth of
//! the tree is at most the sum, over the brackets that are open, of what each
//! of them holds since its last statement or list item began.

use crate::lexer::{LexemeKind, lexemes};
use crate::{ParseProblem, Position};

/// The most that brackets, prefix operators, `else`s and type arguments may
/// stand within each other. Each costs the parser a dozen calls.
pub const MAX_NESTING: u32 = 160;

/// The most links that the chains around one place may have together: method
/// calls, binary operators, `?` and casts. Each costs a walk two or three calls.
pub const MAX_CHAIN: u32 = 1_200;

/// What stands between the brackets of one pair so far.
#[derive(Clone, Copy, Default)]
struct Level {
    /// What the parser recurses for, since the last comma.
    prefixes: u32,
    /// What it recurses for and a comma does not end: type arguments and the
    /// parameters of closures.
    sticky: u32,
    /// Links of chains since the last comma.
    links: u32,
    /// The same, of what a comma did not surely end.
    sticky_links: u32,
}

impl Level {
    fn nesting(self) -> u32 {
        self.prefixes + self.sticky
    }

    fn chain(self) -> u32 {
        self.links + self.sticky_links
    }

    /// A comma ends an expression, unless it stands within `<..>` or `|..|`.
    fn comma(&mut self) {
        if self.sticky > 0 {
            self.sticky += self.prefixes;
            self.sticky_links += self.links;
        }
        self.prefixes = 0;
        self.links = 0;
    }
}

/// Refuses what is nested deeper than the limits.
pub(crate) fn check_nesting(text: &str) -> Result<(), ParseProblem> {
    let mut open: Vec<Level> = Vec::new();
    let mut level = Level::default();
    // The sums over `open`.
    let (mut outer_nesting, mut outer_chain) = (0_u32, 0_u32);
    let mut previous: Option<(LexemeKind, &str)> = None;
    for lexeme in lexemes(text) {
        let after_operand = previous.is_some_and(|(kind, text)| ends_operand(kind, text));
        match lexeme.kind {
            LexemeKind::LineComment | LexemeKind::BlockComment => continue,
            LexemeKind::Open => {
                level.links += 1;
                outer_nesting += level.nesting() + 1;
                outer_chain += level.chain();
                open.push(std::mem::take(&mut level));
            }
            LexemeKind::Close => {
                if let Some(outer) = open.pop() {
                    outer_nesting -= outer.nesting() + 1;
                    outer_chain -= outer.chain();
                    level = outer;
                }
            }
            LexemeKind::Ident => {
                if begins_statement(previous, lexeme.text) {
                    level = Level::default();
                }
                if lexeme.text == "as" {
                    level.links += 1;
                } else if is_prefix_word(lexeme.text) {
                    level.prefixes += 1;
                }
            }
            LexemeKind::Punct => match lexeme.text {
                ";" => level = Level::default(),
                "#" if begins_statement(previous, "#") => level = Level::default(),
                "," => level.comma(),
                "<" => level.sticky += 1,
                // The arrow of a function's type, `=>`, `>=` and `>>` all end
                // in `>`; none of them begins something that a comma ends.
                ">" => match previous {
                    Some((LexemeKind::Punct, "=")) => level = Level::default(),
                    Some((LexemeKind::Punct, "-")) => level.prefixes += 1,
                    _ => level.sticky = level.sticky.saturating_sub(1),
                },
                "|" if !after_operand => level.sticky += 1,
                "=" => level.prefixes += 1,
                "." | "?" | ":" => level.links += 1,
                _ if after_operand => level.links += 1,
                _ => level.prefixes += 1,
            },
            LexemeKind::Lifetime => {
                if begins_statement(previous, lexeme.text) {
                    level = Level::default();
                }
            }
            LexemeKind::Str | LexemeKind::Char | LexemeKind::Number => {}
        }
        let nesting = outer_nesting + level.nesting();
        let chain = outer_chain + level.chain();
        if nesting > MAX_NESTING || chain > MAX_CHAIN {
            return Err(ParseProblem {
                position: place(text, lexeme.start),
                message: "the code is nested too deep to be analysed".to_owned(),
            });
        }
        previous = Some((lexeme.kind, lexeme.text));
    }
    Ok(())
}

/// Whether an operator after this is a binary or postfix one.
fn ends_operand(kind: LexemeKind, text: &str) -> bool {
    match kind {
        LexemeKind::Ident => !is_prefix_word(text),
        LexemeKind::Punct => matches!(text, "?" | ">"),
        LexemeKind::Open => false,
        _ => true,
    }
}

/// Words after which the parser recurses for what they stand before.
fn is_prefix_word(word: &str) -> bool {
    matches!(
        word,
        "async"
            | "await"
            | "box"
            | "break"
            | "const"
            | "dyn"
            | "else"
            | "fn"
            | "for"
            | "gen"
            | "if"
            | "impl"
            | "in"
            | "let"
            | "loop"
            | "match"
            | "move"
            | "mut"
            | "raw"
            | "ref"
            | "return"
            | "static"
            | "unsafe"
            | "use"
            | "while"
            | "yield"
    )
}

/// Whether a word begins a new statement or item because a block ends before it.
fn begins_statement(previous: Option<(LexemeKind, &str)>, word: &str) -> bool {
    previous == Some((LexemeKind::Close, "}")) && !matches!(word, "else" | "as")
}

fn place(text: &str, at: usize) -> Position {
    let before = &text[..at];
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(before[start..].chars().count() + 1).unwrap_or(u32::MAX),
    }
}
