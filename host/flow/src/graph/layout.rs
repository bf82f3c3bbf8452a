//! Where tasks stand in a picture: a column a wave, edges that go round what
//! is in their way.
//!
//! This is the layered drawing of Sugiyama, Tagawa and Toda (1981): edges that
//! span several columns get a place of their own in each, and each column is
//! ordered by the mean place of the neighbours before and after it.

use std::collections::BTreeMap;

use crate::{Plan, TaskIndex};

/// The width and height of a task.
pub(super) const TASK: (f32, f32) = (168.0, 46.0);
/// The space between columns.
const COLUMN_GAP: f32 = 56.0;
/// The space between the rows of a column.
const ROW_GAP: f32 = 20.0;
/// The height that an edge passing through a column takes.
const LANE: f32 = 12.0;
/// The space around the picture.
pub(super) const MARGIN: f32 = 24.0;
/// How often the columns are ordered, there and back.
const SWEEPS: usize = 8;
/// The most places of edges in columns that they pass. Whoever writes the
/// file picks how many there are; beyond this, long edges go straight.
const MAX_LANES: usize = 5_000;

/// A point in the picture.
pub(super) type Point = (f32, f32);

/// A plan with places.
pub(super) struct Layout {
    /// The upper left corner of each task, by its index.
    pub(super) corners: Vec<Point>,
    /// The way of each edge, from the side of a task to that of another.
    pub(super) edges: Vec<Vec<Point>>,
    /// The size of the picture.
    pub(super) size: (f32, f32),
}

/// What stands in a column.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Task(TaskIndex),
    /// An edge that passes through, by its number.
    Lane(usize),
}

impl Slot {
    fn height(self) -> f32 {
        match self {
            Self::Task(_) => TASK.1,
            Self::Lane(_) => LANE,
        }
    }
}

/// The places that an edge visits: a column and a slot of it, from left to
/// right.
type Way = Vec<(usize, Slot)>;

/// Finds a place for everything.
pub(super) fn layout(plan: &Plan) -> Layout {
    let wave = |at: TaskIndex| plan.node(at).wave as usize - 1;
    let edges: Vec<_> = plan
        .indices()
        .flat_map(|at| plan.node(at).needs.iter().map(move |need| (*need, at)))
        .collect();
    let mut columns: Vec<Vec<Slot>> = plan
        .waves()
        .into_iter()
        .map(|tasks| tasks.into_iter().map(Slot::Task).collect())
        .collect();
    let passed = edges.iter().map(|(from, to)| wave(*to) - wave(*from) - 1);
    let with_lanes = passed.sum::<usize>() <= MAX_LANES;
    let mut ways: Vec<Way> = Vec::with_capacity(edges.len());
    for (number, (from, to)) in edges.iter().enumerate() {
        let mut way = vec![(wave(*from), Slot::Task(*from))];
        if with_lanes {
            let between = wave(*from) + 1..wave(*to);
            for (column, slots) in between.clone().zip(&mut columns[between]) {
                slots.push(Slot::Lane(number));
                way.push((column, Slot::Lane(number)));
            }
        }
        way.push((wave(*to), Slot::Task(*to)));
        ways.push(way);
    }
    order(&mut columns, &ways);
    place(plan, &columns, &ways)
}

/// Orders each column by the mean place of its neighbours.
fn order(columns: &mut [Vec<Slot>], ways: &[Way]) {
    let count = columns.len();
    // What a column is joined to in the next one.
    let mut joints: Vec<Vec<(Slot, Slot)>> = vec![Vec::new(); count];
    for step in ways.iter().flat_map(|way| way.windows(2)) {
        if let [(column, left), (next, right)] = step
            && column + 1 == *next
        {
            joints[*column].push((*left, *right));
        }
    }
    for sweep in 0..SWEEPS {
        let forward = sweep % 2 == 0;
        for step in 1..count {
            let column = if forward { step } else { count - 1 - step };
            let beside = if forward { column - 1 } else { column + 1 };
            let places: BTreeMap<Slot, usize> = columns[beside]
                .iter()
                .enumerate()
                .map(|(place, slot)| (*slot, place))
                .collect();
            let mut means: BTreeMap<Slot, (usize, usize)> = BTreeMap::new();
            for (left, right) in &joints[column.min(beside)] {
                let (mine, other) = if forward {
                    (right, left)
                } else {
                    (left, right)
                };
                let mean = means.entry(*mine).or_default();
                *mean = (mean.0 + places[other], mean.1 + 1);
            }
            let mut keyed: Vec<_> = columns[column]
                .iter()
                .enumerate()
                .map(|(place, slot)| {
                    let mean = means
                        .get(slot)
                        .map_or(place as f32, |(sum, n)| *sum as f32 / *n as f32);
                    (mean, *slot)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            columns[column] = keyed.into_iter().map(|(_, slot)| slot).collect();
        }
    }
}

fn place(plan: &Plan, columns: &[Vec<Slot>], ways: &[Way]) -> Layout {
    let height_of = |column: &Vec<Slot>| {
        let slots: f32 = column.iter().map(|slot| slot.height()).sum();
        slots + ROW_GAP * column.len().saturating_sub(1) as f32
    };
    let height = columns.iter().map(height_of).fold(0.0, f32::max);
    let left = |column: usize| MARGIN + column as f32 * (TASK.0 + COLUMN_GAP);
    let mut corners = vec![(0.0, 0.0); plan.tasks().len()];
    let mut middles = BTreeMap::new();
    for (number, column) in columns.iter().enumerate() {
        let mut top = MARGIN + (height - height_of(column)) / 2.0;
        for slot in column {
            if let Slot::Task(at) = slot {
                corners[at.get()] = (left(number), top);
            }
            middles.insert((number, *slot), top + slot.height() / 2.0);
            top += slot.height() + ROW_GAP;
        }
    }
    let edges = ways
        .iter()
        .map(|way| {
            let mut points = Vec::with_capacity(2 * way.len());
            for (column, slot) in way {
                let y = middles[&(*column, *slot)];
                // An edge enters a column on the left and leaves on the right.
                points.push((left(*column), y));
                points.push((left(*column) + TASK.0, y));
            }
            // It starts at the right of the first and ends at the left of the last.
            points[1..points.len() - 1].to_vec()
        })
        .collect();
    let width = left(columns.len()) - COLUMN_GAP + MARGIN;
    Layout {
        corners,
        edges,
        size: (width, height + 2.0 * MARGIN),
    }
}

impl Layout {
    /// Whether a task stands below `at` in its column.
    pub(super) fn has_below(&self, at: TaskIndex) -> bool {
        let (x, y) = self.corners[at.get()];
        self.corners
            .iter()
            .any(|(other_x, other_y)| *other_x == x && *other_y > y)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{chain_with_shortcuts, plan};
    use super::*;

    fn apart((ax, ay): Point, (bx, by): Point) -> bool {
        (ax - bx).abs() >= TASK.0 || (ay - by).abs() >= TASK.1
    }

    #[test]
    fn tasks_do_not_cover_one_another_and_edges_go_right() {
        let plan = plan(&chain_with_shortcuts(30));
        let layout = layout(&plan);
        for (index, first) in layout.corners.iter().enumerate() {
            let (x, y) = *first;
            assert!(x >= MARGIN && x + TASK.0 + MARGIN <= layout.size.0);
            assert!(y >= MARGIN && y + TASK.1 + MARGIN <= layout.size.1);
            for second in &layout.corners[index + 1..] {
                assert!(apart(*first, *second), "{first:?} {second:?}");
            }
        }
        for edge in &layout.edges {
            assert!(
                edge.windows(2).all(|step| step[0].0 < step[1].0),
                "{edge:?}"
            );
        }
    }

    #[test]
    fn long_edges_have_lanes_up_to_a_number() {
        let lanes = |tasks| {
            let layout = layout(&plan(&chain_with_shortcuts(tasks)));
            layout
                .edges
                .iter()
                .map(|edge| edge.len() / 2 - 1)
                .sum::<usize>()
        };
        // Of n tasks in a chain that all need the first: 1 + 2 + ... + (n - 2).
        assert_eq!(lanes(100), 98 * 99 / 2);
        assert_eq!(lanes(200), 0);
    }
}
