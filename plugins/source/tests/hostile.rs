//! Whatever text a file holds, reading it ends without a panic.

use source::{LineEdit, Position, Scope, SourceFile, Visitor, lexemes, walk};

/// Asks a node for all that rules ask for.
struct Touch(u64);

impl Visitor for Touch {
    fn expr(&mut self, expr: &syn::Expr, scope: &Scope) {
        self.0 += u64::from(Position::of(expr).line) + u64::from(scope.loop_depth());
    }
}

/// Small and fixed, so that a failure happens again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap_or_default()
    }
}

fn read(text: &str) {
    let mut end = 0;
    for lexeme in lexemes(text) {
        assert!(lexeme.start >= end && !lexeme.text.is_empty(), "{text:?}");
        assert!(
            text[end..lexeme.start].trim().is_empty() || end == 0,
            "{text:?}"
        );
        end = lexeme.start + lexeme.text.len();
    }
    let file = SourceFile::new("a.rs", text);
    let comments = file.comments();
    assert_eq!(comments.counts().total(), file.line_count());
    for line in 0..file.line_count() + 2 {
        let from = Position { line, column: 1 };
        let _ = comments.above(line);
        assert_eq!(
            LineEdit::within(&file, from, from, "").is_some(),
            (1..=file.line_count()).contains(&line)
        );
    }
    match file.parse() {
        Ok(syntax) => walk(&file, &syntax, &mut Touch(0)),
        Err(problem) => assert!(problem.position.line >= 1 && problem.position.column >= 1),
    }
}

#[test]
fn random_bytes_are_read_without_a_panic() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..2_000 {
        let bytes: Vec<u8> = (0..random.below(200))
            .map(|_| u8::try_from(random.below(256)).unwrap())
            .collect();
        read(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn random_pieces_of_rust_are_read_without_a_panic() {
    const PIECES: &[&str] = &[
        "fn f",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "<",
        ">",
        "'",
        "\"",
        "r#\"",
        "\"#",
        "/*",
        "*/",
        "//",
        "\n",
        "\r\n",
        "\\",
        "'a",
        "'a'",
        "b'",
        "c\"",
        "#",
        "#![",
        "!",
        "|",
        "||",
        "&",
        "=>",
        "=",
        "->",
        "::",
        ";",
        ",",
        ".",
        "..",
        "1",
        "1e",
        "1.",
        "0x",
        "é",
        "\u{feff}",
        "\u{2028}",
        "let",
        "if",
        "else",
        "match",
        "impl",
        "struct",
        "use",
        "pub",
        "unsafe",
        "async",
        "macro_rules!",
        "vec!",
        "x",
        " ",
        "?",
        "as",
        "where",
        "dyn",
        "\0",
    ];
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..5_000 {
        let text: String = (0..random.below(60))
            .map(|_| PIECES[random.below(PIECES.len())])
            .collect();
        read(&text);
    }
}

#[test]
fn a_damaged_file_is_read_without_a_panic() {
    let whole = include_str!("../src/walk.rs");
    let mut random = Random(0xdead_beef_cafe_f00d);
    for _ in 0..60 {
        let mut bytes = whole.as_bytes()[..random.below(whole.len())].to_vec();
        for _ in 0..random.below(4) {
            let at = random.below(bytes.len().max(1));
            if let Some(byte) = bytes.get_mut(at) {
                *byte = u8::try_from(random.below(256)).unwrap();
            }
        }
        read(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn what_nests_for_ever_is_refused() {
    for piece in [
        "(",
        "[",
        "{",
        "!",
        "&",
        "|x|",
        "A<",
        "a.b(",
        "if a {} else ",
        "vec![",
        "-",
        "&&",
    ] {
        let text = format!("fn f() {{ {} }}", piece.repeat(100_000));
        assert!(SourceFile::new("a.rs", text).parse().is_err(), "{piece}");
    }
}
