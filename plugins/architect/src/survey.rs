//! What the architect says of a tree, in a bounded amount of output.

use std::collections::BTreeMap;

use serde::Serialize;
use source::LineCounts;

use crate::Shard;
use crate::cycles::cycles;
use crate::layout::{Place, related};
use crate::parts::Parts;
use crate::shards::Piece;

/// How many bytes of modules, and as many of edges, an outcome carries. Whoever
/// wrote the tree picks the number of modules, and an outcome may have 1 MiB by
/// default; the shards, which cannot be cut, need the rest.
const MAX_LIST_BYTES: usize = 160 << 10;

/// The bytes that a module costs besides its texts.
const BYTES_PER_MODULE: usize = 190;

/// The bytes that an edge costs besides its texts.
const BYTES_PER_EDGE: usize = 48;

/// How many of the largest files are named.
const LARGEST: usize = 10;

/// How many circles are told of.
const MAX_CYCLES: usize = 50;

/// How many modules of one circle are named.
const MAX_CYCLE_NAMES: usize = 12;

/// A module: one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Module {
    /// Its name, with that of its package.
    pub name: String,
    /// Its file, relative to the mount.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its lines, of which:
    pub lines: u64,
    /// with code,
    pub code: u32,
    /// with nothing but comments, and
    pub comment: u32,
    /// with nothing.
    pub blank: u32,
    /// Items and methods that are `pub`.
    pub public_items: u64,
    /// How many modules of the tree it uses.
    pub uses: usize,
    /// How many modules of the tree use it.
    pub used_by: usize,
}

/// One module uses another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Edge {
    /// The one that uses.
    pub from: String,
    /// The one that is used.
    pub to: String,
    /// How many imports and paths lead there.
    pub count: u32,
}

/// A large file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LargeFile {
    /// The file, relative to the mount.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its lines.
    pub lines: u64,
}

/// Modules that all lead to one another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cycle {
    /// How many there are.
    pub size: usize,
    /// The first twelve by name.
    pub modules: Vec<String>,
}

/// What the architect says of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Survey {
    /// The number of Rust files.
    pub files: u64,
    /// Their lines, of which:
    pub lines: u64,
    /// with code,
    pub code: u64,
    /// with nothing but comments, and
    pub comment: u64,
    /// with nothing.
    pub blank: u64,
    /// Their size.
    pub bytes: u64,
    /// The number of packages.
    pub packages: usize,
    /// Items and methods that are `pub`.
    pub public_items: u64,
    /// The modules by name; where there are too many, the largest.
    pub modules: Vec<Module>,
    /// How many modules are left out.
    pub modules_truncated: usize,
    /// Which module uses which, by name; where there are too many, those with
    /// the highest counts.
    pub edges: Vec<Edge>,
    /// How many edges are left out.
    pub edges_truncated: usize,
    /// The largest files, the largest first.
    pub largest: Vec<LargeFile>,
    /// Groups of modules that all lead to one another, apart from modules and
    /// those that they lie in.
    pub cycles: Vec<Cycle>,
    /// How many of these are left out.
    pub cycles_truncated: usize,
    /// The files, in parts of about the same size.
    pub shards: Vec<Shard>,
}

/// What was found out about one file.
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) place: Place,
    pub(crate) bytes: u64,
    pub(crate) counts: LineCounts,
    pub(crate) parts: Parts,
}

impl Entry {
    fn lines(&self) -> u64 {
        u64::from(self.counts.total())
    }

    pub(crate) fn piece(&self) -> Piece {
        Piece {
            path: self.path.clone(),
            bytes: self.bytes,
        }
    }
}

/// Puts together what was found out about each file.
pub(crate) fn survey(entries: &[Entry], packages: usize, shards: Vec<Shard>) -> Survey {
    let mut survey = Survey {
        files: entries.len() as u64,
        packages,
        shards,
        ..Survey::default()
    };
    for entry in entries {
        survey.lines += entry.lines();
        survey.code += u64::from(entry.counts.code);
        survey.comment += u64::from(entry.counts.comment);
        survey.blank += u64::from(entry.counts.blank);
        survey.bytes += entry.bytes;
        survey.public_items += entry.parts.public_items;
    }
    (survey.modules, survey.modules_truncated) = modules(entries);
    (survey.edges, survey.edges_truncated) = edges(entries);
    survey.largest = largest(entries);
    survey.cycles = circles(entries);
    survey.cycles_truncated = survey.cycles.len().saturating_sub(MAX_CYCLES);
    survey.cycles.truncate(MAX_CYCLES);
    survey
}

fn modules(entries: &[Entry]) -> (Vec<Module>, usize) {
    let mut used_by: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries {
        for target in entry.parts.uses.keys() {
            *used_by.entry(target).or_insert(0) += 1;
        }
    }
    let mut modules: Vec<Module> = entries
        .iter()
        .map(|entry| Module {
            name: entry.place.name.clone(),
            path: entry.path.clone(),
            bytes: entry.bytes,
            lines: entry.lines(),
            code: entry.counts.code,
            comment: entry.counts.comment,
            blank: entry.counts.blank,
            public_items: entry.parts.public_items,
            uses: entry.parts.uses.len(),
            used_by: used_by.get(&*entry.place.name).copied().unwrap_or(0),
        })
        .collect();
    modules.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    let truncated = keep(&mut modules, |module| {
        BYTES_PER_MODULE + module.name.len() + module.path.len()
    });
    modules.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.path.cmp(&b.path)));
    (modules, truncated)
}

fn edges(entries: &[Entry]) -> (Vec<Edge>, usize) {
    let mut edges: Vec<Edge> = entries
        .iter()
        .flat_map(|entry| {
            entry.parts.uses.iter().map(|(to, count)| Edge {
                from: entry.place.name.clone(),
                to: to.clone(),
                count: *count,
            })
        })
        .collect();
    edges.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.cmp(b)));
    let truncated = keep(&mut edges, |edge| {
        BYTES_PER_EDGE + edge.from.len() + edge.to.len()
    });
    edges.sort_unstable();
    (edges, truncated)
}

/// Keeps as many of the first entries as the output has room for, and tells how
/// many it does not.
fn keep<T>(entries: &mut Vec<T>, size: impl Fn(&T) -> usize) -> usize {
    let mut bytes = 0;
    let kept = entries
        .iter()
        .take_while(|entry| {
            bytes += size(entry);
            bytes <= MAX_LIST_BYTES
        })
        .count();
    let truncated = entries.len() - kept;
    entries.truncate(kept);
    truncated
}

fn largest(entries: &[Entry]) -> Vec<LargeFile> {
    let mut files: Vec<&Entry> = entries.iter().collect();
    files.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    files
        .into_iter()
        .take(LARGEST)
        .map(|entry| LargeFile {
            path: entry.path.clone(),
            bytes: entry.bytes,
            lines: entry.lines(),
        })
        .collect()
}

/// The circles among the modules. That a module uses what lies in it, and that
/// uses it, is how modules are split and no circle.
fn circles(entries: &[Entry]) -> Vec<Cycle> {
    let mut names: Vec<&str> = entries.iter().map(|entry| &*entry.place.name).collect();
    names.sort_unstable();
    names.dedup();
    let mut targets = vec![Vec::new(); names.len()];
    for entry in entries {
        let from = &*entry.place.name;
        let Ok(index) = names.binary_search(&from) else {
            continue;
        };
        for to in entry.parts.uses.keys() {
            if !related(from, to)
                && let Ok(target) = names.binary_search(&to.as_str())
            {
                targets[index].push(target);
            }
        }
    }
    cycles(&targets)
        .into_iter()
        .map(|group| Cycle {
            size: group.len(),
            modules: group
                .into_iter()
                .take(MAX_CYCLE_NAMES)
                .map(|node| names[node].to_owned())
                .collect(),
        })
        .collect()
}
