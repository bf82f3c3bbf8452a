//! Lines in the run's log.

use serde::{Deserialize, Serialize};

use crate::Context;

/// How important a log line is. Ordered from trace to error.
///
/// ```
/// use ringfence_sdk::LogLevel;
/// assert!(LogLevel::Error > LogLevel::Info);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// For whoever follows each step.
    Trace,
    /// For whoever looks for a defect.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is odd.
    Warn,
    /// Something went wrong.
    Error,
}

/// A log line to be: [`Context::log`] begins it, a level writes it.
///
/// An attempt has a budget of lines and bytes; what is above it is dropped
/// and counted, and the attempt goes on.
///
/// ```
/// use ringfence_sdk::{LogLevel, testing::TestHost};
///
/// let host = TestHost::new();
/// host.context().log().with("file", "src/lib.rs").with("lines", 120).info("read");
/// let line = &host.logs()[0];
/// assert_eq!((line.level, line.message.as_str()), (LogLevel::Info, "read"));
/// assert_eq!(line.fields[1], ("lines".to_owned(), "120".to_owned()));
/// ```
#[derive(Debug)]
#[must_use = "a level writes the line, for example `.info(\"...\")`"]
pub struct Log<'a> {
    cx: &'a Context,
    fields: Vec<(String, String)>,
}

impl<'a> Log<'a> {
    pub(crate) const fn new(cx: &'a Context) -> Self {
        Self {
            cx,
            fields: Vec::new(),
        }
    }

    /// Adds a name and a value that belong to the line.
    ///
    /// ```
    /// # let host = ringfence_sdk::testing::TestHost::new();
    /// host.context().log().with("shard", 3).debug("began");
    /// assert_eq!(host.logs()[0].fields, [("shard".to_owned(), "3".to_owned())]);
    /// ```
    pub fn with(mut self, name: impl Into<String>, value: impl std::fmt::Display) -> Self {
        self.fields.push((name.into(), value.to_string()));
        self
    }

    /// Writes the line at a level.
    ///
    /// ```
    /// # use ringfence_sdk::LogLevel;
    /// # let host = ringfence_sdk::testing::TestHost::new();
    /// host.context().log().at(LogLevel::Warn, "slow");
    /// assert_eq!(host.logs()[0].level, LogLevel::Warn);
    /// ```
    pub fn at(self, level: LogLevel, message: impl AsRef<str>) {
        self.cx.host().log(level, message.as_ref(), &self.fields);
    }

    /// Writes the line for whoever follows each step.
    ///
    /// ```
    /// # let host = ringfence_sdk::testing::TestHost::new();
    /// host.context().log().trace("entered");
    /// ```
    pub fn trace(self, message: impl AsRef<str>) {
        self.at(LogLevel::Trace, message);
    }

    /// Writes the line for whoever looks for a defect.
    ///
    /// ```
    /// # let host = ringfence_sdk::testing::TestHost::new();
    /// host.context().log().debug("cache is cold");
    /// ```
    pub fn debug(self, message: impl AsRef<str>) {
        self.at(LogLevel::Debug, message);
    }

    /// Writes what is worth knowing.
    ///
    /// ```
    /// # let host = ringfence_sdk::testing::TestHost::new();
    /// host.context().log().info("12 files read");
    /// ```
    pub fn info(self, message: impl AsRef<str>) {
        self.at(LogLevel::Info, message);
    }

    /// Writes what is odd.
    ///
    /// ```
    /// # let host = ringfence_sdk::testing::TestHost::new();
    /// host.context().log().warn("one file does not parse");
    /// ```
    pub fn warn(self, message: impl AsRef<str>) {
        self.at(LogLevel::Warn, message);
    }

    /// Writes what went wrong.
    ///
    /// ```
    /// # let host = ringfence_sdk::testing::TestHost::new();
    /// host.context().log().error("no file could be read");
    /// ```
    pub fn error(self, message: impl AsRef<str>) {
        self.at(LogLevel::Error, message);
    }
}
