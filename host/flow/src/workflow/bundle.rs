//! A workflow with its files as they were: what is kept to read it again.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use super::{SourceFile, WorkflowFile, WorkflowSource};
use crate::Diagnostic;

/// A workflow file and those that its tasks run, as they were read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowBundle {
    /// The name of the file.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The other files, in the order in which they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<BundledFile>,
}

/// What a [`WorkflowSource`] answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundledFile {
    /// The file that asked.
    pub from: String,
    /// What it asked for.
    pub path: String,
    /// The name of the file that it got.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl WorkflowBundle {
    /// Reads and checks a workflow as [`WorkflowFile::parse_with`] does, and
    /// keeps the files.
    ///
    /// # Errors
    /// As [`WorkflowFile::parse_with`].
    pub fn read(
        name: &str,
        text: &str,
        source: &dyn WorkflowSource,
    ) -> Result<(WorkflowFile, Self), Vec<Diagnostic>> {
        let recorder = Recorder {
            source,
            files: RefCell::default(),
        };
        let file = WorkflowFile::parse_with(name, text, &recorder)?;
        let bundle = Self {
            name: name.to_owned(),
            text: text.to_owned(),
            files: recorder.files.into_inner(),
        };
        Ok((file, bundle))
    }

    /// The workflow again.
    ///
    /// # Errors
    /// Whatever this version finds wrong with it.
    pub fn parse(&self) -> Result<WorkflowFile, Vec<Diagnostic>> {
        WorkflowFile::parse_with(&self.name, &self.text, self)
    }
}

impl WorkflowSource for WorkflowBundle {
    fn read(&self, from: &str, path: &str) -> Result<SourceFile, String> {
        let asked = |file: &&BundledFile| file.from == from && file.path == path;
        match self.files.iter().find(asked) {
            Some(file) => Ok(SourceFile {
                name: file.name.clone(),
                text: file.text.clone(),
            }),
            None => Err("was not kept with the run".to_owned()),
        }
    }
}

/// Writes down what a source answers.
struct Recorder<'a> {
    source: &'a dyn WorkflowSource,
    files: RefCell<Vec<BundledFile>>,
}

impl WorkflowSource for Recorder<'_> {
    fn read(&self, from: &str, path: &str) -> Result<SourceFile, String> {
        let file = self.source.read(from, path)?;
        self.files.borrow_mut().push(BundledFile {
            from: from.to_owned(),
            path: path.to_owned(),
            name: file.name.clone(),
            text: file.text.clone(),
        });
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder;

    impl WorkflowSource for Folder {
        fn read(&self, _: &str, path: &str) -> Result<SourceFile, String> {
            Ok(SourceFile {
                name: path.to_owned(),
                text: "version: 1\nname: inner\ntasks:\n  a: { role: x }\n".to_owned(),
            })
        }
    }

    #[test]
    fn a_bundle_reads_as_the_files_did() {
        let text = "version: 1\nname: outer\ntasks:\n  b: { workflow: inner.yaml }\n";
        let (file, bundle) = WorkflowBundle::read("outer.yaml", text, &Folder).unwrap();
        let json = serde_json::to_string(&bundle).unwrap();
        let read: WorkflowBundle = serde_json::from_str(&json).unwrap();
        assert_eq!(read, bundle);
        let again = read.parse().unwrap();
        assert_eq!(again.plan().workflow(), file.plan().workflow());
        assert_eq!(again.files().count(), 1);
    }
}
