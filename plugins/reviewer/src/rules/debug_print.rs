//! `dbg!` outside of tests: it is for the one who looks for a defect, and was
//! left in.

use lint::Report;
use ringfence_sdk::Severity;
use source::{LineEdit, Position, Scope};
use syn::{Block, Expr, Macro, Stmt};

use super::{Facts, debug_print_fix as fix};

/// `dbg!` as a statement of its own.
pub(super) fn block(block: &Block, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    if is_excused(scope) {
        return;
    }
    let end = Position::of(&block.brace_token.span.close());
    for stmt in &block.stmts {
        if let Stmt::Macro(call) = stmt
            && is_dbg(&call.mac)
        {
            let edit = (!scope.in_macro() && call.attrs.is_empty())
                .then(|| fix::of_statement(call, end, facts))
                .flatten();
            add(&call.mac, edit, report);
        }
    }
}

/// `dbg!` around an expression, which it gives back.
pub(super) fn expr(expr: &Expr, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    if let Expr::Macro(call) = expr
        && is_dbg(&call.mac)
        && !is_excused(scope)
    {
        let edit = (!scope.in_macro() && call.attrs.is_empty())
            .then(|| fix::of_expression(&call.mac, facts))
            .flatten();
        add(&call.mac, edit, report);
    }
}

fn add(call: &Macro, edit: Option<LineEdit>, report: &mut Report) {
    report.add_with_fix(
        "debug-print",
        Severity::Medium,
        Position::of(&call.path),
        "`dbg!` was left in; it prints to the error output of every program that runs this",
        edit,
    );
}

fn is_excused(scope: &Scope) -> bool {
    scope.in_test() || scope.allows("clippy::dbg_macro")
}

fn is_dbg(call: &Macro) -> bool {
    let path: Vec<_> = call.path.segments.iter().map(|s| &s.ident).collect();
    match path.as_slice() {
        [name] => *name == "dbg",
        [krate, name] => *krate == "std" && *name == "dbg",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{found, found_in};

    #[test]
    fn what_was_left_in_is_found() {
        let text = "fn f() {\n dbg!(a);\n let b = std::dbg!(c());\n g(dbg!(d));\n dbg!()\n}\n";
        assert_eq!(
            found(text),
            [
                "debug-print medium 2:2",
                "debug-print medium 3:10",
                "debug-print medium 4:4",
                "debug-print medium 5:2",
            ]
        );
        assert_eq!(found_in("src/main.rs", text).len(), 4);
    }

    #[test]
    fn tests_and_other_macros_are_left_alone() {
        for text in [
            "#[test] fn f() { dbg!(a); }",
            "#[allow(clippy::dbg_macro)] fn f() { dbg!(a); }",
            "fn f() { other::dbg!(a); dbg(a); a.dbg(); }",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
        assert_eq!(found_in("tests/a.rs", "fn f() { dbg!(a); }"), [""; 0]);
    }
}
