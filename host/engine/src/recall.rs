//! Earlier results: looked for before an attempt, kept after it.

use std::sync::Arc;

use ringfence_flow::{
    AgentName, AttemptResult, ContentHash, InstanceRef, Recalled, RunId, RunInput, RunSlot,
    StopSignal, TaskRequest, Ticket,
};

use crate::Clock;
use crate::attempt::{Done, stop_signal};
use crate::dispatcher::Dispatcher;
use crate::errands::Errand;
use crate::live::{Artifacts, Live, Results};
use crate::results::result_key;

/// What a search for an earlier result brings back.
#[derive(Debug)]
pub(crate) struct Search {
    /// The name under which a result is to be kept; none if that cannot be
    /// told.
    key: Option<ContentHash>,
    found: Option<Box<Recalled>>,
}

impl Search {
    pub(crate) const NOTHING: Self = Self {
        key: None,
        found: None,
    };
}

impl Dispatcher {
    /// Looks for an earlier result of a request.
    pub(crate) fn recall(
        &mut self,
        slot: RunSlot,
        at: InstanceRef,
        agent: AgentName,
        request: TaskRequest,
    ) {
        let Some(live) = self.runs.get_mut(&slot) else {
            return;
        };
        let Some(ticket) = live.tickets.get(&at).copied() else {
            return;
        };
        let (stop, signal) = stop_signal();
        live.stops.insert(at, stop);
        let (results, artifacts) = (live.results.clone(), live.artifacts.clone());
        let runner = Arc::clone(&self.runner);
        let search = async move {
            let fingerprint = runner.fingerprint(&agent, &request.mounts).await;
            let Some(fingerprint) = fingerprint else {
                return Search::NOTHING;
            };
            let key = result_key(fingerprint, &request);
            let found = results.0.get(key, &*artifacts.0).await;
            Search {
                key: Some(key),
                found: found.map(Box::new),
            }
        };
        let search = unless_stopped(search, signal);
        self.errands.start(ticket, Errand::Recall, search);
    }

    /// A search came back.
    pub(crate) fn searched(&mut self, ticket: Ticket, search: Search) {
        let Some(holder) = self.tickets.get(&ticket).copied() else {
            return;
        };
        if let Some(live) = self.runs.get_mut(&holder.run) {
            live.stops.remove(&holder.at);
            match search.key {
                Some(key) if search.found.is_none() => drop(live.keys.insert(holder.at, key)),
                _ => drop(live.keys.remove(&holder.at)),
            }
        }
        let (at, found) = (holder.at, search.found);
        self.feed(holder.run, RunInput::Recalled { at, found });
    }
}

/// Keeps what an attempt gives.
pub(crate) struct Keeper {
    key: ContentHash,
    run: RunId,
    clock: Clock,
    results: Results,
    artifacts: Artifacts,
}

impl Keeper {
    /// Keeps a result that is an output.
    pub(crate) async fn keep(self, result: &AttemptResult) {
        let AttemptResult::Completed(output) = result else {
            return;
        };
        let result = Recalled {
            output: output.clone(),
            run: self.run,
            at: self.clock.now(),
        };
        let (results, artifacts) = (self.results.0, self.artifacts.0);
        results.put(self.key, result, &*artifacts).await;
    }
}

impl Live {
    /// Keeps the result of an attempt at an instance, if its task asks for
    /// that.
    pub(crate) fn keeper(&mut self, at: InstanceRef, clock: Clock) -> Option<Keeper> {
        let key = self.keys.remove(&at)?;
        Some(Keeper {
            key,
            run: self.run.id().clone(),
            clock,
            results: self.results.clone(),
            artifacts: self.artifacts.clone(),
        })
    }
}

async fn unless_stopped(search: impl Future<Output = Search>, stop: StopSignal) -> Done {
    tokio::select! {
        search = search => Done::Search(search),
        _ = stop => Done::Search(Search::NOTHING),
    }
}
