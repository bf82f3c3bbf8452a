//! Reading YAML files by hand: a tree whose parts know where they stand, and a
//! reader that notes everything that is wrong, each with its place and what to
//! write instead.
//!
//! ```
//! use ringfence_flow::document::{Keys, read};
//!
//! const POINT: Keys = Keys { what: "a point", known: &["x"], later: &[] };
//! let x = |text| read(text, |reader, root| {
//!     let fields = reader.fields(root, "the file", &POINT)?;
//!     let x = reader.required(&fields, "x", None, "1")?;
//!     reader.count(x, "x", 0..10)
//! });
//! assert_eq!(x("x: 3").unwrap(), 3);
//! let errors = x("y: 3").unwrap_err();
//! let unknown = "`y` is no key of a point";
//! assert!(errors.iter().any(|error| error.message == unknown));
//! ```

mod reader;

pub use crate::yaml::{Entry, Key, Node, NodeKind};
pub use reader::{Fields, Reader};

use crate::diagnostic::{Diagnostic, Source};
use crate::yaml;

/// The keys of a map in a file.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// What the map is, with an article.
    pub what: &'static str,
    /// The keys that are read.
    pub known: &'static [&'static str],
    /// Keys that make sense and are not there yet.
    pub later: &'static [&'static str],
}

/// Reads the one document of `text` with `decode`, which may note errors and go
/// on, or give up with `None` when it has noted one.
///
/// # Errors
/// Everything that is wrong, at least one [`Diagnostic`], in the order of the
/// file.
pub fn read<T>(
    text: &str,
    decode: impl FnOnce(&mut Reader<'_>, &Node) -> Option<T>,
) -> Result<T, Vec<Diagnostic>> {
    let source = Source::new(text);
    let mut errors = Vec::new();
    let root = yaml::parse(&source, &mut errors);
    let mut reader = Reader::new(&source, errors);
    match root.and_then(|root| decode(&mut reader, &root)) {
        Some(decoded) if !reader.has_errors() => Ok(decoded),
        Some(_) | None => Err(reader.into_errors()),
    }
}
