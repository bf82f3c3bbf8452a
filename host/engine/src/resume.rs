//! Goes on with a run that its process, or its journal, has left.

use std::collections::BTreeMap;

use ringfence_flow::{InstanceRef, RunInput, RunPath, RunSlot, TaskKey, Timestamp};
use tokio::sync::oneshot;

use crate::dispatcher::Dispatcher;
use crate::live::{Artifacts, Done, Live};
use crate::publisher::{Publisher, Publishing};
use crate::spans::Spans;
use crate::{ResumeSpec, RunOutcome};

impl Dispatcher {
    /// Takes in a run from its journal, with the runs inside it.
    pub(crate) fn resume(&mut self, spec: ResumeSpec, done: oneshot::Sender<RunOutcome>) {
        let (since, next) = (spec.run.at(), spec.run.next_event());
        let mut runs = spec.run.into_runs().into_iter();
        let Some((outermost, run)) = runs.next() else {
            unreachable!("the outermost run is there from the beginning")
        };
        let root = self.enter(&run, None);
        let publisher = Publisher::new(Publishing {
            run: run.id().clone(),
            slot: root,
            clock: self.clock,
            observer: spec.observer,
            journal: Some(spec.journal),
            news: self.news.clone(),
            next,
        });
        let spans = Spans::of_run(&run, None);
        let live = Live::new(
            run,
            spans,
            root,
            publisher,
            Artifacts(spec.artifacts),
            self.results_or_own(spec.results),
            Done::Caller(done),
        );
        self.runs.insert(root, live);
        let mut slots = BTreeMap::from([(outermost, root)]);
        for (path, run) in runs {
            let inside = self.find_around(&slots, &path);
            if let Some((parent, at)) = inside
                && let Some(slot) = self.put_inside(parent, at, run)
            {
                slots.insert(path, slot);
            }
        }
        match spec.retry {
            Some(from) => self.feed(root, RunInput::Retry { from }),
            None => self.go_on(root, since, true),
        }
    }

    fn find_around(
        &self,
        slots: &BTreeMap<RunPath, RunSlot>,
        path: &RunPath,
    ) -> Option<(RunSlot, InstanceRef)> {
        let (around, key): (_, &TaskKey) = path.around()?;
        let parent = *slots.get(&around)?;
        let plan = self.runs.get(&parent)?.run.plan();
        let at = InstanceRef {
            task: plan.index_of(&key.task)?,
            item: key.item.unwrap_or(0),
        };
        Some((parent, at))
    }

    /// A journal is stuck no more: the time in between does not count.
    pub(crate) fn unpause(&mut self, root: RunSlot) {
        if let Some(since) = self.paused.remove(&root) {
            self.go_on(root, since, false);
        }
    }

    /// All runs of a tree go on. What they want is carried out when all know.
    fn go_on(&mut self, root: RunSlot, since: Timestamp, lost: bool) {
        let away = self.clock.now().since(since);
        let tree = self.runs.iter().filter(|(_, live)| live.root == root);
        let inputs: Vec<_> = tree
            .filter(|(_, live)| live.run.status().is_none())
            .map(|(slot, live)| match live.run.has_started() {
                true => (*slot, RunInput::Resumed { away, lost }),
                false => (*slot, RunInput::Start),
            })
            .collect();
        for (slot, input) in inputs {
            self.feed(slot, input);
        }
    }
}
