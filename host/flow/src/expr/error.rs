//! How expressions go wrong.

use std::ops::Range;
use std::sync::Arc;

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no expression: {reason}{}", hint_suffix(.hint.as_deref()))]
pub struct ExprSyntax {
    /// The expression, without `${{ }}`.
    pub text: Arc<str>,
    /// The bytes of the text that are wrong.
    pub range: Range<usize>,
    /// What is wrong.
    pub reason: String,
    /// What to write instead, if that is known.
    pub hint: Option<String>,
}

/// Why an expression gave no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} in `{text}`, line {line}, column {column}{}", hint_suffix(.hint.as_deref()))]
pub struct ExprError {
    /// The expression, without `${{ }}`.
    pub text: Arc<str>,
    /// The line of the expression, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
    /// What went wrong.
    pub reason: String,
    /// What to write instead, if that is known.
    pub hint: Option<String>,
}

pub(super) fn hint_suffix(hint: Option<&str>) -> String {
    hint.map(|hint| format!("; hint: {hint}"))
        .unwrap_or_default()
}

impl ExprError {
    /// An error at byte `at` of the expression `text`.
    pub(super) fn at(text: &Arc<str>, at: usize, reason: String, hint: Option<String>) -> Self {
        let before = text.get(..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            text: text.clone(),
            line: count(before.matches('\n').count() + 1),
            column: count(before[line_start..].chars().count() + 1),
            reason,
            hint,
        }
    }
}

/// The text of an error of the expression language, in our style.
pub(super) fn reason(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => detail.trim_end_matches('.').to_owned(),
        None if error.kind() == minijinja::ErrorKind::OutOfFuel => {
            "the expression takes too long".to_owned()
        }
        None => error.kind().to_string(),
    }
}
