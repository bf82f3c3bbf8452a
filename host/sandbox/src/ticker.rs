//! The tick at which running guests give way to others.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// How long the ticker sleeps when nothing runs before it looks whether the
/// engine is still there.
const IDLE: Duration = Duration::from_secs(1);

/// A thread that advances the engine's epoch while attempts are under way. It
/// ends when the engine is gone, which it does not keep alive.
pub(crate) struct Ticker {
    thread: Thread,
    live: Arc<AtomicU32>,
}

/// Keeps the ticker ticking.
pub(crate) struct Ticking<'a>(&'a AtomicU32);

impl Ticker {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub(crate) fn start(engine: &Engine, tick: Duration) -> io::Result<Self> {
        let live = Arc::new(AtomicU32::new(0));
        let (weak, counter) = (engine.weak(), Arc::clone(&live));
        let handle = thread::Builder::new()
            .name("ringfence-tick".to_owned())
            .spawn(move || {
                while let Some(engine) = weak.upgrade() {
                    if counter.load(Ordering::SeqCst) == 0 {
                        drop(engine);
                        thread::park_timeout(IDLE);
                    } else {
                        engine.increment_epoch();
                        drop(engine);
                        thread::sleep(tick);
                    }
                }
            })?;
        Ok(Self {
            thread: handle.thread().clone(),
            live,
        })
    }

    /// Ticks until the guard is dropped.
    pub(crate) fn tick(&self) -> Ticking<'_> {
        if self.live.fetch_add(1, Ordering::SeqCst) == 0 {
            self.thread.unpark();
        }
        Ticking(&self.live)
    }
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
