//! Limits on how much is under way, and how often something starts.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{AgentName, Role};

/// The most starts that a rate may allow in one period. Each is remembered
/// for as long as the period.
pub const MAX_RATE: u32 = 10_000;

/// At most so many starts in any stretch of time as long as the period.
///
/// ```
/// use ringfence_flow::Rate;
/// let rate: Rate = "10/s".parse()?;
/// assert_eq!(rate.to_string(), "10/s");
/// # Ok::<(), ringfence_flow::InvalidRate>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    starts: NonZeroU32,
    period: Period,
}

/// The length of time that a rate counts over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Period {
    Second,
    Minute,
    Hour,
}

impl Period {
    const ALL: [(&'static str, Self); 3] =
        [("s", Self::Second), ("m", Self::Minute), ("h", Self::Hour)];

    const fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
        })
    }
}

/// Why a text is no [`Rate`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no rate; write it as `10/s`, `100/m` or `1000/h`, from 1 to {MAX_RATE}")]
pub struct InvalidRate {
    text: String,
}

impl Rate {
    /// How many starts there may be in one period.
    #[must_use]
    pub const fn starts(self) -> u32 {
        self.starts.get()
    }

    /// The length of the period.
    #[must_use]
    pub const fn period(self) -> Duration {
        self.period.length()
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let read = || {
            let (starts, unit) = text.split_once('/')?;
            let digits = starts.bytes().all(|b| b.is_ascii_digit());
            let starts: NonZeroU32 = starts.parse().ok().filter(|_| digits)?;
            let (_, period) = Period::ALL.into_iter().find(|(name, _)| *name == unit)?;
            (starts.get() <= MAX_RATE).then_some(Self { starts, period })
        };
        read().ok_or_else(|| InvalidRate {
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = Period::ALL
            .iter()
            .find(|(_, period)| *period == self.period);
        write!(f, "{}/{}", self.starts, unit.map_or("", |(name, _)| name))
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// What is allowed of one kind of attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// How many may be under way at once. Default: as many as there are.
    pub concurrency: Option<u32>,
    /// How often one may start. Default: as often as one can.
    pub rate: Option<Rate>,
}

/// Limits on the attempts of roles and of agents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// By the role that the task asks for.
    pub roles: BTreeMap<Role, Limit>,
    /// By the agent that makes the attempt.
    pub agents: BTreeMap<AgentName, Limit>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_written_as_it_is_read() {
        for (text, starts, seconds) in [
            ("10/s", 10, 1),
            ("100/m", 100, 60),
            ("10000/h", 10_000, 3_600),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.to_string(), text);
            assert_eq!((rate.starts(), rate.period().as_secs()), (starts, seconds));
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for bad in [
            "", "10", "10/", "/s", "0/s", "-1/s", "+1/s", "1.5/s", "10/d", "10 / s", "10001/s",
        ] {
            assert!(bad.parse::<Rate>().is_err(), "{bad:?}");
        }
    }
}
