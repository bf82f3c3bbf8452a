//! Why the tasks of a workflow make no plan.

use crate::{TaskId, suggest};

/// Why the tasks of a workflow make no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There is nothing to do.
    #[error("a workflow has at least one task")]
    NoTasks,
    /// More tasks than a run can hold.
    #[error(
        "a workflow has at most {} tasks, this one has {count}",
        super::MAX_TASKS
    )]
    TooManyTasks {
        /// How many there are.
        count: usize,
    },
    /// More feedback loops than a plan can hold.
    #[error(
        "a workflow has at most {} feedback loops, this one has {count}",
        super::MAX_LOOPS
    )]
    TooManyLoops {
        /// How many there are.
        count: usize,
    },
    /// Two tasks have one name.
    #[error("there are two tasks `{task}`")]
    DuplicateTask {
        /// The name.
        task: TaskId,
    },
    /// A task needs one that there is not.
    #[error("task `{task}` needs `{need}`, which is no task of this workflow")]
    UnknownNeed {
        /// The task.
        task: TaskId,
        /// What it needs.
        need: TaskId,
        /// The task that may have been meant.
        nearest: Option<TaskId>,
    },
    /// A task needs another one twice.
    #[error("task `{task}` needs `{need}` twice")]
    DuplicateNeed {
        /// The task.
        task: TaskId,
        /// What it needs.
        need: TaskId,
    },
    /// A task needs itself.
    #[error("task `{task}` needs itself")]
    SelfNeed {
        /// The task.
        task: TaskId,
    },
    /// Tasks need one another in a circle.
    #[error("the tasks need one another in a circle: {}", circle(.tasks))]
    Cycle {
        /// The tasks of the circle: each one needs the next, the last one the
        /// first.
        tasks: Vec<TaskId>,
    },
    /// A gate sends work back to a task that there is not.
    #[error("`redo_from` of task `{gate}` names `{from}`, which is no task of this workflow")]
    UnknownRedoFrom {
        /// The gate.
        gate: TaskId,
        /// What it names.
        from: TaskId,
        /// The task that may have been meant.
        nearest: Option<TaskId>,
    },
    /// A gate sends work back to a task that it does not come after.
    #[error(
        "task `{gate}` cannot redo from `{from}`: it does not need it, not even through others"
    )]
    NoAncestor {
        /// The gate.
        gate: TaskId,
        /// What it names.
        from: TaskId,
        /// The tasks that it could name.
        ancestors: Vec<TaskId>,
    },
    /// Two loops share tasks, and neither lies inside the other; or each
    /// waits for the other's gate.
    #[error("the feedback loops of `{first}` and `{second}` overlap{}", sharing(.shared))]
    LoopsOverlap {
        /// One gate.
        first: TaskId,
        /// The other gate.
        second: TaskId,
        /// The tasks in both loops; none where the loops only wait for one
        /// another.
        shared: Vec<TaskId>,
    },
    /// A vote that needs more approvals than there are tasks to approve.
    #[error("the vote `{task}` asks for {at_least} of {voters} approvals")]
    VoteTooHigh {
        /// The vote.
        task: TaskId,
        /// The approvals it asks for.
        at_least: u32,
        /// The tasks it needs.
        voters: usize,
    },
    /// A task needs one that runs after all others.
    #[error("task `{task}` needs `{need}`, which runs after all others")]
    NeedsFinally {
        /// The task.
        task: TaskId,
        /// What it needs.
        need: TaskId,
    },
}

impl PlanError {
    /// The error's stable name in kebab case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoTasks => "no-tasks",
            Self::TooManyTasks { .. } => "too-many-tasks",
            Self::TooManyLoops { .. } => "too-many-loops",
            Self::DuplicateTask { .. } => "duplicate-task",
            Self::UnknownNeed { .. } => "unknown-dependency",
            Self::DuplicateNeed { .. } => "duplicate-dependency",
            Self::SelfNeed { .. } => "self-dependency",
            Self::Cycle { .. } => "cycle",
            Self::UnknownRedoFrom { .. } | Self::NoAncestor { .. } => "redo-from-no-ancestor",
            Self::LoopsOverlap { .. } => "overlapping-loops",
            Self::VoteTooHigh { .. } => "vote-too-high",
            Self::NeedsFinally { .. } => "needs-finally",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoTasks => {
                Some("add `tasks:` with at least one task that has a `role`".to_owned())
            }
            Self::TooManyTasks { .. } => {
                Some("use one task with `for_each` over a list".to_owned())
            }
            Self::TooManyLoops { .. } => None,
            Self::DuplicateTask { .. } => Some("rename one of them".to_owned()),
            Self::UnknownNeed { nearest, .. } | Self::UnknownRedoFrom { nearest, .. } => nearest
                .as_ref()
                .map(|task| format!("did you mean `{task}`?")),
            Self::DuplicateNeed { .. } | Self::SelfNeed { .. } => Some("remove it".to_owned()),
            Self::Cycle { tasks } => match tasks.as_slice() {
                [.., last, _] | [last] => Some(format!(
                    "remove one of these `needs`, for example the last one of `{last}`"
                )),
                [] => None,
            },
            Self::NoAncestor { ancestors, .. } if ancestors.is_empty() => {
                Some("a gate that sends work back has `needs`".to_owned())
            }
            Self::NoAncestor { ancestors, .. } => Some(format!(
                "it can name {}",
                suggest::list(ancestors.iter().map(TaskId::as_str), 8)
            )),
            Self::LoopsOverlap { .. } => Some(
                "loops lie apart or one inside the other; merge these into one: a vote \
                 (`require: all`) that needs both gates, with the `on_reject`"
                    .to_owned(),
            ),
            Self::NeedsFinally { .. } => {
                Some("move one of them: both under `tasks`, or both under `finally`".to_owned())
            }
            Self::VoteTooHigh { voters: 0, .. } => {
                Some("name the tasks whose approvals count in `needs`".to_owned())
            }
            Self::VoteTooHigh { voters, .. } => {
                Some(format!("ask for at most {voters}, or add tasks to `needs`"))
            }
        }
    }
}

fn circle(tasks: &[TaskId]) -> String {
    let names: Vec<_> = tasks.iter().map(|task| format!("`{task}`")).collect();
    match names.first() {
        Some(first) => format!("{} needs {first}", names.join(" needs ")),
        None => String::new(),
    }
}

fn sharing(tasks: &[TaskId]) -> String {
    if tasks.is_empty() {
        return ": each waits for the other's gate".to_owned();
    }
    format!(
        ": both contain {}",
        suggest::list(tasks.iter().map(TaskId::as_str), 4)
    )
}
