//! What is wrong with a configuration file, with a picture of the place.

use std::error::Error;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use crate::report::wording::count;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration `{}` cannot be read: {source}", .path.display())]
    #[diagnostic(
        code("config-unreadable"),
        help("check the path given with `--config`")
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is larger than any configuration is.
    #[error("the configuration `{}` has more than 1 MiB", .path.display())]
    #[diagnostic(code("config-too-large"), help("check the path given with `--config`"))]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file's content is not valid.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Invalid(#[from] InvalidConfig),
}

/// A configuration file that is not valid: all its problems, in the order of
/// their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidConfig {
    path: PathBuf,
    problems: Vec<ConfigProblem>,
}

impl InvalidConfig {
    pub(super) fn new(path: PathBuf, mut problems: Vec<ConfigProblem>) -> Self {
        problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
        Self { path, problems }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// What is wrong with it: at least one problem.
    #[must_use]
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems = count(self.problems.len() as u64, "problem");
        write!(f, "`{}` has {problems}", self.path.display())
    }
}

impl Error for InvalidConfig {}

impl Diagnostic for InvalidConfig {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("invalid-config"))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.problems
                .iter()
                .map(|problem| problem as &dyn Diagnostic),
        ))
    }
}

/// One thing that is wrong with a configuration file.
#[derive(Clone)]
pub struct ConfigProblem {
    message: String,
    label: String,
    hint: Option<String>,
    span: Range<usize>,
    line: usize,
    column: usize,
    source: Arc<NamedSource<Arc<str>>>,
}

impl ConfigProblem {
    pub(super) fn new(
        source: &Arc<NamedSource<Arc<str>>>,
        span: Range<usize>,
        message: String,
        label: String,
        hint: Option<String>,
    ) -> Self {
        let (line, column) = position(source.inner(), span.start);
        Self {
            message,
            label,
            hint,
            span,
            line,
            column,
            source: Arc::clone(source),
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to write instead.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }
}

impl PartialEq for ConfigProblem {
    fn eq(&self, other: &Self) -> bool {
        (&self.message, &self.hint, &self.span) == (&other.message, &other.hint, &other.span)
    }
}

impl Eq for ConfigProblem {}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigProblem")
            .field("message", &self.message)
            .field("hint", &self.hint)
            .field("line", &self.line)
            .field("column", &self.column)
            .finish_non_exhaustive()
    }
}

impl Error for ConfigProblem {}

impl Diagnostic for ConfigProblem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.hint.as_ref().map(|hint| Box::new(hint) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = (!self.label.is_empty()).then(|| self.label.clone());
        let span = LabeledSpan::new(label, self.span.start, self.span.len());
        Some(Box::new(std::iter::once(span)))
    }
}

/// The line and column of the byte at `offset`, both counted from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("a\nbü = 1", 2), (2, 1));
        assert_eq!(position("a\nbü = 1", 5), (2, 3));
        assert_eq!(position("a\n", 99), (2, 1), "past the end is the end");
    }
}
