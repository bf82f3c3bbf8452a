//! What an agent has to say about places in the work.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// How bad a finding is. Ordered from mild to bad.
///
/// ```
/// use ringfence_sdk::Severity;
/// assert!(Severity::High > Severity::Low);
/// assert_eq!(Severity::High.as_str(), "high");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    ///
    /// ```
    /// use ringfence_sdk::Severity;
    /// assert!(Severity::ALL.is_sorted());
    /// ```
    pub const ALL: [Self; 5] = [
        Self::Info,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    /// The word for it in JSON and on the screen.
    ///
    /// ```
    /// assert_eq!(ringfence_sdk::Severity::Medium.as_str(), "medium");
    /// ```
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

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A place in a file.
///
/// ```
/// use ringfence_sdk::Location;
/// let place = Location { path: "src/lib.rs".into(), line: 3, column: 1 };
/// assert_eq!(place.to_string(), "src/lib.rs:3:1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The file, relative to the root of its mount, `/` between the parts.
    pub path: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}

/// Replaces whole lines of a file: how a machine can mend a finding.
///
/// ```
/// use ringfence_sdk::Edit;
/// let edit = Edit::replace_lines("src/lib.rs", 3..=4, "let x = 1;\n");
/// assert_eq!((edit.first, edit.last), (3, 4));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Edit {
    /// The file, relative to the root of its mount, `/` between the parts.
    pub path: String,
    /// The first line to replace, counted from 1.
    pub first: u32,
    /// The last line to replace, inclusive.
    pub last: u32,
    /// The lines that stand there afterwards. A line break at the end may be
    /// left out; the empty text deletes the lines.
    pub replacement: String,
}

impl Edit {
    /// Puts `replacement` in the place of the lines of `lines`, which count
    /// from 1.
    ///
    /// ```
    /// use ringfence_sdk::Edit;
    /// let delete = Edit::replace_lines("src/main.rs", 7..=7, "");
    /// assert_eq!(delete.replacement, "");
    /// ```
    #[must_use]
    pub fn replace_lines(
        path: impl Into<String>,
        lines: RangeInclusive<u32>,
        replacement: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into(),
            first: *lines.start(),
            last: *lines.end(),
            replacement: replacement.into(),
        }
    }
}

/// Something that an agent has to say about a place in the work.
///
/// ```
/// use ringfence_sdk::{Edit, Finding, Severity};
///
/// let finding = Finding::new("debug-print", Severity::Low, "`dbg!` is left in the code")
///     .at("src/lib.rs", 12, 5)
///     .fix(Edit::replace_lines("src/lib.rs", 12..=12, ""));
/// assert_eq!(finding.location.unwrap().line, 12);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Finding {
    /// The rule that was broken, in kebab case.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence for a person.
    pub message: String,
    /// Where, if it is about a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// How to mend it, where a machine can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Edit>,
}

impl Finding {
    /// A finding about no place in particular.
    ///
    /// ```
    /// use ringfence_sdk::{Finding, Severity};
    /// let finding = Finding::new("no-tests", Severity::Medium, "there are no tests");
    /// assert!(finding.location.is_none());
    /// ```
    #[must_use]
    pub fn new(rule: impl Into<String>, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            severity,
            message: message.into(),
            location: None,
            fix: None,
        }
    }

    /// The same at a place: `path` relative to the root of its mount, `line`
    /// and `column` counted from 1.
    ///
    /// ```
    /// use ringfence_sdk::{Finding, Severity};
    /// let finding = Finding::new("long-line", Severity::Info, "too long").at("a.rs", 1, 101);
    /// assert_eq!(finding.location.unwrap().to_string(), "a.rs:1:101");
    /// ```
    #[must_use]
    pub fn at(mut self, path: impl Into<String>, line: u32, column: u32) -> Self {
        self.location = Some(Location {
            path: path.into(),
            line,
            column,
        });
        self
    }

    /// The same with a way to mend it.
    ///
    /// ```
    /// use ringfence_sdk::{Edit, Finding, Severity};
    /// let finding = Finding::new("typo", Severity::Low, "`teh`")
    ///     .fix(Edit::replace_lines("README.md", 1..=1, "the\n"));
    /// assert!(finding.fix.is_some());
    /// ```
    #[must_use]
    pub fn fix(mut self, edit: Edit) -> Self {
        self.fix = Some(edit);
        self
    }
}
