//! A live host that picks up what changes in its plugins folders.

use std::sync::Arc;
use std::time::Duration;

use ringfence_engine::Host;
use ringfence_sandbox::{FolderError, Refreshed, Sandbox};
use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;

/// How often the folders are looked at unless somebody says otherwise.
pub const DEFAULT_LOOK: Duration = Duration::from_millis(500);

/// Looks at the plugins folders of a host until it is dropped.
///
/// ```no_run
/// # async fn example(sandbox: std::sync::Arc<ringfence::sandbox::Sandbox>) {
/// use ringfence::engine::{Clock, Host, HostConfig};
/// use ringfence::hot::{DEFAULT_LOOK, FolderWatch};
///
/// let host = Host::start(sandbox.clone(), HostConfig::default(), Clock::system());
/// let watch = FolderWatch::start(sandbox, host.clone(), DEFAULT_LOOK, |_| {});
/// // Runs of `host` now use what is dropped into the folders.
/// drop(watch);
/// # }
/// ```
#[derive(Debug)]
pub struct FolderWatch {
    watching: AbortHandle,
}

impl FolderWatch {
    /// Looks every so often, and waits as long for what is being loaded. `tell` is told of each look that found something,
    /// and when the folders cannot be read, once until they can be again.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(
        sandbox: Arc<Sandbox>,
        host: Host,
        every: Duration,
        mut tell: impl FnMut(Result<Refreshed, FolderError>) + Send + 'static,
    ) -> Self {
        let watching = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut is_lost = false;
            loop {
                ticks.tick().await;
                match sandbox.refresh(every).await {
                    Ok(refreshed) => {
                        is_lost = false;
                        // A host that has gone has no use for agents.
                        if refreshed.has_changed && host.agents_changed().await.is_err() {
                            return;
                        }
                        if refreshed.has_changed || !refreshed.refused.is_empty() {
                            tell(Ok(refreshed));
                        }
                    }
                    Err(error) if !is_lost => {
                        is_lost = true;
                        tell(Err(error));
                    }
                    Err(_) => {}
                }
            }
        });
        Self {
            watching: watching.abort_handle(),
        }
    }
}

impl Drop for FolderWatch {
    fn drop(&mut self) {
        self.watching.abort();
    }
}
