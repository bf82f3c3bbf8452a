//! How agents behave, in a folder: a file for each agent of which there is
//! something to say.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ringfence_flow::{AgentConduct, AgentName, ConductBook};

use crate::JournalError;
use crate::store::{beside, make_private};

/// How file names end.
const EXTENSION: &str = "json";

/// A folder that keeps how agents behave from one host to the next.
#[derive(Clone, Debug)]
pub struct ConductFolder {
    folder: PathBuf,
}

impl ConductFolder {
    /// The one that belongs to the journal at `journal`, whether that is there
    /// or not.
    #[must_use]
    pub fn of_journal(journal: &Path) -> Self {
        Self {
            folder: beside(journal).join("conduct"),
        }
    }

    /// The agents that were set aside, in the order of their names.
    #[must_use]
    pub fn set_aside(&self) -> Vec<(AgentName, AgentConduct)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut all: Vec<_> = entries
            .filter_map(|entry| {
                let path = entry.path();
                let is_file = path.extension()? == EXTENSION;
                let name = AgentName::new(path.file_stem()?.to_str()?).ok()?;
                let conduct = self.conduct(&name);
                (is_file && conduct.set_aside).then_some((name, conduct))
            })
            .collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    /// Forgets what was said against an agent, and says whether there was
    /// anything.
    ///
    /// # Errors
    /// [`JournalError`] if the folder cannot be written.
    pub fn forget(&self, agent: &AgentName) -> Result<bool, JournalError> {
        let path = self.path(agent);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(JournalError::disk(&path)(error)),
        }
    }

    fn path(&self, agent: &AgentName) -> PathBuf {
        self.folder.join(format!("{agent}.{EXTENSION}"))
    }

    fn write(&self, agent: &AgentName, conduct: AgentConduct) -> Result<(), JournalError> {
        let path = self.path(agent);
        make_private(&self.folder)?;
        let written = || -> io::Result<()> {
            // Others see the whole of it or what was there before.
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(&serde_json::to_vec(&conduct)?)?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        written().map_err(JournalError::disk(&path))
    }
}

impl ConductBook for ConductFolder {
    fn conduct(&self, agent: &AgentName) -> AgentConduct {
        let path = self.path(agent);
        let read = fs::read(&path).map(|bytes| serde_json::from_slice(&bytes));
        match read {
            Ok(Ok(conduct)) => conduct,
            Ok(Err(error)) => {
                tracing::warn!(path = %path.display(), %error, "how an agent behaved cannot be read");
                AgentConduct::default()
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => AgentConduct::default(),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "how an agent behaved cannot be read");
                AgentConduct::default()
            }
        }
    }

    fn keep(&self, agent: &AgentName, conduct: AgentConduct) {
        let known = self.conduct(agent);
        let kept = match known.set_aside {
            true => known,
            false => conduct,
        };
        let written = match kept == AgentConduct::default() {
            true => self.forget(agent).map(drop),
            false => self.write(agent, kept),
        };
        if let Err(error) = written {
            tracing::warn!(%agent, %error, "how an agent behaves cannot be kept");
        }
    }

    fn release(&self, agent: &AgentName) {
        if let Err(error) = self.forget(agent) {
            tracing::warn!(%agent, %error, "that an agent is released cannot be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use ringfence_flow::FailureCode;

    use super::*;

    fn conduct(faults: u32, set_aside: bool) -> AgentConduct {
        AgentConduct {
            faults,
            last: Some(FailureCode::Trap),
            set_aside,
        }
    }

    #[test]
    fn what_is_kept_is_found_until_it_is_released() {
        let folder = tempfile::tempdir().unwrap();
        let book = ConductFolder::of_journal(&folder.path().join("journal.sqlite"));
        let agent = AgentName::new("spin").unwrap();
        assert_eq!(book.conduct(&agent), AgentConduct::default());
        book.keep(&agent, conduct(3, false));
        assert_eq!(book.conduct(&agent), conduct(3, false));
        assert!(book.set_aside().is_empty());
        book.keep(&agent, conduct(10, true));
        assert_eq!(book.set_aside(), [(agent.clone(), conduct(10, true))]);
        // Another host knows less.
        book.keep(&agent, conduct(1, false));
        book.keep(&agent, AgentConduct::default());
        assert_eq!(book.conduct(&agent), conduct(10, true));
        assert!(book.forget(&agent).unwrap());
        assert!(!book.forget(&agent).unwrap());
        assert_eq!(book.conduct(&agent), AgentConduct::default());
    }

    #[test]
    fn a_file_that_is_none_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let book = ConductFolder::of_journal(&folder.path().join("j"));
        let agent = AgentName::new("spin").unwrap();
        book.keep(&agent, conduct(3, false));
        fs::write(book.path(&agent), "no JSON").unwrap();
        assert_eq!(book.conduct(&agent), AgentConduct::default());
    }
}
