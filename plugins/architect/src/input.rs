//! What the architect is asked.

use ringfence_sdk::Failure;
use serde::Deserialize;

use crate::shards::ShardPolicy;

/// The most shards that an input may ask for: each becomes an attempt.
const MAX_SHARDS: u32 = 256;

/// What the architect is asked. Every field may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The mount that holds the tree; `src` where it is not given.
    #[serde(default)]
    pub mount: Option<String>,
    /// How many shards to make, from 1 to 256; a tree of fewer files gives
    /// fewer. Where neither this nor `max_bytes` is given: one for each 64 KiB,
    /// and no more than 16.
    #[serde(default)]
    pub shards: Option<u32>,
    /// How large a shard should be, in bytes. A larger file is a shard of its
    /// own, and more than 256 shards are not made. Not together with `shards`.
    #[serde(default)]
    pub max_bytes: Option<u64>,
    /// What alone is wanted; a whole survey where it is not given.
    #[serde(default)]
    pub only: Option<Only>,
    /// The files to read for a part of a survey, relative to the mount.
    #[serde(default)]
    pub files: Option<Vec<String>>,
}

/// A part of a survey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Only {
    /// The shards. No source file is read, so what waits for them waits for next to
    /// nothing.
    Shards,
    /// What is in `files`. A task that this one needs gave the shards of the tree.
    Part,
    /// A whole survey from the parts that a task gave that this one needs, as another
    /// gave the shards. Nothing is read.
    Join,
}

/// What to do.
pub(crate) enum Job<'a> {
    /// Everything at once.
    Whole(ShardPolicy),
    /// [`Only::Shards`].
    Split(ShardPolicy),
    /// [`Only::Part`], of these files.
    Part(&'a [String]),
    /// [`Only::Join`].
    Join,
}

impl Input {
    /// What is asked.
    ///
    /// # Errors
    ///
    /// A figure that is out of range, or fields that do not go together.
    pub(crate) fn job(&self) -> Result<Job<'_>, Failure> {
        let splits = self.shards.is_some() || self.max_bytes.is_some();
        match (self.only, &self.files) {
            (None, None) => Ok(Job::Whole(self.policy()?)),
            (Some(Only::Shards), None) => Ok(Job::Split(self.policy()?)),
            (Some(Only::Part | Only::Join), _) if splits => Err(Failure::invalid_input(
                "`shards` and `max_bytes` belong to `only: shards`",
            )),
            (Some(Only::Part), Some(files)) => Ok(Job::Part(files)),
            (Some(Only::Part), None) => Err(Failure::invalid_input(
                "`only: part` is of no files\nhint: give `files`, as in `files: \"${{ item.files }}\"`",
            )),
            (Some(Only::Join), None) => Ok(Job::Join),
            (None | Some(Only::Shards | Only::Join), Some(_)) => Err(Failure::invalid_input(
                "`files` belongs to `only: part`\nhint: leave it out for the whole tree",
            )),
        }
    }

    /// How to split the tree.
    fn policy(&self) -> Result<ShardPolicy, Failure> {
        match (self.shards, self.max_bytes) {
            (None, None) => Ok(ShardPolicy::default()),
            (Some(count @ 1..=MAX_SHARDS), None) => Ok(ShardPolicy::exactly(count)),
            (Some(count), None) => Err(Failure::invalid_input(format!(
                "`shards` is {count}\nhint: ask for 1 to {MAX_SHARDS} shards"
            ))),
            (None, Some(bytes @ 1..)) => Ok(ShardPolicy {
                bytes,
                max: MAX_SHARDS,
                min: 1,
            }),
            (None, Some(_)) => Err(Failure::invalid_input(
                "`max_bytes` is 0\nhint: a shard of 65536 bytes is some 2,000 lines",
            )),
            (Some(_), Some(_)) => Err(Failure::invalid_input(
                "`shards` and `max_bytes` cannot both be met\nhint: give one of them",
            )),
        }
    }
}
