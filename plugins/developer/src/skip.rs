//! Why a fix is left out.

use patch::UnsafePath;
use patch::limits::{MAX_FILE_BYTES, MAX_FILE_LINES};

/// Why a fix is left out, for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Skip {
    #[error("{0}")]
    Path(#[from] UnsafePath),
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    #[error("the path does not lead to a file")]
    NotAFile,
    #[error("the path leads through a symbolic link")]
    Link,
    #[error("the file has more than {MAX_FILE_BYTES} bytes")]
    LargeFile,
    #[error("the file has more than {MAX_FILE_LINES} lines")]
    ManyLines,
    #[error("the file is binary")]
    BinaryFile,
    #[error("the files to change are larger than {0} bytes together")]
    ManyFiles(usize),
    #[error("the last line is before the first")]
    Backwards,
    #[error("lines count from 1")]
    LineZero,
    #[error("the file has {0} lines")]
    BehindEnd(usize),
    #[error("the replacement holds a null character")]
    BinaryReplacement,
    #[error("the lines read so already")]
    NoChange,
    #[error("the gate's feedback points at it: {0}")]
    Feedback(String),
    #[error("it overlaps the fix of `{rule}` for lines {first} to {last}")]
    Overlap { rule: String, first: u32, last: u32 },
    #[error("the patch has {0} edits already")]
    ManyEdits(usize),
    #[error("the patch is full")]
    PatchFull,
    #[error("the report on the patch is full")]
    ReportFull,
}
