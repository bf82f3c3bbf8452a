//! The floor: a bare loop over a component that instantiates and calls it,
//! with the engine that the host uses and nothing else. No budgets but fuel and
//! an epoch that never comes, no limiter, no audit, no checks of what it says.

use std::path::Path;

use ringfence_sandbox::engine_for;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::bindings::AgentPluginPre;
use crate::bindings::ringfence::agent::types::{Outcome, Priority, Task};

/// What a call may use.
const FUEL: u64 = 50_000_000_000;

/// A component that can be called.
pub(crate) struct Bare {
    engine: Engine,
    agent: AgentPluginPre<State>,
    fuel: bool,
}

/// What WASI needs.
pub(crate) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl Bare {
    /// With the host's own tuning, and room for so many at a time.
    pub(crate) fn new(component: &Path, room: u32) -> Self {
        Self::with(engine_for(room).unwrap(), component, true)
    }

    /// With an engine that meters fuel, or not.
    pub(crate) fn with(engine: Engine, component: &Path, fuel: bool) -> Self {
        let component = Component::from_file(&engine, component).unwrap();
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
        linker.define_unknown_imports_as_traps(&component).unwrap();
        let linked = linker.instantiate_pre(&component).unwrap();
        Self {
            agent: AgentPluginPre::new(linked).unwrap(),
            engine,
            fuel,
        }
    }

    /// A fresh instance, one call, and the answer.
    pub(crate) fn call(&self, input: &str) -> String {
        let state = State {
            wasi: WasiCtx::builder().build(),
            table: ResourceTable::new(),
        };
        let mut store = Store::new(&self.engine, state);
        store.set_epoch_deadline(u64::MAX / 2);
        if self.fuel {
            store.set_fuel(FUEL).unwrap();
        }
        let instance = self.agent.instantiate(&mut store).unwrap();
        let answer = instance
            .ringfence_agent_agent()
            .call_execute(&mut store, &task(input))
            .unwrap();
        match answer {
            Ok(Outcome::Completed(output)) => output.value,
            other => panic!("did not complete: {other:?}"),
        }
    }
}

fn task(input: &str) -> Task {
    Task {
        run: "r-1".to_owned(),
        id: "only".to_owned(),
        role: "test".to_owned(),
        priority: Priority::Normal,
        attempt: 1,
        round: 1,
        input: input.to_owned(),
        needs: Vec::new(),
        feedback: Vec::new(),
        time_left_ms: 30_000,
    }
}

/// Calls `bare` `times` times on each of so many threads.
pub(crate) fn on_threads(bare: &Bare, threads: usize, times: u32, input: &str) {
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..times {
                    bare.call(input);
                }
            });
        }
    });
}
