//! Markdown: reads well, and guest text is text.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows a test's helper functions for no test"
)]

mod fixture;

use ringfence_flow::RunRecord;
use ringfence_report::{NoSources, markdown};

#[test]
fn a_review_reads_well() {
    insta::assert_snapshot!(markdown(&fixture::review(), &fixture::sources()).unwrap());
}

#[test]
fn a_run_of_which_nothing_is_known_reads_well() {
    insta::assert_snapshot!(markdown(&RunRecord::new(), &NoSources).unwrap());
}

#[test]
fn hostile_text_is_text() {
    insta::assert_snapshot!(markdown(&fixture::hostile(), &fixture::hostile_sources()).unwrap());
}

/// Outside of blocks of code, whatever a guest wrote is escaped.
#[test]
fn hostile_text_makes_no_markup() {
    let text = markdown(&fixture::hostile(), &fixture::hostile_sources()).unwrap();
    let mut fence = None;
    for line in text.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            None if ticks >= 3 && line.ends_with("text") => fence = Some(ticks),
            Some(open) if ticks >= open && line.trim_matches('`').is_empty() => fence = None,
            Some(_) => {}
            None => {
                let plain = without_code(line);
                assert!(!plain.contains("]("), "{line}");
                assert!(
                    !plain.contains('<') || line.starts_with("<sub>Ringfence"),
                    "{line}"
                );
                assert!(!plain.contains("@someone"), "{line}");
                assert!(!plain.contains("https://"), "{line}");
                assert!(!line.contains('\u{202e}'), "{line}");
                let is_ours = ["## ❌ ", "### "].iter().any(|ours| line.starts_with(ours));
                assert!(!line.starts_with('#') || is_ours, "{line}");
            }
        }
    }
    assert_eq!(fence, None, "every block is closed");
}

/// A line without its code spans and without characters that a backslash makes
/// ordinary, as CommonMark has it: a span goes from a run of backticks to the
/// next run of the same length.
fn without_code(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['`', '\\']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        if from.starts_with('\\') {
            rest = from.get(2..).unwrap_or_default();
            continue;
        }
        let run = from.len() - from.trim_start_matches('`').len();
        let inside = &from[run..];
        rest = match end_of_span(inside, run) {
            Some(end) => &inside[end..],
            None => {
                plain.push_str(&from[..run]);
                inside
            }
        };
    }
    plain.push_str(rest);
    plain
}

/// Where the span ends that a run of so many backticks opened.
fn end_of_span(inside: &str, run: usize) -> Option<usize> {
    let mut at = 0;
    loop {
        at += inside[at..].find('`')?;
        let length = inside[at..].len() - inside[at..].trim_start_matches('`').len();
        at += length;
        if length == run {
            return Some(at);
        }
    }
}

#[test]
fn a_large_run_fits_into_a_pull_request() {
    let text = markdown(&fixture::large(5_000, 100), &NoSources).unwrap();
    assert!(text.len() < 65_536, "{}", text.len());
    assert!(text.contains("And 4,900 more."), "{text}");
}
