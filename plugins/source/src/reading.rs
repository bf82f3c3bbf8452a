//! One file after the other.

use std::path::Path;

use crate::declarations::Declarations;
use crate::{ParseProblem, Position, ReadProblem, SourceFile};

/// A file as it was read.
#[derive(Debug)]
pub struct Reading<'a> {
    /// Its text.
    pub file: &'a SourceFile,
    /// Its syntax tree.
    pub syntax: &'a syn::File,
}

/// Why a file was not looked at.
#[derive(Debug)]
pub enum Problem {
    /// It was not read.
    Read(ReadProblem),
    /// It was read and does not parse.
    Parse(Box<SourceFile>, ParseProblem),
}

impl Problem {
    /// Where it is: the first character of the file where it was not read.
    #[must_use]
    pub fn position(&self) -> Position {
        match self {
            Self::Read(_) => Position::START,
            Self::Parse(_, problem) => problem.position,
        }
    }

    /// What it is, without the place.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Read(problem) => problem.to_string(),
            Self::Parse(_, problem) => problem.message.clone(),
        }
    }

    /// The file, if it could be read.
    #[must_use]
    pub fn file(&self) -> Option<&SourceFile> {
        match self {
            Self::Read(_) => None,
            Self::Parse(file, _) => Some(file),
        }
    }
}

/// Reads and parses the files at `paths` (relative to `root`) one after the
/// other and drops each before the next, so that memory is needed for one.
///
/// `each` is told of every file: with its text and tree, or with its problem.
/// Nothing of a tree may be kept beyond the call: the spans in it are
/// forgotten, and asking them for a place panics.
pub fn each_file(
    root: &Path,
    paths: &[String],
    mut each: impl FnMut(&str, Result<Reading<'_>, Problem>),
) {
    let mut declarations = Declarations::new(root);
    for path in paths {
        let file = SourceFile::read(root, path);
        match file.map(|file| file.standing(declarations.standing(path))) {
            Ok(file) => match file.parse() {
                Ok(syntax) => each(
                    path,
                    Ok(Reading {
                        file: &file,
                        syntax: &syntax,
                    }),
                ),
                Err(problem) => each(path, Err(Problem::Parse(Box::new(file), problem))),
            },
            Err(problem) => each(path, Err(Problem::Read(problem))),
        }
        // Spans remember the text of every file that this thread ever parsed.
        proc_macro2::extra::invalidate_current_thread_spans();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_told_of_with_its_tree_or_its_problem() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.rs"), "fn a() {}\n").unwrap();
        std::fs::write(dir.path().join("b.rs"), "\nfn b( {}\n").unwrap();
        std::fs::write(dir.path().join("c.rs"), b"\xff").unwrap();
        let paths = ["a.rs", "b.rs", "c.rs", "d.rs"].map(String::from);
        let mut told = Vec::new();
        each_file(dir.path(), &paths, |path, reading| {
            told.push(match reading {
                Ok(reading) => format!("{path}: {}", reading.syntax.items.len()),
                Err(Problem::Parse(file, problem)) => {
                    format!(
                        "{path}: line {} of {}",
                        problem.position.line,
                        file.line_count()
                    )
                }
                Err(Problem::Read(ReadProblem::NotUtf8(at))) => format!("{path}: byte {at}"),
                Err(Problem::Read(_)) => format!("{path}: unread"),
            });
        });
        assert_eq!(
            told,
            [
                "a.rs: 1",
                "b.rs: line 2 of 2",
                "c.rs: byte 0",
                "d.rs: unread"
            ]
        );
    }
}
