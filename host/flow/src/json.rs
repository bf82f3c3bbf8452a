//! JSON documents that agents take and give, kept as text.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// How deep arrays and objects may nest. The guest picks the depth, and
/// whoever reads the document pays for it with stack.
pub const MAX_JSON_DEPTH: usize = 100;

/// A checked JSON document (RFC 8259) without line breaks.
///
/// It stays text on its way from one agent to the next, so that a task costs
/// no conversion that nobody needs. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Arc<str>);

/// Why a text is no JSON document.
#[derive(Debug, thiserror::Error)]
pub enum InvalidJson {
    /// It does not parse.
    #[error("not a JSON document: {0}")]
    Syntax(serde_json::Error),
    /// It nests deeper than [`MAX_JSON_DEPTH`].
    #[error("the JSON document nests deeper than {MAX_JSON_DEPTH} levels")]
    TooDeep,
}

impl Json {
    /// The document `null`.
    #[must_use]
    pub fn null() -> Self {
        Self("null".into())
    }

    /// Checks `text` and keeps it.
    ///
    /// # Errors
    /// [`InvalidJson`] if it does not parse or nests too deep.
    pub fn parse(text: &str) -> Result<Self, InvalidJson> {
        if depth(text) > MAX_JSON_DEPTH {
            return Err(InvalidJson::TooDeep);
        }
        if text.contains(['\n', '\r']) {
            let value: serde_json::Value =
                serde_json::from_str(text).map_err(InvalidJson::Syntax)?;
            return Ok(Self::from(&value));
        }
        serde_json::from_str::<IgnoredAny>(text).map_err(InvalidJson::Syntax)?;
        Ok(Self(text.into()))
    }

    /// Keeps a text that was put together from checked documents.
    pub(crate) fn from_checked(text: String) -> Self {
        debug_assert!(serde_json::from_str::<IgnoredAny>(&text).is_ok());
        Self(text.into())
    }

    /// The text of the document.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document as a tree.
    #[must_use]
    pub fn to_value(&self) -> serde_json::Value {
        self.decode().unwrap_or_default()
    }

    /// The document as a `T`.
    ///
    /// # Errors
    /// Those of serde when the document does not fit the type.
    pub fn decode<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.0)
    }
}

/// The deepest nesting of brackets outside strings; exact for valid documents.
fn depth(text: &str) -> usize {
    let (mut deepest, mut open, mut in_string, mut escaped) = (0, 0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Self {
        Self(value.to_string().into())
    }
}

impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        Self::from(&value)
    }
}

impl Default for Json {
    fn default() -> Self {
        Self::null()
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Json {
    /// As the document itself, not as a string that holds one.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_json::Value::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_checked() {
        assert_eq!(
            Json::parse(r#"{"a":[1,2]}"#).unwrap().as_str(),
            r#"{"a":[1,2]}"#
        );
        for bad in ["", "{", "nul", "{} {}", "[1,]", "'a'"] {
            assert!(Json::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_document_is_one_line() {
        let json = Json::parse("{\n \"a\\n\": 1\r\n}").unwrap();
        assert_eq!(json.as_str(), r#"{"a\n":1}"#);
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |n| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(Json::parse(&nested(MAX_JSON_DEPTH)).is_ok());
        assert!(matches!(
            Json::parse(&nested(MAX_JSON_DEPTH + 1)),
            Err(InvalidJson::TooDeep)
        ));
        assert!(
            Json::parse(&format!("{:?}", "[".repeat(500))).is_ok(),
            "brackets in a string"
        );
    }

    #[test]
    fn a_document_is_written_as_itself() {
        let json = Json::parse(r#"{"a": 1}"#).unwrap();
        assert_eq!(serde_json::to_string(&[json]).unwrap(), r#"[{"a": 1}]"#);
    }
}
