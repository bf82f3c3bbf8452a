//! What stops a program: `unwrap`, `expect`, `panic!`, `todo!` and their like
//! outside of tests.
//!
//! Left alone is what stops no user: code that the compiler runs (constants),
//! build scripts, a lock that is only poisoned when another thread has panicked
//! already, writing into a `String`, and functions that say with a `# Panics`
//! section or `#[track_caller]` that stopping is part of what they promise.

use lint::Report;
use ringfence_sdk::Severity;
use source::{FileKind, Function, Position, Scope};
use syn::{Attribute, Expr, ExprMethodCall, Lit, Macro, Meta};

/// Methods whose failure means that another thread has panicked.
const POISONED: [&str; 4] = ["lock", "read", "write", "into_inner"];

/// The rule, and what it remembers of the functions around the place.
#[derive(Default)]
pub(super) struct Panics {
    /// Whether each function around the place documents that it panics.
    promised: Vec<bool>,
}

impl Panics {
    pub(super) fn enter(&mut self, function: &Function<'_>) {
        let promised = function.attrs.iter().any(promises_panic);
        self.promised.push(promised);
    }

    pub(super) fn leave(&mut self) {
        self.promised.pop();
    }

    pub(super) fn expr(&self, expr: &Expr, scope: &Scope, report: &mut Report) {
        let Expr::MethodCall(call) = expr else {
            return;
        };
        if self.is_excused(scope) || ends_in_a_lock(&call.receiver) {
            return;
        }
        let (rule, lint, severity, message) = if is_unwrap(call) {
            (
                "unwrap",
                "clippy::unwrap_used",
                Severity::Medium,
                "`unwrap` panics without saying why; pass the error on with `?`, handle it, or \
                 say with `expect` why it cannot happen",
            )
        } else if is_expect(call) {
            (
                "expect",
                "clippy::expect_used",
                Severity::Low,
                "`expect` panics; pass the error on with `?` unless it cannot happen",
            )
        } else {
            return;
        };
        if !scope.allows(lint) {
            let severity = milder_in_programs(scope, severity);
            report.add(rule, severity, Position::of(&call.method), message);
        }
    }

    pub(super) fn macro_call(&self, call: &Macro, scope: &Scope, report: &mut Report) {
        let Some(name) = call.path.segments.last() else {
            return;
        };
        if self.is_excused(scope) {
            return;
        }
        let name = name.ident.to_string();
        let (lint, severity, message) = match name.as_str() {
            "panic" => (
                "clippy::panic",
                Severity::Medium,
                "`panic!` stops whoever calls this; return an error, or say so in a `# Panics` \
                 section",
            ),
            "todo" => (
                "clippy::todo",
                Severity::High,
                "`todo!` panics: this is not finished",
            ),
            "unimplemented" => (
                "clippy::unimplemented",
                Severity::Medium,
                "`unimplemented!` panics; return an error that says what is not supported",
            ),
            "unreachable" if call.tokens.is_empty() => (
                "clippy::unreachable",
                Severity::Info,
                "`unreachable!` does not say why this cannot be reached",
            ),
            _ => return,
        };
        if !scope.allows(lint) {
            let severity = milder_in_programs(scope, severity);
            report.add(&name, severity, Position::of(&call.path), message);
        }
    }

    fn is_excused(&self, scope: &Scope) -> bool {
        scope.in_test()
            || scope.in_constant()
            || scope.file_kind() == FileKind::BuildScript
            || self.promised.last() == Some(&true)
    }
}

/// Whoever starts a program can do no more about an error than read it.
fn milder_in_programs(scope: &Scope, severity: Severity) -> Severity {
    match (scope.file_kind(), severity) {
        (FileKind::Binary, Severity::Medium) => Severity::Low,
        (FileKind::Binary, Severity::Low) => Severity::Info,
        _ => severity,
    }
}

fn is_unwrap(call: &ExprMethodCall) -> bool {
    call.method == "unwrap" && call.args.is_empty()
}

/// Parsers have methods named `expect` as well; what ends in a text is the one
/// of `Option` and `Result`.
fn is_expect(call: &ExprMethodCall) -> bool {
    if call.method != "expect" || call.args.len() != 1 {
        return false;
    }
    match call.args.first() {
        Some(Expr::Lit(literal)) => matches!(literal.lit, Lit::Str(_)),
        Some(Expr::Reference(reference)) => matches!(
            &*reference.expr,
            Expr::Macro(call) if call.mac.path.is_ident("format")
        ),
        Some(Expr::Macro(call)) => call.mac.path.is_ident("concat"),
        _ => false,
    }
}

fn ends_in_a_lock(receiver: &Expr) -> bool {
    match receiver {
        Expr::MethodCall(call) => {
            call.args.is_empty() && POISONED.iter().any(|name| call.method == name)
        }
        Expr::Macro(call) => call.mac.path.is_ident("write") || call.mac.path.is_ident("writeln"),
        _ => false,
    }
}

fn promises_panic(attribute: &Attribute) -> bool {
    if attribute.path().is_ident("track_caller") {
        return true;
    }
    let Meta::NameValue(pair) = &attribute.meta else {
        return false;
    };
    matches!(
        &pair.value,
        Expr::Lit(literal) if pair.path.is_ident("doc")
            && matches!(&literal.lit, Lit::Str(text) if says_panics(&text.value()))
    )
}

/// Whether a line of documentation is the heading of the section on panics.
fn says_panics(line: &str) -> bool {
    line.lines().any(|line| {
        let line = line.trim_start_matches([' ', '*']);
        line.starts_with('#')
            && line
                .trim_matches(['#', ' ', ':'])
                .eq_ignore_ascii_case("panics")
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{found, found_in};

    #[test]
    fn what_panics_is_found_also_within_macros() {
        assert_eq!(
            found(
                "fn f() {\n a.unwrap();\n b.expect(\"x\");\n println(\"{}\", c.unwrap());\n \
                 vec![d.unwrap()];\n panic!();\n todo!();\n unimplemented!(\"e\");\n \
                 core::unreachable!();\n b.expect(&format!(\"{x}\"));\n}\n"
            ),
            [
                "unwrap medium 2:4",
                "expect low 3:4",
                "unwrap medium 4:18",
                "unwrap medium 5:9",
                "panic medium 6:2",
                "todo high 7:2",
                "unimplemented medium 8:2",
                "unreachable info 9:2",
                "expect low 10:4",
            ]
        );
    }

    #[test]
    fn programs_are_judged_mildly() {
        let text = "fn main() {\n a.unwrap();\n b.expect(\"x\");\n}\n";
        let found = |path| found_in(path, text);
        assert_eq!(found("src/main.rs"), ["unwrap low 2:4", "expect info 3:4"]);
        for path in ["build.rs", "examples/a.rs", "tests/a.rs", "benches/a.rs"] {
            assert_eq!(found(path), [""; 0], "{path}");
        }
    }

    #[test]
    fn what_stops_nobody_is_left_alone() {
        for text in [
            "#[test] fn f() { a.unwrap(); panic!() }",
            "#[cfg(test)] mod t { fn f() { a.unwrap() } }",
            "fn f() { a.lock().unwrap(); b.write().expect(\"x\"); write!(s, \"\").unwrap(); }",
            "fn f() -> R { p.expect(Token::A)?; p.expect('a') }",
            "fn f() { a.unwrap_or(b); c.unwrap_or_default(); unreachable!(\"why\") }",
            "const A: B = C::new(1).unwrap();",
            "#[allow(clippy::unwrap_used, reason = \"x\")] fn f() { a.unwrap() }",
            "#[expect(clippy::panic)] fn f() { panic!() }",
            "/// Does.\n///\n/// # Panics\n/// If not.\nfn f() { a.unwrap(); panic!() }",
            "#[track_caller] fn f() { panic!() }",
            "macro_rules! m { () => { a.unwrap() } }",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_promise_of_one_function_is_none_of_the_next() {
        let text = "/// # Panics\nfn f() { fn g() { panic!() } }\nfn h() { panic!() }\n";
        assert_eq!(found(text), ["panic medium 2:19", "panic medium 3:10"]);
    }
}
