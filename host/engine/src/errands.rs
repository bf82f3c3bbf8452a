//! What the host's task has done elsewhere: attempts, questions, searches.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::thread;

use ringfence_flow::{
    AgentName, Answer, AttemptReport, AttemptResult, BoxFuture, Failure, FailureCode, Ticket, Usage,
};
use rustc_hash::FxHashMap;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::attempt::Done;
use crate::recall::Search;

/// From how many on there are many.
const MANY: usize = 8;

/// How many attempts one task begins. Making a task for each takes as long as a tenth of
/// what a short one does.
const TOGETHER: usize = 8;

/// With so many under way for each core they begin together: there should be enough for
/// all cores. Where most of them wait for something, a core may have nothing to do while
/// another one begins a few, for as many ticks at most.
const ENOUGH: usize = 2 * TOGETHER;

/// What an errand is for.
#[derive(Debug)]
pub(crate) enum Errand {
    Attempt,
    Ask(Vec<AgentName>),
    Recall,
}

impl Errand {
    /// What it brings back when the host's own code panicked in it.
    fn lost(self) -> Done {
        let failure = Failure::new(
            FailureCode::HostError,
            "the host's own code failed in the middle; this is a defect of the host",
        );
        match self {
            Self::Attempt => Done::Attempt(Box::new(AttemptReport {
                result: AttemptResult::Failed(failure),
                usage: Usage::default(),
            })),
            Self::Ask(agents) => {
                let failed = |agent| (agent, Answer::Failed(failure.clone()));
                Done::Answers(agents.into_iter().map(failed).collect())
            }
            Self::Recall => Done::Search(Search::NOTHING),
        }
    }
}

/// The errands that are under way. Each comes back exactly once.
pub(crate) struct Errands {
    back: mpsc::UnboundedSender<(Ticket, Done)>,
    came_back: mpsc::UnboundedReceiver<(Ticket, Done)>,
    /// How many were started and have not come back.
    under_way: usize,
    /// Stops the questions among them.
    questions: FxHashMap<Ticket, AbortHandle>,
    /// The only one there is, as far as is known.
    lone: Option<Lone>,
    /// Those that one task is to begin.
    together: Vec<Begun>,
    /// From how many under way on they begin together.
    enough: usize,
}

/// An attempt that waits to be started.
struct Lone {
    ticket: Ticket,
    work: BoxFuture<'static, Done>,
}

/// An attempt that is about to be begun.
struct Begun {
    way_back: WayBack,
    work: BoxFuture<'static, Done>,
}

impl Begun {
    /// Begins it, here. One that is not done at once, as it has to wait or lasts for
    /// more than a tick, goes on in a task of its own.
    async fn begin(self) {
        let Self { way_back, mut work } = self;
        let begun = poll_fn(|cx| {
            let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)));
            Poll::Ready(polled)
        });
        match begun.await {
            Ok(Poll::Pending) => drop(tokio::spawn(async { way_back.come(work.await) })),
            Ok(Poll::Ready(done)) => way_back.come(done),
            Err(_panic) => way_back.lose(),
        }
    }
}

impl Errands {
    pub(crate) fn new() -> Self {
        let (back, came_back) = mpsc::unbounded_channel();
        Self {
            back,
            came_back,
            under_way: 0,
            questions: FxHashMap::default(),
            lone: None,
            together: Vec::new(),
            enough: ENOUGH * thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// Whether nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.under_way == 0 && self.lone.is_none()
    }

    /// Whether so many are under way that it pays to deal with several at once.
    pub(crate) fn are_many(&self) -> bool {
        self.under_way >= MANY
    }

    /// How many have come back and wait for [`try_next`](Self::try_next).
    pub(crate) fn waiting(&self) -> usize {
        self.came_back.len()
    }

    /// Starts an errand, in a task of its own.
    pub(crate) fn start(
        &mut self,
        ticket: Ticket,
        errand: Errand,
        work: impl Future<Output = Done> + Send + 'static,
    ) {
        if let Some(lone) = self.lone.take() {
            self.spawn(lone.ticket, Errand::Attempt, lone.work);
        }
        self.spawn(ticket, errand, work);
    }

    /// Starts an attempt that keeps no thread waiting, or keeps it for
    /// [`begin_lone`](Self::begin_lone) if nothing else is under way, or for
    /// [`begin_together`](Self::begin_together) if plenty is.
    pub(crate) fn start_or_hold(
        &mut self,
        ticket: Ticket,
        work: impl Future<Output = Done> + Send + 'static,
    ) {
        if self.is_empty() {
            self.lone = Some(Lone {
                ticket,
                work: Box::pin(work),
            });
        } else if self.under_way >= self.enough {
            let begun = Begun {
                way_back: self.way_back(ticket, Errand::Attempt),
                work: Box::pin(work),
            };
            self.together.push(begun);
            if self.together.len() >= TOGETHER {
                self.begin_together();
            }
        } else {
            self.start(ticket, Errand::Attempt, work);
        }
    }

    /// Begins those that were kept for it, one after the other in one task.
    pub(crate) fn begin_together(&mut self) {
        if self.together.is_empty() {
            return;
        }
        let together = std::mem::take(&mut self.together);
        tokio::spawn(async {
            for begun in together {
                begun.begin().await;
            }
        });
    }

    fn spawn(
        &mut self,
        ticket: Ticket,
        errand: Errand,
        work: impl Future<Output = Done> + Send + 'static,
    ) {
        let is_question = matches!(errand, Errand::Ask(_));
        let way_back = self.way_back(ticket, errand);
        let task = tokio::spawn(async move { way_back.come(work.await) });
        if is_question {
            self.questions.insert(ticket, task.abort_handle());
        }
    }

    /// Stops a question, if the ticket has one. It comes back all the same.
    pub(crate) fn give_up(&mut self, ticket: Ticket) {
        if let Some(question) = self.questions.remove(&ticket) {
            question.abort();
        }
    }

    /// The next that comes back; never, if there is none.
    pub(crate) async fn next(&mut self) -> (Ticket, Done) {
        match self.came_back.recv().await {
            Some(back) => self.take(back),
            // This end holds a sender itself.
            None => std::future::pending().await,
        }
    }

    /// The next that has come back.
    pub(crate) fn try_next(&mut self) -> Option<(Ticket, Done)> {
        let back = self.came_back.try_recv().ok()?;
        Some(self.take(back))
    }

    fn take(&mut self, back: (Ticket, Done)) -> (Ticket, Done) {
        self.under_way -= 1;
        self.questions.remove(&back.0);
        back
    }

    /// Begins the attempt that was kept, here. To hand a short one to another thread and
    /// back takes longer than itself.
    pub(crate) async fn begin_lone(&mut self) {
        if let Some(lone) = self.lone.take() {
            let begun = Begun {
                way_back: self.way_back(lone.ticket, Errand::Attempt),
                work: lone.work,
            };
            begun.begin().await;
        }
    }

    fn way_back(&mut self, ticket: Ticket, errand: Errand) -> WayBack {
        self.under_way += 1;
        WayBack {
            ticket,
            errand: Some(errand),
            back: self.back.clone(),
        }
    }
}

impl fmt::Debug for Errands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errands")
            .field("under_way", &self.under_way)
            .finish_non_exhaustive()
    }
}

/// Brings back what an errand has done; when it is dropped before, that it was, and
/// when that is by a panic, that it is lost.
struct WayBack {
    ticket: Ticket,
    errand: Option<Errand>,
    back: mpsc::UnboundedSender<(Ticket, Done)>,
}

impl WayBack {
    fn come(mut self, done: Done) {
        self.errand = None;
        self.send(done);
    }

    /// The host's own code panicked.
    fn lose(mut self) {
        self.send_lost();
    }

    fn send_lost(&mut self) {
        if let Some(errand) = self.errand.take() {
            tracing::error!(ticket = ?self.ticket, ?errand, "the host's own code failed");
            self.send(errand.lost());
        }
    }

    fn send(&self, done: Done) {
        // A host that has gone needs nothing.
        drop(self.back.send((self.ticket, done)));
    }
}

impl Drop for WayBack {
    fn drop(&mut self) {
        if thread::panicking() {
            self.send_lost();
        } else if self.errand.take().is_some() {
            self.send(Done::Dropped);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ringfence_flow::{Demand, Fleet, Limits, RunLimits};
    use tokio::sync::oneshot;

    use super::*;
    use crate::HostConfig;

    fn done() -> Done {
        Done::Search(Search::NOTHING)
    }

    /// Tickets that nobody else has.
    fn tickets<const N: usize>() -> [Ticket; N] {
        let mut fleet = Fleet::new(HostConfig::default().policy(), []);
        let run = fleet.enter(
            RunLimits {
                concurrency: 1,
                limits: Limits::default(),
            },
            None,
        );
        std::array::from_fn(|_| {
            let demand = Demand {
                role: ringfence_flow::Role::new("any").unwrap(),
                agent: None,
                mounts: [].into(),
                priority: Default::default(),
                time: std::time::Duration::ZERO,
                must_ask: false,
                has_fallback: false,
            };
            fleet.submit(Default::default(), run, demand)
        })
    }

    /// Which have come back, and whether each was lost.
    async fn all_back(errands: &mut Errands) -> BTreeMap<Ticket, bool> {
        let mut back = BTreeMap::new();
        while !errands.is_empty() {
            let (ticket, done) = errands.next().await;
            let lost = matches!(
                &done,
                Done::Attempt(report) if matches!(report.result, AttemptResult::Failed(_))
            );
            assert!(back.insert(ticket, lost).is_none(), "twice");
        }
        back
    }

    #[tokio::test]
    async fn a_lone_errand_that_is_short_is_done_here() {
        let (mut errands, [ticket]) = (Errands::new(), tickets());
        errands.start_or_hold(ticket, async { done() });
        assert!(!errands.is_empty());
        assert!(errands.try_next().is_none(), "it has not begun");
        errands.begin_lone().await;
        assert!(
            errands.try_next().is_some(),
            "before any other task has run"
        );
        assert!(errands.is_empty());
    }

    #[tokio::test]
    async fn a_lone_errand_that_waits_does_so_elsewhere() {
        let (mut errands, [ticket]) = (Errands::new(), tickets());
        let (go, gone) = oneshot::channel();
        let waits = async {
            gone.await.unwrap();
            done()
        };
        errands.start_or_hold(ticket, waits);
        errands.begin_lone().await;
        tokio::task::yield_now().await;
        assert!(errands.try_next().is_none());
        go.send(()).unwrap();
        assert_eq!(all_back(&mut errands).await, [(ticket, false)].into());
    }

    #[tokio::test]
    async fn with_a_second_errand_the_first_starts_too() {
        let (mut errands, [first, second]) = (Errands::new(), tickets());
        errands.start_or_hold(first, async { done() });
        errands.start_or_hold(second, async { done() });
        let both = [(first, false), (second, false)].into();
        assert_eq!(all_back(&mut errands).await, both);
    }

    /// Errands of which all but the first begin together.
    fn many() -> Errands {
        Errands {
            enough: 1,
            ..Errands::new()
        }
    }

    #[tokio::test]
    async fn many_errands_begin_in_one_task_and_none_waits_for_another() {
        let (mut errands, [first, waits, short]) = (many(), tickets());
        let (go, gone) = oneshot::channel();
        errands.start(first, Errand::Attempt, async { done() });
        errands.start_or_hold(waits, async {
            gone.await.unwrap();
            done()
        });
        errands.start_or_hold(short, async { done() });
        tokio::task::yield_now().await;
        assert_eq!(errands.waiting(), 1, "only the first has begun");
        errands.begin_together();
        let back = [errands.next().await.0, errands.next().await.0];
        assert_eq!(back, [first, short]);
        go.send(()).unwrap();
        assert_eq!(all_back(&mut errands).await, [(waits, false)].into());
    }

    #[tokio::test]
    async fn a_task_begins_only_so_many_errands() {
        let (mut errands, tickets) = (many(), tickets::<{ TOGETHER + 2 }>());
        errands.start(tickets[0], Errand::Attempt, async { done() });
        for ticket in &tickets[1..] {
            errands.start_or_hold(*ticket, async { done() });
        }
        tokio::task::yield_now().await;
        assert_eq!(errands.waiting(), TOGETHER + 1);
        errands.begin_together();
        assert_eq!(all_back(&mut errands).await.len(), tickets.len());
    }

    #[tokio::test]
    async fn one_that_panics_takes_no_other_with_it() {
        let (mut errands, [first, broken, good]) = (many(), tickets());
        errands.start(first, Errand::Attempt, async { done() });
        errands.start_or_hold(broken, async { panic!("here") });
        errands.start_or_hold(good, async { done() });
        errands.begin_together();
        let all = [(first, false), (broken, true), (good, false)].into();
        assert_eq!(all_back(&mut errands).await, all);
    }

    #[tokio::test]
    async fn one_that_panics_comes_back_as_lost_wherever_it_was() {
        let (mut errands, [here, there]) = (Errands::new(), tickets());
        errands.start_or_hold(here, async { panic!("here") });
        errands.begin_lone().await;
        errands.start(there, Errand::Attempt, async { panic!("there") });
        let both = [(here, true), (there, true)].into();
        assert_eq!(all_back(&mut errands).await, both);
    }

    #[tokio::test]
    async fn a_question_that_is_given_up_comes_back_as_well() {
        let (mut errands, [ticket]) = (Errands::new(), tickets());
        errands.start(ticket, Errand::Ask(Vec::new()), std::future::pending());
        errands.give_up(ticket);
        let (back, done) = errands.next().await;
        assert_eq!(back, ticket);
        assert!(matches!(done, Done::Dropped), "it has not failed");
        assert!(errands.is_empty());
    }
}
