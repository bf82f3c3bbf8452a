//! The output of a task from those of its instances.

use std::sync::Arc;

use super::Run;
use super::instance::InstanceEnd;
use super::node::Active;
use crate::{ByteSize, Dependency, Finding, Json, OnItemFailure, Output, Rejection, TaskIndex};

/// The most that the items of a map may give together, values and messages.
/// The guests pick what each gives, the host holds it all and passes it to
/// each dependent.
pub const MAX_MERGED_OUTPUT: ByteSize = ByteSize::mib(256);

/// What the value and the findings of an output take.
pub(super) fn size(output: &Output) -> ByteSize {
    let of_finding = |finding: &Finding| finding.message.len() as u64;
    let findings: u64 = output.findings.iter().map(of_finding).sum();
    ByteSize::bytes(output.value.as_str().len() as u64 + findings)
}

impl Active {
    /// What the task gave. Of a map: the values in item order, `null` where an
    /// item gave none unless those are left out, and all findings and
    /// artifacts one after the other.
    pub(super) fn merged(&self, map: Option<OnItemFailure>) -> Output {
        let mut outputs = self.ends().map(|end| match end {
            InstanceEnd::Completed(output) => Some(output),
            InstanceEnd::Rejected(_) | InstanceEnd::Failed(_) | InstanceEnd::Cancelled => None,
        });
        let Some(on_item_failure) = map else {
            return outputs.next().flatten().cloned().unwrap_or_default();
        };
        // All that they gave, and what is between.
        let room = self.given.as_u64() as usize + self.instances.len() + 1;
        let mut values = String::with_capacity(room);
        values.push('[');
        let (mut findings, mut artifacts) = (Vec::new(), Vec::new());
        for output in outputs {
            if output.is_none() && on_item_failure == OnItemFailure::Drop {
                continue;
            }
            if values.len() > 1 {
                values.push(',');
            }
            let Some(output) = output else {
                values.push_str("null");
                continue;
            };
            values.push_str(output.value.as_str());
            findings.extend_from_slice(&output.findings);
            artifacts.extend_from_slice(&output.artifacts);
        }
        values.push(']');
        Output {
            value: Json::from_checked(values),
            findings: findings.into(),
            artifacts: artifacts.into(),
        }
    }

    /// What the instances that rejected have to say, if one did.
    pub(super) fn rejection(&self) -> Option<Rejection> {
        let mut rejections = self.ends().filter_map(|end| match end {
            InstanceEnd::Rejected(rejection) => Some(rejection),
            InstanceEnd::Completed(_) | InstanceEnd::Failed(_) | InstanceEnd::Cancelled => None,
        });
        let first = rejections.next()?;
        let mut findings: Vec<Finding> = first.findings.to_vec();
        let mut others = 0;
        for rejection in rejections {
            findings.extend_from_slice(&rejection.findings);
            others += 1;
        }
        let reason = match others {
            0 => Arc::clone(&first.reason),
            n => format!("{} (and {n} more rejected)", first.reason).into(),
        };
        Some(Rejection {
            reason,
            findings: findings.into(),
        })
    }
}

impl Run {
    /// What the tasks that `task` needs gave, in the order of its `needs`.
    pub(super) fn dependencies(&self, task: TaskIndex) -> Arc<[Dependency]> {
        self.plan
            .task(task)
            .needs
            .iter()
            .map(|need| Dependency {
                task: need.clone(),
                output: self
                    .results
                    .get(need)
                    .map(|(_, output)| output.clone())
                    .unwrap_or_default(),
            })
            .collect()
    }
}
