//! What one attempt may use, and what it used.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ByteSize, FailureCode, Fuel, micros, show_duration};

/// The things that are rationed. This is the one list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BudgetKind {
    /// Computation, in fuel units.
    Fuel,
    /// Time on the clock, host functions included.
    Time,
    /// All memories and tables together, and what the host holds for the guest.
    Memory,
    /// The outcome: its JSON, findings and artifact names.
    Output,
    /// The content of all artifacts that the attempt puts.
    Artifacts,
    /// Log lines. The rest is dropped and counted.
    LogLines,
    /// Bytes of log lines. The rest is dropped and counted.
    LogBytes,
    /// Calls of host functions.
    HostCalls,
    /// Resources (files, streams) that are open at once.
    OpenResources,
}

impl BudgetKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 9] = [
        Self::Fuel,
        Self::Time,
        Self::Memory,
        Self::Output,
        Self::Artifacts,
        Self::LogLines,
        Self::LogBytes,
        Self::HostCalls,
        Self::OpenResources,
    ];

    /// The key in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::Time => "time",
            Self::Memory => "memory",
            Self::Output => "output",
            Self::Artifacts => "artifacts",
            Self::LogLines => "log-lines",
            Self::LogBytes => "log-bytes",
            Self::HostCalls => "host-calls",
            Self::OpenResources => "open-resources",
        }
    }

    /// The failure of an attempt that breaks this budget. `None` for logs:
    /// the attempt goes on.
    #[must_use]
    pub const fn failure(self) -> Option<FailureCode> {
        match self {
            Self::Fuel => Some(FailureCode::OutOfFuel),
            Self::Time => Some(FailureCode::TimedOut),
            Self::Memory => Some(FailureCode::OutOfMemory),
            Self::Output | Self::Artifacts => Some(FailureCode::OutputTooLarge),
            Self::LogLines | Self::LogBytes => None,
            Self::HostCalls | Self::OpenResources => Some(FailureCode::TooManyHostCalls),
        }
    }
}

impl fmt::Display for BudgetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What one attempt may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Budgets {
    /// Computation. Default 10 G units.
    pub fuel: Fuel,
    /// Time on the clock. Default 30 s.
    #[serde(with = "micros", rename = "time-us")]
    #[schemars(with = "u64")]
    pub time: Duration,
    /// Memory of the guest and of the host on its behalf. Default 64 MiB.
    pub memory: ByteSize,
    /// Size of the outcome. Default 1 MiB.
    pub output: ByteSize,
    /// Size of all artifacts put. Default 64 MiB.
    pub artifacts: ByteSize,
    /// Number of log lines kept. Default 1,000.
    pub log_lines: u32,
    /// Bytes of log lines kept. Default 256 KiB.
    pub log_bytes: ByteSize,
    /// Number of host calls. Default 10,000.
    pub host_calls: u32,
    /// Number of resources open at once. Default 256.
    pub open_resources: u32,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            fuel: Fuel::units(10_000_000_000),
            time: Duration::from_secs(30),
            memory: ByteSize::mib(64),
            output: ByteSize::mib(1),
            artifacts: ByteSize::mib(64),
            log_lines: 1_000,
            log_bytes: ByteSize::kib(256),
            host_calls: 10_000,
            open_resources: 256,
        }
    }
}

/// One amount of one kind, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Of fuel.
    Fuel(Fuel),
    /// Of time.
    Time(Duration),
    /// Of bytes.
    Bytes(ByteSize),
    /// Of things.
    Count(u32),
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fuel(fuel) => fuel.fmt(f),
            Self::Time(time) => f.pad(&show_duration(*time)),
            Self::Bytes(size) => size.fmt(f),
            Self::Count(count) => count.fmt(f),
        }
    }
}

impl Budgets {
    /// The amount of one kind.
    #[must_use]
    pub const fn get(&self, kind: BudgetKind) -> Amount {
        match kind {
            BudgetKind::Fuel => Amount::Fuel(self.fuel),
            BudgetKind::Time => Amount::Time(self.time),
            BudgetKind::Memory => Amount::Bytes(self.memory),
            BudgetKind::Output => Amount::Bytes(self.output),
            BudgetKind::Artifacts => Amount::Bytes(self.artifacts),
            BudgetKind::LogLines => Amount::Count(self.log_lines),
            BudgetKind::LogBytes => Amount::Bytes(self.log_bytes),
            BudgetKind::HostCalls => Amount::Count(self.host_calls),
            BudgetKind::OpenResources => Amount::Count(self.open_resources),
        }
    }

    /// The kinds of which this asks for more than `ceiling` allows.
    pub fn above<'a>(&'a self, ceiling: &'a Self) -> impl Iterator<Item = BudgetKind> + 'a {
        BudgetKind::ALL
            .into_iter()
            .filter(|kind| self.exceeds(ceiling, *kind))
    }

    fn exceeds(&self, ceiling: &Self, kind: BudgetKind) -> bool {
        match kind {
            BudgetKind::Fuel => self.fuel > ceiling.fuel,
            BudgetKind::Time => self.time > ceiling.time,
            BudgetKind::Memory => self.memory > ceiling.memory,
            BudgetKind::Output => self.output > ceiling.output,
            BudgetKind::Artifacts => self.artifacts > ceiling.artifacts,
            BudgetKind::LogLines => self.log_lines > ceiling.log_lines,
            BudgetKind::LogBytes => self.log_bytes > ceiling.log_bytes,
            BudgetKind::HostCalls => self.host_calls > ceiling.host_calls,
            BudgetKind::OpenResources => self.open_resources > ceiling.open_resources,
        }
    }

    /// The lesser of both, kind by kind.
    #[must_use]
    pub fn at_most(&self, ceiling: &Self) -> Self {
        Self {
            fuel: self.fuel.min(ceiling.fuel),
            time: self.time.min(ceiling.time),
            memory: self.memory.min(ceiling.memory),
            output: self.output.min(ceiling.output),
            artifacts: self.artifacts.min(ceiling.artifacts),
            log_lines: self.log_lines.min(ceiling.log_lines),
            log_bytes: self.log_bytes.min(ceiling.log_bytes),
            host_calls: self.host_calls.min(ceiling.host_calls),
            open_resources: self.open_resources.min(ceiling.open_resources),
        }
    }

    /// Twice as much of what an attempt that failed with `code` ran out of,
    /// up to `ceiling`: what `retry.escalate` gives the next attempt.
    /// Unchanged for failures that no budget can help.
    #[must_use]
    pub fn escalated(&self, code: FailureCode, ceiling: &Self) -> Self {
        let mut more = *self;
        for kind in BudgetKind::ALL {
            if kind.failure() != Some(code) {
                continue;
            }
            match kind {
                BudgetKind::Fuel => more.fuel = self.fuel.doubled(),
                BudgetKind::Time => more.time = self.time.saturating_mul(2),
                BudgetKind::Memory => more.memory = self.memory.doubled(),
                BudgetKind::Output => more.output = self.output.doubled(),
                BudgetKind::Artifacts => more.artifacts = self.artifacts.doubled(),
                BudgetKind::LogLines => more.log_lines = self.log_lines.saturating_mul(2),
                BudgetKind::LogBytes => more.log_bytes = self.log_bytes.doubled(),
                BudgetKind::HostCalls => more.host_calls = self.host_calls.saturating_mul(2),
                BudgetKind::OpenResources => {
                    more.open_resources = self.open_resources.saturating_mul(2);
                }
            }
        }
        more.at_most(ceiling)
    }
}

/// What a file says of budgets: only what differs from the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct BudgetOverrides {
    /// See [`Budgets::fuel`].
    pub fuel: Option<Fuel>,
    /// See [`Budgets::time`].
    pub time: Option<Duration>,
    /// See [`Budgets::memory`].
    pub memory: Option<ByteSize>,
    /// See [`Budgets::output`].
    pub output: Option<ByteSize>,
    /// See [`Budgets::artifacts`].
    pub artifacts: Option<ByteSize>,
    /// See [`Budgets::log_lines`].
    pub log_lines: Option<u32>,
    /// See [`Budgets::log_bytes`].
    pub log_bytes: Option<ByteSize>,
    /// See [`Budgets::host_calls`].
    pub host_calls: Option<u32>,
    /// See [`Budgets::open_resources`].
    pub open_resources: Option<u32>,
}

impl BudgetOverrides {
    /// `base`, changed where this says something.
    #[must_use]
    pub fn over(&self, base: &Budgets) -> Budgets {
        Budgets {
            fuel: self.fuel.unwrap_or(base.fuel),
            time: self.time.unwrap_or(base.time),
            memory: self.memory.unwrap_or(base.memory),
            output: self.output.unwrap_or(base.output),
            artifacts: self.artifacts.unwrap_or(base.artifacts),
            log_lines: self.log_lines.unwrap_or(base.log_lines),
            log_bytes: self.log_bytes.unwrap_or(base.log_bytes),
            host_calls: self.host_calls.unwrap_or(base.host_calls),
            open_resources: self.open_resources.unwrap_or(base.open_resources),
        }
    }
}

/// What an attempt used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Usage {
    /// Fuel, host functions included.
    pub fuel: Fuel,
    /// The most memory held at once.
    pub peak_memory: ByteSize,
    /// Time on the clock.
    #[serde(with = "micros", rename = "wall-us")]
    #[schemars(with = "u64")]
    pub wall: Duration,
    /// Time on a core.
    #[serde(with = "micros", rename = "cpu-us")]
    #[schemars(with = "u64")]
    pub cpu: Duration,
    /// Bytes of the outcome and of artifacts put.
    pub bytes_out: ByteSize,
    /// Calls of host functions.
    pub host_calls: u32,
    /// Log lines kept.
    pub log_lines: u32,
    /// Log lines dropped because the log's budget was spent.
    pub log_lines_dropped: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_change_only_what_they_say() {
        let overrides = BudgetOverrides {
            memory: Some(ByteSize::mib(8)),
            ..BudgetOverrides::default()
        };
        let budgets = overrides.over(&Budgets::default());
        assert_eq!(budgets.memory, ByteSize::mib(8));
        assert_eq!(budgets.fuel, Budgets::default().fuel);
    }

    #[test]
    fn what_is_above_the_ceiling_is_named() {
        let ceiling = Budgets::default();
        let mut budgets = ceiling;
        assert_eq!(budgets.above(&ceiling).count(), 0);
        budgets.time = Duration::from_secs(31);
        budgets.host_calls += 1;
        assert_eq!(
            budgets.above(&ceiling).collect::<Vec<_>>(),
            [BudgetKind::Time, BudgetKind::HostCalls]
        );
        assert_eq!(budgets.at_most(&ceiling), ceiling);
    }

    #[test]
    fn escalation_doubles_what_was_spent_up_to_the_ceiling() {
        let base = Budgets::default();
        let ceiling = Budgets {
            memory: ByteSize::mib(100),
            fuel: Fuel::units(u64::MAX),
            ..base
        };
        let more = base.escalated(FailureCode::OutOfFuel, &ceiling);
        assert_eq!(more.fuel, base.fuel.doubled());
        assert_eq!(more.memory, base.memory);
        let more = base.escalated(FailureCode::OutOfMemory, &ceiling);
        assert_eq!(more.memory, ByteSize::mib(100), "the ceiling holds");
        assert_eq!(base.escalated(FailureCode::Trap, &ceiling), base);
    }
}
