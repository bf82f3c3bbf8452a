//! The seam between the engine and whatever keeps journals.

use std::sync::Weak;

use super::JournalEntry;

/// Keeps the journal of one run.
pub trait RunJournal: Send + Sync {
    /// Names who is told what becomes of the entries. Called once, before the
    /// first of them.
    fn attach(&self, listener: Weak<dyn JournalListener>);

    /// Takes entries, in order, and returns at once. They are kept later, or
    /// it is tried again and again.
    fn append(&self, entries: Vec<JournalEntry>);

    /// Has [`JournalListener::due`] called in a moment (a few milliseconds, or when
    /// anything else is about to be kept), for entries that nobody waits for: they are
    /// kept with others then. False if it cannot; then they are best appended at once.
    fn remind(&self) -> bool {
        false
    }

    /// The same as [`append`](Self::append), for a caller that has nothing to do until
    /// the entries are kept: they may be kept, and the listener told, before it returns.
    /// It is not tried again in here: where that fails, or others are at it, it is as
    /// [`append`](Self::append).
    fn append_and_wait(&self, entries: Vec<JournalEntry>) {
        self.append(entries);
    }
}

/// Whoever writes a journal, and waits for what is kept. Called from the
/// journal's own thread, or from [`RunJournal::append_and_wait`]: one call at a
/// time, in order, but for [`due`](Self::due), which may come at any time.
pub trait JournalListener: Send + Sync {
    /// These entries, the next that were appended, outlive the process now.
    fn kept(&self, entries: Vec<JournalEntry>);

    /// It is time to append what has gathered: [`RunJournal::remind`] asked for it.
    fn due(&self) {}

    /// The journal cannot keep anything at the moment. It goes on trying.
    fn stuck(&self, why: &str);

    /// It can again. Told before the entries are that it could not keep.
    fn unstuck(&self);
}
