//! Rust text as a row of lexemes: enough to tell code, comments and strings
//! apart in any text, also in one that does not parse.

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LexemeKind {
    /// `// ...` up to the end of the line, without it; also doc comments.
    LineComment,
    /// `/* ... */`, nested ones included; also doc comments.
    BlockComment,
    /// A string, byte string, C string or raw string.
    Str,
    /// A character or byte.
    Char,
    /// `'a`.
    Lifetime,
    /// An identifier or keyword, `r#raw` ones included.
    Ident,
    /// A number, its suffix included.
    Number,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// Any other character.
    Punct,
}

/// A piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lexeme<'a> {
    /// What it is.
    pub kind: LexemeKind,
    /// Its text.
    pub text: &'a str,
    /// The byte at which it begins.
    pub start: usize,
}

/// The lexemes of `text` in order, white space left out. What is never closed
/// reaches to the end of the text.
#[must_use]
pub fn lexemes(text: &str) -> Lexemes<'_> {
    let start = if text.starts_with("#!") && !text[2..].trim_start().starts_with('[') {
        text.find('\n').unwrap_or(text.len())
    } else {
        0
    };
    Lexemes { text, at: start }
}

/// See [`lexemes`].
#[derive(Clone, Debug)]
pub struct Lexemes<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Lexemes<'a> {
    type Item = Lexeme<'a>;

    fn next(&mut self) -> Option<Lexeme<'a>> {
        let rest = &self.text[self.at..];
        let rest = rest.trim_start();
        let start = self.text.len() - rest.len();
        let first = rest.chars().next()?;
        let (kind, len) = lexeme(rest, first);
        self.at = start + len;
        Some(Lexeme {
            kind,
            text: &rest[..len],
            start,
        })
    }
}

/// The kind and length in bytes of the lexeme at the start of `rest`.
fn lexeme(rest: &str, first: char) -> (LexemeKind, usize) {
    match first {
        '/' if rest.starts_with("//") => (
            LexemeKind::LineComment,
            rest.find('\n')
                .map_or(rest.len(), |end| rest[..end].trim_end_matches('\r').len()),
        ),
        '/' if rest.starts_with("/*") => (LexemeKind::BlockComment, block_comment(rest)),
        '(' | '[' | '{' => (LexemeKind::Open, 1),
        ')' | ']' | '}' => (LexemeKind::Close, 1),
        '"' => (LexemeKind::Str, quoted(rest, 1, b'"')),
        '\'' => character_or_lifetime(rest),
        '0'..='9' => (LexemeKind::Number, number(rest)),
        _ if is_ident_start(first) => prefixed(rest).unwrap_or_else(|| {
            let raw = if rest.starts_with("r#") { 2 } else { 0 };
            (LexemeKind::Ident, raw + ident(&rest[raw..]))
        }),
        _ => (LexemeKind::Punct, first.len_utf8()),
    }
}

fn is_ident_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn ident(rest: &str) -> usize {
    rest.find(|c: char| !(c == '_' || c.is_alphanumeric()))
        .unwrap_or(rest.len())
}

/// A literal that begins with letters: `b"`, `br#"`, `c"`, `b'`, `r"`...
fn prefixed(rest: &str) -> Option<(LexemeKind, usize)> {
    let bytes = rest.as_bytes();
    let prefix = match bytes {
        [b'b' | b'c', b'r', b'"' | b'#', ..] => 2,
        [b'r', b'"' | b'#', ..] | [b'b' | b'c', b'"', ..] | [b'b', b'\'', ..] => 1,
        _ => return None,
    };
    if bytes[prefix] == b'\'' {
        return Some((LexemeKind::Char, quoted(rest, 2, b'\'')));
    }
    if bytes[prefix - 1] != b'r' {
        return Some((LexemeKind::Str, quoted(rest, prefix + 1, b'"')));
    }
    let hashes = bytes[prefix..].iter().take_while(|b| **b == b'#').count();
    if bytes.get(prefix + hashes) != Some(&b'"') {
        return None;
    }
    let body = prefix + hashes + 1;
    Some((LexemeKind::Str, raw_end(bytes, body, hashes)))
}

/// The end of a raw string whose body begins at `body`.
fn raw_end(bytes: &[u8], body: usize, hashes: usize) -> usize {
    let mut at = body;
    while let Some(quote) = bytes[at..].iter().position(|b| *b == b'"') {
        at += quote + 1;
        let closing = bytes[at..]
            .iter()
            .take(hashes)
            .take_while(|b| **b == b'#')
            .count();
        if closing == hashes {
            return at + hashes;
        }
        at += closing;
    }
    bytes.len()
}

/// The end of a text in quotes whose body begins at `body`.
fn quoted(rest: &str, body: usize, quote: u8) -> usize {
    let bytes = rest.as_bytes();
    let mut at = body;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            _ if *byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// `'a'` is a character and `'a` a lifetime: what follows the first character
/// decides.
fn character_or_lifetime(rest: &str) -> (LexemeKind, usize) {
    let mut chars = rest[1..].chars();
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => (LexemeKind::Char, quoted(rest, 1, b'\'')),
        (Some(c), Some('\'')) if c != '\'' => (LexemeKind::Char, 2 + c.len_utf8()),
        (Some(c), _) if is_ident_start(c) => (LexemeKind::Lifetime, 1 + ident(&rest[1..])),
        _ => (LexemeKind::Punct, 1),
    }
}

fn number(rest: &str) -> usize {
    let whole = ident(rest);
    let bytes = rest.as_bytes();
    // `1.5` is one number; `1..5`, `1.max(2)` and `t.0.1` are more.
    let fraction =
        bytes.get(whole) == Some(&b'.') && bytes.get(whole + 1).is_some_and(u8::is_ascii_digit);
    let mut end = if fraction {
        whole + 1 + ident(&rest[whole + 1..])
    } else {
        whole
    };
    let exponent = !rest.starts_with("0x")
        && rest[..end].ends_with(['e', 'E'])
        && matches!(bytes.get(end), Some(b'+' | b'-'))
        && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    if exponent {
        end += 1 + ident(&rest[end + 1..]);
    }
    end
}

fn block_comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut depth = 0_u32;
    let mut at = 0;
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(LexemeKind, &str)> {
        lexemes(text).map(|l| (l.kind, l.text)).collect()
    }

    #[test]
    fn comments_nest_and_strings_hide_them() {
        use LexemeKind::{BlockComment, LineComment, Str};
        assert_eq!(
            kinds("/* a /* b */ c */ \"// no\" // yes\r\n r#\"\"/*\"# b\"\\\"\" br##\"\"#\"##"),
            [
                (BlockComment, "/* a /* b */ c */"),
                (Str, "\"// no\""),
                (LineComment, "// yes"),
                (Str, "r#\"\"/*\"#"),
                (Str, "b\"\\\"\""),
                (Str, "br##\"\"#\"##"),
            ]
        );
    }

    #[test]
    fn characters_and_lifetimes_differ() {
        use LexemeKind::{Char, Ident, Lifetime};
        assert_eq!(
            kinds(r"'a' 'a 'static '\'' '\u{1F}' b'\\' '*' 'ä' 'ä r#fn"),
            [
                (Char, "'a'"),
                (Lifetime, "'a"),
                (Lifetime, "'static"),
                (Char, r"'\''"),
                (Char, r"'\u{1F}'"),
                (Char, r"b'\\'"),
                (Char, "'*'"),
                (Char, "'ä'"),
                (Lifetime, "'ä"),
                (Ident, "r#fn"),
            ]
        );
    }

    #[test]
    fn numbers_end_where_they_should() {
        use LexemeKind::{Ident, Number, Punct};
        assert_eq!(
            kinds("1..2 1.5e-3f64 0xE-1 1.a"),
            [
                (Number, "1"),
                (Punct, "."),
                (Punct, "."),
                (Number, "2"),
                (Number, "1.5e-3f64"),
                (Number, "0xE"),
                (Punct, "-"),
                (Number, "1"),
                (Number, "1"),
                (Punct, "."),
                (Ident, "a"),
            ]
        );
    }

    #[test]
    fn what_is_never_closed_reaches_to_the_end() {
        for text in [
            "\"abc", "/* /* */", "r#\"a\"", "'\\", "b'\\", "\"\\", "b\"ä\\",
        ] {
            let all = kinds(text);
            assert_eq!(all.len(), 1, "{text:?} {all:?}");
            assert_eq!(all[0].1, text);
        }
    }

    #[test]
    fn a_shebang_is_no_code() {
        assert_eq!(kinds("#!/usr/bin/x 'y\nz").len(), 1);
        assert_eq!(kinds("#![allow(x)]").len(), 7 + 1);
    }
}
