//! Splits files into parts of about the same size.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use serde::{Deserialize, Serialize};

/// Files that are looked at together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Counts from 0.
    pub index: u32,
    /// The files, relative to the mount; sorted.
    pub files: Vec<String>,
    /// Their size.
    pub bytes: u64,
}

/// How a tree is split, and what it takes to survey it in parts. No source file was
/// read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The number of Rust files.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
    /// The packages that are not named after their folders: their names by folder.
    pub packages: BTreeMap<String, String>,
    /// The files, in parts of about the same size.
    pub shards: Vec<Shard>,
}

impl Split {
    /// The files of all shards.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &String> {
        self.shards.iter().flat_map(|shard| &shard.files)
    }
}

/// A file to be put into a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) path: String,
    pub(crate) bytes: u64,
}

/// How many shards to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShardPolicy {
    /// About how large a shard is.
    pub(crate) bytes: u64,
    /// The least number of shards.
    pub(crate) min: u32,
    /// The greatest number of shards.
    pub(crate) max: u32,
}

impl Default for ShardPolicy {
    /// 64 KiB of source take an agent well below its default budget.
    fn default() -> Self {
        Self {
            bytes: 64 << 10,
            min: 1,
            max: 16,
        }
    }
}

impl ShardPolicy {
    pub(crate) fn exactly(count: u32) -> Self {
        Self {
            bytes: u64::MAX,
            min: count,
            max: count,
        }
    }

    fn count(self, pieces: &[Piece]) -> usize {
        let total: u64 = pieces.iter().map(|piece| piece.bytes).sum();
        let wanted = total
            .div_ceil(self.bytes)
            .clamp(u64::from(self.min), u64::from(self.max));
        usize::try_from(wanted)
            .unwrap_or(usize::MAX)
            .min(pieces.len())
    }
}

/// Splits the pieces so that the largest shard is at most 4/3 of the best
/// possible: the largest piece first, each into the shard that is smallest so
/// far (R. L. Graham, "Bounds on Multiprocessing Timing Anomalies", 1969). The
/// order of the pieces does not matter. No shard is empty.
pub(crate) fn split(mut pieces: Vec<Piece>, policy: ShardPolicy) -> Vec<Shard> {
    let count = policy.count(&pieces);
    let mut shards: Vec<Shard> = (0..count)
        .map(|index| Shard {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            files: Vec::new(),
            bytes: 0,
        })
        .collect();
    // Of shards of one size the one with fewer files is next, then the first.
    let mut smallest: BinaryHeap<Reverse<(u64, usize, usize)>> =
        (0..count).map(|index| Reverse((0, 0, index))).collect();
    pieces.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    for piece in pieces {
        let Some(Reverse((_, _, index))) = smallest.pop() else {
            break;
        };
        let shard = &mut shards[index];
        shard.files.push(piece.path);
        shard.bytes += piece.bytes;
        smallest.push(Reverse((shard.bytes, shard.files.len(), index)));
    }
    for shard in &mut shards {
        shard.files.sort_unstable();
    }
    shards
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn piece(path: &str, bytes: u64) -> Piece {
        Piece {
            path: path.to_owned(),
            bytes,
        }
    }

    #[test]
    fn the_largest_files_are_spread_first() {
        let pieces = [("a", 10), ("b", 50), ("c", 30), ("d", 20)]
            .map(|(path, bytes)| piece(path, bytes))
            .to_vec();
        let shards = split(pieces, ShardPolicy::exactly(2));
        let files: Vec<_> = shards
            .iter()
            .map(|s| (s.files.join(" "), s.bytes))
            .collect();
        assert_eq!(files, [("a b".to_owned(), 60), ("c d".to_owned(), 50)]);
    }

    #[test]
    fn the_number_of_shards_follows_the_size() {
        let tree = |count: u64| {
            (0..count)
                .map(|i| piece(&i.to_string(), 32 << 10))
                .collect()
        };
        let count = |files| split(tree(files), ShardPolicy::default()).len();
        assert_eq!(count(0), 0);
        assert_eq!(count(1), 1);
        assert_eq!(count(2), 1);
        assert_eq!(count(3), 2);
        assert_eq!(count(32), 16);
        assert_eq!(count(1_000), 16);
        assert_eq!(split(tree(2), ShardPolicy::exactly(5)).len(), 2);
    }

    proptest! {
        #[test]
        fn every_file_is_in_exactly_one_shard(
            sizes in prop::collection::vec(0_u64..200_000, 0..200),
            min in 1_u32..20,
            more in 0_u32..20,
            bytes in 1_u64..100_000,
            seed in any::<u64>(),
        ) {
            let mut pieces: Vec<_> = sizes
                .iter()
                .enumerate()
                .map(|(index, size)| piece(&format!("f{index}"), *size))
                .collect();
            let policy = ShardPolicy { bytes, min, max: min + more };
            let shards = split(pieces.clone(), policy);

            let mut files: Vec<_> = shards.iter().flat_map(|s| s.files.clone()).collect();
            files.sort();
            let mut expected: Vec<_> = pieces.iter().map(|p| p.path.clone()).collect();
            expected.sort();
            prop_assert_eq!(files, expected);
            prop_assert_eq!(shards.iter().map(|s| s.bytes).sum::<u64>(), sizes.iter().sum::<u64>());
            prop_assert!(shards.len() <= policy.max as usize);
            prop_assert!(shards.iter().all(|s| !s.files.is_empty()));

            // No shard could give its smallest file to the smallest shard and
            // both be smaller than it was.
            let least = shards.iter().map(|s| s.bytes).min().unwrap_or(0);
            for shard in &shards {
                let smallest = pieces
                    .iter()
                    .filter(|p| shard.files.contains(&p.path))
                    .map(|p| p.bytes)
                    .min()
                    .unwrap_or(0);
                prop_assert!(shard.bytes - smallest <= least);
            }

            let turn = usize::try_from(seed % 7).unwrap().min(pieces.len());
            pieces.rotate_left(turn);
            prop_assert_eq!(split(pieces, policy), shards);
        }
    }
}
