//! What a task gives to those that need it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Finding, Json, TaskId};

/// The SHA-256 of a content, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 12 digits: enough to tell contents apart on a screen.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(12);
        text
    }
}

/// Why a text is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a content hash has 64 hexadecimal digits")]
pub struct InvalidHash;

impl FromStr for ContentHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(InvalidHash);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

fn digit(byte: u8) -> Result<u8, InvalidHash> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(InvalidHash),
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for ContentHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A blob in the run's artifact store, named by its content.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// What the agent called it, for example `fixes.patch`.
    pub name: Arc<str>,
    /// Its media type, for example `text/x-diff`.
    pub media_type: Arc<str>,
    /// The SHA-256 of its content.
    pub sha256: ContentHash,
    /// Its length in bytes.
    pub size: u64,
}

/// What a task gave. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The value, in the agent's own form.
    pub value: Json,
    /// What the agent found.
    #[serde(default)]
    pub findings: Arc<[Finding]>,
    /// The artifacts it refers to.
    #[serde(default)]
    pub artifacts: Arc<[Artifact]>,
}

impl Output {
    /// An output with a value and nothing else.
    #[must_use]
    pub fn of(value: Json) -> Self {
        Self {
            value,
            ..Self::default()
        }
    }

    /// Findings and nothing else.
    #[must_use]
    pub fn found(findings: Arc<[Finding]>) -> Self {
        Self {
            findings,
            ..Self::default()
        }
    }
}

/// The output of a task that another one needs.
///
/// For a `for_each` task it is the outputs of all items in item order: values
/// as a JSON array, findings and artifacts one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// The task it comes from.
    pub task: TaskId,
    /// What it gave.
    pub output: Output,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_64_digits() {
        let text = "00ff".repeat(16);
        let hash: ContentHash = text.parse().unwrap();
        assert_eq!(hash.to_string(), text);
        assert_eq!(hash.short(), &text[..12]);
        for bad in [
            "",
            "00",
            &"0G".repeat(32),
            &"0A".repeat(32),
            &"ä0".repeat(21),
        ] {
            assert!(bad.parse::<ContentHash>().is_err(), "{bad:?}");
        }
    }
}
