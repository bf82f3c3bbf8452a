//! The names that an expression reads: `tasks.survey.output`, `item`, `inputs`.

use std::ops::Range;

use super::lexer::{Token, TokenKind};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `.name` or `["name"]`.
    Field(String),
    /// `[3]`.
    Index(i64),
}

/// A name at the root and the steps from it that are known before it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// The name at the root.
    pub(super) root: String,
    /// The steps, up to the first one that is computed.
    pub(super) steps: Vec<Step>,
    /// The bytes of the root and all the steps.
    pub(super) range: Range<usize>,
}

const KEYWORDS: [&str; 13] = [
    "and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None",
];

/// All references in the order of the text.
pub(super) fn references(tokens: &[Token<'_>]) -> Vec<Reference> {
    (0..tokens.len())
        .filter_map(|at| reference_at(tokens, at))
        .collect()
}

/// Whether the name at `at` is read as a variable.
fn reference_at(tokens: &[Token<'_>], at: usize) -> Option<Reference> {
    let TokenKind::Name(root) = tokens[at].kind else {
        return None;
    };
    let after = tokens.get(at + 1);
    let is_other = KEYWORDS.contains(&root)
        || is_filter(tokens, at)
        || is_test(tokens, at)
        || at
            .checked_sub(1)
            .is_some_and(|before| tokens[before].is_mark("."))
        || after.is_some_and(|token| token.is_mark("=") || token.is_mark("("));
    if is_other {
        return None;
    }
    let mut range = tokens[at].range.clone();
    let mut steps = Vec::new();
    let mut next = at + 1;
    while let Some((step, length)) = step_at(tokens, next) {
        next += length;
        range.end = tokens[next - 1].range.end;
        steps.push(step);
    }
    Some(Reference {
        root: root.to_owned(),
        steps,
        range,
    })
}

/// The step that starts at `at` and the number of its tokens.
fn step_at(tokens: &[Token<'_>], at: usize) -> Option<(Step, usize)> {
    let token = |offset| tokens.get(at + offset).map(|token: &Token<'_>| token.kind);
    match (token(0)?, token(1)?, token(2)) {
        (TokenKind::Mark("."), TokenKind::Name(_), Some(TokenKind::Mark("("))) => None,
        (TokenKind::Mark("."), TokenKind::Name(name), _) => Some((Step::Field(name.to_owned()), 2)),
        (TokenKind::Mark("."), TokenKind::Number(n), _) => Some((Step::Index(n.parse().ok()?), 2)),
        (TokenKind::Mark("["), TokenKind::Text(name), Some(TokenKind::Mark("]")))
            if !name.contains('\\') =>
        {
            Some((Step::Field(name.to_owned()), 3))
        }
        (TokenKind::Mark("["), TokenKind::Number(n), Some(TokenKind::Mark("]"))) => {
            Some((Step::Index(n.parse().ok()?), 3))
        }
        _ => None,
    }
}

/// Whether the name at `at` names a filter: it follows a `|`.
pub(super) fn is_filter(tokens: &[Token<'_>], at: usize) -> bool {
    at > 0 && tokens[at - 1].is_mark("|")
}

/// Whether the name at `at` names a test: it follows `is` or `is not`.
pub(super) fn is_test(tokens: &[Token<'_>], at: usize) -> bool {
    let before = |n: usize| at.checked_sub(n).map(|at| &tokens[at]);
    match before(1) {
        Some(token) if token.is_name("is") => !tokens[at].is_name("not"),
        Some(token) if token.is_name("not") => before(2).is_some_and(|token| token.is_name("is")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::tokens;
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        references(&tokens(text))
            .into_iter()
            .map(|reference| {
                let steps: Vec<_> = reference
                    .steps
                    .iter()
                    .map(|step| match step {
                        Step::Field(name) => format!("/{name}"),
                        Step::Index(index) => format!("/{index}"),
                    })
                    .collect();
                format!("{}{}", reference.root, steps.concat())
            })
            .collect()
    }

    #[test]
    fn paths_are_read_up_to_the_first_computed_step() {
        assert_eq!(paths("tasks.a.output[0].b"), ["tasks/a/output/0/b"]);
        assert_eq!(
            paths(r#"tasks["quality-gate"].status"#),
            ["tasks/quality-gate/status"]
        );
        assert_eq!(paths("tasks[item].x"), ["tasks", "item"]);
    }

    #[test]
    fn filters_tests_keywords_and_arguments_are_no_variables() {
        assert_eq!(
            paths("item | map(attribute='x') | length > 1 and index is not odd or a is even"),
            ["item", "index", "a"]
        );
        assert_eq!(paths("range(n) | join(sep) ~ 'tasks.x'"), ["n", "sep"]);
        assert_eq!(paths("{key: 1, 'b': c}"), ["key", "c"]);
    }
}
