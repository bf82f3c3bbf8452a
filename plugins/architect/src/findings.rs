//! What the architect finds fault with.

use std::collections::BTreeMap;

use lint::Report;
use ringfence_sdk::Severity;
use source::Position;

use crate::survey::{Cycle, Entry, Survey};

/// Lines of code above which a file is hard to find one's way in.
const LARGE: u32 = 1_000;

/// The number of modules from which a circle is more than a pair that belongs
/// together.
const LARGE_CYCLE: usize = 4;

/// How many modules of a circle are named.
const NAMED: usize = 6;

/// Adds what stands out in the survey.
pub(crate) fn add(entries: &[Entry], survey: &Survey, report: &mut Report) {
    for entry in entries.iter().filter(|entry| entry.counts.code > LARGE) {
        report.enter(&entry.path);
        let message = format!(
            "the file has {} lines of code; more than {LARGE} are hard to find one's way in: split \
             it by what changes together",
            entry.counts.code
        );
        report.add("large-file", Severity::Info, Position::START, message);
    }
    let paths: BTreeMap<&str, &str> = entries
        .iter()
        .map(|entry| (&*entry.place.name, &*entry.path))
        .collect();
    for cycle in &survey.cycles {
        let Some(path) = cycle
            .modules
            .first()
            .and_then(|name| paths.get(name.as_str()))
        else {
            continue;
        };
        let severity = if cycle.size < LARGE_CYCLE {
            Severity::Info
        } else {
            Severity::Low
        };
        report.enter(path);
        let message = format!(
            "{} modules use each other in a circle, so that none can be understood or built \
             without the others: {}",
            cycle.size,
            names(cycle)
        );
        report.add("module-cycle", severity, Position::START, message);
    }
}

fn names(cycle: &Cycle) -> String {
    let mut text: Vec<String> = cycle
        .modules
        .iter()
        .take(NAMED)
        .map(|name| format!("`{name}`"))
        .collect();
    if cycle.size > NAMED {
        text.push(format!("and {} more", cycle.size - NAMED));
    }
    text.join(", ")
}
