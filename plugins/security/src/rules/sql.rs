//! SQL put together from text: a value with a quote in it becomes part of the
//! statement. Bind values with `?` or `$1`, which also lets the database keep
//! the plan.

use lint::Report;
use ringfence_sdk::Severity;
use source::Position;
use syn::{Expr, Lit, Macro, Token};

const RULE: &str = "sql-from-text";

/// How statements begin, and what has to follow somewhere.
const STATEMENTS: &[(&str, &str)] = &[
    ("select ", " from "),
    ("insert into ", "values"),
    ("insert or ", " into "),
    ("replace into ", "values"),
    ("update ", " set "),
    ("delete from ", " where "),
];

/// Names of what can only be put in as text, and is made by the program:
/// tables, columns, lists of placeholders.
const STRUCTURE: &[&str] = &[
    "table",
    "column",
    "col",
    "placeholder",
    "param",
    "field",
    "schema",
    "mark",
    "select",
    "where",
    "clause",
    "order",
    "cond",
    "join",
    "set",
    "limit",
    "offset",
    "filter",
    "query",
    "sql",
];

pub(super) fn macro_call(call: &Macro, report: &mut Report) {
    if call.path.is_ident("format")
        && let Some((template, values)) = parts(call)
        && is_statement(&template)
        && values.iter().any(|value| is_data(value))
    {
        report.add(
            RULE,
            Severity::Medium,
            Position::of(&call.path),
            "SQL is put together from text: a value with a quote in it changes the statement; \
             bind the value with `?` or `$1` instead",
        );
    }
}

/// The template and what is put into it, as it stands in the source.
fn parts(call: &Macro) -> Option<(String, Vec<String>)> {
    let (template, rest): (Lit, Vec<Expr>) = call
        .parse_body_with(|input: syn::parse::ParseStream<'_>| {
            let template = input.parse()?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
            let rest = syn::punctuated::Punctuated::<Expr, Token![,]>::parse_terminated(input)?;
            Ok((template, rest.into_iter().collect()))
        })
        .ok()?;
    let Lit::Str(template) = template else {
        return None;
    };
    let template = template.value();
    let mut values: Vec<String> = template
        .split('{')
        .skip(1)
        .filter_map(|part| part.split(['}', ':']).next())
        .filter(|name| name.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        .map(str::to_owned)
        .collect();
    values.extend(rest.iter().map(described));
    Some((template, values))
}

/// The names in an expression.
fn described(expr: &Expr) -> String {
    use syn::visit::Visit;
    struct Names(String);
    impl<'ast> Visit<'ast> for Names {
        fn visit_ident(&mut self, ident: &'ast proc_macro2::Ident) {
            self.0.push_str(&ident.to_string());
            self.0.push('_');
        }
    }
    let mut names = Names(String::new());
    names.visit_expr(expr);
    names.0
}

fn is_statement(template: &str) -> bool {
    let text = template
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase();
    STATEMENTS
        .iter()
        .any(|(start, inner)| text.starts_with(start) && text.contains(inner))
}

/// Whether what is put in may come from outside: not a constant, and no name
/// that says that it is part of the statement.
fn is_data(value: &str) -> bool {
    let lower = value.to_lowercase();
    value.chars().any(char::is_lowercase) && !STRUCTURE.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::rules_in;

    #[test]
    fn values_in_statements_are_found() {
        for body in [
            "db.execute(&format!(\"DELETE FROM users WHERE name = '{}'\", name));",
            "let q = format!(\"SELECT *\n   FROM t WHERE id = {id}\");",
            "format!(\"INSERT INTO t VALUES ('{}')\", user.name());",
            "format!(\"update t set a = {a:?}\");",
        ] {
            assert_eq!(rules_in(body), ["sql-from-text"], "{body}");
        }
    }

    #[test]
    fn structure_constants_and_prose_are_not() {
        for body in [
            "format!(\"SELECT * FROM {table} WHERE id = ?\");",
            "format!(\"SELECT {} FROM t\", COLUMNS);",
            "format!(\"SELECT a FROM t WHERE id IN ({placeholders})\");",
            "format!(\"select one of {choices}\");",
            "format!(\"update {name} to the newest\");",
            "println!(\"SELECT a FROM {name}\");",
        ] {
            assert_eq!(rules_in(body), [""; 0], "{body}");
        }
    }
}
