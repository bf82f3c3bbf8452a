//! What leaves the host for a run: it waits until the journal has kept what led to it,
//! so that nothing is done or said that anybody could tell a crash has taken back.

use std::collections::VecDeque;
use std::sync::Arc;

use ringfence_flow::{Attempt, InstanceRef, RunSlot};
use tokio::sync::oneshot;

use crate::dispatcher::Dispatcher;
use crate::live::Live;
use crate::publisher::{News, Publisher};
use crate::{DecideError, RunOutcome};

/// How many entries of a run may wait to be kept while more attempts begin that nobody
/// outside can tell of. A commit takes a few hundred. Results are held by the run anyway;
/// what attempts under way log counts, too, and is bounded by their budgets.
const MOST_AHEAD: u64 = 1_024;

/// Something that the world outside can see, as a rule.
#[derive(Debug)]
pub(crate) enum Outward {
    /// An attempt is made.
    Attempt {
        run: RunSlot,
        at: InstanceRef,
        attempt: Box<Attempt>,
    },
    /// A decision is taken.
    Decided(oneshot::Sender<Result<(), DecideError>>),
    /// The run has ended.
    Ended(oneshot::Sender<RunOutcome>, Box<RunOutcome>),
}

/// What waits for the journal of one run.
#[derive(Debug)]
pub(crate) struct Outbox {
    publisher: Arc<Publisher>,
    /// Each with how many entries have to be kept before.
    waiting: VecDeque<(u64, Outward)>,
}

impl Outbox {
    pub(crate) fn publisher(&self) -> &Arc<Publisher> {
        &self.publisher
    }
}

impl Dispatcher {
    /// Lets something out when all that has happened in the run is kept, or at once if
    /// nobody outside can tell.
    pub(crate) fn send_out(&mut self, root: RunSlot, publisher: &Arc<Publisher>, outward: Outward) {
        if !publisher.is_journaled() || self.may_go_ahead(root, publisher, &outward) {
            return self.let_out(outward);
        }
        let outbox = self.outboxes.entry(root).or_insert_with(|| Outbox {
            publisher: Arc::clone(publisher),
            waiting: VecDeque::new(),
        });
        outbox.waiting.push_back((publisher.written(), outward));
    }

    /// Whether nobody outside can tell of it, and the journal keeps up.
    fn may_go_ahead(&self, root: RunSlot, publisher: &Publisher, outward: &Outward) -> bool {
        match outward {
            Outward::Attempt { run, at, attempt } => {
                // Other runs may find a result that is to be kept for them.
                let is_for_others = |live: &Live| live.keys.contains_key(at);
                !self.paused.contains_key(&root)
                    && publisher.ahead() <= MOST_AHEAD
                    && !self.runs.get(run).is_some_and(is_for_others)
                    && self
                        .runner
                        .is_sealed(&attempt.agent, &attempt.request.mounts)
            }
            Outward::Decided(_) | Outward::Ended(..) => false,
        }
    }

    /// A journal has news.
    pub(crate) fn hear(&mut self, news: News) {
        match news {
            News::Kept(root) => self.let_out_kept(root),
            News::Stuck(root) => {
                self.paused.entry(root).or_insert(self.clock.now());
            }
            News::Unstuck(root) => self.unpause(root),
        }
    }

    pub(crate) fn let_out_kept(&mut self, root: RunSlot) {
        while let Some(outbox) = self.outboxes.get_mut(&root) {
            let kept = outbox.publisher.kept();
            match outbox.waiting.pop_front_if(|(needs, _)| *needs <= kept) {
                Some((_, outward)) => self.let_out(outward),
                None if outbox.waiting.is_empty() => drop(self.outboxes.remove(&root)),
                None => return,
            }
        }
    }

    fn let_out(&mut self, outward: Outward) {
        match outward {
            Outward::Attempt { run, at, attempt } => self.make_attempt(run, at, *attempt),
            // Whoever waited may have gone.
            Outward::Decided(answer) => drop(answer.send(Ok(()))),
            Outward::Ended(done, outcome) => drop(done.send(*outcome)),
        }
    }
}
