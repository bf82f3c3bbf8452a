//! A live run that listens.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ringfence::engine::{Host, RunControl};
use ringfence::flow::{Decision, RunId};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{RwLock, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::protocol::{MAX_LINE, read};
use super::{Answer, Ask, ControlError, Watch, place};

/// How many may speak at once; others wait.
const MAX_SPEAKERS: usize = 16;

/// How long somebody may take to say something, and to listen.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the end of a run waits for answers that are on their way.
const FAREWELL: Duration = Duration::from_secs(1);

/// Listens as long as it lives.
#[derive(Debug)]
pub(crate) struct Server {
    path: PathBuf,
    identity: Option<(u64, u64)>,
    listening: AbortHandle,
    answering: Arc<RwLock<()>>,
}

impl Server {
    /// Starts to listen for a run.
    pub(crate) fn start(
        run: &RunId,
        control: RunControl,
        host: Host,
        watch: Arc<Mutex<Watch>>,
    ) -> Result<Self, ControlError> {
        let folder = place::folder()?;
        let path = place::socket(&folder, run)?;
        let trouble = |error| ControlError::Place(format!("{}: {error}", path.display()));
        let _guard = place::guard(&folder).map_err(trouble)?;
        // Of a process that died: two live runs of one name are no good idea,
        // and the later one is heard.
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(trouble(error)),
        }
        let listener = UnixListener::bind(&path).map_err(trouble)?;
        let identity = place::identity(&path);
        let answering = Arc::new(RwLock::new(()));
        let desk = Arc::new(Desk {
            control,
            host,
            watch,
            answering: Arc::clone(&answering),
        });
        let listening = tokio::spawn(serve(listener, desk)).abort_handle();
        Ok(Self {
            path,
            identity,
            listening,
            answering,
        })
    }

    /// Ends, when those who were heard have their answer: it may have been
    /// their word that ended the run.
    pub(crate) async fn close(self) {
        self.listening.abort();
        drop(timeout(FAREWELL, self.answering.write()).await);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
        let folder = self.path.parent().unwrap_or(&self.path);
        // Whoever finds it later removes it. By now the run may have another.
        if let Ok(_guard) = place::guard(folder)
            && place::identity(&self.path) == self.identity
        {
            drop(std::fs::remove_file(&self.path));
        }
    }
}

async fn serve(listener: UnixListener, desk: Arc<Desk>) {
    let seats = Arc::new(Semaphore::new(MAX_SPEAKERS));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "nobody can speak to this run for a moment");
                tokio::time::sleep(PATIENCE).await;
                continue;
            }
        };
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            if let Err(error) = timeout(2 * PATIENCE, desk.attend(stream)).await {
                tracing::debug!(%error, "somebody took too long");
            }
            drop(seat);
        });
    }
}

/// Answers one after the other.
struct Desk {
    control: RunControl,
    host: Host,
    watch: Arc<Mutex<Watch>>,
    /// Shared by all who are being answered.
    answering: Arc<RwLock<()>>,
}

impl Desk {
    async fn attend(&self, mut stream: UnixStream) {
        let (reading, mut writing) = stream.split();
        let mut line = Vec::new();
        let mut reading = BufReader::new(reading.take(MAX_LINE));
        match timeout(PATIENCE, reading.read_until(b'\n', &mut line)).await {
            Ok(Ok(1..)) => {}
            Ok(Ok(0) | Err(_)) | Err(_) => return,
        }
        let _answering = self.answering.read().await;
        let answer = match read(&line) {
            Ok(ask) => self.answer(ask).await,
            Err(message) => Answer::Refused { message },
        };
        match serde_json::to_vec(&answer) {
            // Whoever asked may have gone.
            Ok(text) => drop(writing.write_all(&text).await),
            Err(error) => unreachable!("answers have string keys: {error}"),
        }
    }

    async fn answer(&self, ask: Ask) -> Answer {
        match ask {
            Ask::Status => {
                let agents = self.host.agents().await.unwrap_or_default();
                let now = self.host.clock().now();
                let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
                Answer::Status(Box::new(watch.status(self.control.id(), now, agents)))
            }
            Ask::Cancel => {
                self.control.cancel().await;
                Answer::Done
            }
            Ask::Release { agent } => match self.host.release(agent).await {
                Ok(()) => Answer::Done,
                Err(error) => Answer::Refused {
                    message: error.to_string(),
                },
            },
            Ask::Decide {
                task,
                approved,
                note,
                by,
            } => {
                let task = match task.parse() {
                    Ok(task) => task,
                    Err(error) => {
                        return Answer::Refused {
                            message: format!("`{task}` is no task: {error}"),
                        };
                    }
                };
                let decision = Decision::of(&by, approved, note.as_deref());
                match self.control.decide(task, decision).await {
                    Ok(()) => Answer::Done,
                    Err(error) => Answer::Refused {
                        message: error.to_string(),
                    },
                }
            }
        }
    }
}
