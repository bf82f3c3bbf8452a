//! Room with a lane that is kept free for emergencies.

/// How many emergencies in a row go before others that could go as well.
/// Then one of those others goes first: an emergency is strict, but capped.
pub const MAX_EMERGENCIES_IN_A_ROW: u32 = 4;

/// Room for so many, and a lane beside it that only emergencies use. As long
/// as emergencies keep to the lane they take no room from the others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lane {
    limit: u32,
    reserve: u32,
    normal: u32,
    emergencies: u32,
    /// Emergencies that were let in since the last other one.
    in_a_row: u32,
}

impl Lane {
    pub(super) fn new(limit: u32, reserve: u32) -> Self {
        Self {
            limit,
            reserve,
            ..Self::default()
        }
    }

    /// The same with another limit. Whoever is above it stays.
    pub(super) fn resize(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// Whether one more may enter.
    pub(super) fn has_room(&self, is_emergency: bool) -> bool {
        if is_emergency {
            return self.under_way() < self.limit.saturating_add(self.reserve);
        }
        self.normal + self.emergencies.saturating_sub(self.reserve) < self.limit
    }

    /// Whether an emergency may still go before the others.
    pub(super) fn is_strict(&self) -> bool {
        self.in_a_row < MAX_EMERGENCIES_IN_A_ROW
    }

    pub(super) fn enter(&mut self, is_emergency: bool) {
        if is_emergency {
            self.emergencies += 1;
        } else {
            self.normal += 1;
        }
    }

    /// One that has entered starts an attempt.
    pub(super) fn start(&mut self, is_emergency: bool) {
        self.in_a_row = match is_emergency {
            true => self.in_a_row.saturating_add(1),
            false => 0,
        };
    }

    pub(super) fn leave(&mut self, is_emergency: bool) {
        if is_emergency {
            self.emergencies -= 1;
        } else {
            self.normal -= 1;
        }
    }

    pub(super) fn under_way(&self) -> u32 {
        self.normal + self.emergencies
    }

    pub(super) fn is_empty(&self) -> bool {
        self.under_way() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emergencies_in_their_lane_take_no_room_from_others() {
        let mut lane = Lane::new(2, 1);
        lane.enter(true);
        for _ in 0..2 {
            assert!(lane.has_room(false));
            lane.enter(false);
        }
        assert!(!lane.has_room(false) && !lane.has_room(true), "full");
        lane.leave(true);
        assert!(
            lane.has_room(true) && !lane.has_room(false),
            "the lane is kept free"
        );
    }

    #[test]
    fn emergencies_beyond_their_lane_do() {
        let mut lane = Lane::new(2, 1);
        for _ in 0..2 {
            lane.enter(true);
        }
        lane.enter(false);
        assert!(!lane.has_room(false));
        lane.leave(true);
        assert!(lane.has_room(false));
    }

    #[test]
    fn without_a_reserve_all_are_equal() {
        let mut lane = Lane::new(1, 0);
        lane.enter(false);
        assert!(!lane.has_room(true));
    }
}
