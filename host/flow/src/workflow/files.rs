//! The files of workflows that run as tasks of others.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::WorkflowFile;
use crate::MAX_WORKFLOW_DEPTH;
use crate::diagnostic::Diagnostic;

/// The most files that one workflow may be made of.
pub const MAX_WORKFLOW_FILES: usize = 64;

/// A file as a [`WorkflowSource`] gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name: the same file always has the same.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Gives the files that tasks name with `workflow:`.
pub trait WorkflowSource {
    /// The file that the file `from` names as `path`.
    ///
    /// # Errors
    /// Why there is none, as a sentence without its subject, for example
    /// `cannot be read: no such file`.
    fn read(&self, from: &str, path: &str) -> Result<SourceFile, String>;
}

/// Gives no file: for a workflow that stands alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl WorkflowSource for NoFiles {
    fn read(&self, _: &str, _: &str) -> Result<SourceFile, String> {
        Err("cannot be read: this workflow is read without its folder".to_owned())
    }
}

/// Why a file cannot run as a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileError {
    /// It could not be had.
    Unread(String),
    /// It names itself, through the files in between.
    Cycle(Vec<String>),
    /// It lies too deep.
    TooDeep,
    /// There are too many.
    TooMany,
    /// It is wrong itself.
    Invalid {
        name: String,
        first: Box<Diagnostic>,
        count: usize,
    },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(why) => f.write_str(why),
            Self::Cycle(names) => write!(f, "runs itself: {}", names.join(" runs ")),
            Self::TooDeep => write!(
                f,
                "lies too deep: workflows lie at most {MAX_WORKFLOW_DEPTH} deep in one another"
            ),
            Self::TooMany => write!(
                f,
                "is one too many: a workflow is made of at most {MAX_WORKFLOW_FILES} files"
            ),
            Self::Invalid { first, count, .. } => {
                write!(
                    f,
                    "is not valid: line {}: {}",
                    first.span.line, first.message
                )?;
                match count {
                    0 | 1 => Ok(()),
                    n => write!(f, " (and {} more)", n - 1),
                }
            }
        }
    }
}

impl FileError {
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Unread(_) => "workflow-not-read",
            Self::Cycle(_) => "workflow-cycle",
            Self::TooDeep => "workflow-too-deep",
            Self::TooMany => "too-many-workflows",
            Self::Invalid { .. } => "workflow-not-valid",
        }
    }

    pub(super) fn hint(&self) -> String {
        match self {
            Self::Unread(_) => "the path counts from the folder of this file".to_owned(),
            Self::Cycle(_) => "let a gate with `on_reject` repeat work".to_owned(),
            Self::TooDeep => "move tasks up into this file".to_owned(),
            Self::TooMany => "use one file in several places, with inputs".to_owned(),
            Self::Invalid { name, .. } => format!("`ringfence check {name}` tells all of it"),
        }
    }
}

/// The files read so far, and those that are being read.
pub(super) struct Files<'a> {
    source: &'a dyn WorkflowSource,
    known: BTreeMap<String, Result<Arc<WorkflowFile>, FileError>>,
    /// The names of the files that are being read, the outermost first.
    open: Vec<String>,
}

impl<'a> Files<'a> {
    pub(super) fn new(source: &'a dyn WorkflowSource, root: &str) -> Self {
        Self {
            source,
            known: BTreeMap::new(),
            open: vec![root.to_owned()],
        }
    }

    /// The workflow that the innermost open file names as `path`. Each file is
    /// read once, however often it is named.
    pub(super) fn read(&mut self, path: &str) -> Result<Arc<WorkflowFile>, FileError> {
        let from = self.open.last().cloned().unwrap_or_default();
        let file = self.source.read(&from, path).map_err(FileError::Unread)?;
        if let Some(start) = self.open.iter().position(|name| *name == file.name) {
            let mut names = self.open[start..].to_vec();
            names.push(file.name);
            return Err(FileError::Cycle(names));
        }
        if self.open.len() >= MAX_WORKFLOW_DEPTH {
            return Err(FileError::TooDeep);
        }
        if let Some(known) = self.known.get(&file.name) {
            return self.fits_here(known.clone());
        }
        if self.known.len() + self.open.len() >= MAX_WORKFLOW_FILES {
            return Err(FileError::TooMany);
        }
        self.open.push(file.name.clone());
        let parsed = WorkflowFile::parse_open(&file.name, &file.text, self);
        self.open.pop();
        let result = parsed.map(Arc::new).map_err(|errors| FileError::Invalid {
            name: file.name.clone(),
            count: errors.len(),
            first: errors.into_iter().next().map_or_else(
                || unreachable!("a file that is not valid has an error"),
                Box::new,
            ),
        });
        self.known.insert(file.name, result.clone());
        result
    }

    /// A file that was read before may hold others that lie too deep from here.
    fn fits_here(
        &self,
        file: Result<Arc<WorkflowFile>, FileError>,
    ) -> Result<Arc<WorkflowFile>, FileError> {
        let file = file?;
        if self.open.len() + file.depth() > MAX_WORKFLOW_DEPTH {
            return Err(FileError::TooDeep);
        }
        Ok(file)
    }
}
