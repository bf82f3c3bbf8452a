//! `println!` and its like in a library, where the program that uses it cannot
//! turn them off. Programs, examples, tests and build scripts print as they
//! like.

use lint::Report;
use ringfence_sdk::Severity;
use source::{FileKind, Position, Scope};
use syn::Macro;

pub(super) fn macro_call(call: &Macro, scope: &Scope, report: &mut Report) {
    if scope.in_test() || scope.file_kind() != FileKind::Library {
        return;
    }
    let Some(name) = call.path.segments.last() else {
        return;
    };
    let name = name.ident.to_string();
    let (lint, stream) = match name.as_str() {
        "print" | "println" => ("clippy::print_stdout", "output"),
        "eprint" | "eprintln" => ("clippy::print_stderr", "error output"),
        _ => return,
    };
    if !scope.allows(lint) {
        let message = format!(
            "`{name}!` in a library writes to the {stream} of every program that uses it; return \
             the text, or use a log"
        );
        report.add(
            "print-in-library",
            Severity::Low,
            Position::of(&call.path),
            message,
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found_in;

    const TEXT: &str = "fn f() {\n println!();\n eprint!(\"a\");\n}\n";

    #[test]
    fn prints_of_a_library_are_found() {
        assert_eq!(
            found_in("src/a.rs", TEXT),
            ["print-in-library low 2:2", "print-in-library low 3:2"]
        );
    }

    #[test]
    fn who_may_print_may_print() {
        for path in [
            "src/main.rs",
            "src/bin/a.rs",
            "build.rs",
            "examples/a.rs",
            "tests/a.rs",
        ] {
            assert_eq!(found_in(path, TEXT), [""; 0], "{path}");
        }
        let allowed = format!("#![allow(clippy::print_stdout, clippy::print_stderr)]\n{TEXT}");
        assert_eq!(found_in("src/a.rs", &allowed), [""; 0]);
        let test = format!("#[cfg(test)] mod t {{ {TEXT} }}");
        assert_eq!(found_in("src/a.rs", &test), [""; 0]);
        assert_eq!(
            found_in("src/a.rs", "fn f() { writeln!(w, \"a\"); }"),
            [""; 0]
        );
    }
}
