//! What is known of a run: the fold of its events.
//!
//! [`RunRecord`] keeps what a report shows, [`WorkflowMeter`] only counts. Both
//! take any events in any order without a panic, since a journal may be cut
//! off anywhere and a reader may start in the middle.
//!
//! The guests pick how much they log, find and ask for; the constants here say
//! how much of it a record keeps, so that its size follows the number of
//! attempts and findings and nothing else.

mod attempt;
mod critical;
mod decision;
mod finding;
mod fold;
mod log;
mod metrics;
mod run;
mod summary;
mod task;

#[cfg(test)]
mod history;

pub use attempt::{AttemptOutcome, AttemptRecord};
pub use critical::CriticalStep;
pub use decision::{DecisionRecord, MAX_DECISIONS};
pub use finding::FindingRecord;
pub use log::{LogTail, MAX_LOG_BYTES_PER_RUN, MAX_LOG_LINES_PER_ATTEMPT};
pub use metrics::{Durations, WorkflowMeter, WorkflowMetrics};
pub use run::{
    ArtifactRecord, BreakerRecord, FailureRecord, FallbackRecord, ResumeRecord, RetryRecord,
    RoundRecord, RunRecord,
};
pub use summary::{RunSummary, SeverityCounts, UsageTotals};
pub use task::{ApprovalRecord, InstanceRecord, ItemCounts, RecallRecord, TaskRecord, TaskState};
