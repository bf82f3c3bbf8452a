//! What changes in a project's folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::project::Project;

/// Names that are never a part of a project, whatever its language. What begins
/// with a dot is not, either.
const IGNORED: &[&str] = &["dist"];

/// The most files that are looked at: a folder that holds more is no project, and
/// to look at it again and again would keep a disk busy.
const MAX_FILES: usize = 20_000;

/// The files of a project, and what tells each from what it was before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<PathBuf, (Option<SystemTime>, u64)>);

impl Tree {
    /// Looks at the files of `project` but those that its tools write.
    #[must_use]
    pub fn of(project: &Project) -> Self {
        let mut files = BTreeMap::new();
        let products = project.toolchain().products();
        look(project.folder(), Path::new(""), products, &mut files);
        Self(files)
    }

    /// The files that are not the same in `later`, in the order of their paths.
    #[must_use]
    pub fn changed(&self, later: &Self) -> Vec<PathBuf> {
        let here = self.0.iter();
        let gone_or_other = here.filter(|(path, stamp)| later.0.get(*path) != Some(stamp));
        let added = later.0.keys().filter(|path| !self.0.contains_key(*path));
        let mut changed: Vec<_> = gone_or_other.map(|(path, _)| path).chain(added).collect();
        changed.sort();
        changed.into_iter().cloned().collect()
    }
}

/// What cannot be looked at is as if it were not there.
fn look(
    root: &Path,
    below: &Path,
    products: &[&str],
    files: &mut BTreeMap<PathBuf, (Option<SystemTime>, u64)>,
) {
    let Ok(entries) = fs::read_dir(root.join(below)) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let text = name.to_string_lossy();
        let is_ignored = |ignored: &&str| **ignored == *text;
        if text.starts_with('.') || IGNORED.iter().chain(products).any(is_ignored) {
            continue;
        }
        let path = below.join(&name);
        match entry.metadata() {
            // Links are not followed, so there is no circle.
            Ok(metadata) if metadata.is_dir() => look(root, &path, products, files),
            Ok(metadata) if files.len() < MAX_FILES => {
                files.insert(path, (metadata.modified().ok(), metadata.len()));
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// Finds changes among looks at a project. A change is told when two looks in a
/// row have found it the same, so that none is told of a file that is still being
/// written.
#[derive(Debug)]
pub struct ChangeFinder {
    told: Tree,
    seen: Tree,
}

impl ChangeFinder {
    /// Knows how the project is now.
    #[must_use]
    pub fn new(now: Tree) -> Self {
        Self {
            seen: now.clone(),
            told: now,
        }
    }

    /// What has changed since the last change that was told, if that has come to
    /// rest.
    pub fn look(&mut self, now: Tree) -> Option<Vec<PathBuf>> {
        let is_at_rest = now == self.seen;
        self.seen = now;
        if !is_at_rest || self.seen == self.told {
            return None;
        }
        let changed = self.told.changed(&self.seen);
        self.told = self.seen.clone();
        Some(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, u64)]) -> Tree {
        let files = files.iter().map(|(path, len)| (path.into(), (None, *len)));
        Tree(files.collect())
    }

    #[test]
    fn a_change_is_told_once_and_when_it_has_come_to_rest() {
        let mut finder = ChangeFinder::new(tree(&[("a", 1), ("b", 1)]));
        assert_eq!(finder.look(tree(&[("a", 1), ("b", 1)])), None);
        assert_eq!(
            finder.look(tree(&[("a", 2), ("b", 1)])),
            None,
            "perhaps half written"
        );
        assert_eq!(finder.look(tree(&[("a", 3), ("b", 1)])), None, "it was");
        let changed = finder.look(tree(&[("a", 3), ("b", 1)]));
        assert_eq!(changed, Some(vec!["a".into()]));
        assert_eq!(finder.look(tree(&[("a", 3), ("b", 1)])), None);
    }

    #[test]
    fn what_came_and_went_is_told_and_what_is_as_it_was_is_not() {
        let mut finder = ChangeFinder::new(tree(&[("a", 1), ("b", 1)]));
        let now = tree(&[("a", 1), ("c", 1)]);
        finder.look(now.clone());
        assert_eq!(finder.look(now), Some(vec!["b".into(), "c".into()]));
        finder.look(tree(&[]));
        let back = tree(&[("a", 1), ("c", 1)]);
        finder.look(back.clone());
        assert_eq!(finder.look(back), None);
    }

    #[test]
    fn products_and_hidden_files_are_no_part_of_a_project() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "[package]\nname = \"x\"\n").unwrap();
        };
        for path in ["Cargo.toml", "src/lib.rs", "cases/a.yaml"] {
            write(path);
        }
        for path in [
            "target/x",
            "dist/x.wasm",
            ".git/HEAD",
            "Cargo.lock",
            "sdk/target/y",
        ] {
            write(path);
        }
        let project = Project::open(folder.path()).unwrap();
        let files: Vec<_> = Tree::of(&project).0.into_keys().collect();
        let expected = ["Cargo.toml", "cases/a.yaml", "src/lib.rs"];
        assert_eq!(files, expected.map(PathBuf::from));
    }
}
