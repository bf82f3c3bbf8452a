//! What one shard holds, for a survey in parts.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use source::LineCounts;

use crate::layout::Layout;
use crate::parts::Parts;
use crate::survey::Entry;

/// How many bytes of modules and uses of them a part tells of. An outcome may have 1 MiB
/// by default, and whoever wrote the tree picks their number.
const MAX_USES_BYTES: usize = 320 << 10;

/// How many bytes of files a part tells of. None can be left out.
const MAX_FILES_BYTES: usize = 512 << 10;

/// The bytes that a use costs.
const BYTES_PER_USE: usize = 14;

/// The bytes that a module costs besides its name.
const BYTES_PER_MODULE: usize = 3;

/// The bytes that a file costs besides its path and what it uses.
const BYTES_PER_FILE: usize = 120;

/// The most that a file is believed to have of anything: what no file has. Another agent
/// may have counted it, and sums are to fit.
const MOST: u32 = 1 << 28;

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

/// A part has more files than it can tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyFiles;

impl Part {
    /// What was found out about some files.
    pub(crate) fn of(entries: &[Entry]) -> Result<Self, TooManyFiles> {
        let paths: usize = entries.iter().map(|entry| entry.path.len()).sum();
        if paths + entries.len() * BYTES_PER_FILE > MAX_FILES_BYTES {
            return Err(TooManyFiles);
        }
        let mut uses: Vec<_> = entries.iter().enumerate().flat_map(uses_of).collect();
        let all = uses.len();
        // A stable sort: of those with one count the first stay.
        uses.sort_by_key(|(_, _, count)| Reverse(*count));
        let numbers = keep(&mut uses);
        let mut files: Vec<_> = entries.iter().map(file).collect();
        let uses_left_out = all - uses.len();
        for (file, name, count) in uses {
            files[file].uses.push((numbers[name], count));
        }
        Ok(Self {
            modules: numbers.into_keys().cloned().collect(),
            files,
            uses_left_out,
        })
    }

    /// The same again. What no tree has is not believed: another agent may have written
    /// it.
    pub(crate) fn entries(self, layout: &Layout) -> impl Iterator<Item = Entry> {
        let Self { modules, files, .. } = self;
        files.into_iter().map(move |file| {
            let uses = file.uses.iter();
            let named = uses.filter_map(|(place, count)| Some((modules.get(*place)?, *count)));
            Entry {
                place: layout.place_or_path(&file.path),
                bytes: file.bytes.min(MOST.into()),
                counts: LineCounts {
                    code: file.code.min(MOST),
                    comment: file.comment.min(MOST),
                    blank: file.blank.min(MOST),
                },
                parts: Parts {
                    public_items: file.public_items.min(MOST.into()),
                    uses: named.map(|(name, count)| (name.clone(), count)).collect(),
                },
                path: file.path,
            }
        })
    }
}

fn file(entry: &Entry) -> PartFile {
    PartFile {
        path: entry.path.clone(),
        bytes: entry.bytes,
        code: entry.counts.code,
        comment: entry.counts.comment,
        blank: entry.counts.blank,
        public_items: entry.parts.public_items,
        uses: Vec::new(),
    }
}

/// The uses of the file with a number, each with the module and how often.
fn uses_of((number, entry): (usize, &Entry)) -> impl Iterator<Item = (usize, &String, u32)> {
    let uses = entry.parts.uses.iter();
    uses.map(move |(name, count)| (number, name, *count))
}

/// Keeps the first uses that there is room for, and gives the places of their modules.
fn keep<'a>(uses: &mut Vec<(usize, &'a String, u32)>) -> BTreeMap<&'a String, usize> {
    let mut modules = BTreeMap::new();
    let mut bytes = 0;
    let mut kept = 0;
    for (_, name, _) in &*uses {
        let is_new = !modules.contains_key(name);
        bytes += BYTES_PER_USE
            + if is_new {
                BYTES_PER_MODULE + name.len()
            } else {
                0
            };
        if bytes > MAX_USES_BYTES {
            break;
        }
        modules.insert(*name, 0);
        kept += 1;
    }
    uses.truncate(kept);
    for (number, place) in modules.values_mut().enumerate() {
        *place = number;
    }
    modules
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
        let part = Part::of(&entries).unwrap();
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
        let mut part = Part::of(&[entry("src/a.rs", uses(&["crate::b"]))]).unwrap();
        part.files[0].uses.push((7, 1));
        let entry = part.entries(&Layout::default()).next().unwrap();
        assert_eq!(entry.parts.uses.len(), 1);
    }

    #[test]
    fn so_many_uses_are_told_and_no_more() {
        let name = "crate::m".len() + 5;
        let longest = MAX_USES_BYTES / (BYTES_PER_USE + BYTES_PER_MODULE + name);
        let many = |count: usize| {
            let name = |number| (format!("crate::m{number:05}"), 1 + u32::from(number >= 9));
            Part::of(&[entry("src/a.rs", (0..count).map(name))]).unwrap()
        };
        let all = many(longest);
        assert_eq!((all.files[0].uses.len(), all.uses_left_out), (longest, 0));
        assert!(serde_json::to_vec(&all).unwrap().len() <= MAX_USES_BYTES + BYTES_PER_FILE);
        let cut = many(longest + 1);
        assert_eq!((cut.files[0].uses.len(), cut.uses_left_out), (longest, 1));
        assert_eq!(cut.modules.len(), longest);
        let least = cut.files[0].uses.iter().filter(|(_, count)| *count == 1);
        assert_eq!(least.count(), 8, "one with the lowest count is left out");
    }

    #[test]
    fn so_many_files_are_told_and_no_more() {
        let most = MAX_FILES_BYTES / (BYTES_PER_FILE + "src/a00000.rs".len());
        let files = |count: usize| -> Vec<_> {
            (0..count)
                .map(|n| entry(&format!("src/a{n:05}.rs"), []))
                .collect()
        };
        let part = Part::of(&files(most)).unwrap();
        assert!(serde_json::to_vec(&part).unwrap().len() <= MAX_FILES_BYTES);
        assert_eq!(Part::of(&files(most + 1)), Err(TooManyFiles));
    }

    #[test]
    fn what_no_file_has_is_not_believed() {
        let mut part = Part::of(&[entry("src/a.rs", [])]).unwrap();
        let file = &mut part.files[0];
        (file.bytes, file.public_items) = (u64::MAX, u64::MAX);
        (file.code, file.comment, file.blank) = (u32::MAX, u32::MAX, u32::MAX);
        let entry = part.entries(&Layout::default()).next().unwrap();
        assert_eq!(entry.counts.total(), 3 * MOST);
        assert_eq!(
            (entry.bytes, entry.parts.public_items),
            (MOST.into(), MOST.into())
        );
    }
}
