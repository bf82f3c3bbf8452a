//! The last lines of an attempt's log.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::LogLine;

/// How many lines of one attempt are kept. The guest writes as many as its
/// budget lets it, and a record holds them for all attempts at once.
pub const MAX_LOG_LINES_PER_ATTEMPT: usize = 50;

/// How many bytes of lines are kept of all attempts together. Beyond it the
/// oldest attempts lose theirs.
pub const MAX_LOG_BYTES_PER_RUN: usize = 16 << 20;

/// The last lines of an attempt's log, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LogTail {
    /// The lines that are kept: at most [`MAX_LOG_LINES_PER_ATTEMPT`].
    pub lines: VecDeque<LogLine>,
    /// How many earlier lines are not.
    pub omitted: u64,
}

/// What a line costs to keep: its text and what stands around it.
fn cost(line: &LogLine) -> usize {
    let fields: usize = line
        .fields
        .iter()
        .map(|(name, value)| name.len() + value.len() + 64)
        .sum();
    line.message.len() + fields + 64
}

impl LogTail {
    /// Whether the attempt wrote nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.omitted == 0
    }

    /// What it costs to keep, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.lines.iter().map(cost).sum()
    }

    /// Adds a line, in place of the oldest one if there are enough.
    pub(super) fn push(&mut self, line: LogLine) {
        if self.lines.len() >= MAX_LOG_LINES_PER_ATTEMPT {
            self.lines.pop_front();
            self.omitted = self.omitted.saturating_add(1);
        }
        self.lines.push_back(line);
    }

    /// Forgets all lines.
    pub(super) fn clear(&mut self) {
        self.omitted = self.omitted.saturating_add(self.lines.len() as u64);
        self.lines = VecDeque::new();
    }
}
