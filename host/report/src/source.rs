//! Where the text of a file comes from that a finding points at.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The longest file that [`SourceFolders`] reads, in bytes. Whoever wrote the
/// sources picks the length, and the report holds the file while it is made.
pub const MAX_SOURCE_LEN: u64 = 8 << 20;

/// Gives the text of a file that a finding points at.
///
/// The path is what a guest wrote: it may be absolute, climb out with `..`, or
/// name no file at all.
pub trait SourceLookup {
    /// The whole text of the file at `path`, relative to its mount; `None` if
    /// it is not known.
    fn source(&self, path: &str) -> Option<Arc<str>>;
}

/// Knows no file: reports then show findings without their lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSources;

impl SourceLookup for NoSources {
    fn source(&self, _path: &str) -> Option<Arc<str>> {
        None
    }
}

/// The folders that were mounted in the run. A path is looked up in each in
/// turn.
///
/// Nothing outside of them is ever read: not through `..`, not through an
/// absolute path, and not through a symbolic link that leads out.
#[derive(Clone, Debug, Default)]
pub struct SourceFolders {
    roots: Vec<PathBuf>,
}

impl SourceFolders {
    /// The files below these folders. A folder that cannot be found has none.
    pub fn new(folders: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        let real = |folder| fs::canonicalize(folder).ok();
        Self {
            roots: folders.into_iter().filter_map(real).collect(),
        }
    }
}

impl SourceLookup for SourceFolders {
    fn source(&self, path: &str) -> Option<Arc<str>> {
        let path = Path::new(path);
        let is_plain = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !is_plain {
            return None;
        }
        self.roots.iter().find_map(|root| {
            let file = fs::canonicalize(root.join(path)).ok()?;
            if !file.starts_with(root) || !fs::metadata(&file).ok()?.is_file() {
                return None;
            }
            read_text(&file)
        })
    }
}

fn read_text(file: &Path) -> Option<Arc<str>> {
    let mut text = String::new();
    fs::File::open(file)
        .ok()?
        .take(MAX_SOURCE_LEN + 1)
        .read_to_string(&mut text)
        .ok()?;
    (text.len() as u64 <= MAX_SOURCE_LEN).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_folders_are_found() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(two.path().join("src")).unwrap();
        fs::write(two.path().join("src/lib.rs"), "fn main() {}\n").unwrap();
        let missing = two.path().join("missing");
        let folders = SourceFolders::new([one.path(), &missing, two.path()]);
        assert_eq!(
            folders.source("src/lib.rs").as_deref(),
            Some("fn main() {}\n")
        );
        assert_eq!(folders.source("src"), None, "a folder");
        assert_eq!(folders.source("lib.rs"), None);
        assert_eq!(folders.source(""), None);
        assert_eq!(folders.source("a\0b"), None);
    }

    #[test]
    fn nothing_outside_is_read() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "key").unwrap();
        let root = outside.path().join("root");
        fs::create_dir(&root).unwrap();
        let folders = SourceFolders::new([&root]);
        let absolute = outside.path().join("secret");
        for path in [
            "../secret",
            "./../secret",
            "x/../../secret",
            absolute.to_str().unwrap(),
        ] {
            assert_eq!(folders.source(path), None, "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_out_is_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "key").unwrap();
        let root = outside.path().join("root");
        fs::create_dir(&root).unwrap();
        std::os::unix::fs::symlink("../secret", root.join("link")).unwrap();
        fs::write(root.join("real"), "text").unwrap();
        std::os::unix::fs::symlink("real", root.join("inside")).unwrap();
        let folders = SourceFolders::new([&root]);
        assert_eq!(folders.source("link"), None);
        assert_eq!(folders.source("inside").as_deref(), Some("text"));
    }

    #[test]
    fn a_file_that_is_too_long_or_no_text_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        let len = usize::try_from(MAX_SOURCE_LEN).unwrap();
        fs::write(root.path().join("fits"), "x".repeat(len)).unwrap();
        fs::write(root.path().join("too-long"), "x".repeat(len + 1)).unwrap();
        fs::write(root.path().join("bytes"), [0xff, 0xfe]).unwrap();
        let folders = SourceFolders::new([root.path()]);
        assert_eq!(folders.source("fits").map(|text| text.len()), Some(len));
        assert_eq!(folders.source("too-long"), None);
        assert_eq!(folders.source("bytes"), None);
    }
}
