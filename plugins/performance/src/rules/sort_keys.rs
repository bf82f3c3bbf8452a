//! Sort keys that are made anew for each comparison: sorting n items asks for
//! some n·log n keys. `sort_by_cached_key` makes each once.

use lint::Report;
use ringfence_sdk::Severity;
use source::{LineEdit, Position};
use syn::Expr;

use super::Facts;
use super::expression::is_call;

const RULE: &str = "allocating-sort-key";

pub(super) fn expr(expr: &Expr, facts: &Facts<'_>, report: &mut Report) {
    let Expr::MethodCall(sort) = expr else { return };
    if !(is_call(sort, "sort_by_key", 1) || is_call(sort, "sort_unstable_by_key", 1)) {
        return;
    }
    let Some(Expr::Closure(key)) = sort.args.first() else {
        return;
    };
    if key.inputs.len() != 1 || !allocates(&key.body) {
        return;
    }
    let place = Position::of(&sort.method);
    let message = format!(
        "`{}` makes a key for each comparison, and this one allocates; `sort_by_cached_key` makes \
         one for each item",
        sort.method
    );
    let edit = LineEdit::within(
        facts.file,
        place,
        Position::after(&sort.method),
        "sort_by_cached_key",
    );
    report.add_with_fix(RULE, Severity::Medium, place, message, edit);
}

/// Whether the value is a text made here.
fn allocates(body: &Expr) -> bool {
    match body {
        Expr::MethodCall(call) => {
            ["to_string", "to_lowercase", "to_uppercase", "to_ascii_lowercase", "to_ascii_uppercase"]
                .iter()
                .any(|name| is_call(call, name, 0))
                // Of a `char` or byte they make no text.
                && !matches!(&*call.receiver, Expr::Index(_))
        }
        Expr::Macro(call) => call.mac.path.is_ident("format"),
        Expr::Tuple(tuple) => tuple.elems.iter().any(allocates),
        Expr::Block(block) => match block.block.stmts.as_slice() {
            [syn::Stmt::Expr(only, None)] => allocates(only),
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, found};

    #[test]
    fn keys_that_allocate_are_cached() {
        for (from, to) in [
            (
                "v.sort_by_key(|x| x.to_lowercase());",
                "v.sort_by_cached_key(|x| x.to_lowercase());",
            ),
            (
                "v.sort_unstable_by_key(|x| (x.a, format!(\"{x}\")));",
                "v.sort_by_cached_key(|x| (x.a, format!(\"{x}\")));",
            ),
        ] {
            let text = |body: &str| format!("fn f() {{\n    {body}\n}}\n");
            assert_eq!(fixed(&text(from)), text(to));
        }
    }

    #[test]
    fn keys_that_do_not_are_left() {
        let text = "\
fn f() {
    v.sort_by_key(|x| x.len());
    v.sort_by_key(|x| (x.a, x.b));
    map.sort_by_key(|k, v| k.to_string());
    v.sort_by_key(key);
}
";
        assert_eq!(found(text), [""; 0]);
    }
}
