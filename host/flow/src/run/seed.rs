//! What is drawn in a run comes from its seed and from what it is drawn for,
//! never from the order of events: a replay draws the same.

use super::InstanceRef;

/// A number from 0 to 1, evenly spread over all instances, rounds and
/// attempts.
pub(super) fn draw(seed: u64, at: InstanceRef, round: u32, attempt: u32) -> f64 {
    let bits = spread(seed, at, round, attempt);
    // 53 bits are what a double holds exactly.
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// The seed of the run that an instance stands for in a round.
pub(super) fn derive(seed: u64, at: InstanceRef, round: u32) -> u64 {
    // Attempts count from 1, so no draw is the same.
    spread(seed, at, round, 0)
}

fn spread(seed: u64, at: InstanceRef, round: u32, attempt: u32) -> u64 {
    let place = (at.task.get() as u64) << 32 | u64::from(at.item);
    let time = u64::from(round) << 32 | u64::from(attempt);
    mix(mix(mix(seed) ^ place) ^ time)
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskIndex;

    fn at(task: u32, item: u32) -> InstanceRef {
        InstanceRef {
            task: TaskIndex::new(task as usize),
            item,
        }
    }

    #[test]
    fn the_same_place_draws_the_same() {
        assert_eq!(draw(1, at(2, 3), 4, 5), draw(1, at(2, 3), 4, 5));
    }

    #[test]
    fn draws_are_spread_evenly() {
        let mut tenths = [0_u32; 10];
        for item in 0..10_000 {
            let drawn = draw(7, at(1, item), 1, 1);
            assert!((0.0..1.0).contains(&drawn));
            tenths[(drawn * 10.0) as usize] += 1;
        }
        assert!(
            tenths.iter().all(|n| (900..1_100).contains(n)),
            "{tenths:?}"
        );
    }

    #[test]
    fn seed_place_and_time_all_matter() {
        let base = draw(1, at(1, 1), 1, 1);
        for other in [
            draw(2, at(1, 1), 1, 1),
            draw(1, at(2, 1), 1, 1),
            draw(1, at(1, 2), 1, 1),
            draw(1, at(1, 1), 2, 1),
            draw(1, at(1, 1), 1, 2),
        ] {
            assert_ne!(base, other);
        }
    }
}
