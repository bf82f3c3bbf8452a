//! The words and sentences that reports and the terminal have in common.

use ringfence_flow::{RunRecord, RunStatus, RunSummary, Severity, clean_text};

/// How many tasks of runs inside a report lists.
pub(crate) const MAX_INSIDE: usize = 1_000;

/// The severities, the worst first.
pub(crate) const WORST_FIRST: [Severity; 5] = [
    Severity::Critical,
    Severity::High,
    Severity::Medium,
    Severity::Low,
    Severity::Info,
];

/// The verdict in one word.
pub(crate) const fn verdict(status: Option<RunStatus>) -> &'static str {
    match status {
        None => "running",
        Some(status) => status.as_str(),
    }
}

/// `Completed` for `completed`.
pub(crate) fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// `1 finding`, `2,000 findings`, `no findings`.
#[must_use]
pub fn count(number: u64, thing: &str) -> String {
    match number {
        0 => format!("no {thing}s"),
        1 => format!("1 {thing}"),
        number => format!("{} {thing}s", grouped(number)),
    }
}

/// `2 of 1,000 findings`, `1 of 1 finding`.
#[must_use]
pub fn part(number: u64, of: u64, thing: &str) -> String {
    let plural = if of == 1 { "" } else { "s" };
    format!("{} of {} {thing}{plural}", grouped(number), grouped(of))
}

/// `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What stands under the verdict: why the run ended so, or what it found.
pub(crate) fn explanation(record: &RunRecord, summary: &RunSummary) -> String {
    let found = || {
        let places = match summary.files {
            0 => String::new(),
            files => format!(" in {}", count(files, "file")),
        };
        format!("{}{places}", count(summary.findings.total(), "finding"))
    };
    match (&record.failure, record.status) {
        (Some(failure), _) => {
            let decided = record.decided_by.as_ref();
            let task = decided.map_or_else(String::new, |task| format!("{task}: "));
            one_line(&format!("{task}{} ({})", failure.message, failure.code))
        }
        (None, None) => format!("{} so far", found()),
        (None, Some(_)) => found(),
    }
}

/// `text` without anything that could forge a line or turn it around.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    clean_text(&words.join(" "), usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(12_345_678), "12,345,678");
        assert_eq!(count(0, "finding"), "no findings");
        assert_eq!(count(1, "finding"), "1 finding");
        assert_eq!(count(5_000, "finding"), "5,000 findings");
        assert_eq!(part(0, 5_000, "finding"), "0 of 5,000 findings");
        assert_eq!(part(1, 1, "finding"), "1 of 1 finding");
    }

    #[test]
    fn a_text_becomes_one_line() {
        assert_eq!(one_line(" a\n\tb\u{202e} \r\n"), r"a b\u{202e}");
    }
}
