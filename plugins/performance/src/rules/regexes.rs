//! Regular expressions compiled in a loop: compiling one costs as much as
//! matching it against many kilobytes.

use lint::Report;
use ringfence_sdk::Severity;
use source::{Position, Scope};
use syn::Expr;

use super::Facts;
use super::expression::peeled;

pub(super) fn expr(expr: &Expr, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    let Expr::Call(call) = expr else { return };
    let Some(innermost) = facts.innermost(scope) else {
        return;
    };
    let Expr::Path(function) = &*call.func else {
        return;
    };
    let path = facts.imports.resolve(&function.path);
    let is_compiling = ["Regex::new", "RegexSet::new", "RegexBuilder::new"]
        .iter()
        .any(|end| {
            path.strip_suffix(end)
                .is_some_and(|head| head.is_empty() || head.ends_with("::"))
        });
    let is_same = call
        .args
        .first()
        .map(peeled)
        .is_some_and(|pattern| match pattern {
            Expr::Lit(_) => true,
            place => innermost.keeps(place),
        });
    let place = Position::of(function);
    if is_compiling && is_same && !facts.is_cold(place) {
        report.add(
            "regex-in-loop",
            Severity::Medium,
            place,
            "compiles the same regular expression on each pass; compile it once before the loop, \
             or in a `LazyLock`",
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found;

    #[test]
    fn compiling_belongs_before_the_loop() {
        let text = "\
use regex::Regex;
fn f(pattern: &str) {
    let once = Regex::new(\"a+\");
    for line in lines {
        Regex::new(r\"^a\");
        regex::bytes::RegexSet::new(&pattern);
        Regex::new(line);
        MyRegex::new(\"a\");
    }
}
";
        assert_eq!(
            found(text),
            ["regex-in-loop medium 5:9", "regex-in-loop medium 6:9"]
        );
    }
}
