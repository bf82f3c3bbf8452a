//! What the store of one attempt holds: just what that attempt needs, and
//! nothing that outlives it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_flow::{ArtifactStore, AttemptObserver, ContentHash};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::grants::{Denials, Effect};
use crate::guest_log::GuestLog;
use crate::host::{MeteredIo, Randomness};
use crate::limiter::MemoryMeter;
use crate::meter::Meter;

/// The state of one attempt.
pub(crate) struct AttemptState {
    /// The files, streams and clocks that the guest sees.
    pub(crate) wasi: WasiCtx,
    /// The resources that the guest holds handles to.
    pub(crate) table: ResourceTable,
    /// Host calls, fuel owed, bytes carried.
    pub(crate) meter: Meter,
    /// Memories, tables and what the host holds.
    pub(crate) memory: MemoryMeter,
    /// What the guest says, shared with its text streams.
    pub(crate) log: Arc<GuestLog>,
    /// Who watches.
    pub(crate) observer: Arc<dyn AttemptObserver>,
    /// Where artifacts go; none while an agent is only asked something.
    pub(crate) artifacts: Option<Arc<dyn ArtifactStore>>,
    /// The artifacts that the guest may name in its output, with their sizes.
    pub(crate) known_artifacts: BTreeMap<ContentHash, u64>,
    /// What the guest draws at random.
    pub(crate) random: Randomness,
    /// What was denied so far.
    pub(crate) denials: Denials,
}

impl WasiView for AttemptState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// `ringfence:agent/types` has no functions.
impl crate::bindings::ringfence::agent::types::Host for AttemptState {}

/// The views of the state that the linker hands to host functions. wasmtime
/// asks for one exactly once for each call, which is how calls are counted.
impl AttemptState {
    /// For most interfaces.
    pub(crate) fn called(&mut self) -> &mut Self {
        self.meter.host_call();
        self
    }

    /// For streams.
    pub(crate) fn called_io(&mut self) -> MeteredIo<'_> {
        self.meter.host_call();
        MeteredIo {
            table: &mut self.table,
            meter: &mut self.meter,
        }
    }

    /// For interfaces that reach for what is never granted.
    pub(crate) fn called_denied(&mut self, effect: Effect) -> &mut Self {
        self.denials.deny(effect, &*self.observer);
        self.called()
    }
}
