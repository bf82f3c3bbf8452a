//! Which parts of a whole break it.

/// Finds parts without which the whole is fine, at least one of each group
/// that breaks it together.
///
/// `check` says what is wrong with the whole made of some of the parts 0 to
/// `count` (in order), if anything; with none of them, nothing is. Each guilty
/// part takes at most about log2(`count`) checks. Where `may_search` says no,
/// all parts that were not yet found to be fine are guilty: better too many
/// than a whole that is broken.
pub(crate) fn guilty<T: Clone>(
    count: usize,
    mut check: impl FnMut(&[usize]) -> Option<T>,
    mut may_search: impl FnMut() -> bool,
) -> Vec<(usize, T)> {
    let mut kept: Vec<usize> = (0..count).collect();
    let mut guilty = Vec::new();
    // With the first `fine` parts all is well.
    let mut fine = 0;
    while fine < kept.len() {
        let Some(mut trouble) = check(&kept) else {
            break;
        };
        // With the first `broken` it is not.
        let mut broken = kept.len();
        while broken - fine > 1 {
            if !may_search() {
                guilty.extend(kept.drain(fine..).map(|part| (part, trouble.clone())));
                guilty.sort_unstable_by_key(|(part, _)| *part);
                return guilty;
            }
            let middle = fine + (broken - fine) / 2;
            match check(&kept[..middle]) {
                None => fine = middle,
                Some(found) => {
                    broken = middle;
                    trouble = found;
                }
            }
        }
        guilty.push((kept.remove(broken - 1), trouble));
    }
    guilty.sort_unstable_by_key(|(part, _)| *part);
    guilty
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(found: &[(usize, ())]) -> Vec<usize> {
        found.iter().map(|(part, ())| *part).collect()
    }

    #[test]
    fn nothing_is_guilty_of_a_whole_that_is_fine() {
        let mut checks = 0;
        let found = guilty(
            100,
            |_| {
                checks += 1;
                None::<()>
            },
            || true,
        );
        assert!(found.is_empty());
        assert_eq!(checks, 1);
        assert!(guilty(0, |_| Some(()), || true).is_empty());
    }

    #[test]
    fn of_parts_that_break_it_together_the_last_is_guilty() {
        let check = |kept: &[usize]| (kept.contains(&3) && kept.contains(&7)).then_some(());
        assert_eq!(parts(&guilty(10, check, || true)), [7]);
    }

    #[test]
    fn without_a_search_all_are_guilty() {
        let check = |kept: &[usize]| kept.contains(&3).then_some(());
        assert_eq!(parts(&guilty(5, check, || false)), [0, 1, 2, 3, 4]);
        assert_eq!(
            parts(&guilty(
                1,
                |kept| (!kept.is_empty()).then_some(()),
                || false
            )),
            [0]
        );
    }

    proptest! {
        #[test]
        fn what_breaks_it_alone_is_found_and_nothing_else(
            bad in prop::collection::btree_set(0..40_usize, 0..6),
        ) {
            let mut checks = 0;
            let check = |kept: &[usize]| {
                checks += 1;
                kept.iter().any(|part| bad.contains(part)).then_some(())
            };
            let found = guilty(40, check, || true);
            prop_assert_eq!(parts(&found), bad.iter().copied().collect::<Vec<_>>());
            prop_assert!(checks <= (bad.len() + 1) * 7);
        }
    }
}
