//! A gate without an agent: the approvals of several reviewers are counted.

use std::sync::Arc;

use super::NodeEnd;
use super::Run;
use crate::{Finding, Json, Output, Rejection, Require, TaskIndex, TaskStatus};

impl Run {
    /// Counts how many of the needed tasks approved, which is to complete.
    pub(super) fn vote(&mut self, task: TaskIndex, require: Require) {
        let plan = Arc::clone(&self.plan);
        let needs = &plan.node(task).needs;
        let total = needs.len() as u32;
        let required = match require {
            Require::All => total,
            Require::Any => 1,
            Require::AtLeast(least) => least,
        };
        let mut against = Vec::new();
        let mut findings: Vec<Finding> = Vec::new();
        for need in needs {
            let id = &plan.task(*need).id;
            let Some((status, output)) = self.results.get(id) else {
                continue;
            };
            if status != TaskStatus::Completed {
                against.push(format!("`{id}` {}", said(status)));
            }
            findings.extend_from_slice(&output.findings);
        }
        let approved = total - against.len() as u32;
        if approved >= required {
            let value = serde_json::json!({
                "approved": approved, "of": total, "required": required,
            });
            let output = Output {
                findings: findings.into(),
                ..Output::of(Json::from(value))
            };
            return self.end_node(task, NodeEnd::completed(output));
        }
        let reason = format!(
            "{required} of {total} have to approve, {approved} did: {}",
            against.join(", ")
        );
        self.rejected(
            task,
            Rejection {
                reason: reason.into(),
                findings: findings.into(),
            },
        );
    }
}

fn said(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Completed => "approved",
        TaskStatus::Rejected => "rejected",
        TaskStatus::Failed => "failed",
        TaskStatus::Skipped => "was skipped",
        TaskStatus::Cancelled => "was cancelled",
    }
}
