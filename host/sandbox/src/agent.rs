//! An agent's component, linked and ready to be instantiated.

use wasmtime::Store;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p2::bindings::CommandPre;

use ringfence_flow::TaskRequest;

use crate::bindings::AgentPluginPre;
use crate::bindings::ringfence::agent::types::{Failure, Outcome};
use crate::component_check::{AgentKind, RawDescription};
use crate::conv;
use crate::state::AttemptState;

/// A component with its imports resolved: all that can be done once for all
/// attempts is done.
#[derive(Clone)]
pub(crate) enum AgentPre {
    /// It exports the contract.
    Plugin(AgentPluginPre<AttemptState>),
    /// It is a command.
    Command(CommandPre<AttemptState>),
}

/// What an agent is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question<'a> {
    /// Who it is.
    Describe,
    /// Whether it can handle a task.
    CanHandle(&'a TaskRequest),
    /// To do a task.
    Execute(&'a TaskRequest),
}

/// What it answers.
pub(crate) enum Answer {
    /// Who it is.
    Description(RawDescription),
    /// Whether it can.
    CanHandle(bool),
    /// How it went.
    Outcome(Result<Outcome, Failure>),
    /// A command ended with this code.
    Exit(i32),
}

impl AgentPre {
    /// Links `component`.
    ///
    /// # Errors
    /// Those of wasmtime, when an import or export has another type than the
    /// host's.
    pub(crate) fn new(
        linker: &Linker<AttemptState>,
        component: &Component,
        kind: AgentKind,
    ) -> wasmtime::Result<Self> {
        let linked = linker.instantiate_pre(component)?;
        Ok(match kind {
            AgentKind::Plugin => Self::Plugin(AgentPluginPre::new(linked)?),
            AgentKind::Command => Self::Command(CommandPre::new(linked)?),
        })
    }

    /// Instantiates the component in `store` and asks it.
    ///
    /// # Errors
    /// Whatever ended the attempt, in start-up code too.
    pub(crate) async fn ask(
        &self,
        store: &mut Store<AttemptState>,
        question: Question<'_>,
    ) -> wasmtime::Result<Answer> {
        match self {
            Self::Plugin(plugin) => {
                let instance = plugin.instantiate_async(&mut *store).await?;
                let agent = instance.ringfence_agent_agent();
                Ok(match question {
                    Question::Describe => {
                        let raw = agent.call_describe(store).await?;
                        Answer::Description(conv::description(raw))
                    }
                    Question::CanHandle(request) => {
                        let task = conv::task(request);
                        Answer::CanHandle(agent.call_can_handle(store, &task).await?)
                    }
                    Question::Execute(request) => {
                        let task = conv::task(request);
                        Answer::Outcome(agent.call_execute(store, &task).await?)
                    }
                })
            }
            Self::Command(command) => {
                let instance = command.instantiate_async(&mut *store).await?;
                match instance.wasi_cli_run().call_run(store).await {
                    Ok(Ok(())) => Ok(Answer::Exit(0)),
                    Ok(Err(())) => Ok(Answer::Exit(1)),
                    Err(error) => match error.downcast_ref::<I32Exit>() {
                        Some(I32Exit(code)) => Ok(Answer::Exit(*code)),
                        None => Err(error),
                    },
                }
            }
        }
    }
}
