//! What a run starts with.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use ringfence_flow::{
    ArtifactStore, Budgets, Json, Plan, Replay, ResultStore, RunEvent, RunId, RunJournal,
    TaskIndex, Timestamp,
};

use crate::{Clock, MemoryArtifacts, RunObserver};

/// A run to be started.
pub struct RunSpec {
    /// Its name, unique in its host. See [`draw_run_id`].
    pub id: RunId,
    /// What is to be done.
    pub plan: Arc<Plan>,
    /// The workflow's inputs, checked and with defaults filled in.
    pub inputs: Json,
    /// What every draw of the run comes from. See [`draw_seed`].
    pub seed: u64,
    /// What an attempt gets where the workflow says nothing; the runner's
    /// default if `None`.
    pub budgets: Option<Budgets>,
    /// Where artifacts go and come from.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// The results of earlier attempts, for tasks with `cache`; those that the
    /// host holds in memory if `None`.
    pub results: Option<Arc<dyn ResultStore>>,
    /// Who watches.
    pub observer: Box<dyn RunObserver>,
    /// Where it is written down what happens, if it is: then nothing that others can
    /// tell of is done or told before it is kept.
    pub journal: Option<Arc<dyn RunJournal>>,
}

/// A run to go on with.
pub struct ResumeSpec {
    /// The run, as its journal says it is.
    pub run: Replay,
    /// From which tasks on it runs again, if it has ended; see
    /// [`retried_tasks`](ringfence_flow::Run::retried_tasks). `None` goes on with one that has not.
    pub retry: Option<Vec<TaskIndex>>,
    /// Where artifacts go and come from: those of the run are there.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// As in [`RunSpec`].
    pub results: Option<Arc<dyn ResultStore>>,
    /// Who watches, from the next event on.
    pub observer: Box<dyn RunObserver>,
    /// Its journal, which goes on as well.
    pub journal: Arc<dyn RunJournal>,
}

impl fmt::Debug for ResumeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeSpec")
            .field("run", self.run.run().id())
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl RunSpec {
    /// A run of `plan` with a fresh name and seed, the runner's budgets,
    /// artifacts in memory and nobody who watches. Each can be set afterwards.
    #[must_use]
    pub fn new(plan: Arc<Plan>, inputs: Json, clock: Clock) -> Self {
        Self {
            id: draw_run_id(clock.now()),
            plan,
            inputs,
            seed: draw_seed(),
            budgets: None,
            artifacts: Arc::new(MemoryArtifacts::default()),
            results: None,
            observer: Box::new(|_: &RunEvent| {}),
            journal: None,
        }
    }

    /// The same run, watched by `observer`.
    #[must_use]
    pub fn watched(mut self, observer: impl RunObserver + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }
}

impl fmt::Debug for RunSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunSpec")
            .field("id", &self.id)
            .field("inputs", &self.inputs)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// A fresh seed. Not for secrets.
#[must_use]
pub fn draw_seed() -> u64 {
    // The standard library keys each hasher at random.
    RandomState::new().build_hasher().finish()
}

/// A fresh name for a run, for example `r-1n4k2v9-3fz8m1`: names sort by
/// the second in which they were drawn, and those of one second are told
/// apart by 30 random bits.
#[must_use]
pub fn draw_run_id(now: Timestamp) -> RunId {
    const WIDTHS: (usize, usize) = (7, 6);
    let seconds = now.since_unix().as_secs();
    let name = format!(
        "r-{}-{}",
        base32(seconds, WIDTHS.0),
        base32(draw_seed(), WIDTHS.1)
    );
    match RunId::new(&name) {
        Ok(id) => id,
        Err(error) => unreachable!("`{name}` is made of legal characters: {error}"),
    }
}

/// The lowest `width` digits of `number` to the base 32 (Crockford's digits:
/// none looks like another).
fn base32(number: u64, width: usize) -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    (0..width)
        .rev()
        .map(|place| char::from(DIGITS[(number >> (5 * place) & 31) as usize]))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn run_names_sort_by_time_and_differ() {
        let at = |seconds| draw_run_id(Timestamp::from_unix(Duration::from_secs(seconds)));
        assert!(at(1_000_000_000) < at(1_000_000_001));
        assert!(at(1_999_999_999) < at(2_000_000_000));
        assert_ne!(at(5), at(5));
    }

    #[test]
    fn digits_are_crockfords() {
        assert_eq!(base32(0, 3), "000");
        assert_eq!(base32(31 << 5 | 10, 3), "0za");
    }
}
