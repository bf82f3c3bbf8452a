//! What tells a file from what was there before, without reading it.

use std::fs::Metadata;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// How old the last change of a file has to be for its stamp to be believed
/// later. A file that changes twice between two ticks of its filesystem's clock
/// looks the same after both; the coarsest of these clocks tick every 2 s.
const SETTLED: Duration = Duration::from_secs(3);

/// What tells a file from what was there before. On Unix the time of the last
/// change of the file's own record is part of it, which no program can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    /// The filesystem and the file's number there, and when its record changed:
    /// seconds since 1970, and nanoseconds.
    identity: Option<(u64, u64, i64, i64)>,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let identity = {
            use std::os::unix::fs::MetadataExt as _;
            Some((
                metadata.dev(),
                metadata.ino(),
                metadata.ctime(),
                metadata.ctime_nsec(),
            ))
        };
        #[cfg(not(unix))]
        let identity = None;
        Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            identity,
        }
    }

    /// How long the file is.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether the file cannot change any more without getting another stamp.
    /// Never where the system does not say when a file's record changed.
    pub(crate) fn is_settled(&self, now: SystemTime) -> bool {
        let Some((_, _, seconds, nanos)) = self.identity else {
            return false;
        };
        let (Ok(seconds), Ok(nanos)) = (u64::try_from(seconds), u32::try_from(nanos)) else {
            return false;
        };
        let changed = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos);
        let is_old = |at| now.duration_since(at).is_ok_and(|age| age >= SETTLED);
        let is_sound = |at| at >= SystemTime::UNIX_EPOCH && is_old(at);
        is_sound(changed) && self.modified.is_some_and(is_sound)
    }

    /// One that differs from those with other numbers.
    #[cfg(test)]
    pub(crate) fn numbered(number: u64) -> Self {
        Self {
            len: number,
            modified: Some(SystemTime::UNIX_EPOCH),
            identity: Some((1, 1, 0, 0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_settles_when_its_last_change_is_old() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let stamp = |modified, changed| Stamp {
            modified: Some(at(modified)),
            identity: Some((1, 1, changed, 0)),
            ..Stamp::numbered(1)
        };
        assert!(stamp(5, 5).is_settled(at(8)));
        assert!(!stamp(5, 6).is_settled(at(8)), "its record changed");
        assert!(!stamp(6, 5).is_settled(at(8)));
        assert!(!stamp(5, 5).is_settled(at(4)), "changed in the future");
        let unknown = Stamp {
            identity: None,
            ..stamp(5, 5)
        };
        assert!(!unknown.is_settled(at(8)));
    }

    #[test]
    #[cfg(unix)]
    fn a_change_changes_the_stamp_although_the_time_is_set_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wasm");
        let of = || Stamp::of(&std::fs::metadata(&path).unwrap());
        std::fs::write(&path, "one").unwrap();
        let before = of();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        // Until the filesystem's clock has ticked.
        while of() == before {
            std::fs::write(&path, "two").unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(modified).unwrap();
        }
        assert_eq!(of().modified, before.modified);
        assert_eq!(of().len, before.len);
    }
}
