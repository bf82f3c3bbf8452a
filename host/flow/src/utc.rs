//! Points in time as people and SARIF write them.

use crate::Timestamp;

/// Days from year 0 (March first, proleptic Gregorian calendar) to 1970-01-01.
const EPOCH_DAY: u64 = 719_468;

/// Days in 400 years.
const ERA: u64 = 146_097;

/// The year, month and day of a day counted from 1970-01-01, after Howard
/// Hinnant's `civil_from_days`: years start in March, so that the leap day is
/// the last of its year.
fn date(days: u64) -> (u64, u64, u64) {
    let day = days + EPOCH_DAY;
    let (era, of_era) = (day / ERA, day % ERA);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let month_day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (era * 400 + year + u64::from(month <= 2), month, month_day)
}

/// `2026-11-05T10:13:02.125Z`, as RFC 3339 has it.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    let since = at.since_unix();
    let (seconds, millis) = (since.as_secs(), since.subsec_millis());
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// `2026-11-05 10:13:02 UTC`, for people.
#[must_use]
pub fn show_time(at: Timestamp) -> String {
    let text = rfc3339(at).replace('T', " ");
    match text.split_once('.') {
        Some((whole, _)) => format!("{whole} UTC"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates_follow_the_calendar() {
        let at = |seconds| rfc3339(Timestamp::from_unix(Duration::from_secs(seconds)));
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00.000Z");
        assert_eq!(at(951_868_800), "2000-03-01T00:00:00.000Z");
        assert_eq!(at(1_709_251_199), "2024-02-29T23:59:59.000Z");
        assert_eq!(at(1_767_225_599), "2025-12-31T23:59:59.000Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn parts_of_a_second_are_kept_for_machines() {
        let at = Timestamp::from_unix(Duration::from_millis(1_793_873_582_125));
        assert_eq!(rfc3339(at), "2026-11-05T10:13:02.125Z");
        assert_eq!(show_time(at), "2026-11-05 10:13:02 UTC");
    }
}
