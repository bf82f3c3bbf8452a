//! The same flat or house twice, in other words.

use ringfence_sdk::prelude::*;

use crate::listing::Listing;

/// By how many square metres two measurements of one flat differ at most.
const AREA: f64 = 1.0;

/// By how much two prices of one flat differ at most, as a part of the higher.
const PRICE: f64 = 0.02;

/// One finding for each listing that an earlier one tells already.
pub(crate) fn find(listings: &[Listing]) -> Vec<Finding> {
    let mut first: Vec<(&Listing, String)> = Vec::new();
    let mut findings = Vec::new();
    for listing in listings {
        let street = street(&listing.street);
        let known = first
            .iter()
            .find(|(other, other_street)| *other_street == street && is_same(other, listing));
        if let Some((other, _)) = known {
            let message = format!(
                "is {} in other words: the same house, size and rooms, and nearly the same price",
                other.id
            );
            findings.push(listing.finding(
                "duplicate-listing",
                Severity::Medium,
                "street",
                message,
            ));
        } else {
            first.push((listing, street));
        }
    }
    findings
}

fn is_same(one: &Listing, other: &Listing) -> bool {
    let close = |one: Option<f64>, other: Option<f64>, most: fn(f64) -> f64| {
        one.zip(other)
            .is_some_and(|(one, other)| (one - other).abs() <= most(one.max(other)))
    };
    one.town == other.town
        && one.kind == other.kind
        && close(one.rooms, other.rooms, |_| 0.0)
        && close(one.area, other.area, |_| AREA)
        && close(one.price, other.price, |higher| higher * PRICE)
}

/// Street and number without what people write in different ways.
fn street(written: &str) -> String {
    written
        .to_lowercase()
        .replace("straße", "str")
        .replace("strasse", "str")
        .chars()
        .filter(|character| character.is_alphanumeric())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::listing;

    fn found(change: impl FnOnce(&mut Listing)) -> usize {
        let mut listings = [listing(2), listing(3)];
        change(&mut listings[1]);
        find(&listings).len()
    }

    #[test]
    fn the_later_one_is_the_duplicate() {
        let findings = find(&[listing(2), listing(3), listing(4)]);
        let lines: Vec<_> = findings
            .iter()
            .map(|f| f.location.as_ref().unwrap().line)
            .collect();
        assert_eq!(lines, [3, 4]);
        assert!(
            findings[1].message.starts_with("is RE-2 in other words"),
            "of the first"
        );
    }

    #[test]
    fn small_differences_make_no_other_flat() {
        assert_eq!(found(|l| l.area = Some(71.0)), 1);
        assert_eq!(found(|l| l.area = Some(71.1)), 0);
        assert_eq!(found(|l| l.price = Some(294_000.0)), 1);
        assert_eq!(found(|l| l.price = Some(293_999.0)), 0);
        assert_eq!(found(|l| l.street = "LINDENSTR. 12".to_owned()), 1);
        assert_eq!(found(|l| l.street = "Lindenstrasse 12".to_owned()), 1);
    }

    #[test]
    fn another_flat_of_the_house_is_no_duplicate() {
        assert_eq!(found(|l| l.street = "Lindenstraße 12a".to_owned()), 0);
        assert_eq!(found(|l| l.rooms = Some(3.5)), 0);
        assert_eq!(found(|l| l.kind = "house".to_owned()), 0);
        assert_eq!(found(|l| l.town = "Wiesental".to_owned()), 0);
        assert_eq!(found(|l| l.price = None), 0);
    }
}
