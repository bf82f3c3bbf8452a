//! The Rust files below a folder.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

/// The most folders within each other that are looked into. Whoever wrote the
/// tree picks the depth, the agent pays for each path.
pub const MAX_DEPTH: usize = 32;

/// The most files of one tree. The rest is counted in [`Tree::left_out`].
pub const MAX_FILES: usize = 20_000;

/// The largest file that is read, in bytes. A syntax tree takes some 40 times
/// as much memory as its text.
pub const MAX_FILE_BYTES: u64 = 4 << 20;

/// The mount could not be listed.
#[derive(Debug)]
pub struct TreeError {
    /// The folder that was to be listed.
    pub path: String,
    /// Why not.
    pub cause: io::Error,
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot list the folder `{}`: {}\nhint: let the task mount the tree (`mounts: [src]`) \
             and start the run with `--mount src=PATH`",
            self.path, self.cause
        )
    }
}

impl std::error::Error for TreeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// The Rust files below a folder: sorted, so that the same tree gives the same
/// list everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Tree {
    files: Vec<String>,
    left_out: usize,
    unreadable: Vec<String>,
}

impl Tree {
    /// Lists the `.rs` files below `root`. Folders named `target` or
    /// `node_modules`, hidden files and folders, and links are left out; so is
    /// what lies deeper than [`MAX_DEPTH`] or beyond [`MAX_FILES`].
    ///
    /// # Errors
    ///
    /// `root` itself cannot be listed. A folder below it that cannot be is
    /// left out and named in [`Self::unreadable`].
    pub fn open(root: &Path) -> Result<Self, TreeError> {
        Self::open_with(root, MAX_DEPTH, MAX_FILES)
    }

    fn open_with(root: &Path, max_depth: usize, max_files: usize) -> Result<Self, TreeError> {
        let mut tree = Self::default();
        let mut folders = vec![(String::new(), 0_usize)];
        while let Some((folder, depth)) = folders.pop() {
            let entries = match list(&root.join(&folder)) {
                Ok(entries) => entries,
                Err(cause) if folder.is_empty() => {
                    return Err(TreeError {
                        path: root.display().to_string(),
                        cause,
                    });
                }
                Err(_) => {
                    tree.unreadable.push(folder);
                    continue;
                }
            };
            for (name, is_folder) in entries {
                let path = if folder.is_empty() {
                    name
                } else {
                    format!("{folder}/{name}")
                };
                if !is_folder {
                    tree.files.push(path);
                } else if depth < max_depth {
                    folders.push((path, depth + 1));
                } else {
                    tree.left_out += 1;
                }
            }
        }
        tree.files.sort_unstable();
        tree.unreadable.sort_unstable();
        tree.left_out += tree.files.len().saturating_sub(max_files);
        tree.files.truncate(max_files);
        Ok(tree)
    }

    /// The files, relative to the root, with `/` between their parts; sorted.
    #[must_use]
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// How many files and folders are beyond the limits.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The folders that could not be listed.
    #[must_use]
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }
}

/// The names in a folder that count, each with whether it is a folder.
fn list(folder: &Path) -> io::Result<Vec<(String, bool)>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        // A backslash in a name would be a separator elsewhere.
        if name.starts_with('.') || name.contains('\\') {
            continue;
        }
        // The type of a link is neither, so links are not followed.
        let kind = entry.file_type()?;
        if kind.is_dir() && !matches!(name.as_str(), "target" | "node_modules") {
            names.push((name, true));
        } else if kind.is_file() && name.ends_with(".rs") {
            names.push((name, false));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "fn f() {}\n").unwrap();
        }
        dir
    }

    #[test]
    fn only_rust_files_that_people_wrote_are_listed() {
        let dir = tree(&[
            "b.rs",
            "a/z.rs",
            "a.rs",
            "a/notes.md",
            "target/x.rs",
            ".git/x.rs",
            "web/node_modules/x.rs",
            "web/.hidden.rs",
        ]);
        let tree = Tree::open(dir.path()).unwrap();
        assert_eq!(tree.files(), ["a.rs", "a/z.rs", "b.rs"]);
        assert_eq!(tree.left_out(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let dir = tree(&["a/a.rs"]);
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/loop")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("a/a.rs"), dir.path().join("b.rs")).unwrap();
        assert_eq!(Tree::open(dir.path()).unwrap().files(), ["a/a.rs"]);
    }

    #[test]
    fn depth_and_number_of_files_are_bounded() {
        let dir = tree(&["a.rs", "b.rs", "x/y/c.rs"]);
        let open = |depth, files| Tree::open_with(dir.path(), depth, files).unwrap();
        assert_eq!(open(2, 3).files().len(), 3);
        assert_eq!(open(2, 3).left_out(), 0);
        assert_eq!(open(1, 3).files(), ["a.rs", "b.rs"]);
        assert_eq!(open(1, 3).left_out(), 1);
        assert_eq!(open(2, 2).files(), ["a.rs", "b.rs"]);
        assert_eq!(open(2, 2).left_out(), 1);
    }

    #[test]
    fn a_missing_root_is_an_error_that_says_what_to_do() {
        let dir = tree(&[]);
        let error = Tree::open(&dir.path().join("none")).unwrap_err();
        assert!(error.to_string().contains("hint: "), "{error}");
    }
}
