//! What the store of one attempt holds: just what that attempt needs, and
//! nothing that outlives it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_flow::{ArtifactStore, AttemptObserver, ContentHash};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::grants::{Denials, Effect};
use crate::guest_log::GuestLog;
use crate::host::{MeteredIo, OpenFolders, Randomness};
use crate::limiter::MemoryMeter;
use crate::meter::Meter;
use crate::nobody::Nobody;

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
    /// The folders that the guest has open.
    pub(crate) folders: OpenFolders,
    /// Whether files are read, and small folders listed, in the attempt's own thread.
    pub(crate) reads_in_place: bool,
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
    /// For most interfaces. A guest that goes on to use one of them has coped
    /// with whatever memory it was denied.
    pub(crate) fn called(&mut self) -> &mut Self {
        self.memory.forget_denial();
        self.called_by_any()
    }

    /// For interfaces that a guest uses to say why it is about to give up, such
    /// as the way to its standard error.
    pub(crate) fn called_by_any(&mut self) -> &mut Self {
        self.meter.host_call();
        if self.meter.has_too_many_calls() {
            self.disarm();
        }
        self
    }

    /// For streams.
    pub(crate) fn called_io(&mut self) -> MeteredIo<'_> {
        self.called_by_any();
        MeteredIo {
            table: &mut self.table,
            meter: &mut self.meter,
        }
    }

    /// For interfaces that reach for what is never granted.
    pub(crate) fn called_denied(&mut self, effect: Effect) -> &mut Self {
        self.called();
        self.denials.deny(effect, &*self.observer);
        self
    }

    /// Leaves the call that is one too many nothing to act on: no resource
    /// (files, streams, sockets), no store of artifacts, nobody who watches.
    /// wasmtime does not let a view refuse a call, so it runs into this, and
    /// whatever it answers is replaced by the error when it returns. The log
    /// stays as it is, for what was said before.
    fn disarm(&mut self) {
        self.table = ResourceTable::new();
        self.artifacts = None;
        self.observer = Arc::new(Nobody);
    }
}
