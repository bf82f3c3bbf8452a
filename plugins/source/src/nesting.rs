//! Refuses text that would make a parser or a walk recurse too deep.
//!
//! Syntax trees are parsed, walked and dropped by recursion, and a sandbox has
//! a small stack, so one line of ten thousand `(` or `!` would end the attempt
//! in a trap and with it the review of every other file. A parser cannot be
//! asked to stop at a depth, so the lexemes are looked at first. Each of them
//! that can put one node into another has a price, the stack that it takes at
//! most; the price of a place is the sum, over the brackets around it, of what
//! stands in each since its last statement or list item began. Code that
//! people write stays below a tenth of the limit.
//!
//! The number of lexemes is bounded as well, because that of nodes is what the
//! memory of a sandbox has to hold.

use crate::comments::is_doc;
use crate::lexer::{LexemeKind, lexemes};
use crate::{ParseProblem, Position};

/// The most stack that parsing, walking and dropping a file may take, in bytes
/// as estimated. Whoever wrote the file picks the depth, the agent's stack pays
/// for it; a sandbox gives 512 KiB.
pub const MAX_STACK: u32 = 448 << 10;

/// The most lexemes of a file, a line of documentation counted as four.
/// Whoever wrote the file picks the number; syntax trees take up to 400 bytes
/// for each, and a sandbox has 64 MiB by default. Files that people write reach
/// the limit at some 800 KiB.
pub const MAX_LEXEMES: u32 = 160_000;

/// What each construct takes of the stack of a sandbox, in bytes, as measured
/// with chains of that construct alone, rounded up.
mod price {
    /// A bracket: nested functions take most.
    pub(super) const BRACKET: u32 = 7_000;
    /// A type argument list.
    pub(super) const ANGLE: u32 = 7_300;
    /// The type of a function's result.
    pub(super) const ARROW: u32 = 5_900;
    /// A keyword that stands before what belongs to it, or a prefix operator:
    /// references to references in types take most.
    pub(super) const PREFIX: u32 = 3_800;
    /// The parameters of a closure.
    pub(super) const CLOSURE: u32 = 3_300;
    /// `@` in a pattern, `=` in an expression.
    pub(super) const BINDING: u32 = 1_900;
    /// An operator, method call, index, `?` or cast after an operand; `else`; a
    /// part of a path in a `use`. Asking an expression for its place takes most.
    pub(super) const LINK: u32 = 900;
}

/// What stands between the brackets of one pair so far.
#[derive(Clone, Copy, Default)]
struct Level {
    /// The price since the last statement or list item began.
    price: u32,
    /// What remains of it once all type argument lists are closed.
    before_angles: u32,
    /// Type argument lists that are open: a comma in them ends nothing outside.
    angles: u32,
    /// Whether a closure was begun: the comma may be one of its parameters'.
    closure: bool,
    /// Whether this is part of a `use`, where paths nest.
    import: bool,
}

impl Level {
    fn spend(&mut self, price: u32) {
        self.price += price;
        if self.angles > 0 {
            self.before_angles += price;
        }
    }

    /// Spends on what a type may hold, too, so that the end of the type
    /// argument list ends it. In a comparison (`<` looks the same) it is an
    /// operand's, and the other comparison sign ends it as well.
    fn spend_in_type(&mut self, price: u32) {
        self.price += price;
    }

    fn open_angle(&mut self) {
        if self.angles == 0 {
            self.before_angles = self.price;
        }
        self.angles += 1;
        self.price += price::ANGLE;
    }

    fn close_angle(&mut self) {
        self.spend(price::LINK);
        if self.angles == 1 {
            self.price = self.before_angles;
        }
        self.angles = self.angles.saturating_sub(1);
    }

    fn comma(&mut self) {
        if self.angles == 0 && !self.closure {
            *self = Self {
                import: self.import,
                ..Self::default()
            };
        }
    }
}

/// Refuses what is nested deeper than [`MAX_STACK`] allows.
pub(crate) fn check_nesting(text: &str) -> Result<(), ParseProblem> {
    let mut open: Vec<Level> = Vec::new();
    let mut level = Level::default();
    // The sum over `open`.
    let mut outer = 0_u32;
    let mut previous: Option<(LexemeKind, &str)> = None;
    let mut count = 0_u32;
    for lexeme in lexemes(text) {
        count += 1;
        if count > MAX_LEXEMES {
            return Err(problem(
                text,
                lexeme.start,
                "the file is too long to be analysed",
            ));
        }
        match lexeme.kind {
            LexemeKind::LineComment | LexemeKind::BlockComment => {
                // Documentation is an attribute to the parser: `#[doc = ".."]`.
                count += if is_doc(lexeme.text) { 3 } else { 0 };
                continue;
            }
            LexemeKind::Open => {
                level.spend(price::LINK);
                outer += level.price + price::BRACKET;
                let inner = Level {
                    import: level.import,
                    ..Level::default()
                };
                open.push(std::mem::replace(&mut level, inner));
            }
            LexemeKind::Close => {
                if let Some(around) = open.pop() {
                    outer -= around.price + price::BRACKET;
                    level = around;
                }
            }
            LexemeKind::Ident | LexemeKind::Lifetime => {
                if begins_statement(previous, lexeme.text) {
                    level = Level::default();
                }
                word(&mut level, previous, lexeme.text);
            }
            LexemeKind::Punct => punctuation(&mut level, previous, lexeme.text),
            // What is shifted by a number is no type.
            LexemeKind::Number if previous.is_some_and(|(_, text)| text == "<<") => {
                level.close_angle();
                level.close_angle();
            }
            LexemeKind::Str | LexemeKind::Char | LexemeKind::Number => {}
        }
        if outer + level.price > MAX_STACK {
            let message = "the code is nested too deep to be analysed";
            return Err(problem(text, lexeme.start, message));
        }
        let shift = lexeme.text == "<" && text[..lexeme.start].ends_with('<');
        previous = Some((lexeme.kind, if shift { "<<" } else { lexeme.text }));
    }
    Ok(())
}

fn punctuation(level: &mut Level, previous: Option<(LexemeKind, &str)>, text: &str) {
    let after_operand = previous.is_some_and(|(kind, text)| ends_operand(kind, text));
    match text {
        ";" => *level = Level::default(),
        "#" if begins_statement(previous, "#") => *level = Level::default(),
        "," => level.comma(),
        "<" => level.open_angle(),
        ">" => match previous {
            // After `=>` the expression of a match arm begins.
            Some((LexemeKind::Punct, "=")) => *level = Level::default(),
            Some((LexemeKind::Punct, "-")) => level.spend_in_type(price::ARROW),
            _ => level.close_angle(),
        },
        "|" if !after_operand => {
            level.closure = true;
            level.spend(price::CLOSURE);
        }
        "=" | "@" => level.spend(price::BINDING),
        ":" if level.import => level.spend(price::LINK / 2),
        // Part of a path or of a name with its type: flat.
        ":" => {}
        "?" => level.spend(price::LINK),
        _ if after_operand => level.spend(price::LINK),
        _ => level.spend_in_type(price::PREFIX),
    }
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

/// Words that stand before what belongs to them.
fn is_prefix_word(word: &str) -> bool {
    matches!(
        word,
        "async"
            | "box"
            | "break"
            | "const"
            | "do"
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
            | "try"
            | "unsafe"
            | "while"
            | "yield"
    )
}

fn word(level: &mut Level, previous: Option<(LexemeKind, &str)>, word: &str) {
    match word {
        "as" | "else" => level.spend(price::LINK),
        "use" => level.import = true,
        "if" if previous == Some((LexemeKind::Ident, "else")) => {}
        "const" | "dyn" | "fn" | "for" | "impl" | "mut" => level.spend_in_type(price::PREFIX),
        _ if is_prefix_word(word) => level.spend(price::PREFIX),
        _ => {}
    }
}

/// Whether a word begins a new statement or item because a block ends before it.
fn begins_statement(previous: Option<(LexemeKind, &str)>, word: &str) -> bool {
    previous == Some((LexemeKind::Close, "}")) && !matches!(word, "else" | "as")
}

fn problem(text: &str, at: usize, message: &str) -> ParseProblem {
    ParseProblem {
        position: place(text, at),
        message: message.to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn function(body: &str) -> String {
        format!("fn f() {{ {body} }}")
    }

    #[test]
    fn brackets_are_kept_up_to_the_limit_and_refused_beyond_it() {
        let nested = |depth| function(&format!("{}1{}", "(".repeat(depth), ")".repeat(depth)));
        let limit = (1..200)
            .take_while(|depth| check_nesting(&nested(*depth)).is_ok())
            .last()
            .unwrap();
        assert!(limit >= 50, "{limit}");
        assert!(syn::parse_file(&nested(limit)).is_ok());
        let problem = check_nesting(&nested(limit + 1)).unwrap_err();
        assert_eq!(problem.position.line, 1);
        assert!(check_nesting(&nested(1_000_000)).is_err());
    }

    #[test]
    fn whatever_nests_without_brackets_is_refused_too() {
        for (begin, link, end, close) in [
            ("", "!", "x", ""),
            ("", "-", "x", ""),
            ("", "& ", "x", ""),
            ("", "|a| ", "x", ""),
            ("", "|a, b| ", "x", ""),
            ("", "|a| b > ", "x", ""),
            ("", "a = ", "x", ""),
            ("", "return ", "x", ""),
            ("", "if ", "x", " {}"),
            ("", "return a::<B, C> + ", "x", ""),
            ("", "a < b, ", "x", ""),
            ("", "a < return return b > return ", "x", ""),
            ("", "a < b = c = d > e = ", "x", ""),
            ("x", " + 1", "", ""),
            ("x", ".f()", "", ""),
            ("x", ".f::<A, B>()", "", ""),
            ("x", "[0]", "", ""),
            ("x", "?", "", ""),
            ("x", " as u8", "", ""),
            ("if a {}", " else if a {}", "", ""),
            ("let x: ", "A<", "B", ">"),
            ("let x: ", "A<B, ", "B", ">"),
            ("let x: ", "<", "B", " as C>::D"),
            ("let x: ", "fn() -> ", "B", ""),
            ("let x: ", "*const ", "B", ""),
            ("let ", "a @ ", "B", " = x"),
            ("", ".. ", "x", ""),
            ("use ", "a::", "b", ""),
            ("use ", "{a::", "b", "}"),
        ] {
            let text = |count| {
                let chain = format!("{begin}{}{end}{}", link.repeat(count), close.repeat(count));
                function(&format!("{chain};"))
            };
            assert!(check_nesting(&text(8)).is_ok(), "{begin} {link}");
            assert!(check_nesting(&text(20_000)).is_err(), "{begin} {link}");
        }
    }

    #[test]
    fn the_number_of_lexemes_is_kept_and_broken() {
        let most = usize::try_from(MAX_LEXEMES).unwrap();
        assert_eq!(check_nesting(&"a;".repeat(most / 2)), Ok(()));
        assert!(check_nesting(&"a;".repeat(most / 2 + 1)).is_err());
        assert_eq!(check_nesting(&"/// a\n".repeat(most / 4)), Ok(()));
        assert!(check_nesting(&"/// a\n".repeat(most / 4 + 1)).is_err());
        assert_eq!(check_nesting(&"// a\n".repeat(most)), Ok(()));
    }

    #[test]
    fn what_is_long_and_flat_is_kept() {
        let many = |text: &str| text.repeat(2_000);
        for text in [
            function(&many("if a < b { c(); } ")),
            function(&many("x = -y; ")),
            function(&format!("[{}]", many("-1, "))),
            function(&format!(
                "match x {{ {} }}",
                many("A(-1) | B if c < d => !e, ")
            )),
            format!("enum E {{ {} }}", many("A = 1 << 3, ")),
            format!(
                "struct S {{ {} }}",
                many("a: &'a HashMap<&'a str, fn(A, B) -> C>, ")
            ),
            many("impl<A> B for C<A, D> { fn f() -> E {} } "),
            many("#[a] fn f() -> A { b } "),
            many("use a::b::{c, d}; "),
            format!("use a::{{{}}};", many("b::c, ")),
        ] {
            assert_eq!(check_nesting(&text), Ok(()), "{}", &text[..60]);
        }
    }
}
