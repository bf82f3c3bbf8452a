//! What one shard holds, for a survey in parts.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use source::LineCounts;

use crate::layout::Layout;
use crate::parts::Parts;
use crate::survey::Entry;

/// The most uses of modules that a part tells of. An outcome may have 1 MiB by default,
/// and whoever wrote the tree picks their number.
const MAX_USES: usize = 40_000;

/// What some files of a tree hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The modules that the files use, by name.
    pub modules: Vec<String>,
    /// The files.
    pub files: Vec<PartFile>,
    /// How many uses are left out: those with the lowest counts, where there are too
    /// many.
    pub uses_left_out: usize,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartFile {
    /// Its path, relative to the mount.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Lines with code.
    pub code: u32,
    /// Lines with nothing but comments.
    pub comment: u32,
    /// Lines with nothing.
    pub blank: u32,
    /// Items and methods that are `pub`.
    pub public_items: u64,
    /// The modules that it uses: the place of each in the part's `modules`, and how
    /// many imports and paths lead there.
    pub uses: Vec<(usize, u32)>,
}

impl Part {
    /// What was found out about some files.
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let least = least_count(entries);
        let mut numbers = BTreeMap::new();
        for entry in entries {
            for (name, _) in told(&entry.parts, least) {
                numbers.insert(name, 0);
            }
        }
        for (number, place) in numbers.values_mut().enumerate() {
            *place = number;
        }
        let files = entries.iter().map(|entry| PartFile {
            path: entry.path.clone(),
            bytes: entry.bytes,
            code: entry.counts.code,
            comment: entry.counts.comment,
            blank: entry.counts.blank,
            public_items: entry.parts.public_items,
            uses: told(&entry.parts, least)
                .map(|(name, count)| (numbers[name], count))
                .collect(),
        });
        let files: Vec<_> = files.collect();
        let all: usize = entries.iter().map(|entry| entry.parts.uses.len()).sum();
        let told: usize = files.iter().map(|file| file.uses.len()).sum();
        Self {
            modules: numbers.into_keys().cloned().collect(),
            files,
            uses_left_out: all - told,
        }
    }

    /// The same again. A use of a module that the part does not name is none: another
    /// agent may have written it.
    pub(crate) fn entries(self, layout: &Layout) -> impl Iterator<Item = Entry> {
        let Self { modules, files, .. } = self;
        files.into_iter().map(move |file| {
            let uses = file.uses.iter();
            let named = uses.filter_map(|(place, count)| Some((modules.get(*place)?, *count)));
            Entry {
                place: layout.place_or_path(&file.path),
                bytes: file.bytes,
                counts: LineCounts {
                    code: file.code,
                    comment: file.comment,
                    blank: file.blank,
                },
                parts: Parts {
                    public_items: file.public_items,
                    uses: named.map(|(name, count)| (name.clone(), count)).collect(),
                },
                path: file.path,
            }
        })
    }
}

/// The uses of a file that are told.
fn told(parts: &Parts, least: u32) -> impl Iterator<Item = (&String, u32)> {
    let uses = parts.uses.iter().map(|(name, count)| (name, *count));
    uses.filter(move |(_, count)| *count >= least)
}

/// From which count on uses are told.
fn least_count(entries: &[Entry]) -> u32 {
    let mut counts: Vec<u32> = entries
        .iter()
        .flat_map(|entry| entry.parts.uses.values().copied())
        .collect();
    if counts.len() <= MAX_USES {
        return 0;
    }
    let (_, first_left_out, _) =
        counts.select_nth_unstable_by_key(MAX_USES, |count| Reverse(*count));
    *first_left_out + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Packages;

    fn entry(path: &str, uses: impl IntoIterator<Item = (String, u32)>) -> Entry {
        let layout = Layout::of([&path.to_owned()], &Packages::new());
        Entry {
            path: path.to_owned(),
            place: layout.place_or_path(path),
            bytes: 30,
            counts: LineCounts {
                code: 1,
                comment: 2,
                blank: 3,
            },
            parts: Parts {
                public_items: 4,
                uses: uses.into_iter().collect(),
            },
        }
    }

    fn uses(names: &[&str]) -> Vec<(String, u32)> {
        (1..)
            .zip(names)
            .map(|(count, name)| ((*name).to_owned(), count))
            .collect()
    }

    #[test]
    fn a_part_says_all_that_was_found_out() {
        let entries = [
            entry("src/a.rs", uses(&["crate::b", "crate::c"])),
            entry("src/b.rs", uses(&["crate::c"])),
        ];
        let part = Part::of(&entries);
        assert_eq!(part.modules, ["crate::b", "crate::c"]);
        assert_eq!(part.uses_left_out, 0);
        let text = serde_json::to_string(&part).unwrap();
        let part: Part = serde_json::from_str(&text).unwrap();
        let paths = ["src/a.rs", "src/b.rs"].map(str::to_owned);
        let again: Vec<_> = part
            .entries(&Layout::of(&paths, &Packages::new()))
            .collect();
        for (again, entry) in again.iter().zip(&entries) {
            assert_eq!(again.path, entry.path);
            assert_eq!(again.place, entry.place);
            assert_eq!((again.bytes, again.counts), (entry.bytes, entry.counts));
            assert_eq!(again.parts, entry.parts);
        }
    }

    #[test]
    fn a_part_that_names_no_such_module_says_nothing_of_it() {
        let mut part = Part::of(&[entry("src/a.rs", uses(&["crate::b"]))]);
        part.files[0].uses.push((7, 1));
        let entry = part.entries(&Layout::default()).next().unwrap();
        assert_eq!(entry.parts.uses.len(), 1);
    }

    #[test]
    fn so_many_uses_are_told_and_no_more() {
        let many = |count: usize| {
            let name = |number| (format!("crate::m{number:05}"), 1 + u32::from(number < 9));
            [entry("src/a.rs", (0..count).map(name))]
        };
        let all = Part::of(&many(MAX_USES));
        assert_eq!((all.files[0].uses.len(), all.uses_left_out), (MAX_USES, 0));
        let cut = Part::of(&many(MAX_USES + 1));
        assert_eq!(cut.files[0].uses.len(), 9, "those with a higher count");
        assert_eq!(cut.uses_left_out, MAX_USES + 1 - 9);
        assert_eq!(cut.modules.len(), 9);
        assert!(serde_json::to_vec(&all).unwrap().len() < 1 << 20);
    }
}
