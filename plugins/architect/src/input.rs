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
}

/// A part of a survey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Only {
    /// The shards. No file is read, so what waits for them waits for next to nothing.
    Shards,
}

impl Input {
    /// How to split the tree.
    ///
    /// # Errors
    ///
    /// A figure that is out of range, or both figures.
    pub(crate) fn policy(&self) -> Result<ShardPolicy, Failure> {
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
