//! What is wrong with a file, and where.

mod render;
mod source;

pub use render::render;
pub(crate) use source::Source;
pub use source::TextSpan;

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its stable name in kebab case.
    pub code: &'static str,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// Where.
    pub span: TextSpan,
    /// A few words to stand at the place.
    pub label: String,
    /// What to write or do instead.
    pub hint: Option<String>,
    /// Other places that have to do with it.
    pub related: Vec<Related>,
}

/// Another place that has to do with a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub span: TextSpan,
    /// A few words to stand at the place.
    pub label: String,
}

impl Diagnostic {
    /// Something that is wrong at `span`, with a stable name.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>, span: TextSpan) -> Self {
        Self {
            code,
            message: message.into(),
            span,
            label: String::new(),
            hint: None,
            related: Vec::new(),
        }
    }

    /// The same with a few words at the place.
    #[must_use]
    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The same with what to write or do instead.
    #[must_use]
    pub fn hinting(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same with another place that has to do with it.
    #[must_use]
    pub fn also(mut self, span: TextSpan, label: impl Into<String>) -> Self {
        self.related.push(Related {
            span,
            label: label.into(),
        });
        self
    }
}
