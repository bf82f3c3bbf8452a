//! `1000000`, whose digits nobody wants to count.

use source::Scope;
use syn::Lit;

use super::line_mends::{Change, LineMends, Span};

const RULE: &str = "digits-not-grouped";

/// The number of digits from which on they are hard to count.
const MIN_DIGITS: usize = 6;

/// More long numbers on a line are a table, which is not read number by number.
const MAX_ON_A_LINE: usize = 4;

const SUFFIXES: [&str; 13] = [
    "", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize",
];

pub(super) fn literal(literal: &Lit, scope: &Scope, mends: &mut LineMends) {
    let Lit::Int(number) = literal else { return };
    if scope.in_test()
        || scope.in_macro()
        || number.base10_digits().len() < MIN_DIGITS
        || scope.allows("clippy::unreadable_literal")
    {
        return;
    }
    let written = number.to_string();
    let (Some(text), Some(span)) = (grouped(&written), Span::of(number)) else {
        return;
    };
    mends.add(Change {
        rule: RULE,
        message: format!("the digits of `{written}` are easier to count in groups: `{text}`"),
        span,
        text,
        relies_on: None,
        at_most: MAX_ON_A_LINE,
    });
}

/// The number with `_` before every three digits, and its suffix as it was.
/// `None` for a number that is not decimal, has `_` already or begins with 0.
fn grouped(number: &str) -> Option<String> {
    let count = number.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, suffix) = number.split_at(count);
    let plain = SUFFIXES.contains(&suffix.strip_prefix('_').unwrap_or(suffix)) && suffix != "_";
    if count < MIN_DIGITS || digits.starts_with('0') || !plain {
        return None;
    }
    let mut text = String::with_capacity(number.len() + count / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (count - index) % 3 == 0 {
            text.push('_');
        }
        text.push(digit);
    }
    text.push_str(suffix);
    Some(text)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{found, found_in, mended};

    fn mend(value: &str) -> String {
        let text = mended(&format!("fn f() {{\n    a({value});\n}}\n"));
        let line = text.lines().nth(1).unwrap();
        line["    a(".len()..line.len() - 2].to_owned()
    }

    #[test]
    fn digits_are_grouped() {
        for (before, after) in [
            ("100000", "100_000"),
            ("1000000u64", "1_000_000u64"),
            ("1000000_u64", "1_000_000_u64"),
            ("-12345678", "-12_345_678"),
            ("[0u8; 1000000]", "[0u8; 1_000_000]"),
            ("1000000..=2000000", "1_000_000..=2_000_000"),
            (
                "match b { 1000000 | 2000000..=3000000 => c }",
                "match b { 1_000_000 | 2_000_000..=3_000_000 => c }",
            ),
            (
                "18446744073709551615.max(b)",
                "18_446_744_073_709_551_615.max(b)",
            ),
        ] {
            assert_eq!(mend(before), after, "{before}");
        }
    }

    #[test]
    fn other_numbers_are_left_alone() {
        for value in [
            "99999",
            "1_000000",
            "100_000",
            "0x1000000",
            "0b1000000",
            "0o1000000",
            "0100000",
            "1000000.5",
            "1000000.0",
            "1000000f64",
            "1e100000",
            "\"1000000\"",
            "b.1000000",
            "c!(1000000)",
            "[100000, 200000, 300000, 400000, 500000]",
        ] {
            assert_eq!(
                found(&format!("fn f() {{ a({value}); }}\n")),
                [""; 0],
                "{value}"
            );
        }
        for text in [
            "#[a(1000000)] fn f() {}",
            "#[a = 1000000] fn f() {}",
            "macro_rules! m { () => { 1000000 } }",
            "#[cfg(test)] const A: u64 = 1000000;",
            "#[allow(clippy::unreadable_literal)] const A: u64 = 1000000;",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
        assert_eq!(found_in("tests/a.rs", "const A: u64 = 1000000;"), [""; 0]);
    }

    #[test]
    fn a_few_on_a_line_are_no_table() {
        let text = "const A: [u32; 4] = [100000, 200000, 300000, 400000];\n";
        assert_eq!(found(text).len(), 4);
        assert_eq!(
            mended(text),
            "const A: [u32; 4] = [100_000, 200_000, 300_000, 400_000];\n"
        );
    }
}
