//! A pool of sandboxes for each core, and agents that are in several of them.
//!
//! One pool for all cores hands the memory that one core has just used to
//! another one, and each sandbox counts in places that all cores write to: two
//! cores then do little more than one. So each core has a lane: an engine with a
//! pool of its own. An agent is loaded into the first lane when it is admitted,
//! and into another one when it is first wanted there; until that is done its
//! attempts run in the first lane.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use ringfence_flow::ContentHash;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::agent::AgentPre;
use crate::compile::Compiler;
use crate::engine;
use crate::folder::LoadedComponent;
use crate::link;
use crate::runtime::Runtime;
use crate::source_lines::SourceLines;
use crate::state::AttemptState;

/// The most lanes. Each costs an agent that is used in it the room for what
/// wasmtime keeps of its code.
const MAX_LANES: usize = 8;

/// The most sandboxes that all lanes have room for together, of which each takes
/// 8 GiB of address space: there are 128 TiB.
const MAX_SANDBOXES: u32 = 8_192;

/// An engine with its pool, and what is linked for it.
pub(crate) struct Lane {
    engine: Engine,
    linker: Linker<AttemptState>,
}

impl Lane {
    fn new(sandboxes: u32) -> wasmtime::Result<Self> {
        let engine = engine::pooled(sandboxes)?;
        let linker = link::linker(&engine)?;
        Ok(Self { engine, linker })
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What guests can import.
    pub(crate) fn linker(&self) -> &Linker<AttemptState> {
        &self.linker
    }
}

/// All lanes of a host; there is at least one.
pub(crate) struct Lanes {
    first: Lane,
    others: Vec<Lane>,
}

impl Lanes {
    /// A lane for each of so many cores, each with room for all of `attempts`,
    /// the first one for `questions` as well.
    ///
    /// # Errors
    /// Those of wasmtime, when the machine cannot reserve the address space.
    pub(crate) fn new(cores: usize, attempts: u32, questions: u32) -> wasmtime::Result<Self> {
        let others = count(cores, attempts) - 1;
        Ok(Self {
            first: Lane::new(attempts.saturating_add(questions))?,
            others: (0..others)
                .map(|_| Lane::new(attempts))
                .collect::<wasmtime::Result<_>>()?,
        })
    }

    /// The one that every agent is in.
    pub(crate) fn first(&self) -> &Lane {
        &self.first
    }

    /// All engines.
    pub(crate) fn engines(&self) -> Vec<Engine> {
        let lanes = std::iter::once(&self.first).chain(&self.others);
        lanes.map(|lane| lane.engine.clone()).collect()
    }

    /// Which of the others is the one of this core; `None` for the first.
    fn other_here(&self) -> Option<usize> {
        (core() % (self.others.len() + 1)).checked_sub(1)
    }
}

fn count(cores: usize, attempts: u32) -> usize {
    let affordable = MAX_SANDBOXES / attempts.max(1);
    // Fewer attempts than cores need no more lanes than there are of them.
    let useful = cores.min(attempts as usize).min(MAX_LANES);
    useful.min(affordable as usize).max(1)
}

/// The core that this thread runs on.
#[cfg(target_os = "linux")]
fn core() -> usize {
    rustix::thread::sched_getcpu()
}

/// Elsewhere all share the first lane.
#[cfg(not(target_os = "linux"))]
fn core() -> usize {
    0
}

/// An agent in the lanes that it is wanted in.
pub(crate) struct InLanes {
    first: AgentPre,
    others: Box<[InLane]>,
    component: Component,
    hash: ContentHash,
    lines: SourceLines,
    compiler: Arc<Compiler>,
}

/// An agent in one lane.
#[derive(Default)]
struct InLane {
    begun: AtomicBool,
    pre: OnceLock<AgentPre>,
}

impl InLanes {
    /// An agent that is in the first lane. `compiler` has made its component.
    pub(crate) fn new(
        first: AgentPre,
        lanes: &Lanes,
        component: &LoadedComponent,
        compiler: &Arc<Compiler>,
    ) -> Self {
        Self {
            first,
            others: lanes.others.iter().map(|_| InLane::default()).collect(),
            component: component.component.clone(),
            hash: component.hash,
            lines: component.lines.clone(),
            compiler: Arc::clone(compiler),
        }
    }

    /// The agent in the first lane.
    pub(crate) fn first(&self) -> &AgentPre {
        &self.first
    }

    /// Where its code comes from, in whichever lane.
    pub(crate) fn lines(&self) -> &SourceLines {
        &self.lines
    }

    /// The lane of this core with the agent in it, or the first one, until the
    /// agent has been loaded into that of this core.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub(crate) fn here<'a>(
        self: &'a Arc<Self>,
        runtime: &'a Arc<Runtime>,
    ) -> (&'a Lane, &'a AgentPre) {
        let lanes = runtime.lanes();
        let first = (&lanes.first, &self.first);
        let Some(index) = lanes.other_here() else {
            return first;
        };
        let place = &self.others[index];
        match place.pre.get() {
            Some(pre) => (&lanes.others[index], pre),
            None => {
                if !place.begun.swap(true, Ordering::Relaxed) {
                    let (agent, runtime) = (Arc::clone(self), Arc::clone(runtime));
                    tokio::task::spawn_blocking(move || agent.enter(index, &runtime));
                }
                first
            }
        }
    }

    fn enter(&self, index: usize, runtime: &Runtime) {
        let lane = &runtime.lanes().others[index];
        let component = self
            .compiler
            .load_again(&lane.engine, &self.component, self.hash);
        match component.and_then(|component| self.first.again(&lane.linker, &component)) {
            Ok(pre) => drop(self.others[index].pre.set(pre)),
            Err(error) => tracing::debug!(%error, "an agent stays in the first lane"),
        }
    }
}

impl fmt::Debug for InLanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InLanes")
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_lanes_as_cores_can_use_and_address_space_can_hold() {
        assert_eq!(count(1, 68), 1);
        assert_eq!(count(2, 68), 2);
        assert_eq!(count(64, 68), MAX_LANES);
        assert_eq!(count(64, 3), 3, "three attempts are on three cores");
        assert_eq!(count(64, 4_096), 2);
        assert_eq!(count(64, 100_000), 1);
        assert_eq!(count(64, 0), 1);
    }
}
