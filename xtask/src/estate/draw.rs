//! Numbers that look random and are the same on every machine.

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub(super) struct Draw(u64);

impl Draw {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u32, high: u32) -> u32 {
        let span = u64::from(high - low) + 1;
        // The remainder is below `span`, which fits.
        low + (self.next() % span) as u32
    }

    /// One of a slice, which is not empty.
    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.between(0, of.len() as u32 - 1) as usize]
    }

    /// `count` different ones of a slice, in its order.
    pub(super) fn some<'a, T>(&mut self, count: usize, of: &'a [T]) -> Vec<&'a T> {
        let mut left = count.min(of.len()) as u32;
        let mut taken = Vec::new();
        for (index, item) in of.iter().enumerate() {
            let remaining = (of.len() - index) as u32;
            if self.between(1, remaining) <= left {
                taken.push(item);
                left -= 1;
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_within_their_bounds_and_reach_them() {
        let mut draw = Draw::new(7);
        let drawn: Vec<_> = (0..500).map(|_| draw.between(3, 6)).collect();
        assert_eq!(drawn.iter().min(), Some(&3));
        assert_eq!(drawn.iter().max(), Some(&6));
        for count in 0..6 {
            let some = draw.some(count, &[1, 2, 3, 4]);
            assert_eq!(some.len(), count.min(4));
            assert!(some.is_sorted());
        }
    }
}
