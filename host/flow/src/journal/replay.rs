//! A run rebuilt from its journal.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::entry::{seen_from_inside, seen_from_outside};
use super::{Happening, JournalEntry, RunPath};
use crate::{
    Effect, InstanceRef, Plan, Run, RunEventKind, RunId, RunInput, RunOptions, TaskKey, Timestamp,
};

/// Why a journal cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// Entries are missing.
    #[error("the journal goes on with event {found} where event {expected} should be")]
    Gap {
        /// The number of the event that should have come.
        expected: u64,
        /// The number of the one that came.
        found: u64,
    },
    /// An entry speaks of what is not there.
    #[error("the entry at event {seq} does not fit the run: {what}")]
    Misfit {
        /// The number of its first event.
        seq: u64,
        /// What is wrong.
        what: String,
    },
    /// The state machine decides otherwise than the one that wrote the journal.
    #[error(
        "at event {seq} this version of ringfence decides otherwise than the one that wrote the journal; go on with that one"
    )]
    DecidesOtherwise {
        /// The number of the event.
        seq: u64,
    },
}

/// A run, and the runs inside it, as their journal says they are.
#[derive(Debug)]
pub struct Replay {
    runs: BTreeMap<RunPath, Run>,
    /// The round of the task that a run inside stands for.
    rounds: BTreeMap<RunPath, u32>,
    next: u64,
    at: Timestamp,
}

impl Replay {
    /// A run of which nothing has been written down.
    #[must_use]
    pub fn new(id: RunId, plan: Arc<Plan>, options: RunOptions) -> Self {
        let run = Run::new(id, plan, options);
        Self {
            runs: BTreeMap::from([(RunPath::outermost(), run)]),
            rounds: BTreeMap::new(),
            next: 1,
            at: Timestamp::default(),
        }
    }

    /// The run that somebody started.
    #[must_use]
    pub fn run(&self) -> &Run {
        match self.runs.get(&RunPath::outermost()) {
            Some(run) => run,
            None => unreachable!("the outermost run is there from the beginning"),
        }
    }

    /// A run of it that has not been let go of.
    #[must_use]
    pub fn inside(&self, path: &RunPath) -> Option<&Run> {
        self.runs.get(path)
    }

    /// The paths of all runs that were not let go of, those around before those
    /// inside.
    #[must_use]
    pub fn paths(&self) -> Vec<RunPath> {
        self.runs.keys().cloned().collect()
    }

    /// The number of the next event.
    #[must_use]
    pub const fn next_event(&self) -> u64 {
        self.next
    }

    /// When the latest entry was written.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// All runs by their paths, those around before those inside.
    #[must_use]
    pub fn into_runs(self) -> BTreeMap<RunPath, Run> {
        self.runs
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// [`ReplayError`] if it does not follow from those before.
    pub fn apply(&mut self, entry: &JournalEntry) -> Result<(), ReplayError> {
        if entry.first != self.next {
            return Err(ReplayError::Gap {
                expected: self.next,
                found: entry.first,
            });
        }
        if let Some(happening) = &entry.input {
            self.repeat(entry, happening)?;
        }
        self.next = entry.next();
        self.at = self.at.max(entry.at);
        Ok(())
    }

    fn repeat(&mut self, entry: &JournalEntry, happening: &Happening) -> Result<(), ReplayError> {
        let path = &entry.path;
        let misfit = |what: &str| ReplayError::Misfit {
            seq: entry.first,
            what: what.to_owned(),
        };
        let inside = |event| seen_from_inside(event, path.depth());
        let told = entry.events.first().and_then(inside);
        let plan = match self.runs.get(path) {
            Some(run) => Arc::clone(run.plan()),
            None => return Err(misfit(&format!("there is no run at `{path}`"))),
        };
        let input = happening
            .input(&plan, told, |key| self.let_go(path, key))
            .ok_or_else(|| misfit("it lacks what happened"))?;
        let Some(run) = self.runs.get_mut(path) else {
            return Err(misfit("a run is inside itself"));
        };
        let effects = run.replay(entry.at, input).map_err(misfit)?;
        let mut written = (entry.first..).zip(&entry.events);
        for effect in effects {
            match effect {
                Effect::Emit(event) => match written.next() {
                    Some((_, told)) if inside(told) == Some(&event) => {}
                    other => {
                        let seq = other.map_or_else(|| entry.next(), |(seq, _)| seq);
                        return Err(ReplayError::DecidesOtherwise { seq });
                    }
                },
                Effect::StartChild { at, child } => {
                    let run = Run::new(child.id, child.plan, child.options);
                    self.put(path, at, run);
                }
                _ => {}
            }
        }
        match written.next() {
            None => Ok(()),
            Some((seq, _)) => Err(ReplayError::DecidesOtherwise { seq }),
        }
    }

    /// Keeps the run that an instance of another one stands for.
    fn put(&mut self, around: &RunPath, at: InstanceRef, child: Run) -> RunPath {
        let Some(parent) = self.runs.get(around) else {
            unreachable!("the run around is there: it has just spoken")
        };
        let path = around.inside(at.key(parent.plan()));
        self.rounds.insert(path.clone(), parent.round(at));
        self.runs.insert(path.clone(), child);
        path
    }

    /// Gives how the run ended that a task stands for, and lets go of it.
    fn let_go(&mut self, around: &RunPath, key: &TaskKey) -> Option<crate::AttemptResult> {
        let path = around.inside(key.clone());
        let result = self.runs.get(&path)?.result()?;
        self.runs.remove(&path);
        self.rounds.remove(&path);
        Some(result)
    }

    /// Tells a run what happened without anybody who could make attempts, and
    /// gives what is to be written down of it. What the machine asks for is
    /// asked for again when the run is resumed.
    ///
    /// The caller has checked that it fits the run at `path`.
    pub fn drive(&mut self, now: Timestamp, path: &RunPath, input: RunInput) -> Vec<JournalEntry> {
        let mut entries = Vec::new();
        let mut pending = VecDeque::from([(path.clone(), input)]);
        while let Some((path, input)) = pending.pop_front() {
            let Some(run) = self.runs.get_mut(&path) else {
                continue;
            };
            let happening = Happening::of(&input, run.plan());
            let effects = run.handle(now, input);
            let ended = run.result();
            let mut events = Vec::new();
            for effect in effects {
                match effect {
                    Effect::Emit(event) => events.push(self.seen_from_outside(&path, event)),
                    Effect::StartChild { at, child } => {
                        let run = Run::new(child.id, child.plan, child.options);
                        pending.push_back((self.put(&path, at, run), RunInput::Start));
                    }
                    Effect::StopChild { at, reason, again } => {
                        let child = self
                            .runs
                            .get(&path)
                            .map(|run| path.inside(at.key(run.plan())));
                        let stops = child.filter(|child| !(again && self.is_stopping(child)));
                        pending.extend(stops.map(|child| (child, RunInput::Stop(reason))));
                    }
                    _ => {}
                }
            }
            let entry = JournalEntry {
                first: self.next,
                at: now,
                path: path.clone(),
                input: Some(happening),
                events,
            };
            self.next = entry.next();
            self.at = self.at.max(now);
            entries.push(entry);
            if ended.is_some() {
                pending.extend(self.child_ended(&path));
            }
        }
        entries
    }

    fn is_stopping(&self, path: &RunPath) -> bool {
        self.runs.get(path).is_some_and(Run::is_stopping)
    }

    /// What the run around one that has ended is told.
    fn child_ended(&mut self, path: &RunPath) -> Option<(RunPath, RunInput)> {
        let (around, key) = path.around()?;
        let plan = Arc::clone(self.runs.get(&around)?.plan());
        let result = self.let_go(&around, key)?;
        let at = InstanceRef {
            task: plan.index_of(&key.task)?,
            item: key.item.unwrap_or(0),
        };
        Some((around, RunInput::ChildEnded { at, result }))
    }

    fn seen_from_outside(&self, path: &RunPath, event: RunEventKind) -> RunEventKind {
        let mut around = Vec::new();
        let mut path = path.clone();
        while let Some((outer, key)) = path.around() {
            let round = self.rounds.get(&path).copied().unwrap_or(1);
            around.push((key.clone(), round));
            path = outer;
        }
        around.reverse();
        seen_from_outside(event, around.into_iter())
    }
}
