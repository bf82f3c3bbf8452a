//! `std::u32::MAX`, a constant of a module that stands for `u32::MAX`.

use source::{Scope, SourceFile};
use syn::{Expr, PathArguments};

use super::line_mends::{Change, LineMends, MAX_OF_A_RULE, Span};

const RULE: &str = "numeric-constant";

const INTEGERS: [&str; 12] = [
    "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize",
];

const OF_INTEGERS: [&str; 2] = ["MAX", "MIN"];

const FLOATS: [&str; 2] = ["f32", "f64"];

const OF_FLOATS: [&str; 14] = [
    "DIGITS",
    "EPSILON",
    "INFINITY",
    "MANTISSA_DIGITS",
    "MAX",
    "MAX_10_EXP",
    "MAX_EXP",
    "MIN",
    "MIN_10_EXP",
    "MIN_EXP",
    "MIN_POSITIVE",
    "NAN",
    "NEG_INFINITY",
    "RADIX",
];

pub(super) fn expr(expr: &Expr, scope: &Scope, file: &SourceFile, mends: &mut LineMends) {
    let Expr::Path(path) = expr else { return };
    if path.qself.is_some() || path.path.segments.len() != 3 {
        return;
    }
    if scope.in_test() || scope.in_macro() || scope.allows("clippy::legacy_numeric_constants") {
        return;
    }
    let segments = &path.path.segments;
    let (krate, ty, name) = (&segments[0], &segments[1], &segments[2]);
    let standard = krate.ident == "std" || krate.ident == "core";
    let known = INTEGERS.iter().any(|known| ty.ident == known)
        && OF_INTEGERS.iter().any(|known| name.ident == known)
        || FLOATS.iter().any(|known| ty.ident == known)
            && OF_FLOATS.iter().any(|known| name.ident == known);
    let bare = segments
        .iter()
        .all(|segment| matches!(segment.arguments, PathArguments::None));
    if !standard || !known || !bare {
        return;
    }
    let old = format!("{}::{}::{}", krate.ident, ty.ident, name.ident);
    let text = format!("{}::{}", ty.ident, name.ident);
    let Some(span) = Span::of(&path.path) else {
        return;
    };
    // A comment or a space within the path is more than the rule knows of.
    if span
        .text(file)
        .is_none_or(|written| written.trim_start_matches("::") != old)
    {
        return;
    }
    mends.add(Change {
        rule: RULE,
        message: format!("`{old}` is an old name of `{text}`"),
        span,
        text,
        relies_on: Some(ty.ident.to_string()),
        at_most: MAX_OF_A_RULE,
    });
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
    fn constants_are_those_of_the_type() {
        for (before, after) in [
            ("std::u32::MAX", "u32::MAX"),
            ("::core::usize::MIN", "usize::MIN"),
            ("b - ::std::f64::EPSILON", "b - f64::EPSILON"),
            ("std::f32::NAN.max(b)", "f32::NAN.max(b)"),
            ("&std::i8::MAX", "&i8::MAX"),
            ("std::u8::MAX as usize", "u8::MAX as usize"),
        ] {
            assert_eq!(mend(before), after, "{before}");
        }
    }

    #[test]
    fn other_paths_are_left_alone() {
        for value in [
            "u32::MAX",
            "std::f64::consts::PI",
            "std::u32::EPSILON",
            "std::u32::max_value()",
            "std::char::MAX",
            "a::u32::MAX",
            "a::std::u32::MAX",
            "std::u32::MAX::<b>",
            "<std::u32::A>::MAX",
            "std:: u32::MAX",
            "std::/* why */u32::MAX",
            "std::u32::\nMAX",
            "c!(std::u32::MAX)",
        ] {
            assert_eq!(
                found(&format!("fn f() {{ a({value}); }}\n")),
                [""; 0],
                "{value}"
            );
        }
        for text in [
            "use std::u32::MAX;",
            "macro_rules! m { () => { std::u32::MAX } }",
            "#[cfg(test)] const A: u32 = std::u32::MAX;",
            "#[allow(clippy::legacy_numeric_constants)] const A: u32 = std::u32::MAX;",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
        assert_eq!(
            found_in("benches/a.rs", "const A: u32 = std::u32::MAX;"),
            [""; 0]
        );
    }
}
