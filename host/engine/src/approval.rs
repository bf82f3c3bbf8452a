//! Approvals: what waits for a person, and what they say.

use std::sync::Arc;

use ringfence_flow::{Decision, RunId, RunInput, RunSlot, TaskPath, nearest};

use crate::HostGone;
use crate::dispatcher::Dispatcher;
use crate::live::Done;
use crate::publisher::Publisher;

/// Why a decision was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// The task waits for nobody.
    #[error("`{task}` of the run `{run}` does not wait for approval{}", hint(.task, .waiting))]
    NotWaiting {
        /// The run.
        run: RunId,
        /// The task.
        task: TaskPath,
        /// The tasks that do, in the order of the plan.
        waiting: Vec<TaskPath>,
    },
    /// The run has ended.
    #[error("the run `{0}` has ended")]
    Ended(RunId),
    /// The host is gone.
    #[error(transparent)]
    Gone(#[from] HostGone),
}

fn hint(task: &TaskPath, waiting: &[TaskPath]) -> String {
    let names: Vec<_> = waiting.iter().map(ToString::to_string).collect();
    let near = nearest(&task.to_string(), names.iter().map(String::as_str));
    match (near, names.as_slice()) {
        (_, []) => "; no task of it does".to_owned(),
        (Some(near), _) => format!("; hint: did you mean `{near}`?"),
        (None, names) => format!("; hint: these do: `{}`", names.join("`, `")),
    }
}

impl Dispatcher {
    /// Passes on what a person said. Gives the run that somebody started, and
    /// who tells of it.
    pub(crate) fn decide(
        &mut self,
        run: &RunId,
        task: TaskPath,
        decision: Decision,
    ) -> Result<(RunSlot, Arc<Publisher>), DecideError> {
        let Some(outermost) = self.outermost(run) else {
            return Err(DecideError::Ended(run.clone()));
        };
        let found = self.find(outermost, &task).and_then(|slot| {
            let live = self.runs.get(&slot)?;
            let index = live.run.plan().index_of(task.task())?;
            live.run.awaits(index).then_some((slot, index))
        });
        let Some((slot, task)) = found else {
            let waiting = self.waiting(outermost);
            return Err(DecideError::NotWaiting {
                run: run.clone(),
                task,
                waiting,
            });
        };
        self.feed(slot, RunInput::Decided { task, decision });
        let live = self.runs.get(&outermost);
        match live {
            Some(live) => Ok((outermost, Arc::clone(&live.publisher))),
            None => Err(DecideError::Ended(run.clone())),
        }
    }

    /// The run in which a task is.
    fn find(&self, outermost: RunSlot, task: &TaskPath) -> Option<RunSlot> {
        task.around().iter().try_fold(outermost, |slot, key| {
            let live = self.runs.get(&slot)?;
            let mut children = live.children.iter();
            let child = children.find(|(at, _)| at.key(live.run.plan()) == *key)?;
            Some(*child.1)
        })
    }

    /// All tasks of a run, and of the runs inside it, that wait for a person.
    fn waiting(&self, outermost: RunSlot) -> Vec<TaskPath> {
        let mut waiting = Vec::new();
        for (slot, live) in &self.runs {
            let here = live.run.awaiting().map(|task| live.run.plan().task(task));
            let paths = here
                .filter_map(|task| self.seen_from(outermost, *slot, TaskPath::of(task.id.clone())));
            waiting.extend(paths);
        }
        waiting
    }

    /// A task of the run `slot` as seen from `outermost`; none if the one is
    /// not inside the other.
    fn seen_from(&self, outermost: RunSlot, slot: RunSlot, path: TaskPath) -> Option<TaskPath> {
        if slot == outermost {
            return Some(path);
        }
        match &self.runs.get(&slot)?.done {
            Done::Caller(_) => None,
            Done::Parent(holder) => {
                let around = self.runs.get(&holder.run)?;
                let path = path.inside(holder.at.key(around.run.plan()));
                self.seen_from(outermost, holder.run, path)
            }
        }
    }
}
