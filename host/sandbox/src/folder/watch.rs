//! What changes in the plugins folders while a host is live.
//!
//! A file counts as changed when two looks in a row found it the same, but
//! other than what was taken in: whoever is still writing it makes the looks
//! differ.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Stamp;

/// What is to be done about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// It is new, or another one than before.
    Load(PathBuf, Stamp),
    /// It is not there any more.
    Gone(PathBuf),
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    /// What was taken in, or refused.
    taken: Option<Stamp>,
    /// What the last look found.
    last: Option<Stamp>,
}

/// What earlier looks at the folders found.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    files: BTreeMap<PathBuf, Seen>,
}

impl Looks {
    /// The files as they were just before all of them were taken in.
    pub(crate) fn first(files: BTreeMap<PathBuf, Stamp>) -> Self {
        let seen = |stamp| Seen {
            taken: Some(stamp),
            last: Some(stamp),
        };
        let files = files.into_iter().map(|(path, stamp)| (path, seen(stamp)));
        Self {
            files: files.collect(),
        }
    }

    /// Has a file taken in again, when it was found the same once more.
    pub(crate) fn forget(&mut self, path: &Path) {
        if let Some(seen) = self.files.get_mut(path) {
            *seen = Seen {
                taken: None,
                last: None,
            };
        }
    }

    /// Whether `path` is still what a look found there and said was due.
    pub(crate) fn is_due(&self, path: &Path, stamp: Stamp) -> bool {
        let seen = self.files.get(path);
        seen.is_some_and(|seen| seen.taken == Some(stamp))
    }

    /// Takes in what is there now, and says what is to be done, in the order of
    /// the paths, what is gone first.
    pub(crate) fn look(&mut self, now: &BTreeMap<PathBuf, Stamp>) -> Vec<Due> {
        let mut due = Vec::new();
        self.files.retain(|path, seen| {
            if now.contains_key(path) {
                return true;
            }
            // Whoever replaces a file may take it away first.
            let was_there = seen.last.take().is_some();
            if !was_there {
                due.push(Due::Gone(path.clone()));
            }
            was_there
        });
        for (path, stamp) in now {
            let seen = self.files.entry(path.clone()).or_insert(Seen {
                taken: None,
                last: None,
            });
            let is_calm = seen.last.replace(*stamp) == Some(*stamp);
            if is_calm && seen.taken != Some(*stamp) {
                seen.taken = Some(*stamp);
                due.push(Due::Load(path.clone(), *stamp));
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(len: u64) -> Stamp {
        Stamp::numbered(len)
    }

    fn files(files: &[(&str, u64)]) -> BTreeMap<PathBuf, Stamp> {
        let files = files.iter().map(|(path, len)| (path.into(), stamp(*len)));
        files.collect()
    }

    fn load(path: &str, len: u64) -> Vec<Due> {
        vec![Due::Load(path.into(), stamp(len))]
    }

    #[test]
    fn a_file_is_taken_in_when_it_has_come_to_rest() {
        let mut looks = Looks::first(files(&[("a", 1)]));
        assert_eq!(looks.look(&files(&[("a", 1)])), []);
        assert_eq!(looks.look(&files(&[("a", 1), ("b", 1)])), [], "new");
        assert_eq!(looks.look(&files(&[("a", 1), ("b", 2)])), [], "it grows");
        assert_eq!(looks.look(&files(&[("a", 1), ("b", 2)])), load("b", 2));
        assert_eq!(looks.look(&files(&[("a", 1), ("b", 2)])), [], "once");
        assert_eq!(looks.look(&files(&[("a", 7), ("b", 2)])), [], "replaced");
        assert_eq!(looks.look(&files(&[("a", 7), ("b", 2)])), load("a", 7));
    }

    #[test]
    fn a_file_is_gone_when_it_stays_away() {
        let mut looks = Looks::first(files(&[("a", 1)]));
        assert_eq!(looks.look(&files(&[])), []);
        assert_eq!(looks.look(&files(&[("a", 2)])), [], "it was replaced");
        assert_eq!(looks.look(&files(&[("a", 2)])), load("a", 2));
        assert_eq!(looks.look(&files(&[])), []);
        assert_eq!(looks.look(&files(&[])), [Due::Gone("a".into())]);
        assert_eq!(looks.look(&files(&[])), []);
    }

    #[test]
    fn what_is_forgotten_is_taken_in_again() {
        let mut looks = Looks::first(files(&[("a", 1)]));
        looks.forget("a".as_ref());
        assert_eq!(looks.look(&files(&[("a", 1)])), []);
        assert_eq!(looks.look(&files(&[("a", 1)])), load("a", 1));
    }

    #[test]
    fn what_was_due_is_so_until_there_is_something_else() {
        let mut looks = Looks::default();
        looks.look(&files(&[("a", 1)]));
        assert_eq!(looks.look(&files(&[("a", 1)])), load("a", 1));
        assert!(looks.is_due("a".as_ref(), stamp(1)));
        looks.look(&files(&[("a", 2)]));
        looks.look(&files(&[("a", 2)]));
        assert!(!looks.is_due("a".as_ref(), stamp(1)), "replaced");
        assert!(looks.is_due("a".as_ref(), stamp(2)));
        looks.look(&files(&[]));
        looks.look(&files(&[]));
        assert!(!looks.is_due("a".as_ref(), stamp(2)), "gone");
    }
}
