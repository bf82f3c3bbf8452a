//! Times of two ways to do the same work, taken in turn so that what the machine
//! does meanwhile hits both.

use std::time::{Duration, Instant};

use serde::Serialize;

/// The middle of some values, and how far they lie apart.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Spread {
    /// The least.
    pub(crate) low: f64,
    /// Half are below it.
    pub(crate) median: f64,
    /// The most.
    pub(crate) high: f64,
}

impl Spread {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |part: f64| values[((values.len() - 1) as f64 * part).round() as usize];
        Self {
            low: at(0.0),
            median: at(0.5),
            high: at(1.0),
        }
    }
}

/// Ours and what it is measured against, over several rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Comparison {
    /// Seconds that ours took for one piece of work.
    pub(crate) ours: Spread,
    /// Seconds that the other took.
    pub(crate) other: Spread,
    /// Ours by the other, round by round.
    pub(crate) ratio: Spread,
}

/// Does `ours` and `other` once to warm up and then `rounds` times in turn. Each
/// does `pieces` pieces of work.
pub(crate) fn compare(
    rounds: usize,
    pieces: u32,
    mut ours: impl FnMut(),
    mut other: impl FnMut(),
) -> Comparison {
    let timed = |work: &mut dyn FnMut()| time(work).as_secs_f64() / f64::from(pieces);
    ours();
    other();
    let pairs = (0..rounds).map(|_| (timed(&mut ours), timed(&mut other)));
    Comparison::of(&pairs.collect::<Vec<_>>())
}

impl Comparison {
    /// Of seconds that ours and the other took, round by round.
    pub(crate) fn of(pairs: &[(f64, f64)]) -> Self {
        Self {
            ours: Spread::of(pairs.iter().map(|pair| pair.0)),
            other: Spread::of(pairs.iter().map(|pair| pair.1)),
            ratio: Spread::of(pairs.iter().map(|pair| pair.0 / pair.1)),
        }
    }
}

/// How long `work` takes.
pub(crate) fn time(work: &mut dyn FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_ends() {
        let spread = Spread::of([3.0, 1.0, 2.0]);
        assert_eq!((spread.low, spread.median, spread.high), (1.0, 2.0, 3.0));
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let comparison = Comparison::of(&[(2.0, 1.0), (30.0, 10.0), (4.0, 1.0)]);
        assert_eq!(comparison.ratio.median, 3.0);
    }

    #[test]
    fn both_are_done_as_often() {
        let (mut ours, mut other) = (0, 0);
        compare(4, 1, || ours += 1, || other += 1);
        assert_eq!((ours, other), (5, 5));
    }
}
