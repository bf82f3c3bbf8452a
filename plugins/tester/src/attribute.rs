//! Whose change it is.

use std::ops::Range;

use patch::{AppliedFix, Change};

/// An edit of a file, as the developer lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    /// Its lines, counted from 0.
    lines: Range<usize>,
    /// Its first line, counted from 1.
    first: u32,
}

/// Changes that stand or fall together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unit {
    /// Indices of the changes.
    pub(crate) changes: Vec<usize>,
    /// The first lines (counted from 1) of the edits that they belong to.
    pub(crate) first_lines: Vec<u32>,
}

/// How the changes of a file and the edits listed for it fit together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attribution {
    /// The changes of each edit, top to bottom.
    pub(crate) units: Vec<Unit>,
    /// The first lines (counted from 1) of changes outside of all edits.
    pub(crate) outside: Vec<u32>,
    /// The first lines (counted from 1) of edits without a change.
    pub(crate) missing: Vec<u32>,
}

/// Puts each change to the edit that it lies in. `fixes` are those of the one
/// file that `changes` are about.
pub(crate) fn attribute(changes: &[Change<'_>], fixes: &[&AppliedFix]) -> Attribution {
    let mut edits: Vec<Listed> = fixes
        .iter()
        .filter(|fix| (1..=fix.last).contains(&fix.first))
        .map(|fix| Listed {
            lines: fix.first as usize - 1..fix.last as usize,
            first: fix.first,
        })
        .collect();
    edits.sort_by_key(|edit| (edit.lines.start, edit.lines.end));
    // One edit can mend several findings.
    edits.dedup();

    let mut result = Attribution::default();
    let mut owner_of = vec![None; changes.len()];
    let mut unit_of = vec![None; edits.len()];
    for (index, change) in changes.iter().enumerate() {
        let Some(owner) = owner(change, &edits) else {
            result.outside.push(line_number(change.old.start));
            continue;
        };
        let unit = *unit_of[owner].get_or_insert_with(|| {
            result.units.push(Unit {
                changes: Vec::new(),
                first_lines: vec![edits[owner].first],
            });
            result.units.len() - 1
        });
        result.units[unit].changes.push(index);
        owner_of[index] = Some(unit);
    }
    // Changes of edits that touch can be one change: lines that one edit takes
    // out, followed by lines that the next one puts in.
    for (edit, unit) in edits.iter().zip(&unit_of) {
        if unit.is_some() {
            continue;
        }
        let near = changes.partition_point(|change| change.old.end < edit.lines.start);
        let shared = changes[near..]
            .iter()
            .zip(&owner_of[near..])
            .take_while(|(change, _)| change.old.start <= edit.lines.end)
            .find_map(|(_, owner)| *owner);
        match shared {
            Some(unit) => result.units[unit].first_lines.push(edit.first),
            None => result.missing.push(edit.first),
        }
    }
    result
}

/// The edit that the change lies in; several that follow each other will do.
fn owner(change: &Change<'_>, edits: &[Listed]) -> Option<usize> {
    let holding = |line: usize| {
        let index = edits
            .partition_point(|edit| edit.lines.start <= line)
            .checked_sub(1)?;
        edits[index].lines.contains(&line).then_some(index)
    };
    let start = change.old.start;
    if change.old.is_empty() {
        // Lines may come before each line of an edit and after its last one.
        return holding(start).or_else(|| holding(start.checked_sub(1)?));
    }
    let first = holding(start)?;
    let mut index = first;
    while edits[index].lines.end < change.old.end {
        index = holding(edits[index].lines.end)?;
    }
    Some(first)
}

/// The number of a line that is counted from 0.
pub(crate) fn line_number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix(first: u32, last: u32) -> AppliedFix {
        AppliedFix {
            rule: "r".into(),
            path: "a.rs".into(),
            first,
            last,
            line: first,
            column: 1,
        }
    }

    fn of(changes: &[(usize, usize)], fixes: &[(u32, u32)]) -> Attribution {
        let changes: Vec<_> = changes
            .iter()
            .map(|(start, end)| Change {
                old: *start..*end,
                new: vec![b"x\n".as_slice()],
            })
            .collect();
        let fixes: Vec<_> = fixes
            .iter()
            .map(|(first, last)| fix(*first, *last))
            .collect();
        attribute(&changes, &fixes.iter().collect::<Vec<_>>())
    }

    fn unit(changes: &[usize], first_lines: &[u32]) -> Unit {
        Unit {
            changes: changes.to_vec(),
            first_lines: first_lines.to_vec(),
        }
    }

    #[test]
    fn changes_belong_to_the_edit_around_them() {
        let found = of(&[(0, 1), (4, 5), (6, 6)], &[(4, 7), (1, 1), (1, 1)]);
        assert_eq!(found.units, [unit(&[0], &[1]), unit(&[1, 2], &[4])]);
        assert!(found.outside.is_empty() && found.missing.is_empty());
    }

    #[test]
    fn each_changed_line_has_to_lie_in_an_edit() {
        for outside in [(0, 1), (3, 4), (1, 4), (0, 2), (4, 4), (0, 0)] {
            let line = line_number(outside.0);
            assert_eq!(of(&[outside], &[(2, 3)]).outside, [line], "{outside:?}");
        }
        for inside in [(1, 2), (2, 3), (1, 3), (1, 1), (2, 2), (3, 3)] {
            assert!(of(&[inside], &[(2, 3)]).outside.is_empty(), "{inside:?}");
        }
    }

    #[test]
    fn a_change_may_cover_edits_that_follow_each_other() {
        let found = of(&[(1, 4)], &[(2, 2), (3, 4)]);
        assert_eq!(found.units, [unit(&[0], &[2, 3])]);
        assert_eq!(of(&[(1, 4)], &[(2, 2), (4, 4)]).outside, [2]);
    }

    #[test]
    fn an_edit_without_a_change_shows() {
        let found = of(&[(1, 2)], &[(2, 2), (4, 4)]);
        assert_eq!(found.missing, [4]);
        // Lines put in at the border can be those of either edit.
        let found = of(&[(1, 2)], &[(2, 2), (3, 3)]);
        assert_eq!(found.units, [unit(&[0], &[2, 3])]);
    }

    #[test]
    fn odd_lists_do_no_harm() {
        assert_eq!(of(&[(0, 1)], &[]).outside, [1]);
        assert_eq!(of(&[(0, 1)], &[(0, 0), (0, u32::MAX), (5, 2)]).outside, [1]);
        let all = of(&[(0, 1), (9, 9)], &[(1, u32::MAX)]);
        assert_eq!(all.units, [unit(&[0, 1], &[1])]);
    }
}
