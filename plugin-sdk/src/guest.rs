//! From the contract's exports to the agent's trait and back.

use std::marker::PhantomData;

#[cfg(target_family = "wasm")]
use crate::bindings::exports::ringfence::agent::agent as exports;
use crate::bindings::ringfence::agent::types as wire;
use crate::context::Host;
use crate::{Agent, Context, Failure, Outcome, conv, decode};

/// Exports `A`; what the `register!` macro names.
#[derive(Debug)]
pub struct Exported<A: Agent>(PhantomData<A>);

#[cfg(target_family = "wasm")]
impl<A: Agent> exports::Guest for Exported<A> {
    fn describe() -> exports::Description {
        conv::description(A::describe())
    }

    fn can_handle(task: wire::Task) -> bool {
        can_handle::<A>(task)
    }

    fn execute(task: wire::Task) -> Result<wire::Outcome, wire::Failure> {
        run::<A>(task, Host)
            .and_then(conv::outcome)
            .map_err(conv::failure)
    }
}

/// Asks `A` about a task.
pub(crate) fn can_handle<A: Agent>(task: wire::Task) -> bool {
    A::can_handle(&conv::task(task))
}

/// Lets `A` do a task.
pub(crate) fn run<A: Agent>(task: wire::Task, host: Host) -> Result<Outcome<A::Output>, Failure> {
    let task = conv::task(task);
    let input = decode::from_text("input", task.input_json())?;
    A::execute(input, &Context::new(task, host))
}
