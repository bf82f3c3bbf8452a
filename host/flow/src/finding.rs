//! What reviewers and gates have to say about places in the work.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing, nothing to mend.
    Info,
    /// A matter of taste or upkeep.
    Low,
    /// Should be mended.
    Medium,
    /// A defect or a danger.
    High,
    /// Must be mended before anything else happens.
    Critical,
}

impl Severity {
    /// All severities, the mildest first.
    pub const ALL: [Self; 5] = [
        Self::Info,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    /// The word for it in files and on the screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A place in a file. Lines and columns count from 1.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// The file, relative to the mount it is in, with `/` between its parts.
    pub path: Arc<str>,
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
}

/// Replaces whole lines of a file.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The file, relative to the mount it is in.
    pub path: Arc<str>,
    /// The first line to replace, counted from 1.
    pub first: u32,
    /// The last line to replace, inclusive.
    pub last: u32,
    /// What stands there afterwards.
    pub replacement: Arc<str>,
}

/// Something that a reviewer or gate has to say about a place in the work.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The rule that was broken, for example `unsafe-without-comment`.
    pub rule: Arc<str>,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence for a person.
    pub message: Arc<str>,
    /// Where, if it is about a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// How to mend it, where a machine can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Edit>,
}
