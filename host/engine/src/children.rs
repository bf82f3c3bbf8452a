//! Runs of other workflows that stand for tasks of a run.

use ringfence_flow::{ChildRun, InstanceRef, Run, RunInput, RunSlot, StopReason};

use crate::dispatcher::Dispatcher;
use crate::live::{Done, Holder, Live};
use crate::publisher::Publisher;
use crate::spans::Spans;

impl Dispatcher {
    /// Starts the run that an instance stands for.
    pub(crate) fn start_child(&mut self, parent: RunSlot, at: InstanceRef, child: ChildRun) {
        let run = Run::new(child.id, child.plan, child.options);
        if let Some(slot) = self.put_inside(parent, at, run) {
            self.feed(slot, RunInput::Start);
        }
    }

    /// Takes in the run that an instance stands for.
    pub(crate) fn put_inside(
        &mut self,
        parent: RunSlot,
        at: InstanceRef,
        run: Run,
    ) -> Option<RunSlot> {
        let around = self.runs.get(&parent)?;
        let (key, round) = (at.key(around.run.plan()), around.run.round(at));
        let spans = Spans::of_run(&run, Some(around.spans.task(&key)));
        let live = Live::new(
            run,
            spans,
            around.root,
            Publisher::nested(&around.publisher, key, round),
            around.artifacts.clone(),
            around.results.clone(),
            Done::Parent(Holder { run: parent, at }),
        );
        let slot = self.enter(&live.run, Some(parent));
        self.runs.insert(slot, live);
        let around = self.runs.get_mut(&parent)?;
        around.children.insert(at, slot);
        Some(slot)
    }

    /// Stops the run that an instance stands for. Its end is reported.
    pub(crate) fn stop_child(
        &mut self,
        parent: RunSlot,
        at: InstanceRef,
        reason: StopReason,
        again: bool,
    ) {
        let child = self
            .runs
            .get(&parent)
            .and_then(|live| live.children.get(&at).copied());
        let stops = |slot: &RunSlot| {
            self.runs
                .get(slot)
                .is_some_and(|live| live.run.is_stopping())
        };
        if let Some(child) = child.filter(|child| !(again && stops(child))) {
            self.feed(child, RunInput::Stop(reason));
        }
    }

    /// Tells the run around a child how it ended.
    pub(crate) fn child_ended(&mut self, Holder { run, at }: Holder, child: &Run) {
        if let Some(live) = self.runs.get_mut(&run) {
            live.children.remove(&at);
        }
        match child.result() {
            Some(result) => self.feed(run, RunInput::ChildEnded { at, result }),
            None => unreachable!("a run is let go of when it has ended"),
        }
    }
}
