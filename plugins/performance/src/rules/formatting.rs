//! Text that is built only to be copied into other text, and text that a loop
//! builds anew on each pass though it never changes. Each is an allocation.

use lint::Report;
use ringfence_sdk::Severity;
use source::{MacroBody, Position, Scope};
use syn::{BinOp, Expr, Macro};

use super::Facts;
use super::expression::{captured, is_call, is_macro, peeled};

const IN_LOOP: &str = "format-in-loop";
const NESTED: &str = "format-in-format";

/// Macros that take a template and values.
const FORMATTING: &[&str] = &[
    "format", "print", "println", "eprint", "eprintln", "write", "writeln",
];

pub(super) fn expr(expr: &Expr, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    let Some(innermost) = facts.innermost(scope) else {
        return;
    };
    let place = Position::of(expr);
    if facts.is_cold(place) {
        return;
    }
    match expr {
        // `text.push_str(&format!(..))`
        Expr::MethodCall(call)
            if is_call(call, "push_str", 1)
                && call.args.first().is_some_and(is_borrowed_format) =>
        {
            appended(Position::of(&call.method), report);
        }
        // `text += &format!(..)`
        Expr::Binary(binary)
            if matches!(binary.op, BinOp::AddAssign(_)) && is_borrowed_format(&binary.right) =>
        {
            appended(Position::of(&binary.right), report);
        }
        Expr::Macro(call) if call.mac.path.is_ident("format") && scope.closure_depth() == 0 => {
            let Some(values) = values(&call.mac) else {
                return;
            };
            // A template alone is no formatting, and one that names what a pass
            // declares or changes differs each time.
            let is_same = !values.is_empty()
                && values.iter().all(|value| match value {
                    Value::Name(name) => innermost.keeps_name(name),
                    Value::Place(place) => innermost.keeps(place),
                    Value::Other => false,
                });
            if is_same {
                report.add(
                    IN_LOOP,
                    Severity::Low,
                    place,
                    "formats the same text on each pass; format it once before the loop",
                );
            }
        }
        _ => {}
    }
}

fn appended(place: Position, report: &mut Report) {
    report.add(
        IN_LOOP,
        Severity::Info,
        place,
        "makes a text on each pass only to append it; `write!` (of `std::fmt::Write`) formats \
         into the text itself",
    );
}

fn is_borrowed_format(expr: &Expr) -> bool {
    matches!(expr, Expr::Reference(_))
        && matches!(peeled(expr), Expr::Macro(call) if call.mac.path.is_ident("format"))
}

/// `println!("{}", format!(..))` and `format!("{}", x.to_string())`.
pub(super) fn macro_call(call: &Macro, facts: &Facts<'_>, report: &mut Report) {
    if !is_macro(call, FORMATTING) || facts.is_cold(Position::of(&call.path)) {
        return;
    }
    let MacroBody::Exprs(exprs) = MacroBody::of_expression(call) else {
        return;
    };
    // The template, behind the target of `write!`.
    let Some(at) = exprs.iter().position(is_text) else {
        return;
    };
    let template = text(&exprs[at]).unwrap_or_default();
    // Width and precision apply to a text, but not to what makes the text.
    let is_plain = !template.contains(':');
    for value in &exprs[at + 1..] {
        let value = peeled(value);
        let nested = match value {
            Expr::Macro(inner) if inner.mac.path.is_ident("format") => {
                Some(("`format!`", Position::of(&inner.mac.path)))
            }
            Expr::MethodCall(inner) if is_plain && is_call(inner, "to_string", 0) => {
                Some(("`to_string`", Position::of(&inner.method)))
            }
            _ => None,
        };
        if let Some((what, place)) = nested {
            let message = format!(
                "{what} makes a text only for it to be formatted again; give the value to the \
                 outer macro"
            );
            report.add(NESTED, Severity::Low, place, message);
        }
    }
}

fn is_text(expr: &Expr) -> bool {
    text(expr).is_some()
}

fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            syn::Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

enum Value {
    Name(String),
    Place(Expr),
    Other,
}

/// What a call of `format!` puts into its template.
fn values(call: &Macro) -> Option<Vec<Value>> {
    let MacroBody::Exprs(exprs) = MacroBody::of_expression(call) else {
        return None;
    };
    let (template, rest) = exprs.split_first()?;
    let mut values: Vec<Value> = captured(&text(template)?)
        .map(|name| Value::Name(name.to_owned()))
        .collect();
    for value in rest {
        values.push(match peeled(value) {
            place @ (Expr::Path(_) | Expr::Field(_)) => Value::Place(place.clone()),
            Expr::Lit(_) => continue,
            _ => Value::Other,
        });
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found;

    #[test]
    fn texts_made_for_nothing_are_found() {
        let text = "\
fn f(names: &[String], prefix: &str) {
    for name in names {
        out.push_str(&format!(\"{name}\\n\"));
        out += &format!(\"{}\", name);
        let key = format!(\"{prefix}.{}\", self_id);
    }
    println!(\"{}\", format!(\"{prefix}!\"));
    write!(w, \"{} {}\", prefix, id.to_string());
}
";
        assert_eq!(
            found(text),
            [
                "format-in-loop info 3:13",
                "format-in-loop info 4:16",
                "format-in-loop low 5:19",
                "format-in-format low 7:20",
                "format-in-format low 8:35",
            ]
        );
    }

    #[test]
    fn texts_that_differ_or_are_rare_are_not() {
        let text = "\
fn f(names: &[String], prefix: &str) -> R {
    out.push_str(&format!(\"{prefix}\"));
    for name in names {
        let key = format!(\"{prefix}.{name}\");
        let call = format!(\"{}\", g());
        let plain = format!(\"x\");
        check(name).map_err(|e| format!(\"{prefix}\"))?;
        if name.is_empty() { return Err(format!(\"{prefix}\")); }
        println!(\"{:>10}\", id.to_string());
        out.push_str(name);
    }
}
";
        assert_eq!(found(text), [""; 0]);
    }
}
