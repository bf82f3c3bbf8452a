//! YAML as a tree that knows where each part stands.
//!
//! The tree is bounded before it is built: whoever writes the file picks its
//! size, its depth and how often aliases repeat a part.

mod build;
mod scalar;

use std::ops::Range;

pub(crate) use build::parse;

use crate::ByteSize;

/// The largest workflow file.
pub const MAX_FILE_SIZE: ByteSize = ByteSize::mib(4);

/// How deep lists and maps may nest.
const MAX_DEPTH: usize = 64;

/// The most values in a file, aliases expanded.
const MAX_NODES: usize = 200_000;

/// A value and the bytes it takes.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it stands.
    pub range: Range<usize>,
}

/// The kinds of values.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text.
    Text {
        /// It, without quotes and escapes.
        text: String,
        /// The byte of the file at which `text` stands as it is, if it does.
        verbatim: Option<usize>,
    },
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// What it has.
    pub value: Node,
}

/// The key of a map, and the bytes it takes.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key.
    pub text: String,
    /// Where it stands.
    pub range: Range<usize>,
}

impl Node {
    /// What it is, with an article.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self.kind {
            NodeKind::Null => "nothing",
            NodeKind::Bool(_) => "a boolean",
            NodeKind::Number(_) => "a number",
            NodeKind::Text { .. } => "a text",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a map",
        }
    }

    /// The same as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            NodeKind::Null => serde_json::Value::Null,
            NodeKind::Bool(value) => (*value).into(),
            NodeKind::Number(number) => number.clone().into(),
            NodeKind::Text { text, .. } => text.as_str().into(),
            NodeKind::List(items) => items.iter().map(Self::to_json).collect(),
            NodeKind::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.text.clone(), entry.value.to_json()))
                .collect(),
        }
    }

    /// Where the bytes `range` of a text value stand in the file: exactly if
    /// the text stands there as it is, else the whole value.
    pub(crate) fn place(&self, range: Range<usize>) -> Range<usize> {
        match &self.kind {
            NodeKind::Text {
                verbatim: Some(at), ..
            } => at + range.start..at + range.end,
            _ => self.range.clone(),
        }
    }
}
