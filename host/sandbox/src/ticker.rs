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

/// A thread that advances the epoch of some engines while attempts are under way.
/// It ends when the engines are gone, which it does not keep alive.
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
    pub(crate) fn start(engines: &[Engine], tick: Duration) -> io::Result<Self> {
        let live = Arc::new(AtomicU32::new(0));
        let weak: Vec<_> = engines.iter().map(Engine::weak).collect();
        let counter = Arc::clone(&live);
        let handle = thread::Builder::new()
            .name("ringfence-tick".to_owned())
            .spawn(move || {
                loop {
                    let is_busy = counter.load(Ordering::SeqCst) > 0;
                    for engine in &weak {
                        match engine.upgrade() {
                            Some(engine) if is_busy => engine.increment_epoch(),
                            Some(_) => {}
                            None => return,
                        }
                    }
                    if is_busy {
                        thread::sleep(tick);
                    } else {
                        thread::park_timeout(IDLE);
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
