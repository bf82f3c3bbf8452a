//! Iterator calls that go a longer way than another one does.
//!
//! Each pair here gives the same item and calls the same closures in the same
//! order, so the shorter one can be put in by a machine.

use lint::Report;
use ringfence_sdk::Severity;
use source::{LineEdit, Position, Scope};
use syn::{Expr, ExprMethodCall};

use super::Facts;
use super::expression::{chain, is_call};
use super::hints::Kind;

const RULE: &str = "iterator-detour";

/// Methods of the standard library that give an iterator; one of them in a
/// chain tells that `filter` is not that of an `Option` or of a query.
const GIVES_ITERATOR: &[&str] = &[
    "iter",
    "iter_mut",
    "into_iter",
    "chars",
    "char_indices",
    "bytes",
    "lines",
    "keys",
    "values",
    "drain",
    "split",
    "split_whitespace",
    "windows",
    "chunks",
    "enumerate",
    "zip",
    "args",
];

pub(super) fn expr(expr: &Expr, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    let Expr::MethodCall(last) = expr else { return };
    let Expr::MethodCall(before) = &*last.receiver else {
        return;
    };
    if !is_iterator(before) {
        return;
    }
    let found = detour(last, before, facts);
    let Some((from, instead, text)) = found else {
        return;
    };
    if scope.allows("clippy::filter_next") || scope.allows("clippy::iter_nth_zero") {
        return;
    }
    let message = format!("`{from}` goes a longer way than `{instead}`, which gives the same");
    let start = if last.method == "nth" {
        &last.method
    } else {
        &before.method
    };
    let edit = text.and_then(|text| {
        LineEdit::within(
            facts.file,
            Position::of(start),
            Position::at(last.paren_token.span.close().end()),
            &text,
        )
        .filter(|edit| edit.first == edit.last)
    });
    report.add_with_fix(RULE, Severity::Low, Position::of(start), message, edit);
}

type Detour = (&'static str, &'static str, Option<String>);

/// What is written, what would do, and the text for it where the call's
/// arguments stand on one line.
fn detour(last: &ExprMethodCall, before: &ExprMethodCall, facts: &Facts<'_>) -> Option<Detour> {
    // The argument as it is written.
    let argument = || argument_text(before, facts);
    // `find` and the like need the iterator to be a variable that is `mut`, or
    // a value of its own, as what a call gives is.
    let of_call = matches!(&*before.receiver, Expr::MethodCall(_));
    if is_call(last, "next", 0) && is_call(before, "filter", 1) {
        let text = of_call
            .then(|| Some(format!("find({})", argument()?)))
            .flatten();
        return Some(("filter(..).next()", "find(..)", text));
    }
    if is_call(last, "next", 0) && is_call(before, "filter_map", 1) {
        let text = of_call
            .then(|| Some(format!("find_map({})", argument()?)))
            .flatten();
        return Some(("filter_map(..).next()", "find_map(..)", text));
    }
    if is_call(last, "next", 0) && is_call(before, "skip", 1) {
        let text = of_call
            .then(|| Some(format!("nth({})", argument()?)))
            .flatten();
        return Some(("skip(..).next()", "nth(..)", text));
    }
    if is_call(last, "is_some", 0) && is_call(before, "position", 1) {
        let text = of_call
            .then(|| Some(format!("any({})", argument()?)))
            .flatten();
        return Some(("position(..).is_some()", "any(..)", text));
    }
    if is_call(last, "nth", 1) && is_zero(&last.args[0]) {
        return Some(("nth(0)", "next()", Some("next()".to_owned())));
    }
    if is_call(last, "count", 0) && (is_call(before, "iter", 0) || is_call(before, "bytes", 0)) {
        let kind = facts.hints()?.of_expr(&before.receiver)?;
        let fits = match kind {
            Kind::Vec | Kind::Slice | Kind::Map => before.method == "iter",
            Kind::String | Kind::Str => before.method == "bytes",
        };
        return fits.then(|| ("iter().count()", "len()", Some("len()".to_owned())));
    }
    if is_call(last, "last", 0) && is_call(before, "chars", 0) {
        let kind = facts.hints()?.of_expr(&before.receiver)?;
        let fits = matches!(kind, Kind::String | Kind::Str);
        return fits.then(|| {
            (
                "chars().last()",
                "chars().next_back()",
                Some("chars().next_back()".to_owned()),
            )
        });
    }
    None
}

fn is_iterator(call: &ExprMethodCall) -> bool {
    chain(call).any(|call| GIVES_ITERATOR.iter().any(|name| call.method == name))
}

fn is_zero(expr: &Expr) -> bool {
    matches!(expr, Expr::Lit(literal)
        if matches!(&literal.lit, syn::Lit::Int(number) if number.base10_digits() == "0"))
}

/// The text between the parentheses of a call that stands on one line.
fn argument_text(call: &ExprMethodCall, facts: &Facts<'_>) -> Option<String> {
    let from = Position::at(call.paren_token.span.open().end());
    let to = Position::at(call.paren_token.span.close().start());
    if from.line != to.line {
        return None;
    }
    let skip = usize::try_from(from.column).ok()?.checked_sub(1)?;
    let take = usize::try_from(to.column.checked_sub(from.column)?).ok()?;
    Some(
        facts
            .file
            .line(from.line)?
            .chars()
            .skip(skip)
            .take(take)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, found};

    #[test]
    fn detours_are_mended() {
        for (from, to) in [
            (
                "v.iter().filter(|ä| **ä > 1).next()",
                "v.iter().find(|ä| **ä > 1)",
            ),
            ("v.iter().filter_map(f).next()", "v.iter().find_map(f)"),
            ("v.iter().skip(n + 1).next()", "v.iter().nth(n + 1)"),
            (
                "v.iter().position(|x| *x > 1).is_some()",
                "v.iter().any(|x| *x > 1)",
            ),
            ("s.chars().nth(0)", "s.chars().next()"),
            ("v.iter().count() + 1", "v.len() + 1"),
            ("s.chars().last()", "s.chars().next_back()"),
        ] {
            let text = |body: &str| format!("fn f(v: &[u8], s: &str) {{\n    g({body});\n}}\n");
            assert_eq!(fixed(&text(from)), text(to));
        }
    }

    #[test]
    fn what_may_be_something_else_has_no_fix_or_finding() {
        let text = "\
fn f(q: Query, rope: Rope, mut it: I) {
    q.filter(x).next();
    option.filter(x).is_some();
    rope.chars().last();
    q.iter().count();
    it.iter().nth(1);
}
";
        assert_eq!(found(text), [""; 0]);
        let text = "fn f(v: &[u8]) {\n    v.iter()\n        .filter(|x| {\n            **x > 1\n        })\n        .next();\n}\n";
        let findings = crate::rules::testing::findings(text);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].fix.is_none());
    }
}
