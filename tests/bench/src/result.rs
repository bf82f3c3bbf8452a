//! What was measured, as a table and as JSON.

use std::fmt;

use serde::Serialize;

use crate::stats::{Comparison, Spread};

/// All figures of one run of the benchmark.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The machine.
    machine: Machine,
    /// The figures, in the order in which they were taken.
    pub(crate) rows: Vec<Row>,
}

/// What the figures were taken on.
#[derive(Debug, Serialize)]
struct Machine {
    processor: String,
    cores: usize,
    system: String,
    version: &'static str,
}

/// One line of the table.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// The figure.
    pub(crate) figure: Figure,
    /// What it should be, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) aim: Option<Aim>,
}

/// What was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    /// Seconds, against something that does the same work.
    Against {
        other: String,
        comparison: Comparison,
    },
    /// A value that stands for itself.
    Value { unit: Unit, value: Spread },
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Seconds,
    Bytes,
    PerSecond,
    Times,
    Instructions,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aim {
    /// The ratio, or the value if there is none.
    AtMost(f64),
    /// The same.
    AtLeast(f64),
}

impl Row {
    /// A figure against another.
    pub(crate) fn against(what: &str, other: &str, comparison: Comparison) -> Self {
        Self {
            what: what.to_owned(),
            figure: Figure::Against {
                other: other.to_owned(),
                comparison,
            },
            aim: None,
        }
    }

    /// A figure that stands for itself.
    pub(crate) fn value(what: &str, unit: Unit, value: Spread) -> Self {
        Self {
            what: what.to_owned(),
            figure: Figure::Value { unit, value },
            aim: None,
        }
    }

    /// With an aim.
    pub(crate) fn aims(mut self, aim: Aim) -> Self {
        self.aim = Some(aim);
        self
    }

    /// Whether the median is what it should be.
    fn is_reached(&self) -> Option<bool> {
        let median = match &self.figure {
            Figure::Against { comparison, .. } => comparison.ratio.median,
            Figure::Value { value, .. } => value.median,
        };
        Some(match self.aim? {
            Aim::AtMost(limit) => median <= limit,
            Aim::AtLeast(limit) => median >= limit,
        })
    }
}

impl Report {
    /// Of this machine, without figures.
    pub(crate) fn new() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let cpu = read("/proc/cpuinfo");
        let processor = cpu.lines().find_map(|line| line.strip_prefix("model name"));
        Self {
            machine: Machine {
                processor: processor
                    .map_or("unknown", |name| name.trim_start_matches(['\t', ':', ' ']))
                    .to_owned(),
                cores: cores(),
                system: format!(
                    "{} {}",
                    std::env::consts::OS,
                    read("/proc/sys/kernel/osrelease").trim()
                ),
                version: env!("CARGO_PKG_VERSION"),
            },
            rows: Vec::new(),
        }
    }
}

/// The cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine {
            processor,
            cores,
            system,
            version,
        } = &self.machine;
        writeln!(
            f,
            "ringfence {version}, {cores} cores of {processor}, {system}"
        )?;
        writeln!(
            f,
            "Medians, with the least and the most of all rounds behind them.\n"
        )?;
        write!(
            f,
            "{:<54} {:>24} {:>24} {:>22}  aim",
            "", "ours", "other", "times"
        )
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reached = match (self.aim, self.is_reached()) {
            (Some(aim), Some(reached)) => {
                let mark = if reached { "" } else { "  (missed)" };
                format!("  {}{mark}", aim.show(&self.figure))
            }
            _ => String::new(),
        };
        match &self.figure {
            Figure::Against { other, comparison } => {
                let Comparison {
                    ours,
                    other: theirs,
                    ratio,
                } = comparison;
                write!(
                    f,
                    "{:<54} {:>24} {:>24} {:>22}{reached}\n  against {other}",
                    self.what,
                    Unit::Seconds.show(*ours),
                    Unit::Seconds.show(*theirs),
                    Unit::Times.show(*ratio),
                )
            }
            Figure::Value { unit, value } => {
                write!(
                    f,
                    "{:<54} {:>24} {:>24} {:>22}{reached}",
                    self.what,
                    unit.show(*value),
                    "",
                    ""
                )
            }
        }
    }
}

impl Aim {
    fn show(self, figure: &Figure) -> String {
        let unit = match figure {
            Figure::Against { .. } => Unit::Times,
            Figure::Value { unit, .. } => *unit,
        };
        match self {
            Self::AtMost(limit) => format!("at most {}", unit.one(limit)),
            Self::AtLeast(limit) => format!("at least {}", unit.one(limit)),
        }
    }
}

impl Unit {
    fn show(self, spread: Spread) -> String {
        format!(
            "{} ({}-{})",
            self.one(spread.median),
            self.bare(spread.low, spread.median),
            self.bare(spread.high, spread.median)
        )
    }

    /// A value with its unit.
    fn one(self, value: f64) -> String {
        let (_, name) = self.scale(value);
        format!("{}{name}", self.bare(value, value))
    }

    /// A value without its unit, in the scale of `like`.
    fn bare(self, value: f64, like: f64) -> String {
        let scaled = value / self.scale(like).0;
        match scaled.abs() {
            0.0..0.1 => format!("{scaled:.4}"),
            0.1..10.0 => format!("{scaled:.2}"),
            10.0..100.0 => format!("{scaled:.1}"),
            _ => format!("{scaled:.0}"),
        }
    }

    fn scale(self, like: f64) -> (f64, &'static str) {
        let steps: &[(f64, &str)] = match self {
            Self::Seconds => &[(1.0, " s"), (1e-3, " ms"), (1e-6, " us"), (1e-9, " ns")],
            Self::Bytes => &[(1048576.0, " MiB"), (1024.0, " KiB"), (1.0, " B")],
            Self::PerSecond => &[(1.0, "/s")],
            Self::Times => &[(1.0, "x")],
            Self::Instructions => &[(1.0, "")],
        };
        let fits = steps.iter().find(|(size, _)| like.abs() >= *size);
        fits.or(steps.last()).copied().unwrap_or((1.0, ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_shown_in_its_scale() {
        let spread = Spread::of([0.000_030, 0.000_031_4, 0.000_120]);
        assert_eq!(Unit::Seconds.show(spread), "31.4 us (30.0-120)");
        assert_eq!(Unit::Bytes.one(2_621_440.0), "2.50 MiB");
        assert_eq!(Unit::Times.one(1.147), "1.15x");
    }

    #[test]
    fn an_aim_that_is_missed_says_so() {
        let row = |median: f64| {
            Row::value("a", Unit::Times, Spread::of([median])).aims(Aim::AtMost(1.15))
        };
        assert!(!row(1.15).to_string().contains("missed"));
        assert!(row(1.16).to_string().contains("missed"));
    }
}
