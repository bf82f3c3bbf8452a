//! What one attempt has used of its budgets, other than memory and logs.

use ringfence_flow::{BudgetKind, Budgets};
use wasmtime::{CallHook, StoreContextMut};

use crate::broken::BudgetBroken;
use crate::state::AttemptState;

/// Fuel for one host call, whatever it does. Entering and leaving the host
/// costs about as much as so many instructions.
const FUEL_PER_CALL: u64 = 100;

/// Fuel for each byte that a host function copies.
const FUEL_PER_BYTE: u64 = 1;

/// What a host call may always pass in, however full the guest's memory is, so
/// that a guest at its limit can still log.
const MIN_ARGUMENTS: u64 = 64 << 10;

/// The records of an outcome take more room than their text. The outcome's
/// text is measured exactly when it has been read; this bounds what reading it
/// may take, as a multiple of the output's budget.
const OUTCOME_OVERHEAD: u64 = 4;

/// How far a call of the guest has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The guest has not begun, or runs, or waits for a host function.
    Running,
    /// The guest has returned and its results are being read, or it trapped.
    Results,
}

/// Counts host calls, the fuel that they cost and the bytes that they carry.
#[derive(Debug)]
pub(crate) struct Meter {
    max_host_calls: u32,
    max_output: u64,
    max_artifacts: u64,
    progress_left: u32,
    host_calls: u32,
    owed_fuel: u64,
    artifact_bytes: u64,
    phase: Phase,
}

impl Meter {
    /// Nothing used yet.
    pub(crate) fn new(budgets: &Budgets) -> Self {
        Self {
            max_host_calls: budgets.host_calls,
            max_output: budgets.output.as_u64(),
            max_artifacts: budgets.artifacts.as_u64(),
            progress_left: budgets.log_lines,
            host_calls: 0,
            owed_fuel: 0,
            artifact_bytes: 0,
            phase: Phase::Running,
        }
    }

    /// Counts one call of a host function.
    pub(crate) fn host_call(&mut self) {
        self.host_calls = self.host_calls.saturating_add(1);
        self.owed_fuel = self.owed_fuel.saturating_add(FUEL_PER_CALL);
    }

    /// Whether the host was called once too often. The call that is under way
    /// must then do nothing; the attempt ends when it returns.
    pub(crate) fn has_too_many_calls(&self) -> bool {
        self.host_calls > self.max_host_calls
    }

    /// Counts one report of progress; whether it is within the budget of log
    /// lines.
    pub(crate) fn progress(&mut self) -> bool {
        let left = self.progress_left.checked_sub(1);
        self.progress_left = left.unwrap_or(0);
        left.is_some()
    }

    /// Charges for `bytes` that a host function copies.
    pub(crate) fn copy(&mut self, bytes: usize) {
        let fuel = (bytes as u64).saturating_mul(FUEL_PER_BYTE);
        self.owed_fuel = self.owed_fuel.saturating_add(fuel);
    }

    /// Counts an artifact that is about to be put.
    ///
    /// # Errors
    /// [`BudgetBroken`] if it is more than is left.
    pub(crate) fn put_artifact(&mut self, bytes: usize) -> Result<(), BudgetBroken> {
        let sum = self.artifact_bytes.saturating_add(bytes as u64);
        if sum > self.max_artifacts {
            return Err(BudgetBroken(BudgetKind::Artifacts));
        }
        self.artifact_bytes = sum;
        Ok(())
    }

    /// The number of host calls.
    pub(crate) fn host_calls(&self) -> u32 {
        self.host_calls.min(self.max_host_calls)
    }

    /// The size of all artifacts put, in bytes.
    pub(crate) fn artifact_bytes(&self) -> u64 {
        self.artifact_bytes
    }

    /// How far the call of the guest has come.
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }
}

/// Called by wasmtime whenever execution crosses the border, in either
/// direction. It is the one place where the counts of host functions take
/// effect, so that no host function can forget it.
pub(crate) fn at_border(
    mut store: StoreContextMut<'_, AttemptState>,
    crossing: CallHook,
) -> wasmtime::Result<()> {
    match crossing {
        CallHook::CallingHost => {
            let state = store.data_mut();
            state.meter.phase = Phase::Running;
            let arguments = state.memory.left().max(MIN_ARGUMENTS);
            store.set_hostcall_fuel(usize::try_from(arguments).unwrap_or(usize::MAX));
        }
        // A host function that returns a list calls the guest's allocator.
        // What is owed is paid before: the guest keeps its fuel in registers
        // while it runs.
        CallHook::ReturningFromHost | CallHook::CallingWasm => {
            store.data_mut().meter.phase = Phase::Running;
            settle(&mut store)?;
        }
        CallHook::ReturningFromWasm => {
            let meter = &mut store.data_mut().meter;
            meter.phase = Phase::Results;
            let results = meter
                .max_output
                .saturating_mul(OUTCOME_OVERHEAD)
                .saturating_add(MIN_ARGUMENTS);
            store.set_hostcall_fuel(usize::try_from(results).unwrap_or(usize::MAX));
        }
    }
    Ok(())
}

/// Pays the fuel that host functions owe, and ends the attempt after one call
/// too many. That call was without effect, see `AttemptState::called`: it
/// cannot be refused on the way in, since there calls look the same as a growth
/// of memory or an interruption, which are not counted.
fn settle(store: &mut StoreContextMut<'_, AttemptState>) -> wasmtime::Result<()> {
    let meter = &mut store.data_mut().meter;
    let owed = std::mem::take(&mut meter.owed_fuel);
    if meter.has_too_many_calls() {
        return Err(BudgetBroken(BudgetKind::HostCalls).into());
    }
    if owed > 0 {
        let left = store.get_fuel()?;
        store.set_fuel(left.saturating_sub(owed))?;
        if left < owed {
            return Err(BudgetBroken(BudgetKind::Fuel).into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringfence_flow::ByteSize;

    #[test]
    fn artifacts_are_counted_before_they_are_put() {
        let mut meter = Meter::new(&Budgets {
            artifacts: ByteSize::bytes(10),
            ..Budgets::default()
        });
        meter.put_artifact(6).unwrap();
        assert_eq!(
            meter.put_artifact(5),
            Err(BudgetBroken(BudgetKind::Artifacts))
        );
        meter.put_artifact(4).unwrap();
        assert_eq!(meter.artifact_bytes(), 10);
    }

    #[test]
    fn the_budget_of_host_calls_is_kept_and_broken_by_one() {
        let mut meter = Meter::new(&Budgets {
            host_calls: 2,
            ..Budgets::default()
        });
        meter.host_call();
        meter.host_call();
        assert!(!meter.has_too_many_calls());
        meter.host_call();
        assert!(meter.has_too_many_calls());
        assert_eq!(meter.host_calls(), 2, "the last one did nothing");
    }

    #[test]
    fn progress_is_within_the_budget_of_log_lines() {
        let mut meter = Meter::new(&Budgets {
            log_lines: 2,
            ..Budgets::default()
        });
        let taken = [(); 4].map(|()| meter.progress());
        assert_eq!(taken, [true, true, false, false]);
    }
}
