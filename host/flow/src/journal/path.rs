//! Which run it is, of a run and those inside it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::TaskKey;

/// The way from a run that somebody started to one inside it: the tasks that
/// they stand for, the outermost first. Empty for the run itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunPath(Vec<TaskKey>);

impl RunPath {
    /// The run that somebody started.
    #[must_use]
    pub const fn outermost() -> Self {
        Self(Vec::new())
    }

    /// The run that the task `key` of this one stands for.
    #[must_use]
    pub fn inside(&self, key: TaskKey) -> Self {
        let mut path = self.0.clone();
        path.push(key);
        Self(path)
    }

    /// The run around this one with the task that this one stands for; none
    /// for the outermost.
    #[must_use]
    pub fn around(&self) -> Option<(Self, &TaskKey)> {
        let (key, around) = self.0.split_last()?;
        Some((Self(around.to_vec()), key))
    }

    /// How many runs are around it.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// Whether it is the run that somebody started.
    #[must_use]
    pub fn is_outermost(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&[TaskKey]> for RunPath {
    fn from(keys: &[TaskKey]) -> Self {
        Self(keys.to_vec())
    }
}

impl fmt::Display for RunPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, key) in self.0.iter().enumerate() {
            let slash = if position == 0 { "" } else { "/" };
            write!(f, "{slash}{key}")?;
        }
        Ok(())
    }
}
