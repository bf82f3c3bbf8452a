//! Where a task is in a run and in the runs of other workflows inside it.

use std::fmt;
use std::str::FromStr;

use crate::{InvalidId, TaskId, TaskKey};

/// A task of a run: `release`, or `build[2]/release` for the task `release` of
/// the run that item 2 of the task `build` stands for. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskPath {
    around: Vec<TaskKey>,
    task: TaskId,
}

/// Why a text is no [`TaskPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTaskPath {
    /// A name is none.
    #[error(transparent)]
    Name(#[from] InvalidId),
    /// The number of an item is none.
    #[error("`{0}` is no item; it is written as `build[2]`")]
    Item(String),
    /// The last part is an item.
    #[error("`{0}` is an item; the path ends with a task")]
    EndsWithItem(String),
}

impl TaskPath {
    /// A task of the run itself.
    #[must_use]
    pub fn of(task: TaskId) -> Self {
        Self {
            around: Vec::new(),
            task,
        }
    }

    /// The same task as seen from the run around: its run stands for `key`.
    #[must_use]
    pub fn inside(mut self, key: TaskKey) -> Self {
        self.around.insert(0, key);
        self
    }

    /// The tasks and items around it, the outermost first.
    #[must_use]
    pub fn around(&self) -> &[TaskKey] {
        &self.around
    }

    /// The task in its own run.
    #[must_use]
    pub fn task(&self) -> &TaskId {
        &self.task
    }
}

impl fmt::Display for TaskPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.around.iter().try_for_each(|key| write!(f, "{key}/"))?;
        write!(f, "{}", self.task)
    }
}

impl FromStr for TaskPath {
    type Err = InvalidTaskPath;

    fn from_str(text: &str) -> Result<Self, InvalidTaskPath> {
        let (around, last) = match text.rsplit_once('/') {
            None => (Vec::new(), text),
            Some((around, last)) => (around.split('/').map(key).collect::<Result<_, _>>()?, last),
        };
        if last.ends_with(']') {
            return Err(InvalidTaskPath::EndsWithItem(last.to_owned()));
        }
        Ok(Self {
            around,
            task: TaskId::new(last)?,
        })
    }
}

fn key(text: &str) -> Result<TaskKey, InvalidTaskPath> {
    let Some((task, rest)) = text.split_once('[') else {
        return Ok(TaskKey::single(TaskId::new(text)?));
    };
    let item = rest.strip_suffix(']').and_then(|item| item.parse().ok());
    let item = item.ok_or_else(|| InvalidTaskPath::Item(text.to_owned()))?;
    Ok(TaskKey::item(TaskId::new(task)?, item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_it_is_read() {
        for text in ["release", "build/release", "all[12]/build/release"] {
            assert_eq!(text.parse::<TaskPath>().unwrap().to_string(), text);
        }
        let inner = TaskPath::of(TaskId::new("release").unwrap());
        let key = TaskKey::item(TaskId::new("build").unwrap(), 2);
        assert_eq!(inner.inside(key).to_string(), "build[2]/release");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in [
            "", "/", "a/", "/a", "a[1]", "a[x]/b", "a[1/b", "A/b", "a[-1]/b",
        ] {
            assert!(bad.parse::<TaskPath>().is_err(), "{bad:?}");
        }
    }
}
