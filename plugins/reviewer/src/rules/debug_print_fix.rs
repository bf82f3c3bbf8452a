//! How to take a `dbg!` out so that nothing but the print goes.
//!
//! `dbg!(x)` moves `x`, gives it back and keeps temporaries until the end of
//! the statement. No types are known here, so a fix is offered only where the
//! words alone make sure that the code still compiles and does the same.

use source::{LexemeKind, LineEdit, Position, lexemes};
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned;
use syn::{Expr, Lit, Macro, StmtMacro, Token};

use super::Facts;

/// Words after which a condition stands without parentheses.
const BEFORE_CONDITION: [&str; 3] = ["if", "while", "return"];

/// The edit that takes out a `dbg!` that is a statement of its own, in a block
/// that ends at `end`.
pub(super) fn of_statement(call: &StmtMacro, end: Position, facts: &Facts<'_>) -> Option<LineEdit> {
    call.semi_token?;
    let (from, to) = (Position::of(call), Position::after(call));
    let alone = facts.file.line(from.line)?.trim_start().starts_with("dbg!")
        || facts
            .file
            .line(from.line)?
            .trim_start()
            .starts_with("std::dbg!");
    let last = facts.file.line(to.line)?;
    let ends_line = last.trim_end().chars().count() + 1 == usize::try_from(to.column).ok()?;
    let commented = (from.line..=to.line).any(|line| facts.comments.on(line).next().is_some());
    if !alone || !ends_line || commented {
        return None;
    }
    let goes = call.mac.tokens.is_empty() || {
        let value = argument(&call.mac)?;
        has_no_effect(&value) || is_used_below(&value, to.line + 1, end.line, facts)
    };
    if goes {
        return Some(LineEdit::remove(from.line, to.line));
    }
    of_expression(&call.mac, facts)
}

/// The edit that leaves of a `dbg!` on one line what stands in it.
pub(super) fn of_expression(call: &Macro, facts: &Facts<'_>) -> Option<LineEdit> {
    let value = argument(call)?;
    let (from, to) = (Position::of(call), Position::after(call));
    if from.line != to.line || facts.comments.on(from.line).next().is_some() {
        return None;
    }
    let line = facts.file.line(from.line)?;
    let before: String = line.chars().take(index(from.column)?).collect();
    let after: String = line.chars().skip(index(to.column)?).collect();
    let (before, after) = (before.trim_end(), after.trim_start());
    let place = Place { before, after };
    let text = value.span().source_text()?;
    let text = match Shape::of(&value)? {
        Shape::Closed => text,
        // Without `dbg!` a variable is not moved where it was before.
        Shape::Variable => place.takes_a_value().then_some(text)?,
        Shape::Open if place.takes_anything() => text,
        Shape::Open => format!("({text})"),
    };
    LineEdit::within(facts.file, from, to, &text)
}

/// The one argument, if there is one and nothing else but a comma.
fn argument(call: &Macro) -> Option<Expr> {
    let parse = |input: ParseStream<'_>| {
        let value = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        Ok(value)
    };
    parse.parse2(call.tokens.clone()).ok()
}

fn index(column: u32) -> Option<usize> {
    usize::try_from(column).ok()?.checked_sub(1)
}

/// Whether working the value out changes nothing: a literal, or a reference to
/// a variable or a field.
fn has_no_effect(value: &Expr) -> bool {
    match value {
        Expr::Lit(_) => true,
        Expr::Reference(reference) => {
            let mut inner = &*reference.expr;
            while let Expr::Field(field) = inner {
                inner = &field.base;
            }
            matches!(inner, Expr::Path(_))
        }
        _ => false,
    }
}

/// Whether a variable is used after line `first` up to line `last`. It was not
/// moved then, so that the print is all that `dbg!` did.
fn is_used_below(value: &Expr, first: u32, last: u32, facts: &Facts<'_>) -> bool {
    let Expr::Path(path) = value else {
        return false;
    };
    let Some(name) = path.path.get_ident().map(ToString::to_string) else {
        return false;
    };
    let lines: Vec<&str> = (first..=last)
        .filter_map(|line| facts.file.line(line))
        .collect();
    let text = lines.join("\n");
    let mut before = "";
    for lexeme in lexemes(&text) {
        if lexeme.kind == LexemeKind::Ident && lexeme.text == name {
            // A new variable of the same name, an assignment to this one or a
            // field says nothing about the value.
            let rest = text[lexeme.start + name.len()..].trim_start();
            let assigned = rest.starts_with('=') && !rest.starts_with("==");
            return !assigned
                && !rest.starts_with(':')
                && before != "."
                && !is_bound(&text[..lexeme.start]);
        }
        before = lexeme.text;
    }
    false
}

/// Whether what comes next after `before` may be part of a pattern, told from
/// the statement so far.
fn is_bound(before: &str) -> bool {
    let statement = before
        .rfind([';', '{', '}'])
        .map_or(before, |at| &before[at + 1..]);
    let mut bound = false;
    for lexeme in lexemes(statement) {
        match lexeme.text {
            "let" | "for" | "|" | "fn" => bound = true,
            "=" | "in" => bound = false,
            _ => {}
        }
    }
    bound
}

/// What an expression looks like to what stands around it.
enum Shape {
    /// Nothing around it can tear it apart, and it makes a new value.
    Closed,
    /// The same, but it names a place.
    Variable,
    /// Operators around it could take a part of it.
    Open,
}

impl Shape {
    /// `None` for what is not understood well enough.
    fn of(value: &Expr) -> Option<Self> {
        Some(match value {
            Expr::Lit(literal) => match literal.lit {
                // `dbg!(1).max(2)` has no `1.` in it.
                Lit::Int(_) | Lit::Float(_) => Self::Open,
                _ => Self::Closed,
            },
            Expr::Array(_)
            | Expr::Await(_)
            | Expr::Call(_)
            | Expr::MethodCall(_)
            | Expr::Repeat(_)
            | Expr::Try(_) => Self::Closed,
            Expr::Macro(call) if !call.mac.path.is_ident("dbg") => Self::Closed,
            Expr::Path(_) | Expr::Field(_) | Expr::Index(_) => Self::Variable,
            Expr::Binary(_) | Expr::Cast(_) | Expr::Range(_) | Expr::Reference(_) => Self::Open,
            _ => return None,
        })
    }
}

/// What stands around the call on its line.
struct Place<'a> {
    before: &'a str,
    after: &'a str,
}

impl Place<'_> {
    /// Whether the value is moved: it is what a variable is made of, or an
    /// argument of a call.
    fn takes_a_value(&self) -> bool {
        let assigned = self.before.ends_with('=')
            && !["==", "!=", "<=", ">="]
                .iter()
                .any(|op| self.before.ends_with(op))
            && self.after.starts_with(';');
        assigned || self.is_argument()
    }

    /// Whether no operator can reach into the value.
    fn takes_anything(&self) -> bool {
        let condition = self.after.starts_with('{')
            && BEFORE_CONDITION
                .iter()
                .any(|word| self.ends_with_word(word));
        condition || self.takes_a_value()
    }

    /// Whether the call stands between the parentheses or commas of a call.
    fn is_argument(&self) -> bool {
        let begins = self.before.ends_with(',')
            || self.before.strip_suffix('(').is_some_and(|callee| {
                callee.ends_with(|c: char| c == '_' || c.is_alphanumeric())
                    && !["if", "while", "match", "return", "in", "let"]
                        .iter()
                        .any(|word| callee.ends_with(word))
            });
        begins && self.after.starts_with([',', ')'])
    }

    fn ends_with_word(&self, word: &str) -> bool {
        self.before
            .strip_suffix(word)
            .is_some_and(|rest| !rest.ends_with(|c: char| c == '_' || c.is_alphanumeric()))
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{findings_in, mended};

    fn mend(body: &str) -> String {
        let text = mended(&format!("fn f() {{\n{body}\n}}\n"));
        let lines: Vec<_> = text.lines().collect();
        lines[1..lines.len() - 1].join("\n")
    }

    #[test]
    fn a_print_of_its_own_goes_as_a_whole() {
        for (before, after) in [
            ("dbg!();\na();", "a();"),
            ("dbg!(\"here\");", ""),
            ("    dbg!(&x.y);\n    a(x);", "    a(x);"),
            ("dbg!(\n    &x,\n);\na(x);", "a(x);"),
            ("dbg!(x);\na(x);", "a(x);"),
            ("dbg!(x);\na(y, x);", "a(y, x);"),
            ("dbg!(x);\nlet y = x;", "let y = x;"),
            ("std::dbg!(&x);", ""),
        ] {
            assert_eq!(mend(before), after, "{before}");
        }
    }

    #[test]
    fn what_a_print_works_out_stays() {
        for (before, after) in [
            ("dbg!(a.next());", "a.next();"),
            ("dbg!(g());", "g();"),
            ("let b = dbg!(g(1)?);", "let b = g(1)?;"),
            ("let b = dbg!(c + 1);", "let b = c + 1;"),
            ("let b = dbg!(c + 1) * 2;", "let b = (c + 1) * 2;"),
            ("let b = dbg!(c);", "let b = c;"),
            ("g(dbg!(c), dbg!(1));", "g(c, dbg!(1));"),
            ("if dbg!(c == d) {}", "if c == d {}"),
            ("match dbg!(g()) { _ => {} }", "match g() { _ => {} }"),
            ("dbg!(g()).h();", "g().h();"),
            ("let b = dbg!(1).max(2);", "let b = (1).max(2);"),
            ("let ü = dbg!(\"ä\");", "let ü = \"ä\";"),
        ] {
            assert_eq!(mend(before), after, "{before}");
        }
    }

    #[test]
    fn where_it_is_not_certain_nothing_is_mended() {
        for body in [
            "dbg!(x);",
            "dbg!(x);\nlet x = 1;\na(x);",
            "dbg!(x);\nx = 1;",
            "dbg!(x);\ny.x;",
            "dbg!(x);\na(|x| x);",
            "dbg!(&x); // why",
            "dbg!(/* why */ &x);",
            "a(); dbg!(&x);",
            "dbg!(&x); a();",
            "dbg!(a, b);",
            "let b = dbg!(c).d();",
            "let b = dbg!(c) == d;",
            "let b = a == dbg!(c);",
            "let b = &dbg!(c);",
            "(dbg!(c)).d();",
            "let b = dbg!(\n    c()\n);",
            "let b = dbg!(if c { d } else { e });",
            "println!(\"{}\", dbg!(c()));",
            "#[cfg(a)]\ndbg!(&x);",
        ] {
            let text = format!("fn f() {{\n{body}\n}}\n");
            let findings = findings_in("src/a.rs", &text);
            assert!(findings.iter().any(|f| f.rule == "debug-print"), "{body}");
            assert!(findings.iter().all(|f| f.fix.is_none()), "{body}");
        }
    }
}
