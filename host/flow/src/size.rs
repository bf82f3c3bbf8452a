//! Sizes in bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// A number of bytes, written `64MiB` in files and on the screen.
///
/// ```
/// use ringfence_flow::ByteSize;
/// assert_eq!("64MiB".parse(), Ok(ByteSize::mib(64)));
/// assert_eq!(ByteSize::bytes(1536).to_string(), "1.5 KiB");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(u64);

impl ByteSize {
    /// So many bytes.
    #[must_use]
    pub const fn bytes(count: u64) -> Self {
        Self(count)
    }

    /// So many times 1,024 bytes.
    #[must_use]
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    /// So many times 1,048,576 bytes.
    #[must_use]
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Both together, at most [`u64::MAX`].
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Twice as much, at most [`u64::MAX`].
    #[must_use]
    pub const fn doubled(self) -> Self {
        Self(self.0.saturating_mul(2))
    }
}

/// Why a text is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no size; write a whole number and a unit, for example `64MiB` (B, KiB, MiB, GiB)"
)]
pub struct InvalidSize {
    text: String,
}

impl FromStr for ByteSize {
    type Err = InvalidSize;

    fn from_str(text: &str) -> Result<Self, InvalidSize> {
        UNITS
            .iter()
            .find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number, factor)))
            .filter(|(number, _)| number.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|(number, factor)| number.parse::<u64>().ok()?.checked_mul(*factor))
            .map(Self)
            .ok_or_else(|| InvalidSize {
                text: text.to_owned(),
            })
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS
            .iter()
            .find(|(_, factor)| self.0 >= *factor)
            .unwrap_or(&UNITS[3]);
        let (whole, rest) = (self.0 / factor, self.0 % factor);
        let tenth = (u128::from(rest) * 10 / u128::from(*factor)) as u64;
        if tenth == 0 {
            f.pad(&format!("{whole} {unit}"))
        } else {
            f.pad(&format!("{whole}.{tenth} {unit}"))
        }
    }
}

impl fmt::Debug for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for ByteSize {
    /// As a number of bytes: what machines read.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!("0B".parse(), Ok(ByteSize::bytes(0)));
        assert_eq!("1KiB".parse(), Ok(ByteSize::bytes(1024)));
        assert_eq!("2GiB".parse(), Ok(ByteSize::mib(2048)));
        for bad in [
            "",
            "64",
            "MiB",
            "64MB",
            "64 MiB",
            "-1B",
            "1.5MiB",
            "+1B",
            "99999999999GiB",
        ] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(ByteSize::bytes(0).to_string(), "0 B");
        assert_eq!(ByteSize::bytes(1023).to_string(), "1023 B");
        assert_eq!(ByteSize::mib(64).to_string(), "64 MiB");
        assert_eq!(ByteSize::bytes(u64::MAX).to_string(), "17179869183.9 GiB");
    }
}
