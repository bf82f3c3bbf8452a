//! Speaks to live runs.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use ringfence::flow::RunId;

use super::protocol::{Request, VERSION};
use super::{Answer, Ask, ControlError, Status, place};

/// How long a live run may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer, in bytes.
const MAX_ANSWER: u64 = 16 << 20;

/// Asks a live run something.
pub(crate) fn ask(run: &RunId, ask: &Ask) -> Result<Answer, ControlError> {
    let folder = place::folder()?;
    let path = place::socket(&folder, run)?;
    match converse(&path, ask) {
        Ok(answer) => Ok(answer),
        Err(error) if is_gone(&error) => {
            forget(&folder, &path);
            Err(ControlError::NoRun(run.clone()))
        }
        Err(source) => Err(ControlError::NoAnswer {
            run: run.clone(),
            source,
        }),
    }
}

/// How all live runs are going. Those that do not answer are left out.
pub(crate) fn live_runs() -> Result<Vec<Status>, ControlError> {
    let folder = place::folder()?;
    let status = |run: RunId| match ask(&run, &Ask::Status) {
        Ok(Answer::Status(status)) => Some(*status),
        Ok(Answer::Done | Answer::Refused { .. }) => None,
        Err(error) => {
            tracing::debug!(%run, %error, "left out");
            None
        }
    };
    Ok(place::runs(&folder)
        .into_iter()
        .filter_map(status)
        .collect())
}

/// Whether nobody listens any more.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

/// Removes the socket of a process that died, unless the run has another by now.
fn forget(folder: &Path, path: &Path) {
    let removed = place::guard(folder).and_then(|_guard| match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path)
        }
        Ok(_) | Err(_) => Ok(()),
    });
    if let Err(error) = removed {
        tracing::debug!(path = %path.display(), %error, "the socket of a dead run stays");
    }
}

fn converse(path: &Path, ask: &Ask) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = Request {
        ringfence: VERSION,
        ask: ask.clone(),
    };
    serde_json::to_writer(&stream, &request)?;
    stream.write_all(b"\n")?;
    stream.shutdown(Shutdown::Write)?;
    let mut text = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut text)?;
    serde_json::from_slice(&text).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// A run that was gone on with between the look and the removal could not be
    /// spoken to any more.
    #[test]
    fn only_a_socket_that_nobody_listens_on_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r-1.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(UnixStream::connect(&path).is_err(), "its process has died");
        std::fs::remove_file(&path).unwrap();
        let later = UnixListener::bind(&path).unwrap();
        forget(folder.path(), &path);
        assert!(UnixStream::connect(&path).is_ok());
        drop(later);
        forget(folder.path(), &path);
        assert!(!path.exists());
    }
}
