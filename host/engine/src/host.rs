//! A host as whoever starts runs sees it.

use std::sync::Arc;

use ringfence_flow::{
    Activity, AgentLoad, AgentName, AttemptRunner, BreakerPolicy, ConductBook, ConductPolicy,
    Decision, Failure, FleetPolicy, Json, Limits, RunId, RunStatus, TaskId, TaskPath, TaskResults,
    Ticket,
};
use tokio::sync::{mpsc, oneshot};

use crate::dispatcher::Dispatcher;
use crate::{Clock, DecideError, ResumeSpec, RunSpec};

/// How many messages may wait for the host. A sender that finds it full waits.
const MAILBOX: usize = 1024;

/// What holds for all runs of a host.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// How many attempts may be under way at once. Default 64.
    pub capacity: u32,
    /// How many more are kept free for emergencies; if there are any, each
    /// agent may have one emergency beside its instances, too. Default 4.
    pub emergency_reserve: u32,
    /// When agents are given a rest.
    pub breaker: BreakerPolicy,
    /// When agents are set aside until a person releases them.
    pub conduct: ConductPolicy,
    /// Where it is kept how agents behave. Default: nowhere, so that it is
    /// forgotten with the host.
    pub conduct_book: Option<Arc<dyn ConductBook>>,
    /// What holds for roles and agents over all runs. Default: nothing.
    pub limits: Limits,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            capacity: 64,
            emergency_reserve: 4,
            breaker: BreakerPolicy::default(),
            conduct: ConductPolicy::default(),
            conduct_book: None,
            limits: Limits::default(),
        }
    }
}

impl HostConfig {
    pub(crate) fn policy(self) -> FleetPolicy {
        FleetPolicy {
            capacity: self.capacity,
            emergency_reserve: self.emergency_reserve,
            breaker: self.breaker,
            conduct: self.conduct,
            limits: self.limits,
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
    Resume {
        spec: Box<ResumeSpec>,
        accepted: oneshot::Sender<bool>,
        done: oneshot::Sender<RunOutcome>,
    },
    Cancel {
        run: RunId,
    },
    Decide {
        run: RunId,
        task: TaskPath,
        decision: Decision,
        answer: oneshot::Sender<Result<(), DecideError>>,
    },
    Agents {
        answer: oneshot::Sender<Vec<AgentLoad>>,
    },
    Activity {
        ticket: Ticket,
        activity: Activity,
    },
    AgentsChanged,
    Release {
        agent: AgentName,
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
        let (says, news) = mpsc::unbounded_channel();
        let dispatcher = Dispatcher::new(runner, config, clock, mailbox.downgrade(), says);
        tokio::spawn(dispatcher.serve(messages, news));
        Self { mailbox, clock }
    }

    /// The host's clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The agents in the order of names, each with its circuit breaker and how
    /// many attempts it has under way.
    ///
    /// # Errors
    /// [`HostGone`] if the host's runtime is shutting down.
    pub async fn agents(&self) -> Result<Vec<AgentLoad>, HostGone> {
        let (answer, answered) = oneshot::channel();
        let ask = Message::Agents { answer };
        self.mailbox.send(ask).await.map_err(|_| HostGone)?;
        answered.await.map_err(|_| HostGone)
    }

    /// Tells the host that its runner has other agents than before. What waits
    /// is given to those that are there now; what is under way goes on.
    ///
    /// # Errors
    /// [`HostGone`] if the host's runtime is shutting down.
    pub async fn agents_changed(&self) -> Result<(), HostGone> {
        let changed = Message::AgentsChanged;
        self.mailbox.send(changed).await.map_err(|_| HostGone)
    }

    /// Lets an agent work again that was set aside.
    ///
    /// # Errors
    /// [`HostGone`] if the host's runtime is shutting down.
    pub async fn release(&self, agent: AgentName) -> Result<(), HostGone> {
        let release = Message::Release { agent };
        self.mailbox.send(release).await.map_err(|_| HostGone)
    }

    /// Starts a run.
    ///
    /// # Errors
    /// [`StartError`] if a live run has its name, or the host's runtime is
    /// shutting down.
    pub async fn run(&self, spec: RunSpec) -> Result<RunHandle, StartError> {
        let id = spec.id.clone();
        let spec = Box::new(spec);
        self.enter(id, |accepted, done| Message::Start {
            spec,
            accepted,
            done,
        })
        .await
    }

    /// Goes on with a run that another process, or an earlier host, left.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn resume(&self, spec: ResumeSpec) -> Result<RunHandle, StartError> {
        let id = spec.run.run().id().clone();
        let spec = Box::new(spec);
        self.enter(id, |accepted, done| Message::Resume {
            spec,
            accepted,
            done,
        })
        .await
    }

    async fn enter(
        &self,
        id: RunId,
        message: impl FnOnce(oneshot::Sender<bool>, oneshot::Sender<RunOutcome>) -> Message,
    ) -> Result<RunHandle, StartError> {
        let (done, outcome) = oneshot::channel();
        let (accepted, answer) = oneshot::channel();
        let start = message(accepted, done);
        self.mailbox.send(start).await.map_err(|_| HostGone)?;
        if !answer.await.map_err(|_| HostGone)? {
            return Err(StartError::SameName(id));
        }
        let control = RunControl {
            run: id,
            mailbox: self.mailbox.downgrade(),
        };
        Ok(RunHandle {
            control,
            outcome,
            _mailbox: self.mailbox.clone(),
        })
    }
}

/// A run that was started. Dropping the handle leaves the run alone.
#[derive(Debug)]
pub struct RunHandle {
    control: RunControl,
    outcome: oneshot::Receiver<RunOutcome>,
    /// Keeps the host's ears open as long as somebody waits.
    _mailbox: mpsc::Sender<Message>,
}

impl RunHandle {
    /// The run's name.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.control.run
    }

    /// What steers the run, for whoever does not wait for it.
    #[must_use]
    pub fn control(&self) -> RunControl {
        self.control.clone()
    }

    /// Asks the run to stop; [`outcome`](Self::outcome) tells when it has.
    pub async fn cancel(&self) {
        self.control.cancel().await;
    }

    /// Waits until the run has ended.
    ///
    /// # Errors
    /// [`HostGone`] if the host stopped before.
    pub async fn outcome(&mut self) -> Result<RunOutcome, HostGone> {
        (&mut self.outcome).await.map_err(|_| HostGone)
    }
}

/// Steers a run, as long as the [`Host`] or the run's [`RunHandle`] is there.
/// Clones steer the same one.
#[derive(Clone, Debug)]
pub struct RunControl {
    run: RunId,
    mailbox: mpsc::WeakSender<Message>,
}

impl RunControl {
    /// The run's name.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.run
    }

    /// Asks the run to stop. Its tasks of `finally` run before it ends.
    pub async fn cancel(&self) {
        let cancel = Message::Cancel {
            run: self.run.clone(),
        };
        // A host that has gone has no run left to cancel.
        if let Some(mailbox) = self.mailbox.upgrade() {
            drop(mailbox.send(cancel).await);
        }
    }

    /// Tells a task that waits for approval what a person said.
    ///
    /// # Errors
    /// [`DecideError`] if the task waits for nobody, with those that do, or
    /// the run has ended.
    pub async fn decide(&self, task: TaskPath, decision: Decision) -> Result<(), DecideError> {
        let (answer, answered) = oneshot::channel();
        let decide = Message::Decide {
            run: self.run.clone(),
            task,
            decision,
            answer,
        };
        let mailbox = self.mailbox.upgrade().ok_or(HostGone)?;
        mailbox.send(decide).await.map_err(|_| HostGone)?;
        drop(mailbox);
        answered.await.map_err(|_| HostGone)?
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
    /// What the workflow gave, if it completed.
    pub output: Option<Json>,
    /// What each task gave.
    pub results: TaskResults,
}
