//! A run on a terminal: the graph as it runs, who is at work, what goes wrong
//! as it happens.

mod picture;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ringfence::engine::{Clock, RunObserver};
use ringfence::flow::{AttemptResult, RunEvent, RunEventKind, TaskId};

use super::PlainView;
use crate::control::Watch;
use crate::output::{Screen, say};
use picture::{Logged, MOST_LOGGED, Picture, Signs};

/// How often the screen is drawn.
const FRAME: Duration = Duration::from_millis(200);

/// How many failures of attempts at one task are told as they happen. The
/// picture counts them all.
const MOST_FAILURES: u32 = 5;

/// The size of a terminal that does not tell its own.
const USUAL_SIZE: (u16, u16) = (24, 80);

/// A run on a terminal. What is drawn comes from what is known of the run;
/// a thread draws it again and again.
#[derive(Debug)]
pub(crate) struct LiveView {
    log: Arc<Mutex<VecDeque<Logged>>>,
    /// How many failures were told, by task.
    failures: BTreeMap<TaskId, u32>,
    /// Dropped to end the thread.
    painting: Option<(Sender<()>, JoinHandle<()>)>,
    _screen: Screen,
}

impl LiveView {
    /// Draws on stderr what `watch` knows.
    pub(crate) fn new(watch: Arc<Mutex<Watch>>, clock: Clock) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style());
        let log = Arc::<Mutex<VecDeque<Logged>>>::default();
        let (stop, stopped) = mpsc::channel::<()>();
        let screen = Screen::take(&bar);
        let painter = Painter {
            bar,
            watch,
            log: Arc::clone(&log),
            clock,
        };
        let thread = thread::spawn(move || {
            while stopped.recv_timeout(FRAME) == Err(RecvTimeoutError::Timeout) {
                painter.draw();
            }
            painter.bar.finish_and_clear();
        });
        Self {
            log,
            failures: BTreeMap::new(),
            painting: Some((stop, thread)),
            _screen: screen,
        }
    }

    /// Ends the picture; what was told above it stays.
    fn finish(&mut self) {
        if let Some((stop, thread)) = self.painting.take() {
            drop(stop);
            drop(thread.join());
        }
    }

    fn note_log(&self, path: &str, event: &RunEventKind) {
        match event {
            RunEventKind::Child { key, event, .. } => {
                self.note_log(&format!("{path}{key}/"), event);
            }
            RunEventKind::AttemptLog {
                key, agent, line, ..
            } => {
                let mut log = lock(&self.log);
                log.push_back(Logged {
                    who: format!("{path}{key} {agent}"),
                    line: line.clone(),
                });
                if log.len() > MOST_LOGGED {
                    log.pop_front();
                }
            }
            _ => {}
        }
    }

    /// Tells what stays above the picture.
    fn tell(&mut self, event: &RunEvent) {
        if !is_news(&event.event) {
            return;
        }
        let more = match &event.event {
            RunEventKind::AttemptEnded { key, .. } => {
                let told = self.failures.entry(key.task.clone()).or_default();
                *told += 1;
                match (*told).cmp(&MOST_FAILURES) {
                    std::cmp::Ordering::Less => None,
                    std::cmp::Ordering::Equal => Some(&key.task),
                    std::cmp::Ordering::Greater => return,
                }
            }
            _ => None,
        };
        if let Some(line) = PlainView::line(event) {
            say(&line);
        }
        if let Some(task) = more {
            say(&format!("{task}: further failures are counted below"));
        }
    }
}

impl RunObserver for LiveView {
    fn event(&mut self, event: &RunEvent) {
        self.note_log("", &event.event);
        self.tell(event);
        if let RunEventKind::RunEnded { .. } = event.event {
            self.finish();
        }
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Whether something is told above the picture, which shows the rest.
fn is_news(event: &RunEventKind) -> bool {
    match event {
        RunEventKind::Child { event, .. } => is_news(event),
        RunEventKind::AttemptEnded { result, .. } => matches!(result, AttemptResult::Failed(_)),
        RunEventKind::ApprovalRequested { .. }
        | RunEventKind::ApprovalDecided { .. }
        | RunEventKind::RoundStarted { .. }
        | RunEventKind::AttemptLost { .. }
        | RunEventKind::FallbackChosen { .. }
        | RunEventKind::FinallyStarted { .. }
        | RunEventKind::BreakerMoved { .. }
        | RunEventKind::AgentSetAside { .. }
        | RunEventKind::AgentChanged { .. }
        | RunEventKind::RunResumed { .. }
        | RunEventKind::RunRetried { .. }
        | RunEventKind::RunStopping { .. } => true,
        RunEventKind::RunStarted { .. }
        | RunEventKind::TaskExpanded { .. }
        | RunEventKind::AttemptStarted { .. }
        | RunEventKind::AttemptProgress { .. }
        | RunEventKind::AttemptLog { .. }
        | RunEventKind::GrantDecided { .. }
        | RunEventKind::RetryScheduled { .. }
        | RunEventKind::TaskEnded { .. }
        | RunEventKind::ResultRecalled { .. }
        | RunEventKind::ChildStarted { .. }
        | RunEventKind::RunEnded { .. } => false,
    }
}

/// Draws what is known.
struct Painter {
    bar: ProgressBar,
    watch: Arc<Mutex<Watch>>,
    log: Arc<Mutex<VecDeque<Logged>>>,
    clock: Clock,
}

impl Painter {
    fn draw(&self) {
        let size = Term::stderr().size_checked().unwrap_or(USUAL_SIZE);
        let now = self.clock.now();
        let lines = {
            let (watch, log) = (lock(&self.watch), lock(&self.log));
            if watch.record.started.is_none() {
                return;
            }
            let picture = Picture {
                record: &watch.record,
                metrics: &watch.metrics(now),
                log: &log,
                now,
                signs: signs(),
            };
            picture.lines(size)
        };
        self.bar.set_message(lines.join("\n"));
    }
}

fn signs() -> &'static Signs {
    match Term::stderr().features().wants_emoji() {
        true => &Signs::UNICODE,
        false => &Signs::ASCII,
    }
}

fn style() -> ProgressStyle {
    // A template that does not parse is seen at once in development.
    ProgressStyle::with_template("{msg}").unwrap_or_else(|error| {
        debug_assert!(false, "{error}");
        ProgressStyle::default_bar()
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
