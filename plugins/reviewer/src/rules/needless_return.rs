//! `return` at the end of a function, which returns anyway.
//!
//! The fix is offered where taking the word away cannot change when something
//! is dropped: for values that are names, literals, and tuples and plain calls
//! of these. A method call may hold a lock or a borrow until the statement ends
//! and would hold it longer as the value of the block.

use lint::Report;
use ringfence_sdk::Severity;
use source::{Function, LineEdit, Position, Scope};
use syn::spanned::Spanned;
use syn::{Expr, ExprReturn, Stmt};

use super::Facts;

pub(super) fn function(
    function: &Function<'_>,
    scope: &Scope,
    facts: &Facts<'_>,
    report: &mut Report,
) {
    let Some((Stmt::Expr(Expr::Return(node), semicolon), before)) =
        function.block.and_then(|block| block.stmts.split_last())
    else {
        return;
    };
    if scope.in_macro() || !node.attrs.is_empty() || scope.allows("clippy::needless_return") {
        return;
    }
    let end = semicolon
        .as_ref()
        .map_or_else(|| Position::after(node), Position::after);
    report.add_with_fix(
        "needless-return",
        Severity::Info,
        Position::of(&node.return_token),
        "the last expression of a function is what it returns; `return` adds nothing",
        fix(node, end, before.last(), facts),
    );
}

/// Takes the word away, where the statement has its line for itself.
fn fix(
    node: &ExprReturn,
    end: Position,
    before: Option<&Stmt>,
    facts: &Facts<'_>,
) -> Option<LineEdit> {
    let start = Position::of(&node.return_token);
    let line = facts.file.line(start.line)?;
    let alone = end.line == start.line
        && facts.comments.on(start.line).next().is_none()
        && line.trim_start().starts_with("return")
        && line.trim_end().chars().count() + 1 == usize::try_from(end.column).ok()?;
    if !alone {
        return None;
    }
    match &node.expr {
        None if is_ended(before) => Some(LineEdit::remove(start.line, end.line)),
        Some(value) if is_plain(value) => {
            let text = value.span().source_text()?;
            LineEdit::within(facts.file, start, end, &text)
        }
        _ => None,
    }
}

/// Whether the statement stays a statement when it becomes the last one: one
/// without a semicolon would become the value of the block, and what it borrows
/// would live longer.
fn is_ended(stmt: Option<&Stmt>) -> bool {
    match stmt {
        None | Some(Stmt::Local(_) | Stmt::Item(_)) => true,
        Some(Stmt::Expr(_, semicolon)) => semicolon.is_some(),
        Some(Stmt::Macro(call)) => call.semi_token.is_some(),
    }
}

/// Whether nothing is borrowed or locked on the way to the value.
fn is_plain(value: &Expr) -> bool {
    match value {
        Expr::Path(_) | Expr::Lit(_) => true,
        Expr::Tuple(tuple) => tuple.elems.iter().all(is_plain),
        Expr::Call(call) => {
            // `Ok(x)`, not `f(x)`: what a function gives may borrow.
            matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Ok")
                || path.path.is_ident("Err")
                || path.path.is_ident("Some"))
                && call.args.iter().all(is_plain)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{findings_in, found, mended};

    #[test]
    fn a_last_return_is_mended_where_that_is_certain() {
        for (before, after) in [
            (
                "fn f() -> u8 {\n    return x;\n}\n",
                "fn f() -> u8 {\n    x\n}\n",
            ),
            (
                "fn f() -> u8 {\n    return 1\n}\n",
                "fn f() -> u8 {\n    1\n}\n",
            ),
            (
                "fn f() -> R {\r\n    return Ok((a::B, x));\r\n}\r\n",
                "fn f() -> R {\r\n    Ok((a::B, x))\r\n}\r\n",
            ),
            (
                "fn f() {\n    a();\n    return;\n}\n",
                "fn f() {\n    a();\n}\n",
            ),
        ] {
            assert_eq!(mended(before), after);
        }
    }

    #[test]
    fn what_may_change_is_found_but_not_mended() {
        for text in [
            "fn f() -> u8 {\n    return a.lock().b;\n}\n",
            "fn f() -> u8 {\n    return f(x);\n}\n",
            "fn f() -> u8 {\n    return &x;\n}\n",
            "fn f() -> u8 {\n    return (\n    );\n}\n",
            "fn f() -> u8 {\n    return x; // why\n}\n",
            "fn f() -> u8 {\n    a(); return x;\n}\n",
            "fn f() -> u8 { return x; }\n",
            "fn f() {\n    if let A = b.lock() {}\n    return;\n}\n",
        ] {
            let findings = findings_in("src/a.rs", text);
            assert_eq!(findings.len(), 1, "{text}");
            assert_eq!(findings[0].rule, "needless-return");
            assert_eq!(findings[0].fix, None, "{text}");
        }
    }

    #[test]
    fn other_returns_are_needed() {
        for text in [
            "fn f() { if a { return; } b() }",
            "fn f() { loop { return } }",
            "#[allow(clippy::needless_return)] fn f() { return; }",
            "fn f() { #[cfg(a)] return; }",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
