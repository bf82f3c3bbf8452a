//! What the compiler gave up on: components that broke a limit. Whoever drops one
//! picks how long it keeps the compiler busy, so it does that once and not at each
//! start.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringfence_flow::ByteSize;
use serde::{Deserialize, Serialize};

use super::entry::{self, CacheKey};
use super::place;
use crate::compile::CompileLimits;
use crate::refusal::RefusalReason;

/// The longest file of this kind, in bytes.
const MAX_LEN: u64 = 256;

/// A limit that a component broke. It stays broken until the limit is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum GivenUp {
    /// On the clock or on a core, whichever came first.
    Time {
        /// The limit that was broken.
        limit: Duration,
        /// The most time on a core that there was.
        cpu: Duration,
        /// The most time on the clock that there was.
        wall: Duration,
    },
    /// Memory while it was compiled.
    Memory(ByteSize),
    /// The size of its code.
    Code(ByteSize),
}

impl GivenUp {
    /// What is worth remembering of a refusal.
    pub(crate) fn of(reason: &RefusalReason, limits: &CompileLimits) -> Option<Self> {
        match reason {
            RefusalReason::CompileTimedOut { limit } => Some(Self::Time {
                limit: *limit,
                cpu: limits.cpu,
                wall: limits.wall,
            }),
            RefusalReason::CompileOutOfMemory { limit } => Some(Self::Memory(*limit)),
            RefusalReason::CompiledTooLarge { limit } => Some(Self::Code(*limit)),
            _ => None,
        }
    }

    /// The refusal once more, unless there is more to spend now.
    pub(crate) fn refusal(self, limits: &CompileLimits) -> Option<RefusalReason> {
        match self {
            Self::Time { limit, cpu, wall } => (limits.cpu <= cpu && limits.wall <= wall)
                .then_some(RefusalReason::CompileTimedOut { limit }),
            Self::Memory(limit) => {
                (limits.memory <= limit).then_some(RefusalReason::CompileOutOfMemory { limit })
            }
            Self::Code(limit) => {
                (limits.code <= limit).then_some(RefusalReason::CompiledTooLarge { limit })
            }
        }
    }
}

fn path(key: &CacheKey, cache: &Path) -> PathBuf {
    key.folder(cache).join(format!("{}.given-up", key.content))
}

/// What is known of the component. A file that cannot be read tells nothing.
pub(super) fn read(cache: &Path, key: &CacheKey) -> Option<GivenUp> {
    let path = path(key, cache);
    if fs::metadata(&path).ok()?.len() > MAX_LEN {
        return None;
    }
    let known = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
    entry::touch(&path);
    Some(known)
}

/// Remembers it.
pub(super) fn write(cache: &Path, key: &CacheKey, known: GivenUp) -> io::Result<()> {
    let folder = key.folder(cache);
    place::make(&folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(entry::TEMPORARY_PREFIX)
        .tempfile_in(&folder)?;
    file.write_all(&serde_json::to_vec(&known)?)?;
    file.persist(path(key, cache))
        .map_err(|error| error.error)?;
    Ok(())
}
