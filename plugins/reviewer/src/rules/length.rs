//! Functions that are too long to take in.
//!
//! What counts are the lines of the body that hold code: white space and
//! comments are free. More than 100 are too many, the limit of
//! `clippy::too_many_lines`; more than 200 are worse.

use lint::Report;
use ringfence_sdk::Severity;
use source::{Function, Position, Scope};

use super::Facts;

const TOO_LONG: usize = 100;
const FAR_TOO_LONG: usize = 200;

pub(super) fn function(
    function: &Function<'_>,
    scope: &Scope,
    facts: &Facts<'_>,
    report: &mut Report,
) {
    let Some(block) = function.block else {
        return;
    };
    if scope.in_test() || scope.in_macro() || scope.allows("clippy::too_many_lines") {
        return;
    }
    let first = Position::of(&block.brace_token.span.open()).line + 1;
    let last = Position::of(&block.brace_token.span.close()).line;
    let lines = (first..last)
        .filter(|line| facts.comments.is_code(*line))
        .count();
    if lines > TOO_LONG {
        let severity = if lines > FAR_TOO_LONG {
            Severity::Medium
        } else {
            Severity::Low
        };
        let message = format!(
            "`{}` has {lines} lines of code; more than {TOO_LONG} are hard to take in: name its \
             parts and move them out",
            function.name()
        );
        report.add(
            "function-too-long",
            severity,
            Position::of(function.name()),
            message,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{FAR_TOO_LONG, TOO_LONG};
    use crate::rules::testing::found;

    fn function(code: usize) -> String {
        format!(
            "fn f() {{\n{}\n\n // none\n /* none\n none */\n}}\n",
            "a();\n".repeat(code)
        )
    }

    #[test]
    fn lines_of_code_count_and_no_others() {
        assert_eq!(found(&function(TOO_LONG)), [""; 0]);
        assert_eq!(
            found(&function(TOO_LONG + 1)),
            ["function-too-long low 1:4"]
        );
        assert_eq!(
            found(&function(FAR_TOO_LONG)),
            ["function-too-long low 1:4"]
        );
        assert_eq!(
            found(&function(FAR_TOO_LONG + 1)),
            ["function-too-long medium 1:4"]
        );
    }

    #[test]
    fn tests_and_allowed_functions_may_be_long() {
        let long = function(TOO_LONG + 1);
        assert_eq!(found(&format!("#[test] {long}")), [""; 0]);
        let allowed = format!("#[allow(clippy::too_many_lines, reason = \"x\")] {long}");
        assert_eq!(found(&allowed), [""; 0]);
    }
}
