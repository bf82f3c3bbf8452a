//! Fuel: what an agent may compute, independent of the machine.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const UNITS: [(&str, u64); 3] = [("G", 1_000_000_000), ("M", 1_000_000), ("k", 1_000)];

/// A number of fuel units, about one for each WebAssembly instruction.
/// Written `10G`, `500M`, `20k` or as a plain number in files.
///
/// ```
/// use ringfence_flow::Fuel;
/// assert_eq!("10G".parse(), Ok(Fuel::units(10_000_000_000)));
/// assert_eq!(Fuel::units(1_250_000).to_string(), "1.2M");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Fuel(u64);

impl Fuel {
    /// So many units.
    #[must_use]
    pub const fn units(count: u64) -> Self {
        Self(count)
    }

    /// The number of units.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Twice as much, at most [`u64::MAX`].
    #[must_use]
    pub const fn doubled(self) -> Self {
        Self(self.0.saturating_mul(2))
    }
}

/// Why a text is no amount of fuel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no amount of fuel; write a whole number, with k, M or G for thousands, millions or thousands of millions, for example `10G`"
)]
pub struct InvalidFuel {
    text: String,
}

impl FromStr for Fuel {
    type Err = InvalidFuel;

    fn from_str(text: &str) -> Result<Self, InvalidFuel> {
        let (number, factor) = UNITS
            .iter()
            .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))
            .unwrap_or((text, 1));
        Some(number)
            .filter(|number| number.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|number| number.parse::<u64>().ok()?.checked_mul(factor))
            .map(Self)
            .ok_or_else(|| InvalidFuel {
                text: text.to_owned(),
            })
    }
}

impl fmt::Display for Fuel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((unit, factor)) = UNITS.iter().find(|(_, factor)| self.0 >= *factor) else {
            return f.pad(&self.0.to_string());
        };
        let (whole, tenth) = (self.0 / factor, self.0 % factor / (factor / 10));
        if tenth == 0 {
            f.pad(&format!("{whole}{unit}"))
        } else {
            f.pad(&format!("{whole}.{tenth}{unit}"))
        }
    }
}

impl fmt::Debug for Fuel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Fuel {
    /// As a number of units: what machines read.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Fuel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuel_is_a_number_with_an_optional_unit() {
        assert_eq!("0".parse(), Ok(Fuel::units(0)));
        assert_eq!("20k".parse(), Ok(Fuel::units(20_000)));
        assert_eq!("500M".parse(), Ok(Fuel::units(500_000_000)));
        for bad in [
            "",
            "G",
            "10g",
            "1.5G",
            "-1",
            "+1",
            "10 G",
            "99999999999999G",
        ] {
            assert!(bad.parse::<Fuel>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn fuel_reads_well() {
        assert_eq!(Fuel::units(999).to_string(), "999");
        assert_eq!(Fuel::units(10_000_000_000).to_string(), "10G");
        assert_eq!(Fuel::units(1_999).to_string(), "1.9k");
    }
}
