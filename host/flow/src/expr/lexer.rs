//! The tokens of an expression, for what has to be known before it runs: the
//! names it reads, and where they stand.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind<'a> {
    /// A name or a keyword.
    Name(&'a str),
    /// A string, without its quotes, escapes as they stand.
    Text(&'a str),
    /// A number.
    Number(&'a str),
    /// An operator or a bracket.
    Mark(&'a str),
}

/// A token and the bytes it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind<'a>,
    pub(super) range: Range<usize>,
}

impl Token<'_> {
    pub(super) fn is_mark(&self, mark: &str) -> bool {
        self.kind == TokenKind::Mark(mark)
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        self.kind == TokenKind::Name(name)
    }
}

/// Operators of two characters, which are not two of one.
const PAIRS: [&str; 6] = ["==", "!=", "<=", ">=", "**", "//"];

/// The tokens of `text`. Whatever is no token is passed over: the compiler of
/// expressions refuses it.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = next_token(text, at) {
        at = token.range.end;
        found.push(token);
    }
    found
}

/// The byte at which the `}}` stands that ends the expression at the start of
/// `text`: the first one outside strings and braces.
pub(super) fn end_of_expression(text: &str) -> Option<usize> {
    let (mut at, mut open) = (0, 0_usize);
    while let Some(token) = next_token(text, at) {
        if open == 0 && text[token.range.start..].starts_with("}}") {
            return Some(token.range.start);
        }
        match token.kind {
            TokenKind::Mark("{") => open += 1,
            TokenKind::Mark("}") => open = open.saturating_sub(1),
            _ => {}
        }
        at = token.range.end;
    }
    None
}

fn next_token(text: &str, from: usize) -> Option<Token<'_>> {
    let rest = &text[from..];
    let start = from + rest.find(|c: char| !c.is_whitespace())?;
    let rest = &text[start..];
    let first = rest.chars().next()?;
    let length_while = |legal: fn(char) -> bool| rest.find(|c| !legal(c)).unwrap_or(rest.len());
    let (kind, length) = match first {
        'a'..='z' | 'A'..='Z' | '_' => {
            let length = length_while(|c| c.is_ascii_alphanumeric() || c == '_');
            (TokenKind::Name(&rest[..length]), length)
        }
        '0'..='9' => {
            let length = number_length(rest);
            (TokenKind::Number(&rest[..length]), length)
        }
        '"' | '\'' => {
            let inner = string_length(&rest[1..], first);
            let closed = 1 + inner < rest.len();
            let length = 1 + inner + usize::from(closed);
            (TokenKind::Text(&rest[1..1 + inner]), length)
        }
        _ => {
            let length = PAIRS
                .iter()
                .find(|pair| rest.starts_with(**pair))
                .map_or(first.len_utf8(), |pair| pair.len());
            (TokenKind::Mark(&rest[..length]), length)
        }
    };
    Some(Token {
        kind,
        range: start..start + length,
    })
}

/// Digits, and a fraction if digits follow the point: `a.0.b` has no fraction.
fn number_length(text: &str) -> usize {
    let digits = |text: &str| {
        text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(text.len())
    };
    let whole = digits(text);
    match text[whole..].strip_prefix('.') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => whole + 1 + digits(rest),
        _ => whole,
    }
}

/// The bytes up to the closing quote, or to the end.
fn string_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind<'_>> {
        tokens(text).into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn names_numbers_strings_and_marks() {
        use TokenKind::{Mark, Name, Number, Text};
        assert_eq!(
            kinds(r#"a.b["c-\"d"] | f(x=1.5) >= 2 ** n"#),
            [
                Name("a"),
                Mark("."),
                Name("b"),
                Mark("["),
                Text(r#"c-\"d"#),
                Mark("]"),
                Mark("|"),
                Name("f"),
                Mark("("),
                Name("x"),
                Mark("="),
                Number("1.5"),
                Mark(")"),
                Mark(">="),
                Number("2"),
                Mark("**"),
                Name("n"),
            ]
        );
    }

    #[test]
    fn what_is_broken_ends() {
        for text in ["\"open", "'", "\"\\", "ä ö", "\u{0}", "1.", "{{{{"] {
            tokens(text);
            end_of_expression(text);
        }
    }

    #[test]
    fn an_expression_ends_outside_strings_and_braces() {
        assert_eq!(end_of_expression("a }} b"), Some(2));
        assert_eq!(end_of_expression("'}}' }}"), Some(5));
        assert_eq!(end_of_expression("{'a': {'b': 1}} }}"), Some(16));
        assert_eq!(end_of_expression("a }"), None);
        assert_eq!(end_of_expression(""), None);
    }
}
