//! One attempt on its way from the dispatcher to the runner and back.

use std::sync::Arc;
use std::time::Duration;

use ringfence_flow::{
    Activity, AgentName, Answer, AttemptObserver, AttemptReport, AttemptRunner, Failure,
    FailureCode, GrantDecision, LogLine, Progress, RunEventKind, StopReason, StopSignal, TaskKey,
    TaskRequest, Ticket, show_duration,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::host::Message;
use crate::publisher::Publisher;
use crate::recall::Search;

/// What a spawned task brings back.
#[derive(Debug)]
pub(crate) enum Done {
    /// An attempt ended.
    Attempt(Box<AttemptReport>),
    /// Agents said whether they can handle a task.
    Answers(Vec<(AgentName, Answer)>),
    /// It was looked whether there is an earlier result.
    Search(Search),
    /// Nothing: it was given up before it was done.
    Dropped,
}

/// Resolves when the other half is used; never if that is dropped.
pub(crate) fn stop_signal() -> (oneshot::Sender<StopReason>, StopSignal) {
    let (sender, receiver) = oneshot::channel();
    let signal = Box::pin(async move {
        match receiver.await {
            Ok(reason) => reason,
            Err(_) => std::future::pending().await,
        }
    });
    (sender, signal)
}

/// How long agents have to say whether they can handle a task, once another one
/// has said that it can. An agent picks how long it takes, and everybody's task
/// would wait for it.
const GRACE: Duration = Duration::from_secs(1);

/// Asks each agent, all at the same time. One that keeps a task waiting that
/// another agent can do has failed to answer.
pub(crate) async fn ask(
    runner: Arc<dyn AttemptRunner>,
    agents: Vec<AgentName>,
    request: TaskRequest,
) -> Done {
    let request = Arc::new(request);
    let mut asked = JoinSet::new();
    for agent in agents.clone() {
        let (runner, request) = (Arc::clone(&runner), Arc::clone(&request));
        asked.spawn(async move {
            let answer = match runner.can_handle(&agent, &request).await {
                Ok(true) => Answer::Capable,
                Ok(false) => Answer::Declined,
                Err(failure) => Answer::Failed(failure),
            };
            (agent, answer)
        });
    }
    let mut answers = until_capable(&mut asked).await;
    tokio::select! {
        () = all(&mut asked, &mut answers) => {}
        () = sleep(GRACE) => {}
    }
    for agent in agents {
        if answers.iter().all(|(name, _)| *name != agent) {
            answers.push((agent, Answer::Failed(too_slow())));
        }
    }
    Done::Answers(answers)
}

/// The answers up to the first agent that can, or of all.
async fn until_capable(asked: &mut JoinSet<(AgentName, Answer)>) -> Vec<(AgentName, Answer)> {
    let mut answers = Vec::new();
    while let Some(answer) = next(asked).await {
        let can = matches!(answer.1, Answer::Capable);
        answers.push(answer);
        if can {
            break;
        }
    }
    answers
}

async fn all(asked: &mut JoinSet<(AgentName, Answer)>, answers: &mut Vec<(AgentName, Answer)>) {
    while let Some(answer) = next(asked).await {
        answers.push(answer);
    }
}

async fn next(asked: &mut JoinSet<(AgentName, Answer)>) -> Option<(AgentName, Answer)> {
    match asked.join_next().await? {
        Ok(answer) => Some(answer),
        // A panic in here is a defect of the host, to be seen as such.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn too_slow() -> Failure {
    Failure::new(
        FailureCode::TimedOut,
        format!(
            "`can-handle` did not answer within {} of another agent that can",
            show_duration(GRACE)
        ),
    )
}

/// Passes on what an attempt says while it is under way.
#[derive(Debug)]
pub(crate) struct Watcher {
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) key: TaskKey,
    pub(crate) agent: AgentName,
    pub(crate) attempt: u32,
    pub(crate) ticket: Ticket,
    pub(crate) host: mpsc::WeakSender<Message>,
}

impl Watcher {
    fn tell(&self, event: RunEventKind) {
        self.publisher.publish(event);
        self.publisher.flush_soon();
    }

    fn tell_load(&self, activity: Activity) {
        // A hint for the next choice of an agent: while the host is too busy
        // to take it, it does without.
        if let Some(host) = self.host.upgrade() {
            let message = Message::Activity {
                ticket: self.ticket,
                activity,
            };
            drop(host.try_send(message));
        }
    }
}

impl AttemptObserver for Watcher {
    fn progress(&self, progress: Progress) {
        self.tell_load(progress.activity);
        self.tell(RunEventKind::AttemptProgress {
            key: self.key.clone(),
            agent: self.agent.clone(),
            progress,
        });
    }

    fn log(&self, line: LogLine) {
        self.tell(RunEventKind::AttemptLog {
            key: self.key.clone(),
            agent: self.agent.clone(),
            attempt: self.attempt,
            line,
        });
    }

    fn decision(&self, decision: GrantDecision) {
        self.tell(RunEventKind::GrantDecided {
            key: self.key.clone(),
            agent: self.agent.clone(),
            decision,
        });
    }
}
