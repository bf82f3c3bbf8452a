//! What an agent that reads source files is asked.

use std::fmt;

use serde::Deserialize;

use crate::Tree;

/// The mount that holds the tree, unless the input names another.
pub const DEFAULT_MOUNT: &str = "src";

/// Which files an agent is to read. Meant as a field of the agent's own input,
/// or as the whole of it.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileInput {
    /// The files, relative to the mount, with `/` between their parts. All of
    /// the tree where it is not given.
    #[serde(default)]
    pub files: Option<Vec<String>>,
    /// The mount that holds the tree; `src` where it is not given.
    #[serde(default)]
    pub mount: Option<String>,
}

/// The input names a file that the tree does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFile(pub String);

impl fmt::Display for UnknownFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a file of the tree\nhint: name `.rs` files relative to the mount, with \
             `/` between their parts and without `.` or `..`",
            self.0
        )
    }
}

impl std::error::Error for UnknownFile {}

impl FileInput {
    /// The name of the mount.
    #[must_use]
    pub fn mount(&self) -> &str {
        self.mount.as_deref().unwrap_or(DEFAULT_MOUNT)
    }

    /// The files to read, sorted and each once.
    ///
    /// # Errors
    ///
    /// A path that is absolute, has a part that is empty, `.` or `..`, or holds
    /// a backslash or a null character. That a file does not exist shows when
    /// it is read: see [`crate::SourceFile::read`].
    pub fn select(&self, tree: &Tree) -> Result<Vec<String>, UnknownFile> {
        let Some(files) = &self.files else {
            return Ok(tree.files().to_vec());
        };
        check(files)
    }

    /// The files to read where the input names them, without walking the tree.
    ///
    /// # Errors
    ///
    /// As [`Self::select`].
    pub fn named(&self) -> Option<Result<Vec<String>, UnknownFile>> {
        self.files.as_deref().map(check)
    }
}

fn check(files: &[String]) -> Result<Vec<String>, UnknownFile> {
    let mut named = Vec::with_capacity(files.len());
    for file in files {
        if !is_relative(file) {
            return Err(UnknownFile(file.clone()));
        }
        named.push(file.clone());
    }
    named.sort_unstable();
    named.dedup();
    Ok(named)
}

/// Whether `path` stays below the folder that it is joined to.
pub(crate) fn is_relative(path: &str) -> bool {
    !path.contains(['\\', '\0'])
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(files: &[&str]) -> FileInput {
        FileInput {
            files: Some(files.iter().map(|file| (*file).to_owned()).collect()),
            mount: None,
        }
    }

    #[test]
    fn named_files_are_sorted_and_each_once() {
        let files = input(&["b.rs", "a/c.rs", "b.rs"]).named().unwrap().unwrap();
        assert_eq!(files, ["a/c.rs", "b.rs"]);
        assert_eq!(FileInput::default().named(), None);
        assert_eq!(FileInput::default().mount(), "src");
    }

    #[test]
    fn a_path_that_leaves_the_mount_is_refused() {
        for bad in [
            "/etc/a.rs",
            "../a.rs",
            "a/../../b.rs",
            "",
            "a//b.rs",
            "./a.rs",
            "a\\b.rs",
        ] {
            assert_eq!(
                input(&["ok.rs", bad]).named(),
                Some(Err(UnknownFile(bad.to_owned()))),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn an_unknown_field_is_refused() {
        assert!(serde_json::from_str::<FileInput>(r#"{"file": "a.rs"}"#).is_err());
        let input: FileInput =
            serde_json::from_str(r#"{"files": ["a.rs"], "mount": "x"}"#).unwrap();
        assert_eq!(input.mount(), "x");
    }
}
