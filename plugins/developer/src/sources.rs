//! The files that are to be changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use patch::limits::{MAX_FILE_BYTES, MAX_FILE_LINES};
use patch::{check_path, count_lines, split_lines};

use crate::skip::Skip;

/// The most bytes of files that are held at once. Findings pick the files,
/// and the attempt pays with its memory.
pub(crate) const MAX_TOTAL_BYTES: usize = 24 * 1024 * 1024;

/// The files below a folder, each read when it is first asked for.
#[derive(Debug)]
pub(crate) struct Sources {
    root: PathBuf,
    files: BTreeMap<String, Result<SourceText, Skip>>,
    /// Folders that are no links.
    folders: BTreeSet<String>,
    total: usize,
    max_total: usize,
}

/// The text of a file, with an index of its lines.
#[derive(Debug)]
pub(crate) struct SourceText {
    text: Vec<u8>,
    /// The byte at which each line starts, and the length of the text.
    starts: Vec<usize>,
}

impl SourceText {
    pub(crate) fn new(text: Vec<u8>) -> Self {
        let mut starts = Vec::with_capacity(count_lines(&text) + 1);
        starts.push(0);
        let mut end = 0;
        starts.extend(split_lines(&text).iter().map(|line| {
            end += line.len();
            end
        }));
        Self { text, starts }
    }

    /// How many lines it has.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The bytes of the lines of `range`, counted from 0, as far as there are
    /// any.
    pub(crate) fn lines(&self, range: std::ops::Range<usize>) -> &[u8] {
        let end = self.starts[range.end.min(self.len())];
        let start = self.starts[range.start.min(self.len())];
        self.text.get(start..end).unwrap_or_default()
    }
}

impl Sources {
    pub(crate) fn new(root: &Path) -> Self {
        Self::with_limit(root, MAX_TOTAL_BYTES)
    }

    fn with_limit(root: &Path, max_total: usize) -> Self {
        Self {
            root: root.to_owned(),
            files: BTreeMap::new(),
            folders: BTreeSet::new(),
            total: 0,
            max_total,
        }
    }

    /// The file at `path`, which is relative to the root.
    pub(crate) fn get(&mut self, path: &str) -> Result<&SourceText, Skip> {
        if !self.files.contains_key(path) {
            let read = self.read(path);
            self.files.insert(path.to_owned(), read);
        }
        match self.files.get(path) {
            Some(Ok(text)) => Ok(text),
            Some(Err(skip)) => Err(skip.clone()),
            None => Err(Skip::NotAFile),
        }
    }

    fn read(&mut self, path: &str) -> Result<SourceText, Skip> {
        check_path(path)?;
        self.check_folders(path)?;
        let file = self.root.join(path);
        let about = fs::symlink_metadata(&file).map_err(unreadable)?;
        if about.is_symlink() {
            return Err(Skip::Link);
        }
        if !about.is_file() {
            return Err(Skip::NotAFile);
        }
        if about.len() > MAX_FILE_BYTES as u64 {
            return Err(Skip::LargeFile);
        }
        let mut text = Vec::with_capacity(about.len() as usize + 1);
        // The file may have grown since.
        fs::File::open(&file)
            .and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut text))
            .map_err(unreadable)?;
        if text.len() > MAX_FILE_BYTES {
            return Err(Skip::LargeFile);
        }
        if self.total + text.len() > self.max_total {
            return Err(Skip::ManyFiles(self.max_total));
        }
        if text.contains(&0) {
            return Err(Skip::BinaryFile);
        }
        if count_lines(&text) > MAX_FILE_LINES {
            return Err(Skip::ManyLines);
        }
        self.total += text.len();
        Ok(SourceText::new(text))
    }

    /// Git does not apply a patch to what lies beyond a link.
    fn check_folders(&mut self, path: &str) -> Result<(), Skip> {
        for (end, _) in path.match_indices('/') {
            let folder = path.get(..end).unwrap_or_default();
            if self.folders.contains(folder) {
                continue;
            }
            let about = fs::symlink_metadata(self.root.join(folder)).map_err(unreadable)?;
            if about.is_symlink() {
                return Err(Skip::Link);
            }
            self.folders.insert(folder.to_owned());
        }
        Ok(())
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is the argument of `map_err`"
)]
fn unreadable(error: std::io::Error) -> Skip {
    Skip::Unreadable(error.kind().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/a.rs"), "one\r\ntwo").unwrap();
        folder
    }

    #[test]
    fn lines_are_found_by_their_numbers() {
        let folder = folder();
        let mut sources = Sources::new(folder.path());
        let text = sources.get("src/a.rs").unwrap();
        assert_eq!(text.len(), 2);
        assert_eq!(text.lines(0..1), b"one\r\n");
        assert_eq!(text.lines(1..2), b"two");
        assert_eq!(text.lines(0..usize::MAX), b"one\r\ntwo");
        assert_eq!(text.lines(7..9), b"");
        assert_eq!(SourceText::new(Vec::new()).len(), 0);
    }

    #[test]
    fn what_is_no_readable_file_of_the_tree_is_refused() {
        let folder = folder();
        fs::write(folder.path().join("zero.bin"), b"a\0b").unwrap();
        let mut sources = Sources::new(folder.path());
        for (path, skip) in [
            ("../a.rs", Skip::Path(patch::UnsafePath::Dots)),
            ("/etc/passwd", Skip::Path(patch::UnsafePath::Absolute)),
            ("src", Skip::NotAFile),
            (
                "src/none.rs",
                Skip::Unreadable("entity not found".to_owned()),
            ),
            ("none/a.rs", Skip::Unreadable("entity not found".to_owned())),
            ("zero.bin", Skip::BinaryFile),
        ] {
            assert_eq!(sources.get(path).unwrap_err(), skip, "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_refused() {
        use std::os::unix::fs::symlink;
        let folder = folder();
        symlink(folder.path().join("src"), folder.path().join("link")).unwrap();
        symlink(folder.path().join("src/a.rs"), folder.path().join("b.rs")).unwrap();
        let mut sources = Sources::new(folder.path());
        assert_eq!(sources.get("link/a.rs").unwrap_err(), Skip::Link);
        assert_eq!(sources.get("b.rs").unwrap_err(), Skip::Link);
        assert!(sources.get("src/a.rs").is_ok());
    }

    #[test]
    fn sizes_are_limited() {
        let folder = folder();
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        write("most.rs", " ".repeat(MAX_FILE_BYTES));
        write("more.rs", " ".repeat(MAX_FILE_BYTES + 1));
        write("most-lines.rs", "\n".repeat(MAX_FILE_LINES));
        write("more-lines.rs", "\n".repeat(MAX_FILE_LINES + 1));
        let mut sources = Sources::new(folder.path());
        assert!(sources.get("most.rs").is_ok());
        assert_eq!(sources.get("more.rs").unwrap_err(), Skip::LargeFile);
        assert!(sources.get("most-lines.rs").is_ok());
        assert_eq!(sources.get("more-lines.rs").unwrap_err(), Skip::ManyLines);

        let mut few = Sources::with_limit(folder.path(), 8);
        assert!(few.get("src/a.rs").is_ok());
        write("b.rs", "x".to_owned());
        assert_eq!(few.get("b.rs").unwrap_err(), Skip::ManyFiles(8));
        assert!(few.get("src/a.rs").is_ok(), "what is read stays");
    }
}
