//! Searches from the start on each pass of a loop: the time grows with the
//! square of the length. A set, a map or a sorted slice finds at once; a
//! `VecDeque` takes from its front.

use lint::Report;
use ringfence_sdk::Severity;
use source::{Position, Scope};
use syn::{Expr, ExprMethodCall};

use super::Facts;
use super::expression::{chain, is_call, peeled, place_text, root_of_place};
use super::hints::Kind;

const NESTED: &str = "nested-scan";
const SCAN: &str = "scan-in-loop";
const CHAR: &str = "char-index-in-loop";
const SHIFT: &str = "shift-in-loop";

pub(super) fn expr(expr: &Expr, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    match expr {
        Expr::ForLoop(inner) => {
            let Some(place) = gone_through(&inner.expr) else {
                return;
            };
            let is_same = |outer: &super::loops::Loop| {
                outer.over.as_ref().and_then(gone_through) == Some(place.clone())
            };
            if facts.loops(scope).iter().any(is_same) {
                let message = format!(
                    "goes through `{place}` for each item of `{place}`, so the time grows with \
                     the square of its length; a map from what is compared finds it at once"
                );
                report.add(
                    NESTED,
                    Severity::Low,
                    Position::of(&inner.for_token),
                    message,
                );
            }
        }
        Expr::MethodCall(call) if !facts.loops(scope).is_empty() => {
            method(call, scope, facts, report);
        }
        _ => {}
    }
}

/// What a `for` loop goes through from the start: `xs` of `&xs` and
/// `xs.iter().enumerate()`.
fn gone_through(over: &Expr) -> Option<String> {
    match peeled(over) {
        Expr::MethodCall(last) => {
            let whole = chain(last).all(|call| {
                ["iter", "enumerate", "values", "keys"]
                    .iter()
                    .any(|name| is_call(call, name, 0))
            });
            let first = chain(last).last()?;
            whole.then(|| place_text(&first.receiver)).flatten()
        }
        place => place_text(place),
    }
}

fn method(call: &ExprMethodCall, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    let place = Position::of(&call.method);
    if facts.is_cold(place) {
        return;
    }
    match call.method.to_string().as_str() {
        "contains" if call.args.len() == 1 => {
            if let Some(name) = row_from_outside(&call.receiver, scope, facts) {
                let message = format!(
                    "searches `{name}` from its start on each pass; a `HashSet` finds at once"
                );
                report.add(SCAN, Severity::Low, place, message);
            }
        }
        "position" | "any" | "find" if call.args.len() == 1 => {
            if let Expr::MethodCall(iter) = &*call.receiver
                && is_call(iter, "iter", 0)
                && let Some(name) = row_from_outside(&iter.receiver, scope, facts)
            {
                let message = format!(
                    "searches `{name}` from its start on each pass; a map from what is compared \
                     finds at once"
                );
                report.add(SCAN, Severity::Low, place, message);
            }
        }
        "nth" if call.args.len() == 1 => {
            if let Expr::MethodCall(chars) = &*call.receiver
                && is_call(chars, "chars", 0)
                && !matches!(call.args.first(), Some(Expr::Lit(_)))
                && let Some(name) = place_text(&chars.receiver)
                && is_outside(&chars.receiver, scope, facts)
            {
                let message = format!(
                    "counts the characters of `{name}` from its start on each pass; collect them \
                     once, or go through `chars()` in step"
                );
                report.add(CHAR, Severity::Medium, place, message);
            }
        }
        "remove" | "insert" => {
            let at_front = matches!(call.args.first(), Some(Expr::Lit(literal))
                if matches!(&literal.lit, syn::Lit::Int(at) if at.base10_digits() == "0"));
            let kind = facts
                .hints()
                .and_then(|hints| hints.of_expr(&call.receiver));
            let shifts = matches!(kind, Some(Kind::Vec | Kind::String));
            if at_front
                && shifts
                && is_outside(&call.receiver, scope, facts)
                && let Some(name) = place_text(&call.receiver)
            {
                let message = format!(
                    "moves all of `{name}` on each pass; a `VecDeque` does it at once, or work \
                     from the end"
                );
                report.add(SHIFT, Severity::Medium, place, message);
            }
        }
        _ => {}
    }
}

/// The variable, if it is a `Vec` or slice from outside of the loop.
fn row_from_outside(receiver: &Expr, scope: &Scope, facts: &Facts<'_>) -> Option<String> {
    let kind = facts.hints()?.of_expr(receiver)?;
    (kind.is_row() && is_outside(receiver, scope, facts)).then(|| place_text(receiver))?
}

/// Whether the place's variable is declared outside of the innermost loop.
fn is_outside(receiver: &Expr, scope: &Scope, facts: &Facts<'_>) -> bool {
    let Some(root) = root_of_place(receiver) else {
        return false;
    };
    facts
        .innermost(scope)
        .is_some_and(|innermost| !innermost.declares(&root))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found;

    #[test]
    fn searches_in_loops_are_found() {
        let text = "\
fn f(xs: &[u8], ys: Vec<u8>, text: &str) {
    for a in xs {
        for b in xs.iter().enumerate() {}
        if ys.contains(a) {}
        xs.iter().any(|x| x == a);
        text.chars().nth(i);
    }
    let mut queue = vec![1];
    while let Some(x) = queue.pop() { queue.remove(0); }
}
";
        assert_eq!(
            found(text),
            [
                "nested-scan low 3:9",
                "scan-in-loop low 4:15",
                "scan-in-loop low 5:19",
                "char-index-in-loop medium 6:22",
                "shift-in-loop medium 9:45",
            ]
        );
    }

    #[test]
    fn other_collections_and_places_are_not() {
        let text = "\
fn f(xs: &[u8], set: HashSet<u8>, ys: Vec<u8>) {
    ys.contains(&1);
    for a in xs {
        set.contains(a);
        a.contains(&1);
        (0..9).contains(a);
        let own = vec![1];
        own.contains(a);
        for b in ys.iter().skip(1) {}
        for c in a {}
        \"abc\".chars().nth(1);
        assert!(ys.contains(a));
    }
    for a in xs.iter() {}
    for b in xs.iter() {}
}
";
        assert_eq!(found(text), [""; 0]);
    }
}
