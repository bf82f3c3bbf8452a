//! The memory of one sandbox: all its memories and tables together, and what
//! the host holds for it.

use ringfence_flow::{BudgetKind, ByteSize};
use wasmtime::ResourceLimiter;

use crate::broken::BudgetBroken;
use crate::engine::{MAX_CORE_INSTANCES, MAX_MEMORIES, MAX_TABLE_ELEMENTS, MAX_TABLES};

/// What one element of a table takes.
const TABLE_ELEMENT: u64 = size_of::<usize>() as u64;

/// What was asked for and not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Memory: this many bytes together would have been in use.
    Memory(ByteSize),
    /// A table of so many elements.
    Table(usize),
}

/// Counts the memory of one sandbox against its budget.
///
/// A memory that is denied gives the guest the answer that WebAssembly has for
/// it (`memory.grow` gives -1), with which it may cope. If the attempt then
/// ends in a trap, that is what is reported as the cause, unless the guest has
/// gone on in between: with a growth of the same size or more that was granted,
/// or with a call of the host ([`forget_denial`](Self::forget_denial)). A
/// smaller growth shows nothing, since saying that memory ran out can take one.
#[derive(Debug)]
pub(crate) struct MemoryMeter {
    limit: u64,
    now: u64,
    peak: u64,
    granted_last: u64,
    denied: Option<Denied>,
    denied_bytes: u64,
}

impl MemoryMeter {
    /// An empty sandbox that may grow to `limit`.
    pub(crate) fn new(limit: ByteSize) -> Self {
        Self {
            limit: limit.as_u64(),
            now: 0,
            peak: 0,
            granted_last: 0,
            denied: None,
            denied_bytes: 0,
        }
    }

    /// The most that was in use at once.
    pub(crate) fn peak(&self) -> ByteSize {
        ByteSize::bytes(self.peak)
    }

    /// What is left of the budget, in bytes.
    pub(crate) fn left(&self) -> u64 {
        self.limit.saturating_sub(self.now)
    }

    /// What was denied last, if anything was and the guest did not go on.
    pub(crate) fn denied(&self) -> Option<Denied> {
        self.denied
    }

    /// The guest went on without what it was denied.
    pub(crate) fn forget_denial(&mut self) {
        self.denied = None;
    }

    /// Counts `bytes` that the host is about to hold for the guest.
    ///
    /// # Errors
    /// [`BudgetBroken`] if that is more than is left; then nothing is counted.
    pub(crate) fn hold(&mut self, bytes: u64) -> Result<(), BudgetBroken> {
        if self.grow(bytes) {
            Ok(())
        } else {
            Err(BudgetBroken(BudgetKind::Memory))
        }
    }

    /// Takes back what [`hold`](Self::hold) counted.
    pub(crate) fn release(&mut self, bytes: u64) {
        self.now = self.now.saturating_sub(bytes);
    }

    fn grow(&mut self, bytes: u64) -> bool {
        let wanted = self.now.saturating_add(bytes);
        if wanted > self.limit {
            return false;
        }
        self.now = wanted;
        self.peak = self.peak.max(wanted);
        true
    }

    fn growing(&mut self, bytes: u64) -> bool {
        let granted = self.grow(bytes);
        if granted {
            self.granted_last = bytes;
            if bytes >= self.denied_bytes {
                self.forget_denial();
            }
        } else {
            let wanted = self.now.saturating_add(bytes);
            self.deny(Denied::Memory(ByteSize::bytes(wanted)), bytes);
        }
        granted
    }

    fn deny(&mut self, denied: Denied, bytes: u64) {
        self.granted_last = 0;
        self.denied = Some(denied);
        self.denied_bytes = bytes;
    }

    /// wasmtime reports a growth that failed after it was granted, always
    /// before it asks for another.
    fn roll_back(&mut self) {
        let bytes = std::mem::take(&mut self.granted_last);
        self.release(bytes);
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.growing(desired.saturating_sub(current) as u64))
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.roll_back();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = desired.saturating_sub(current) as u64;
        let bytes = elements.saturating_mul(TABLE_ELEMENT);
        if desired > MAX_TABLE_ELEMENTS {
            self.deny(Denied::Table(desired), bytes);
            return Ok(false);
        }
        Ok(self.growing(bytes))
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.roll_back();
        Ok(())
    }

    fn instances(&self) -> usize {
        MAX_CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        MAX_TABLES as usize
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 65_536;

    fn failed() -> wasmtime::Error {
        wasmtime::Error::msg("no room")
    }

    #[test]
    fn memories_tables_and_held_bytes_share_one_budget() {
        let mut meter = MemoryMeter::new(ByteSize::bytes(2 * PAGE as u64 + 800));
        assert!(meter.memory_growing(0, PAGE, None).unwrap());
        assert!(
            meter.memory_growing(0, PAGE, None).unwrap(),
            "a second memory"
        );
        assert!(meter.table_growing(0, 90, None).unwrap());
        assert_eq!(meter.left(), 80);
        assert!(meter.hold(81).is_err());
        meter.hold(80).unwrap();
        assert!(!meter.table_growing(90, 91, None).unwrap());
        meter.release(80);
        assert!(meter.table_growing(90, 91, None).unwrap());
        assert_eq!(meter.peak().as_u64(), 2 * PAGE as u64 + 800);
    }

    #[test]
    fn a_growth_that_failed_is_taken_back_once() {
        let mut meter = MemoryMeter::new(ByteSize::mib(1));
        assert!(meter.memory_growing(0, PAGE, None).unwrap());
        assert!(meter.memory_growing(PAGE, 3 * PAGE, None).unwrap());
        meter.memory_grow_failed(failed()).unwrap();
        meter.memory_grow_failed(failed()).unwrap();
        assert_eq!(meter.left(), (1 << 20) - PAGE as u64);
    }

    #[test]
    fn a_denied_growth_that_is_then_reported_failed_changes_nothing() {
        let mut meter = MemoryMeter::new(ByteSize::bytes(PAGE as u64));
        assert!(meter.memory_growing(0, PAGE, None).unwrap());
        assert!(!meter.memory_growing(PAGE, 2 * PAGE, None).unwrap());
        meter.memory_grow_failed(failed()).unwrap();
        assert_eq!(meter.left(), 0);
        assert_eq!(
            meter.denied(),
            Some(Denied::Memory(ByteSize::bytes(2 * PAGE as u64)))
        );
    }

    #[test]
    fn a_denial_is_forgotten_by_whoever_goes_on() {
        let mut meter = MemoryMeter::new(ByteSize::bytes(4 * PAGE as u64));
        assert!(!meter.memory_growing(0, 5 * PAGE, None).unwrap());
        assert!(meter.memory_growing(0, PAGE, None).unwrap());
        assert!(meter.denied().is_some(), "less than was denied");
        meter.forget_denial();
        assert_eq!(meter.denied(), None);

        meter.hold(2 * PAGE as u64).unwrap();
        assert!(!meter.memory_growing(PAGE, 3 * PAGE, None).unwrap());
        meter.release(2 * PAGE as u64);
        assert!(meter.memory_growing(PAGE, 3 * PAGE, None).unwrap());
        assert_eq!(meter.denied(), None, "as much as was denied");
    }

    #[test]
    fn a_table_has_a_limit_of_its_own() {
        let mut meter = MemoryMeter::new(ByteSize::mib(64));
        assert!(meter.table_growing(0, MAX_TABLE_ELEMENTS, None).unwrap());
        assert!(
            !meter
                .table_growing(0, MAX_TABLE_ELEMENTS + 1, None)
                .unwrap()
        );
        assert_eq!(meter.denied(), Some(Denied::Table(MAX_TABLE_ELEMENTS + 1)));
    }
}
