//! Why an attempt failed: from wasmtime's errors to a code and a message that
//! a person can act on.

use ringfence_flow::{
    BudgetKind, Budgets, ByteSize, Failure, FailureCode, StopReason, clean_text, show_duration,
};
use wasmtime::component::ResourceTableError;
use wasmtime::{Error, PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::agent::Question;
use crate::backtrace::{Backtrace, last_words};
use crate::broken::{BudgetBroken, Misuse};
use crate::limiter::Denied;
use crate::meter::Phase;
use crate::source_lines::SourceLines;
use crate::state::AttemptState;

/// The longest text of an error that has no type, in bytes.
const MAX_ERROR_TEXT: usize = 600;

/// What to do when a component says nothing of where it trapped.
const UNKNOWN_PLACE: &str = "\nhint: to see in which function and line, build it with `debug = \"line-tables-only\"` \
     (C: `-gline-tables-only`) and without `strip`";

/// How wasmtime says that a call carries more than
/// [`wasmtime::Store::set_hostcall_fuel`] allows. The error has a type, but a
/// private one; a test holds this against it.
const HOSTCALL_FUEL_EXHAUSTED: &str = "fuel allocated for hostcalls has been exhausted";

/// What a failed attempt is judged by.
pub(crate) struct Judge<'a> {
    /// What was asked.
    pub(crate) question: Question<'a>,
    /// What it was allowed.
    pub(crate) budgets: &'a Budgets,
    /// What it could have been allowed.
    pub(crate) ceiling: &'a Budgets,
    /// What is left of it.
    pub(crate) state: &'a AttemptState,
    /// Where its code comes from.
    pub(crate) lines: &'a SourceLines,
}

impl Judge<'_> {
    /// The failure of an attempt that ended with `error`.
    pub(crate) fn failure(&self, error: &Error) -> Failure {
        if let Some(BudgetBroken(kind)) = error.downcast_ref() {
            return self.broken(*kind, error);
        }
        if let Some(Trap::OutOfFuel) = error.downcast_ref() {
            return self.broken(BudgetKind::Fuel, error);
        }
        if let Some(ResourceTableError::Full) = error.downcast_ref() {
            return self.broken(BudgetKind::OpenResources, error);
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return Failure::new(
                FailureCode::HostError,
                format!(
                    "the host has no room for another sandbox: {error}\nhint: lower the `instances` of agents that are made of many modules"
                ),
            );
        }
        if let Some(error) = error.downcast_ref::<ringfence_flow::ArtifactError>() {
            return Failure::new(FailureCode::HostError, error.to_string());
        }
        if error
            .root_cause()
            .to_string()
            .contains(HOSTCALL_FUEL_EXHAUSTED)
        {
            let kind = if self.in_results(error) {
                BudgetKind::Output
            } else {
                BudgetKind::Memory
            };
            return self.broken(kind, error);
        }
        match self.state.memory.denied() {
            Some(Denied::Memory(_)) => self.broken(BudgetKind::Memory, error),
            Some(Denied::Table(elements)) => {
                let limit = crate::engine::MAX_TABLE_ELEMENTS;
                self.trap(
                    &format!("a table of {elements} elements was denied; the most is {limit}"),
                    error,
                )
            }
            None => self.other(error),
        }
    }

    /// The failure of an attempt that took too long.
    pub(crate) fn timed_out(&self) -> Failure {
        let limit = show_duration(self.budgets.time);
        let text = format!("{} took longer than its {limit}", self.who());
        Failure::new(
            FailureCode::TimedOut,
            format!("{text}{}", self.hint(BudgetKind::Time)),
        )
    }

    /// The failure of an attempt whose outcome is too large.
    pub(crate) fn output_too_large(&self) -> Failure {
        self.broken(BudgetKind::Output, &Error::msg(""))
    }

    fn other(&self, error: &Error) -> Failure {
        if let Some(I32Exit(code)) = error.downcast_ref() {
            return self.trap(&format!("the agent called `exit` with {code}"), error);
        }
        if let Some(misuse) = error.downcast_ref::<Misuse>() {
            return self.trap(&format!("the agent {misuse}"), error);
        }
        if let Some(trap) = error.downcast_ref::<Trap>()
            && error.is::<WasmBacktrace>()
        {
            return self.trap(&explain(*trap), error);
        }
        let text = clean_text(&error.root_cause().to_string(), MAX_ERROR_TEXT);
        if self.in_results(error) {
            return Failure::new(
                FailureCode::InvalidOutput,
                format!("what {} returned cannot be read: {text}", self.who()),
            );
        }
        self.trap(&text, error)
    }

    /// Whether `error` is about the results of a guest that has returned. An
    /// error that was raised while the guest ran carries its backtrace.
    fn in_results(&self, error: &Error) -> bool {
        self.state.meter.phase() == Phase::Results && !error.is::<WasmBacktrace>()
    }

    fn trap(&self, what: &str, error: &Error) -> Failure {
        let mut message = format!("{} trapped: {what}", self.who());
        message.push_str(&self.said_last());
        let trace = Backtrace::of(error, self.lines);
        message.push_str(&trace.to_string());
        if trace.is_unknown() {
            message.push_str(UNKNOWN_PLACE);
        }
        Failure::new(FailureCode::Trap, message)
    }

    fn said_last(&self) -> String {
        match last_words(&self.state.log.stderr_tail()) {
            said if said.is_empty() => said,
            said => format!("\nit wrote last: {said}"),
        }
    }

    fn broken(&self, kind: BudgetKind, error: &Error) -> Failure {
        let limit = self.budgets.get(kind);
        let what = match kind {
            BudgetKind::Fuel => format!("used up its {limit} units of fuel"),
            BudgetKind::Time => format!("took longer than its {limit}"),
            BudgetKind::Memory => format!("needed more than its {limit} of memory"),
            BudgetKind::Output => format!("gave an output of more than {limit}"),
            BudgetKind::Artifacts => format!("put artifacts of more than {limit}"),
            BudgetKind::HostCalls => format!("called the host more than {limit} times"),
            BudgetKind::OpenResources => format!("opened more than {limit} resources at once"),
            BudgetKind::LogLines => format!("logged more than {limit} lines"),
            BudgetKind::LogBytes => format!("logged more than {limit}"),
        };
        let hint = self.hint(kind);
        // Who is denied memory may get to say where that was.
        let said = match kind {
            BudgetKind::Memory => self.said_last(),
            _ => String::new(),
        };
        let trace = Backtrace::of(error, self.lines);
        Failure::new(
            kind.failure().unwrap_or(FailureCode::Trap),
            format!("{} {what}{hint}{said}{trace}", self.who()),
        )
    }

    fn hint(&self, kind: BudgetKind) -> String {
        let question = match self.question {
            Question::Execute(_) => {
                let (limit, ceiling) = (self.budgets.get(kind), self.ceiling.get(kind));
                return if limit == ceiling {
                    format!(
                        "\nhint: that is the operator's ceiling; raise `{kind}` under `[budgets.ceiling]` in `ringfence.toml`, or give the agent less to do"
                    )
                } else {
                    format!(
                        "\nhint: raise `budget.{kind}` for the task, up to the operator's ceiling of {ceiling}"
                    )
                };
            }
            Question::Describe => "describe",
            Question::CanHandle(_) => "can-handle",
        };
        format!(
            "\nhint: `{question}` has a small budget that cannot be raised; do less in it and in start-up code"
        )
    }

    fn who(&self) -> &'static str {
        match self.question {
            Question::Describe => "`describe`",
            Question::CanHandle(_) => "`can-handle`",
            Question::Execute(_) => "the attempt",
        }
    }
}

/// The failure of an attempt that is not made: what it is given is more than it
/// could hold, and would only be copied to find that out.
pub(crate) fn too_much_to_read(size: ByteSize, budgets: &Budgets, ceiling: &Budgets) -> Failure {
    let memory = budgets.memory;
    Failure::new(
        FailureCode::InvalidInput,
        format!(
            "the input and what the task needs are {size} together, more than the agent's {memory} of memory\nhint: give it less, pass large contents as artifacts, or raise `budget.memory` for the task, up to the operator's ceiling of {}",
            ceiling.memory
        ),
    )
}

/// The failure of an attempt that was stopped from outside.
pub(crate) fn stopped(reason: StopReason) -> Failure {
    match reason {
        StopReason::Cancelled => Failure::new(FailureCode::Cancelled, "the run was cancelled"),
        StopReason::Deadline => Failure::new(FailureCode::Deadline, "the run's deadline passed"),
    }
}

fn explain(trap: Trap) -> String {
    let what = match trap {
        Trap::StackOverflow => {
            "the call stack is exhausted\nhint: let it recurse less deep; a sandbox has 512 KiB of stack"
        }
        Trap::UnreachableCodeReached => "it gave up (a panic or an `unreachable` instruction)",
        Trap::MemoryOutOfBounds => "it reached out of bounds of its memory",
        Trap::HeapMisaligned => "it reached for memory that is not aligned",
        Trap::TableOutOfBounds => "it reached out of bounds of a table",
        Trap::IndirectCallToNull => "it called a function pointer that is null",
        Trap::BadSignature => "it called a function pointer of another type",
        Trap::IntegerDivisionByZero => "it divided an integer by zero",
        Trap::IntegerOverflow => "a number became larger than its integer type holds",
        Trap::BadConversionToInteger => "it converted a float to an integer that cannot hold it",
        other => return bare(&other.to_string()).to_owned(),
    };
    what.to_owned()
}

/// What wasmtime says of a trap, without that it is one.
fn bare(text: &str) -> &str {
    text.strip_prefix("wasm trap: ").unwrap_or(text)
}
