//! An agent's component, linked and ready to be instantiated.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use wasmtime::Store;
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, Func, InstancePre, Lift, Linker, TypedFunc,
};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p2::bindings::CommandPre;

use ringfence_flow::TaskRequest;

use crate::bindings::AgentPluginPre;
use crate::bindings::ringfence::agent::types::{Failure, Outcome, Task};
use crate::component_check::{AgentKind, RawDescription};
use crate::contract_misfit;
use crate::conv;
use crate::state::AttemptState;

/// The interface that a plugin exports.
pub(crate) const AGENT: &str = "ringfence:agent/agent@0.1.0";

/// A component with its imports resolved: all that can be done once for all
/// attempts is done.
#[derive(Clone)]
pub(crate) enum AgentPre {
    /// It exports the contract.
    Plugin(PluginPre),
    /// It is a command.
    Command(CommandPre<AttemptState>),
}

/// A plugin, with its way to the functions that each task calls. The generated
/// bindings look up every function and compare its types with each instance,
/// which costs a tenth of an attempt; so they do it for `describe` alone, and the
/// types of another function are compared when it is first called.
#[derive(Clone)]
pub(crate) struct PluginPre {
    whole: AgentPluginPre<AttemptState>,
    can_handle: Function<(bool,)>,
    execute: Function<(Result<Outcome, Failure>,)>,
}

/// Where a plugin has a function that takes a task and returns an `R`.
struct Function<R> {
    index: ComponentExportIndex,
    /// Set once its types have been compared with the contract's, of this component
    /// in whichever engine.
    fits: Arc<OnceLock<()>>,
    returns: PhantomData<fn() -> R>,
}

impl<R> Clone for Function<R> {
    fn clone(&self) -> Self {
        Self {
            index: self.index,
            fits: Arc::clone(&self.fits),
            returns: PhantomData,
        }
    }
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
            AgentKind::Plugin => Self::Plugin(PluginPre::new(linked)?),
            AgentKind::Command => Self::Command(CommandPre::new(linked)?),
        })
    }

    /// Links the same component, loaded once more for another engine.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn again(
        &self,
        linker: &Linker<AttemptState>,
        component: &Component,
    ) -> wasmtime::Result<Self> {
        let linked = linker.instantiate_pre(component)?;
        Ok(match self {
            Self::Plugin(plugin) => {
                let mut again = PluginPre::new(linked)?;
                again.can_handle.fits = Arc::clone(&plugin.can_handle.fits);
                again.execute.fits = Arc::clone(&plugin.execute.fits);
                Self::Plugin(again)
            }
            Self::Command(_) => Self::Command(CommandPre::new(linked)?),
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
            Self::Plugin(plugin) => plugin.ask(store, question).await,
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

impl PluginPre {
    fn new(linked: InstancePre<AttemptState>) -> wasmtime::Result<Self> {
        contract_misfit::check(&linked)?;
        let component = linked.component();
        Ok(Self {
            can_handle: Function::find(component, "can-handle")?,
            execute: Function::find(component, "execute")?,
            whole: AgentPluginPre::new(linked)?,
        })
    }

    async fn ask(
        &self,
        store: &mut Store<AttemptState>,
        question: Question<'_>,
    ) -> wasmtime::Result<Answer> {
        match question {
            Question::Describe => {
                let instance = self.whole.instantiate_async(&mut *store).await?;
                let agent = instance.ringfence_agent_agent();
                let raw = agent.call_describe(store).await?;
                Ok(Answer::Description(conv::description(raw)))
            }
            Question::CanHandle(request) => {
                let (answer,) = self.call(store, &self.can_handle, request).await?;
                Ok(Answer::CanHandle(answer))
            }
            Question::Execute(request) => {
                let (outcome,) = self.call(store, &self.execute, request).await?;
                Ok(Answer::Outcome(outcome))
            }
        }
    }

    /// Calls a function that takes a task, in an instance of its own.
    async fn call<R>(
        &self,
        store: &mut Store<AttemptState>,
        function: &Function<R>,
        request: &TaskRequest,
    ) -> wasmtime::Result<R>
    where
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let linked = self.whole.instance_pre();
        let instance = linked.instantiate_async(&mut *store).await?;
        let found = instance.get_func(&mut *store, function.index);
        let found = found.ok_or_else(|| wasmtime::format_err!("`{AGENT}` lacks a function"))?;
        let function = function.of(found, store)?;
        function.call_async(store, (&conv::task(request),)).await
    }
}

impl<R: ComponentNamedList + Lift> Function<R> {
    fn find(component: &Component, name: &str) -> wasmtime::Result<Self> {
        let agent = component.get_export_index(None, AGENT);
        let index = agent.and_then(|agent| component.get_export_index(Some(&agent), name));
        Ok(Self {
            index: index.ok_or_else(|| wasmtime::format_err!("`{AGENT}` has no `{name}`"))?,
            fits: Arc::default(),
            returns: PhantomData,
        })
    }

    /// The function of an instance, which is `found`.
    #[allow(
        unsafe_code,
        reason = "comparing the types anew takes longer than many an attempt's own work"
    )]
    fn of<'a>(
        &self,
        found: Func,
        store: &Store<AttemptState>,
    ) -> wasmtime::Result<TypedFunc<(&'a Task,), R>>
    where
        R: Send + Sync + 'static,
    {
        if self.fits.get().is_none() {
            let typed = found.typed(store)?;
            self.fits.get_or_init(|| ());
            return Ok(typed);
        }
        // SAFETY: `typed` has compared the types of this function of this component
        // with the same ones, in another instance.
        Ok(unsafe { TypedFunc::new_unchecked(found) })
    }
}
