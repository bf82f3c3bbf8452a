//! Prices far from those of the same town.

use std::collections::BTreeMap;

use ringfence_sdk::prelude::*;

use crate::listing::{Listing, euros};

/// A price is an outlier above this many times the median of a square metre,
/// and below the median divided by it.
const FAR: f64 = 2.0;

/// With fewer listings than this a town has no median to speak of.
const FEWEST: usize = 5;

/// What a square metre costs in a town.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Market {
    pub(crate) listings: usize,
    /// Euros.
    pub(crate) median: f64,
}

/// By town.
pub(crate) type Markets = BTreeMap<String, Market>;

pub(crate) fn markets(listings: &[Listing]) -> Markets {
    let mut prices: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for listing in listings {
        if let Some(price) = listing.per_metre() {
            prices.entry(&listing.town).or_default().push(price);
        }
    }
    prices
        .into_iter()
        .map(|(town, mut prices)| {
            prices.sort_by(f64::total_cmp);
            let market = Market {
                listings: prices.len(),
                median: median(&prices),
            };
            (town.to_owned(), market)
        })
        .collect()
}

/// Of sorted numbers, at least one.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    }
}

pub(crate) fn find(listings: &[Listing], markets: &Markets) -> Vec<Finding> {
    listings
        .iter()
        .filter_map(|listing| judge(listing, markets.get(&listing.town)?))
        .collect()
}

fn judge(listing: &Listing, market: &Market) -> Option<Finding> {
    let price = listing.per_metre()?;
    let ratio = price / market.median;
    if market.listings < FEWEST || (FAR.recip()..=FAR).contains(&ratio) {
        return None;
    }
    let message = format!(
        "asks {} € a square metre, {ratio:.2} times the median of {} ({} €)",
        euros(price),
        listing.town,
        euros(market.median)
    );
    Some(listing.finding("price-outlier", Severity::High, "price", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::listing;

    fn at_prices(prices: &[f64]) -> Vec<Listing> {
        let of = |(line, price): (u32, &f64)| Listing {
            price: Some(*price),
            ..listing(line)
        };
        (2..).zip(prices).map(of).collect()
    }

    fn found(prices: &[f64]) -> Vec<u32> {
        let listings = at_prices(prices);
        let findings = find(&listings, &markets(&listings));
        findings
            .iter()
            .map(|f| f.location.as_ref().unwrap().line)
            .collect()
    }

    #[test]
    fn twice_the_median_and_half_of_it_are_let_through() {
        assert_eq!(found(&[1e5, 1e5, 1e5, 2e5, 0.5e5]), [0; 0]);
        assert_eq!(found(&[1e5, 1e5, 1e5, 2.01e5, 0.49e5]), [5, 6]);
    }

    #[test]
    fn where_little_is_sold_nothing_is_far() {
        assert_eq!(found(&[1e5, 1e5, 1e5, 9e5]), [0; 0]);
        assert_eq!(found(&[1e5, 1e5, 1e5, 1e5, 9e5]), [6]);
    }

    #[test]
    fn what_is_not_known_is_not_compared() {
        let mut listings = at_prices(&[1e5; 6]);
        listings[0].price = None;
        listings[1].area = None;
        listings[2].area = Some(0.0);
        assert_eq!(markets(&listings)["Aldenbruck"].listings, 3);
        assert!(find(&listings, &markets(&listings)).is_empty());
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert!((median(&[1.0, 3.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[1.0, 3.0, 9.0]) - 3.0).abs() < f64::EPSILON);
    }
}
