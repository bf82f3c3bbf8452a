//! A run in a few figures.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ByteSize, Fuel, RunStatus, Severity, Usage, micros};

/// How many findings there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SeverityCounts {
    /// Of [`Severity::Critical`].
    pub critical: u64,
    /// Of [`Severity::High`].
    pub high: u64,
    /// Of [`Severity::Medium`].
    pub medium: u64,
    /// Of [`Severity::Low`].
    pub low: u64,
    /// Of [`Severity::Info`].
    pub info: u64,
}

impl SeverityCounts {
    /// The number of findings of one severity.
    #[must_use]
    pub const fn get(&self, severity: Severity) -> u64 {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Info => self.info,
        }
    }

    /// All findings.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.critical + self.high + self.medium + self.low + self.info
    }

    /// Counts one more.
    pub const fn add(&mut self, severity: Severity) {
        *match severity {
            Severity::Critical => &mut self.critical,
            Severity::High => &mut self.high,
            Severity::Medium => &mut self.medium,
            Severity::Low => &mut self.low,
            Severity::Info => &mut self.info,
        } += 1;
    }
}

/// What many attempts used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct UsageTotals {
    /// Attempts that started.
    pub attempts: u64,
    /// Attempts that failed.
    pub failed_attempts: u64,
    /// Attempts that were made because one before them failed.
    pub retries: u64,
    /// How often a fallback agent took over.
    pub fallbacks: u64,
    /// Fuel of all of them.
    pub fuel: Fuel,
    /// The most memory that one of them held.
    pub peak_memory: ByteSize,
    /// Time on the clock, added up: more than the run took where attempts ran
    /// side by side.
    #[serde(with = "micros", rename = "wall-us")]
    pub wall: Duration,
    /// Time on a core.
    #[serde(with = "micros", rename = "cpu-us")]
    pub cpu: Duration,
    /// Bytes of outcomes and artifacts.
    pub bytes_out: ByteSize,
    /// Calls of host functions.
    pub host_calls: u64,
    /// Log lines that the log's budget did not cover.
    pub log_lines_dropped: u64,
}

impl UsageTotals {
    /// Adds what a part of the whole, that was `before`, has grown by.
    pub(super) fn grow(&mut self, before: &Self, after: &Self) {
        self.attempts += after.attempts - before.attempts;
        self.failed_attempts += after.failed_attempts - before.failed_attempts;
        self.retries += after.retries - before.retries;
        self.fallbacks += after.fallbacks - before.fallbacks;
        let fuel = after.fuel.as_u64() - before.fuel.as_u64();
        self.fuel = Fuel::units(self.fuel.as_u64().saturating_add(fuel));
        self.peak_memory = self.peak_memory.max(after.peak_memory);
        self.wall = self.wall.saturating_add(after.wall - before.wall);
        self.cpu = self.cpu.saturating_add(after.cpu - before.cpu);
        let bytes_out = after.bytes_out.as_u64() - before.bytes_out.as_u64();
        self.bytes_out = self.bytes_out.saturating_add(ByteSize::bytes(bytes_out));
        self.host_calls = self
            .host_calls
            .saturating_add(after.host_calls - before.host_calls);
        self.log_lines_dropped = self
            .log_lines_dropped
            .saturating_add(after.log_lines_dropped - before.log_lines_dropped);
    }

    /// Adds what one attempt used.
    pub(super) fn add(&mut self, usage: &Usage) {
        self.fuel = Fuel::units(self.fuel.as_u64().saturating_add(usage.fuel.as_u64()));
        self.peak_memory = self.peak_memory.max(usage.peak_memory);
        self.wall = self.wall.saturating_add(usage.wall);
        self.cpu = self.cpu.saturating_add(usage.cpu);
        self.bytes_out = self.bytes_out.saturating_add(usage.bytes_out);
        self.host_calls = self.host_calls.saturating_add(usage.host_calls.into());
        let dropped = u64::from(usage.log_lines_dropped);
        self.log_lines_dropped = self.log_lines_dropped.saturating_add(dropped);
    }
}

/// A run in a few figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunSummary {
    /// The verdict: how the run ended; none while it goes on.
    pub status: Option<RunStatus>,
    /// Time on the clock, until now for a run that goes on.
    #[serde(with = "micros", rename = "duration-us")]
    pub duration: Duration,
    /// Findings that count: of each task those of its last round, each once.
    pub findings: SeverityCounts,
    /// Findings that a machine can mend.
    pub fixable: u64,
    /// Files that have findings.
    pub files: u64,
    /// Tasks of the plan, a `for_each` task as one.
    pub tasks: u64,
    /// Those that completed.
    pub tasks_completed: u64,
    /// Those that failed or rejected.
    pub tasks_failed: u64,
    /// Those that never ran, or were stopped.
    pub tasks_skipped: u64,
    /// Rounds of feedback: 1 if nothing was sent back.
    pub rounds: u32,
    /// What all attempts used.
    pub totals: UsageTotals,
}
