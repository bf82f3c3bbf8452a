//! Identifiers, each a type of its own so that none is taken for another.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest identifier that is accepted, in bytes.
///
/// Identifiers come from files and from plugins; they end up in every event
/// and on every line of the screen.
pub const MAX_ID_LEN: usize = 64;

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// The text is empty.
    #[error("{kind} cannot be empty")]
    Empty {
        /// What was to be named, with its article.
        kind: &'static str,
    },
    /// The text is longer than [`MAX_ID_LEN`] bytes.
    #[error("{kind} has at most {MAX_ID_LEN} bytes, this one has {len}")]
    TooLong {
        /// What was to be named, with its article.
        kind: &'static str,
        /// Its length in bytes.
        len: usize,
    },
    /// A character that identifiers don't have.
    #[error(
        "{kind} is made of lower-case letters, digits, `-` and `_` and starts with a letter, but `{text}` has {found:?} at position {position}"
    )]
    Character {
        /// What was to be named, with its article.
        kind: &'static str,
        /// The whole text.
        text: String,
        /// The character.
        found: char,
        /// Where, counted in characters from 1.
        position: usize,
    },
}

fn check(kind: &'static str, text: &str) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty { kind });
    }
    if text.len() > MAX_ID_LEN {
        return Err(InvalidId::TooLong {
            kind,
            len: text.len(),
        });
    }
    let legal = |(index, c): &(usize, char)| {
        c.is_ascii_lowercase() || (*index > 0 && (c.is_ascii_digit() || matches!(c, '-' | '_')))
    };
    match text.chars().enumerate().find(|c| !legal(c)) {
        None => Ok(()),
        Some((index, found)) => Err(InvalidId::Character {
            kind,
            text: text.to_owned(),
            found,
            position: index + 1,
        }),
    }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        ///
        /// Lower-case letters, digits, `-` and `_`, a letter first, at most
        /// [`MAX_ID_LEN`] bytes. Cloning is cheap.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and makes it an identifier.
            ///
            /// # Errors
            /// [`InvalidId`] says what is wrong with the text.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                check($kind, text)?;
                Ok(Self(text.into()))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

identifier!(
    /// The name of an agent, as its description or the operator's file says.
    AgentName,
    "an agent name"
);
identifier!(
    /// What an agent is for: `architect`, `developer`, `tester`, `reviewer`,
    /// `security`, `performance`, `quality-gate` or any word of the user's.
    Role,
    "a role"
);
identifier!(
    /// The name of a task in its workflow.
    TaskId,
    "a task name"
);
identifier!(
    /// The name of a workflow.
    WorkflowName,
    "a workflow name"
);
identifier!(
    /// The name of a workflow's input.
    InputName,
    "an input name"
);
identifier!(
    /// The name of a folder that the user mounts with `--mount NAME=PATH`.
    MountName,
    "a mount name"
);
identifier!(
    /// The name of one execution of a workflow.
    RunId,
    "a run name"
);

/// One instance of a task: the task itself, or one item of a `for_each` task.
///
/// ```
/// use ringfence_flow::{TaskId, TaskKey};
/// let key = TaskKey::item(TaskId::new("review")?, 3);
/// assert_eq!(key.to_string(), "review[3]");
/// # Ok::<(), ringfence_flow::InvalidId>(())
/// ```
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct TaskKey {
    /// The task in the workflow.
    pub task: TaskId,
    /// Which item of a `for_each` task, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
}

impl TaskKey {
    /// The key of a task that is no map.
    #[must_use]
    pub fn single(task: TaskId) -> Self {
        Self { task, item: None }
    }

    /// The key of item `index`, counted from 0, of a `for_each` task.
    #[must_use]
    pub fn item(task: TaskId, index: u32) -> Self {
        Self {
            task,
            item: Some(index),
        }
    }
}

impl fmt::Display for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.item {
            None => write!(f, "{}", self.task),
            Some(index) => write!(f, "{}[{index}]", self.task),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_kebab_or_snake_case() {
        for good in ["a", "quality-gate", "fix_2", "x9"] {
            assert_eq!(TaskId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "A", "9a", "-a", "a b", "a.b", "ä", "a\n", "a\u{202e}b"] {
            assert!(TaskId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn identifiers_are_short() {
        assert!(Role::new(&"r".repeat(MAX_ID_LEN)).is_ok());
        assert_eq!(
            Role::new(&"r".repeat(MAX_ID_LEN + 1)).unwrap_err(),
            InvalidId::TooLong {
                kind: "a role",
                len: MAX_ID_LEN + 1
            }
        );
    }

    #[test]
    fn an_error_shows_what_and_where() {
        let error = AgentName::new("my agent").unwrap_err();
        assert_eq!(
            error.to_string(),
            "an agent name is made of lower-case letters, digits, `-` and `_` and starts with a letter, but `my agent` has ' ' at position 3"
        );
    }

    #[test]
    fn deserializing_checks() {
        assert!(serde_json::from_str::<AgentName>("\"ok\"").is_ok());
        assert!(serde_json::from_str::<AgentName>("\"not ok\"").is_err());
    }
}
