//! One file: its text, lines and syntax tree.

use std::fmt;
use std::fs;
use std::io;
use std::io::Read;
use std::path::Path;

use crate::comments::Comments;
use crate::declarations::Standing;
use crate::input::is_relative;
use crate::nesting::check_nesting;
use crate::tree::MAX_FILE_BYTES;
use crate::{FileKind, Position};

/// How much of a file is asked for at once, in bytes: most files are smaller.
const PIECE: usize = 64 << 10;

/// What is asked for where a file has most likely ended, in bytes.
const PROBE: usize = 32;

/// Why a file was not read.
#[derive(Debug)]
pub enum ReadProblem {
    /// Its path does not stay below the mount.
    OutsideOfTree,
    /// It could not be read.
    Io(io::Error),
    /// It is larger than [`MAX_FILE_BYTES`].
    TooLarge,
    /// It is no UTF-8 from this byte on.
    NotUtf8(usize),
}

impl fmt::Display for ReadProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutsideOfTree => f.write_str("the path is not relative to the mount"),
            Self::Io(error) => write!(f, "cannot read the file: {error}"),
            Self::TooLarge => write!(f, "the file is larger than {} MiB", MAX_FILE_BYTES >> 20),
            Self::NotUtf8(at) => write!(f, "the file is not UTF-8 from byte {at} on"),
        }
    }
}

impl std::error::Error for ReadProblem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::OutsideOfTree | Self::TooLarge | Self::NotUtf8(_) => None,
        }
    }
}

/// Why a file did not parse, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseProblem {
    /// Where the parser gave up.
    pub position: Position,
    /// What it has to say.
    pub message: String,
}

impl fmt::Display for ParseProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (line {}, column {})",
            self.message, self.position.line, self.position.column
        )
    }
}

impl std::error::Error for ParseProblem {}

/// A file of a tree, as text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    path: String,
    text: String,
    /// The byte at which each line begins.
    starts: Vec<usize>,
    bytes: usize,
    kind: FileKind,
    private: bool,
}

impl SourceFile {
    /// A file at `path` with this text. A byte order mark is dropped.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        let bytes = text.len();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let mut starts = vec![0];
        starts.extend(
            text.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at + 1),
        );
        if starts.last() == Some(&text.len()) {
            starts.pop();
        }
        let path = path.into();
        Self {
            kind: FileKind::of(&path),
            path,
            text,
            starts,
            bytes,
            private: false,
        }
    }

    /// The same file with what the files above it say of it.
    pub(crate) fn standing(mut self, standing: Standing) -> Self {
        if standing.test_only {
            self.kind = FileKind::Test;
        }
        self.private = standing.private;
        self
    }

    /// Reads the file at `path`, which is relative to `root`.
    ///
    /// # Errors
    ///
    /// The path leaves `root`, the file cannot be read, is larger than
    /// [`MAX_FILE_BYTES`] or is not UTF-8.
    pub fn read(root: &Path, path: &str) -> Result<Self, ReadProblem> {
        if !is_relative(path) {
            return Err(ReadProblem::OutsideOfTree);
        }
        let file = fs::File::open(root.join(path)).map_err(ReadProblem::Io)?;
        let bytes = content(file)?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(path, text)),
            Err(error) => Err(ReadProblem::NotUtf8(error.utf8_error().valid_up_to())),
        }
    }

    /// Its path, relative to the mount, with `/` between the parts.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What it is for. A module that the file above it declares for tests only
    /// counts as a test, if [`crate::each_file`] read it.
    #[must_use]
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// Whether the file is a module that is not `pub` and that no `pub use`
    /// beside its declaration names, or lies in one. Known only where
    /// [`crate::each_file`] read it.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// Its text without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its size on disk in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes as u64
    }

    /// The number of its lines.
    #[must_use]
    pub fn line_count(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    /// Line `line`, counted from 1, without its line break.
    #[must_use]
    pub fn line(&self, line: u32) -> Option<&str> {
        let (text, _) = self.split_line(line)?;
        Some(text)
    }

    /// The line break that ends line `line`: `"\n"`, `"\r\n"`, or `""` at the
    /// end of a file that does not end in one.
    #[must_use]
    pub fn line_break(&self, line: u32) -> &str {
        self.split_line(line)
            .map_or("", |(_, line_break)| line_break)
    }

    fn split_line(&self, line: u32) -> Option<(&str, &str)> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let start = *self.starts.get(index)?;
        let end = self.starts.get(index + 1).copied();
        let whole = &self.text[start..end.unwrap_or(self.text.len())];
        let text = whole
            .strip_suffix('\n')
            .map_or(whole, |text| text.strip_suffix('\r').unwrap_or(text));
        Some(whole.split_at(text.len()))
    }

    /// Its comments.
    #[must_use]
    pub fn comments(&self) -> Comments {
        Comments::of(&self.text)
    }

    /// Its syntax tree.
    ///
    /// # Errors
    ///
    /// The file is no Rust, or nested deeper than [`crate::MAX_STACK`] or longer
    /// than [`crate::MAX_LEXEMES`] allows.
    pub fn parse(&self) -> Result<syn::File, ParseProblem> {
        check_nesting(&self.text)?;
        syn::parse_file(&self.text).map_err(|error| ParseProblem {
            position: Position::at(error.span().start()),
            message: error.to_string(),
        })
    }
}

/// Reads a file in large pieces: each piece is a call of the host, and calls are
/// rationed.
fn content(mut file: impl Read) -> Result<Vec<u8>, ReadProblem> {
    let mut bytes = vec![0; PIECE];
    let (mut len, mut wanted) = (0, PIECE);
    loop {
        match file.read(&mut bytes[len..len + wanted]) {
            Ok(0) => break,
            Ok(count) => {
                len += count;
                // The end most likely, and the host makes room for all that is wanted.
                wanted = if count < wanted { PROBE } else { PIECE };
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ReadProblem::Io(error)),
        }
        if len as u64 > MAX_FILE_BYTES {
            return Err(ReadProblem::TooLarge);
        }
        if bytes.len() - len < wanted {
            bytes.resize(bytes.len() * 2, 0);
        }
    }
    bytes.truncate(len);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives no more than `most` bytes at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(into.len());
            self.0.read(&mut into[..most])
        }
    }

    #[test]
    fn a_file_is_read_to_its_end_however_it_is_cut() {
        let text: Vec<u8> = (0..3 * PIECE).map(|n| n as u8).collect();
        for len in [
            0,
            1,
            PROBE,
            PIECE - PROBE,
            PIECE - 1,
            PIECE,
            PIECE + 1,
            3 * PIECE,
        ] {
            for most in [PROBE - 1, PROBE, PROBE + 1, PIECE - 1, PIECE, usize::MAX] {
                let read = content(Trickle(&text[..len], most)).unwrap();
                assert!(read == text[..len], "{len} bytes, {most} at a time");
            }
        }
    }

    #[test]
    fn lines_are_found_whatever_ends_them() {
        let file = SourceFile::new("a.rs", "\u{feff}one\r\ntwo\n\nfour");
        assert_eq!(file.line_count(), 4);
        assert_eq!(file.line(1), Some("one"));
        assert_eq!(file.line_break(1), "\r\n");
        assert_eq!(file.line(2), Some("two"));
        assert_eq!(file.line(3), Some(""));
        assert_eq!(file.line(4), Some("four"));
        assert_eq!(file.line_break(4), "");
        assert_eq!(file.line(0), None);
        assert_eq!(file.line(5), None);
        assert_eq!(file.bytes(), 17);
        assert_eq!(SourceFile::new("a.rs", "").line_count(), 0);
        assert_eq!(SourceFile::new("a.rs", "a\n").line_count(), 1);
    }

    #[test]
    fn a_problem_says_where_it_is() {
        let file = SourceFile::new("a.rs", "\u{feff}fn f() {}\r\nfn ä( {}\r\n");
        let problem = file.parse().unwrap_err();
        assert_eq!(problem.position.line, 2, "{problem}");
        let file = SourceFile::new("a.rs", "fn f() {\n  let x = ;\n}\n");
        let problem = file.parse().unwrap_err();
        assert_eq!(
            problem.position,
            Position {
                line: 2,
                column: 11
            }
        );
    }

    #[test]
    fn what_cannot_be_read_is_a_value() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("bad.rs"), b"fn f() {}\xff").unwrap();
        fs::write(dir.path().join("good.rs"), "fn f() {}").unwrap();
        let read = |path| SourceFile::read(dir.path(), path);
        assert!(matches!(read("bad.rs"), Err(ReadProblem::NotUtf8(9))));
        assert!(matches!(read("none.rs"), Err(ReadProblem::Io(_))));
        assert!(matches!(
            read("../good.rs"),
            Err(ReadProblem::OutsideOfTree)
        ));
        assert_eq!(read("good.rs").unwrap().text(), "fn f() {}");
        let at_most = usize::try_from(MAX_FILE_BYTES).unwrap();
        fs::write(dir.path().join("large.rs"), " ".repeat(at_most)).unwrap();
        assert!(read("large.rs").is_ok());
        fs::write(dir.path().join("large.rs"), " ".repeat(at_most + 1)).unwrap();
        assert!(matches!(read("large.rs"), Err(ReadProblem::TooLarge)));
    }
}
