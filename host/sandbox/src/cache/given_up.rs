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

/// A limit that a component broke. It stays broken until the limit is raised. Time
/// on the clock is none of them: it says more of who else used the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum GivenUp {
    /// Time on a core.
    Cpu(Duration),
    /// Memory while it was compiled.
    Memory(ByteSize),
    /// The size of its code.
    Code(ByteSize),
}

impl GivenUp {
    /// What is worth remembering of a refusal.
    pub(crate) fn of(reason: &RefusalReason) -> Option<Self> {
        match reason {
            RefusalReason::CompileTooMuchTime { limit } => Some(Self::Cpu(*limit)),
            RefusalReason::CompileOutOfMemory { limit } => Some(Self::Memory(*limit)),
            RefusalReason::CompiledTooLarge { limit } => Some(Self::Code(*limit)),
            _ => None,
        }
    }

    /// The refusal once more, unless there is more to spend now.
    pub(crate) fn refusal(self, limits: &CompileLimits) -> Option<RefusalReason> {
        match self {
            Self::Cpu(limit) => {
                (limits.cpu <= limit).then_some(RefusalReason::CompileTooMuchTime { limit })
            }
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
    entry::touch(&path, None);
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
