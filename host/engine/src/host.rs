//! A host as whoever starts runs sees it.

use std::sync::Arc;

use ringfence_flow::{
    Activity, AttemptRunner, BreakerPolicy, Failure, FleetPolicy, RunId, RunStatus, TaskId,
    TaskResults, Ticket,
};
use tokio::sync::{mpsc, oneshot};

use crate::dispatcher::Dispatcher;
use crate::{Clock, RunSpec};

/// How many messages may wait for the host. A sender that finds it full waits.
const MAILBOX: usize = 1024;

/// What holds for all runs of a host.
#[derive(Clone, Copy, Debug)]
pub struct HostConfig {
    /// How many attempts may be under way at once. Default 64.
    pub capacity: u32,
    /// How many more are kept free for emergencies. Default 4.
    pub emergency_reserve: u32,
    /// When agents are given a rest.
    pub breaker: BreakerPolicy,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            capacity: 64,
            emergency_reserve: 4,
            breaker: BreakerPolicy::default(),
        }
    }
}

impl HostConfig {
    pub(crate) fn policy(self) -> FleetPolicy {
        FleetPolicy {
            capacity: self.capacity,
            emergency_reserve: self.emergency_reserve,
            breaker: self.breaker,
        }
    }
}

/// Why a run cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// A live run has this name.
    #[error("a run `{0}` is under way; hint: give this one another name, or wait for that one")]
    SameName(RunId),
    /// The host is gone.
    #[error(transparent)]
    Gone(#[from] HostGone),
}

/// The host is gone, or its runtime is shutting down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host has stopped")]
pub struct HostGone;

/// Runs workflows with the agents of one runner. Clones are the same host; it
/// stops when the last clone is dropped and the last run has ended.
#[derive(Clone, Debug)]
pub struct Host {
    mailbox: mpsc::Sender<Message>,
    clock: Clock,
}

/// What is said to the host's task.
pub(crate) enum Message {
    Start {
        spec: Box<RunSpec>,
        accepted: oneshot::Sender<bool>,
        done: oneshot::Sender<RunOutcome>,
    },
    Cancel {
        run: RunId,
    },
    Activity {
        ticket: Ticket,
        activity: Activity,
    },
}

impl Host {
    /// Starts a host on the current tokio runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(runner: Arc<dyn AttemptRunner>, config: HostConfig, clock: Clock) -> Self {
        let (mailbox, messages) = mpsc::channel(MAILBOX);
        let dispatcher = Dispatcher::new(runner, config, clock, mailbox.downgrade());
        tokio::spawn(dispatcher.serve(messages));
        Self { mailbox, clock }
    }

    /// The host's clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Starts a run.
    ///
    /// # Errors
    /// [`StartError`] if a live run has its name, or the host's runtime is
    /// shutting down.
    pub async fn run(&self, spec: RunSpec) -> Result<RunHandle, StartError> {
        let (done, outcome) = oneshot::channel();
        let (accepted, answer) = oneshot::channel();
        let id = spec.id.clone();
        let start = Message::Start {
            spec: Box::new(spec),
            accepted,
            done,
        };
        self.mailbox.send(start).await.map_err(|_| HostGone)?;
        if !answer.await.map_err(|_| HostGone)? {
            return Err(StartError::SameName(id));
        }
        Ok(RunHandle {
            id,
            outcome,
            mailbox: self.mailbox.clone(),
        })
    }
}

/// A run that was started. Dropping the handle leaves the run alone.
#[derive(Debug)]
pub struct RunHandle {
    id: RunId,
    outcome: oneshot::Receiver<RunOutcome>,
    mailbox: mpsc::Sender<Message>,
}

impl RunHandle {
    /// The run's name.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Asks the run to stop; [`outcome`](Self::outcome) tells when it has.
    pub async fn cancel(&self) {
        let cancel = Message::Cancel {
            run: self.id.clone(),
        };
        // A host that has gone has no run left to cancel.
        drop(self.mailbox.send(cancel).await);
    }

    /// Waits until the run has ended.
    ///
    /// # Errors
    /// [`HostGone`] if the host stopped before.
    pub async fn outcome(&mut self) -> Result<RunOutcome, HostGone> {
        (&mut self.outcome).await.map_err(|_| HostGone)
    }
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// The run's name.
    pub id: RunId,
    /// How.
    pub status: RunStatus,
    /// Why, if it did not complete.
    pub failure: Option<Failure>,
    /// Which task decided that, if one did.
    pub task: Option<TaskId>,
    /// What each task gave.
    pub results: TaskResults,
}
