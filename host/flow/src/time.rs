//! Points in time and how durations are written.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, to the microsecond, that the shell read from its clock
/// and passed in. Nothing in this crate reads a clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(Duration);

impl Timestamp {
    /// The point `since_epoch` after 1970-01-01T00:00:00Z, to the microsecond.
    #[must_use]
    pub const fn from_unix(since_epoch: Duration) -> Self {
        Self(Duration::from_micros(since_epoch.as_micros() as u64))
    }

    /// The time that has gone by since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn since_unix(self) -> Duration {
        self.0
    }

    /// The time from `earlier` to this point; zero if that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// This point moved on by `wait`, rounded up to the microsecond; the last
    /// point there is if that is too far. Rounded up, because what is due at a
    /// point that was written down must be due when that is read again.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        let later = self.0.saturating_add(wait);
        let micros = later.as_nanos().div_ceil(1_000);
        Self(Duration::from_micros(
            u64::try_from(micros).unwrap_or(u64::MAX),
        ))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0.as_secs_f64())
    }
}

impl Serialize for Timestamp {
    /// As microseconds since 1970-01-01T00:00:00Z.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.as_micros() as u64)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(|micros| Self(Duration::from_micros(micros)))
    }
}

/// Serializes a [`Duration`] as a whole number of microseconds:
/// `#[serde(with = "ringfence_flow::micros")]`.
pub mod micros {
    use super::{Deserialize, Deserializer, Duration, Serializer};

    /// Writes the number of microseconds.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(value.as_micros() as u64)
    }

    /// Reads a number of microseconds.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_micros)
    }
}

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no duration; write numbers with units, for example `30s`, `500ms` or `1h30m` (ms, s, m, h)"
)]
pub struct InvalidDuration {
    text: String,
}

const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// Reads a duration such as `30s`, `500ms` or `1h30m`.
///
/// # Errors
/// [`InvalidDuration`] if the text is anything else, or more than fits.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(ringfence_flow::parse_duration("1m30s"), Ok(Duration::from_secs(90)));
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    let whole = text;
    let invalid = || InvalidDuration {
        text: whole.to_owned(),
    };
    if text.is_empty() {
        return Err(invalid());
    }
    let (mut rest, mut millis) = (text, 0_u64);
    while !rest.is_empty() {
        let (number, after) = rest.split_at(
            rest.find(|c: char| !c.is_ascii_digit())
                .ok_or_else(invalid)?,
        );
        let end = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let factor = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(invalid)?
            .1;
        millis = number
            .parse::<u64>()
            .ok()
            .and_then(|n| n.checked_mul(factor)?.checked_add(millis))
            .ok_or_else(invalid)?;
        rest = next;
    }
    Ok(Duration::from_millis(millis))
}

/// Shows a duration as people read it: `850 us`, `12.3 ms`, `4.2 s`, `3m 05s`, `2h 10m`.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(ringfence_flow::show_duration(Duration::from_millis(4210)), "4.2 s");
/// ```
#[must_use]
pub fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match duration.as_micros() {
        0 => "0 s".to_owned(),
        us @ 1..=999 => format!("{us} us"),
        us @ 1_000..=999_999 => tenths(us / 100, "ms"),
        us @ 1_000_000..=59_999_999 => tenths(us / 100_000, "s"),
        _ if seconds < 3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

fn tenths(tenths: u128, unit: &str) -> String {
    match tenths % 10 {
        0 => format!("{} {unit}", tenths / 10),
        rest => format!("{}.{rest} {unit}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        let millis = |text| parse_duration(text).unwrap().as_millis();
        assert_eq!(millis("0s"), 0);
        assert_eq!(millis("500ms"), 500);
        assert_eq!(millis("1h30m"), 5_400_000);
        assert_eq!(millis("2m5s7ms"), 125_007);
        for bad in [
            "",
            "30",
            "s",
            "30 s",
            "-1s",
            "1.5s",
            "1d",
            "s1",
            "99999999999999999h",
            "1sm",
        ] {
            assert!(parse_duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn durations_read_well() {
        let show = |micros| show_duration(Duration::from_micros(micros));
        assert_eq!(show(0), "0 s");
        assert_eq!(show(850), "850 us");
        assert_eq!(show(12_340), "12.3 ms");
        assert_eq!(show(59_990_000), "59.9 s");
        assert_eq!(show(185_000_000), "3m 05s");
        assert_eq!(show(7_800_000_000), "2h 10m");
    }

    #[test]
    fn timestamps_keep_microseconds_and_never_run_backwards() {
        let at = Timestamp::from_unix(Duration::from_nanos(1_999));
        assert_eq!(at.since_unix(), Duration::from_micros(1));
        let later = at.after(Duration::from_secs(1));
        assert_eq!(later.since(at), Duration::from_secs(1));
        assert_eq!(at.since(later), Duration::ZERO);
        assert_eq!(
            at.after(Duration::MAX).since_unix(),
            Duration::from_micros(u64::MAX)
        );
    }

    #[test]
    fn a_point_survives_being_written_down() {
        let at = Timestamp::default().after(Duration::from_nanos(1_500_000_001));
        let text = serde_json::to_string(&at).unwrap();
        assert_eq!(text, "1500001");
        assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), at);
    }
}
