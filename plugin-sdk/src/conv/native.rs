//! The conversion that only the host of native tests needs: a task on its way
//! in.

use super::{millis, wire_artifact, wire_finding};
use crate::bindings::ringfence::agent::types as wire;
use crate::{Priority, Task};

pub(crate) fn wire_task(from: Task) -> wire::Task {
    wire::Task {
        run: from.run,
        id: from.id,
        role: from.role,
        priority: wire_priority(from.priority),
        attempt: from.attempt,
        round: from.round,
        input: from.input,
        needs: from
            .needs
            .into_iter()
            .map(|need| wire::Dependency {
                task: need.task,
                output: wire::Output {
                    value: need.value,
                    findings: need.findings.into_iter().map(wire_finding).collect(),
                    artifacts: need.artifacts.into_iter().map(wire_artifact).collect(),
                },
            })
            .collect(),
        feedback: from.feedback.into_iter().map(wire_finding).collect(),
        time_left_ms: millis(from.time_left),
    }
}

const fn wire_priority(from: Priority) -> wire::Priority {
    match from {
        Priority::Low => wire::Priority::Low,
        Priority::Normal => wire::Priority::Normal,
        Priority::High => wire::Priority::High,
        Priority::Critical => wire::Priority::Critical,
        Priority::Emergency => wire::Priority::Emergency,
    }
}
