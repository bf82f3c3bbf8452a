//! Tells whoever watches a run, in order and numbered without a gap; where the
//! run has a journal, only what that has kept.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use ringfence_flow::{
    Happening, JournalEntry, JournalListener, RunEvent, RunEventKind, RunId, RunJournal, RunPath,
    RunSlot, TaskKey, Timestamp,
};
use tokio::sync::mpsc;

use crate::Clock;

/// Watches a run. Called for one event at a time, in the order of their
/// numbers, from the host's own task, from those of attempts, or from the
/// thread of the run's journal: be quick.
pub trait RunObserver: Send {
    /// Something happened.
    fn event(&mut self, event: &RunEvent);

    /// The run's journal cannot keep anything, for the reason given, so that
    /// nothing new is started; `None`: it can again.
    fn paused(&mut self, why: Option<&str>) {
        let _ = why;
    }
}

impl<F: FnMut(&RunEvent) + Send> RunObserver for F {
    fn event(&mut self, event: &RunEvent) {
        self(event);
    }
}

/// What a journal has to say to the host's task.
#[derive(Clone, Copy, Debug)]
pub(crate) enum News {
    /// More of this run is kept.
    Kept(RunSlot),
    /// Nothing of it can be kept.
    Stuck(RunSlot),
    /// It can again.
    Unstuck(RunSlot),
}

/// Tells whoever watches what happens in one run.
pub(crate) enum Publisher {
    /// Of a run that somebody started.
    Outermost(Outermost),
    /// Of a run that an instance of another one stands for.
    Nested {
        around: Arc<Publisher>,
        key: TaskKey,
        round: u32,
        path: RunPath,
    },
}

/// Numbers the events of a run and passes them on.
pub(crate) struct Outermost {
    run: RunId,
    slot: RunSlot,
    clock: Clock,
    desk: Mutex<Desk>,
    observer: Mutex<Box<dyn RunObserver>>,
    journal: Option<Arc<dyn RunJournal>>,
    /// How many entries the journal has kept.
    kept: AtomicU64,
    /// The thread that waits in [`flush_and_wait`](Publisher::flush_and_wait): it
    /// sees for itself what is kept, and need not be woken.
    waits: Mutex<Option<ThreadId>>,
    news: mpsc::UnboundedSender<News>,
}

struct Desk {
    /// The number of the next event.
    next: u64,
    /// Entries that were not given to the journal yet.
    buffer: Vec<JournalEntry>,
    /// How many entries there were.
    written: u64,
    /// Whether the journal will remind of the buffer.
    is_reminded: bool,
}

/// What a publisher is made of.
pub(crate) struct Publishing {
    pub(crate) run: RunId,
    pub(crate) slot: RunSlot,
    pub(crate) clock: Clock,
    pub(crate) observer: Box<dyn RunObserver>,
    pub(crate) journal: Option<Arc<dyn RunJournal>>,
    pub(crate) news: mpsc::UnboundedSender<News>,
    /// The number of the next event.
    pub(crate) next: u64,
}

impl Publisher {
    pub(crate) fn new(publishing: Publishing) -> Arc<Self> {
        let publisher = Arc::new(Self::Outermost(Outermost {
            run: publishing.run,
            slot: publishing.slot,
            clock: publishing.clock,
            desk: Mutex::new(Desk {
                next: publishing.next,
                buffer: Vec::new(),
                written: 0,
                is_reminded: false,
            }),
            observer: Mutex::new(publishing.observer),
            journal: publishing.journal,
            kept: AtomicU64::new(0),
            waits: Mutex::new(None),
            news: publishing.news,
        }));
        if let Some(journal) = &publisher.root().journal {
            let listener: Arc<dyn JournalListener> = publisher.clone();
            journal.attach(Arc::downgrade(&listener));
        }
        publisher
    }

    pub(crate) fn nested(around: &Arc<Self>, key: TaskKey, round: u32) -> Arc<Self> {
        let path = match &**around {
            Self::Outermost(_) => RunPath::outermost().inside(key.clone()),
            Self::Nested { path, .. } => path.inside(key.clone()),
        };
        let around = Arc::clone(around);
        Arc::new(Self::Nested {
            around,
            key,
            round,
            path,
        })
    }

    /// What happened to a run, and the events that followed.
    pub(crate) fn step(&self, at: Timestamp, input: Happening, events: Vec<RunEventKind>) {
        let path = match self {
            Self::Outermost(_) => RunPath::outermost(),
            Self::Nested { path, .. } => path.clone(),
        };
        let events = events
            .into_iter()
            .map(|event| self.seen_from_outside(event));
        let events = events.collect();
        self.root().add(at, path, Some(input), events);
    }

    /// An event from outside the state machine.
    pub(crate) fn publish(&self, event: RunEventKind) {
        let (root, event) = (self.root(), self.seen_from_outside(event));
        root.add(root.clock.now(), RunPath::outermost(), None, vec![event]);
    }

    /// Gives the journal what has gathered.
    pub(crate) fn flush(&self) {
        self.give(|journal, entries| journal.append(entries));
    }

    /// The same in a moment, with what gathers until then: nobody waits for it.
    pub(crate) fn flush_soon(&self) {
        let root = self.root();
        let Some(journal) = &root.journal else { return };
        // Set before, as it may be due before this returns.
        let is_reminded = std::mem::replace(&mut root.desk().is_reminded, true);
        if !is_reminded && !journal.remind() {
            self.due();
        }
    }

    /// The same where nothing can be done before it is kept. What is kept by the
    /// time that it returns is no news.
    pub(crate) fn flush_and_wait(&self) {
        let root = self.root();
        root.set_waits(Some(thread::current().id()));
        self.give(|journal, entries| journal.append_and_wait(entries));
        root.set_waits(None);
    }

    fn give(&self, how: impl FnOnce(&dyn RunJournal, Vec<JournalEntry>)) {
        let root = self.root();
        if let Some(journal) = &root.journal {
            // The lock is held so that entries are given in order.
            let mut desk = root.desk();
            let entries = std::mem::take(&mut desk.buffer);
            if !entries.is_empty() {
                how(&**journal, entries);
            }
        }
    }

    /// Whether the run has a journal.
    pub(crate) fn is_journaled(&self) -> bool {
        self.root().journal.is_some()
    }

    /// How many entries there are so far.
    pub(crate) fn written(&self) -> u64 {
        self.root().desk().written
    }

    /// How many entries outlive the process.
    pub(crate) fn kept(&self) -> u64 {
        self.root().kept.load(Ordering::Acquire)
    }

    /// How many entries are not kept yet.
    pub(crate) fn ahead(&self) -> u64 {
        // Asked first: one may be written and kept between the two.
        let kept = self.kept();
        self.written() - kept
    }

    fn seen_from_outside(&self, event: RunEventKind) -> RunEventKind {
        match self {
            Self::Outermost(_) => event,
            Self::Nested {
                around, key, round, ..
            } => around.seen_from_outside(RunEventKind::Child {
                key: key.clone(),
                round: *round,
                event: Box::new(event),
            }),
        }
    }

    fn root(&self) -> &Outermost {
        match self {
            Self::Outermost(root) => root,
            Self::Nested { around, .. } => around.root(),
        }
    }
}

impl Outermost {
    fn add(
        &self,
        at: Timestamp,
        path: RunPath,
        input: Option<Happening>,
        events: Vec<RunEventKind>,
    ) {
        let mut desk = self.desk();
        let entry = JournalEntry {
            first: desk.next,
            at,
            path,
            input,
            events,
        };
        desk.next = entry.next();
        desk.written += 1;
        match &self.journal {
            Some(_) => desk.buffer.push(entry),
            // Under the lock, so that events are told in order.
            None => self.tell(entry),
        }
    }

    fn tell(&self, entry: JournalEntry) {
        let mut observer = self.observer();
        for event in entry.into_events(&self.run) {
            // What an observer does with an event is its own affair: when it
            // panics, the run goes on, and it is told of the next event again.
            let told = catch_unwind(AssertUnwindSafe(|| observer.event(&event)));
            if told.is_err() {
                tracing::error!(run = %self.run, seq = event.seq, "an observer panicked");
            }
        }
    }

    fn pause(&self, why: Option<&str>, news: News) {
        let mut observer = self.observer();
        if catch_unwind(AssertUnwindSafe(|| observer.paused(why))).is_err() {
            tracing::error!(run = %self.run, "an observer panicked");
        }
        self.send(news);
    }

    fn send(&self, news: News) {
        // A host that has gone needs no news.
        let _ = self.news.send(news);
    }

    fn set_waits(&self, thread: Option<ThreadId>) {
        *self.waits.lock().unwrap_or_else(PoisonError::into_inner) = thread;
    }

    /// Whether this is the thread that waits.
    fn waits_here(&self) -> bool {
        let waits = *self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits == Some(thread::current().id())
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observer(&self) -> MutexGuard<'_, Box<dyn RunObserver>> {
        self.observer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JournalListener for Publisher {
    fn kept(&self, entries: Vec<JournalEntry>) {
        let (root, count) = (self.root(), entries.len() as u64);
        for entry in entries {
            root.tell(entry);
        }
        root.kept.fetch_add(count, Ordering::Release);
        if !root.waits_here() {
            root.send(News::Kept(root.slot));
        }
    }

    fn due(&self) {
        self.root().desk().is_reminded = false;
        self.flush();
    }

    fn stuck(&self, why: &str) {
        let root = self.root();
        root.pause(Some(why), News::Stuck(root.slot));
    }

    fn unstuck(&self) {
        let root = self.root();
        root.pause(None, News::Unstuck(root.slot));
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("run", &self.root().run)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;
    use std::time::Duration;

    use ringfence_flow::{
        AgentName, Fleet, Limits, LogLevel, LogLine, RunLimits, TaskId, Timestamp,
    };

    use super::*;
    use crate::HostConfig;

    /// A journal that keeps nothing, and notes what it is asked.
    #[derive(Default)]
    struct Asked {
        reminds: bool,
        /// How many reminders were asked for, and how many entries came each time.
        reminders: Mutex<u32>,
        appended: Mutex<Vec<usize>>,
    }

    impl RunJournal for Asked {
        fn attach(&self, _: Weak<dyn JournalListener>) {}

        fn append(&self, entries: Vec<JournalEntry>) {
            self.appended.lock().unwrap().push(entries.len());
        }

        fn remind(&self) -> bool {
            *self.reminders.lock().unwrap() += 1;
            self.reminds
        }
    }

    fn publisher(reminds: bool) -> (Arc<Publisher>, Arc<Asked>) {
        let asked = Arc::new(Asked {
            reminds,
            ..Asked::default()
        });
        let mut fleet = Fleet::new(HostConfig::default().policy(), []);
        let limits = RunLimits {
            concurrency: 1,
            limits: Limits::default(),
        };
        let publisher = Publisher::new(Publishing {
            run: RunId::new("r-1").unwrap(),
            slot: fleet.enter(limits, None),
            clock: Clock::starting_at(Timestamp::from_unix(Duration::from_secs(1))),
            observer: Box::new(|_: &RunEvent| {}),
            journal: Some(asked.clone()),
            news: mpsc::unbounded_channel().0,
            next: 1,
        });
        (publisher, asked)
    }

    /// Says something that nobody waits for.
    fn say(publisher: &Publisher) {
        publisher.publish(RunEventKind::AttemptLog {
            key: TaskKey::single(TaskId::new("t").unwrap()),
            agent: AgentName::new("a").unwrap(),
            attempt: 1,
            line: LogLine {
                level: LogLevel::Info,
                message: "hello".into(),
                fields: Arc::default(),
            },
        });
        publisher.flush_soon();
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_gathers_until_the_journal_reminds_of_it() {
        let (publisher, asked) = publisher(true);
        for _ in 0..3 {
            say(&publisher);
        }
        assert_eq!(*asked.reminders.lock().unwrap(), 1);
        assert!(asked.appended.lock().unwrap().is_empty());
        publisher.due();
        assert_eq!(*asked.appended.lock().unwrap(), [3]);
        say(&publisher);
        assert_eq!(*asked.reminders.lock().unwrap(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_takes_along_what_has_gathered() {
        let (publisher, asked) = publisher(true);
        say(&publisher);
        publisher.step(Timestamp::default(), Happening::Tick, Vec::new());
        publisher.flush();
        assert_eq!(*asked.appended.lock().unwrap(), [2]);
        publisher.due();
        assert_eq!(asked.appended.lock().unwrap().len(), 1, "nothing is left");
    }

    #[tokio::test(start_paused = true)]
    async fn a_journal_that_cannot_remind_has_it_at_once() {
        let (publisher, asked) = publisher(false);
        say(&publisher);
        say(&publisher);
        assert_eq!(*asked.appended.lock().unwrap(), [1, 1]);
    }
}
