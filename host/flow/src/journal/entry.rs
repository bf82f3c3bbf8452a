//! One entry of a journal.

use serde::{Deserialize, Serialize};

use super::{Happening, RunPath};
use crate::{EVENT_SCHEMA, RunEvent, RunEventKind, RunId, Timestamp};

/// What is written down at once: something that happened to a run, and the
/// events that followed from it. Half of an entry is never kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalEntry {
    /// The number of the first of its events; of the next one, if it has none.
    pub first: u64,
    /// When it happened.
    pub at: Timestamp,
    /// To which run.
    #[serde(default, skip_serializing_if = "RunPath::is_outermost")]
    pub path: RunPath,
    /// What happened; none if the events come from elsewhere, such as a log
    /// line of an attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Happening>,
    /// What followed, as the outermost run tells it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<RunEventKind>,
}

impl JournalEntry {
    /// The number of the first event of the entry after this one.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    /// Its events, as everybody sees them.
    pub fn into_events(self, run: &RunId) -> impl Iterator<Item = RunEvent> {
        let at = self.at;
        (self.first..)
            .zip(self.events)
            .map(move |(seq, event)| RunEvent {
                schema: EVENT_SCHEMA,
                run: run.clone(),
                seq,
                at,
                event,
            })
    }
}

/// The event as the run tells it that is `depth` runs inside.
pub(super) fn seen_from_inside(event: &RunEventKind, depth: usize) -> Option<&RunEventKind> {
    (0..depth).try_fold(event, |event, _| match event {
        RunEventKind::Child { event, .. } => Some(&**event),
        _ => None,
    })
}

/// The event as the outermost run tells it.
pub(super) fn seen_from_outside(
    event: RunEventKind,
    around: impl DoubleEndedIterator<Item = (crate::TaskKey, u32)>,
) -> RunEventKind {
    around
        .rev()
        .fold(event, |event, (key, round)| RunEventKind::Child {
            key,
            round,
            event: Box::new(event),
        })
}
