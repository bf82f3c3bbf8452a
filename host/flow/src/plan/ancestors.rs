//! Who comes before whom, for all pairs at once.

use super::{Plan, TaskIndex};

/// For each task the tasks that it needs, directly or through others: a bit
/// for each pair.
#[derive(Clone, Debug)]
pub struct Ancestors {
    words: usize,
    bits: Vec<u64>,
}

impl Ancestors {
    pub(super) fn of(plan: &Plan) -> Self {
        let count = plan.nodes.len();
        let words = count.div_ceil(64);
        let mut bits = vec![0; words * count];
        for at in &plan.order {
            for need in &plan.nodes[at.get()].needs {
                for word in 0..words {
                    bits[at.get() * words + word] |= bits[need.get() * words + word];
                }
                bits[at.get() * words + need.get() / 64] |= 1 << (need.get() % 64);
            }
        }
        Self { words, bits }
    }

    /// Whether `task` needs `other`, directly or through others.
    #[must_use]
    pub fn contains(&self, task: TaskIndex, other: TaskIndex) -> bool {
        let word = self.bits[task.get() * self.words + other.get() / 64];
        word >> (other.get() % 64) & 1 == 1
    }
}
