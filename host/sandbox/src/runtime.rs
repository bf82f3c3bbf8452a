//! What all agents share: the engine, its pool, the ticker and the linker.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ringfence_flow::{
    AgentName, Budgets, ByteSize, Failure, FailureCode, Fuel, StopReason, StopSignal, TaskRequest,
};
use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::agent::{AgentPre, Answer, Question};
use crate::attempt::{self, CommandStdio, Ending, Sandboxing};
use crate::component_check::{AgentKind, RawDescription};
use crate::config::{QUESTION_SANDBOXES, SandboxConfig};
use crate::host::Randomness;
use crate::lanes::{InLanes, Lanes};
use crate::nobody::Nobody;
use crate::source_lines::SourceLines;
use crate::stdio::Capture;
use crate::ticker::{Ticker, Ticking};
use crate::turns::Turns;
use crate::verdict::{self, Judge};

/// What `describe` and `can-handle` may use: enough for agents whose language
/// brings an interpreter along, and little enough to ask many. The operator's
/// ceiling holds for them too.
const QUESTION_BUDGETS: Budgets = Budgets {
    fuel: Fuel::units(500_000_000),
    time: Duration::from_secs(10),
    memory: ByteSize::mib(128),
    output: ByteSize::mib(1),
    artifacts: ByteSize::bytes(0),
    log_lines: 0,
    log_bytes: ByteSize::bytes(0),
    host_calls: 1_000,
    open_resources: 64,
};

/// Why there can be no sandboxes.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// wasmtime cannot be set up.
    #[error(
        "the sandboxes cannot be set up: {0:#}\nhint: each of `max_sandboxes` takes 8 GiB of address space; lower it, or raise `ulimit -v`"
    )]
    Engine(wasmtime::Error),
    /// The ticker's thread cannot be started.
    #[error("the thread that interrupts agents cannot be started: {0}")]
    Ticker(#[source] io::Error),
}

/// What all agents share.
pub(crate) struct Runtime {
    lanes: Lanes,
    ticker: Ticker,
    turns: Turns,
    room: Semaphore,
    question_room: Semaphore,
    question_budgets: Budgets,
}

/// A place for one sandbox.
pub(crate) struct Place<'a> {
    _permit: SemaphorePermit<'a>,
    _ticking: Ticking<'a>,
}

impl Runtime {
    /// Sets everything up.
    pub(crate) fn new(config: &SandboxConfig) -> Result<Self, RuntimeError> {
        let sandboxes = config.max_sandboxes.max(1);
        let questions = sandboxes.min(QUESTION_SANDBOXES);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let lanes = Lanes::new(cores, sandboxes, questions).map_err(RuntimeError::Engine)?;
        let ticker = Ticker::start(&lanes.engines(), config.tick).map_err(RuntimeError::Ticker)?;
        Ok(Self {
            lanes,
            ticker,
            turns: Turns::new(cores),
            room: Semaphore::new(sandboxes as usize),
            question_room: Semaphore::new(questions as usize),
            question_budgets: QUESTION_BUDGETS.at_most(&config.ceiling),
        })
    }

    /// The engine that components are loaded for.
    pub(crate) fn engine(&self) -> &Engine {
        self.lanes.first().engine()
    }

    /// The pools that attempts take their sandboxes from.
    pub(crate) fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// Who is next on the cores.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Links a component.
    ///
    /// # Errors
    /// Those of wasmtime, when the types of imports or exports don't fit.
    pub(crate) fn link(
        &self,
        component: &Component,
        kind: AgentKind,
    ) -> wasmtime::Result<AgentPre> {
        AgentPre::new(self.lanes.first().linker(), component, kind)
    }

    /// Waits for a place for one attempt, or until `stop` resolves.
    ///
    /// # Errors
    /// Why the attempt has to stop.
    pub(crate) async fn place(&self, stop: &mut StopSignal) -> Result<Place<'_>, StopReason> {
        tokio::select! {
            biased;
            reason = stop => Err(reason),
            place = self.place_in(&self.room) => place,
        }
    }

    async fn place_in<'a>(&'a self, room: &'a Semaphore) -> Result<Place<'a>, StopReason> {
        match room.acquire().await {
            Ok(permit) => Ok(Place {
                _permit: permit,
                _ticking: self.ticker.tick(),
            }),
            // Nobody closes the semaphore.
            Err(_closed) => Err(StopReason::Cancelled),
        }
    }

    /// Asks an agent who it is, in a sandbox to which nothing is granted.
    ///
    /// # Errors
    /// The agent failed to answer within a small budget.
    pub(crate) async fn describe(
        &self,
        agent: &AgentPre,
        lines: &SourceLines,
    ) -> Result<RawDescription, Failure> {
        let random = Randomness::for_describe();
        match self.ask(agent, lines, Question::Describe, random).await? {
            Answer::Description(description) => Ok(description),
            _ => Err(wrong_answer()),
        }
    }

    /// Asks an agent whether it can handle a task.
    ///
    /// # Errors
    /// The agent failed to answer within a small budget.
    pub(crate) async fn can_handle(
        &self,
        name: &AgentName,
        agent: &InLanes,
        request: &TaskRequest,
    ) -> Result<bool, Failure> {
        let (agent, lines) = (agent.first(), agent.lines());
        if matches!(agent, AgentPre::Command(_)) {
            // A command has no way to say no but to fail.
            return Ok(true);
        }
        let random = Randomness::of(name, request);
        let question = Question::CanHandle(request);
        match self.ask(agent, lines, question, random).await? {
            Answer::CanHandle(answer) => Ok(answer),
            _ => Err(wrong_answer()),
        }
    }

    async fn ask(
        &self,
        agent: &AgentPre,
        lines: &SourceLines,
        question: Question<'_>,
        random: Randomness,
    ) -> Result<Answer, Failure> {
        let mut never: StopSignal = Box::pin(pending());
        let _place = self
            .place_in(&self.question_room)
            .await
            .map_err(verdict::stopped)?;
        let sandboxing = Sandboxing {
            budgets: &self.question_budgets,
            observer: Arc::new(Nobody),
            artifacts: None,
            given_artifacts: std::collections::BTreeMap::new(),
            preopens: Vec::new(),
            random,
            stdio: matches!(agent, AgentPre::Command(_)).then(|| CommandStdio {
                stdin: Vec::new(),
                stdout: Capture::new(self.question_budgets.output),
            }),
        };
        let finished = attempt::run(
            self.engine(),
            &self.turns,
            agent,
            question,
            sandboxing,
            &mut never,
        )
        .await
        .map_err(|error| Failure::new(FailureCode::HostError, error.to_string()))?;
        let judge = Judge {
            question,
            budgets: &self.question_budgets,
            ceiling: &self.question_budgets,
            state: &finished.state,
            lines,
        };
        match finished.ending {
            Ending::Answered(answer) => Ok(answer),
            Ending::Broke(error) => Err(judge.failure(&error)),
            Ending::TimedOut => Err(judge.timed_out()),
            Ending::Stopped(reason) => Err(verdict::stopped(reason)),
        }
    }
}

fn wrong_answer() -> Failure {
    Failure::new(
        FailureCode::HostError,
        "the answer belongs to another question",
    )
}
