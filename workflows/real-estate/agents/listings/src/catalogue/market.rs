//! What a town's listings cost, drawn as a strip of dots.

use crate::listing::{Listing, euros};

/// The drawing's width and height, and where its dots begin and end.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 34.0;
const MARGIN: f64 = 8.0;

/// A dot for each listing at what its square metre costs, and a line at the
/// median. Nothing where there is nothing to compare.
pub(super) fn strip(listings: &[&Listing], median: f64) -> String {
    let mut prices: Vec<_> = listings.iter().filter_map(|l| l.per_metre()).collect();
    prices.sort_by(f64::total_cmp);
    let [low, .., high] = prices[..] else {
        return String::new();
    };
    let span = (high - low).max(1.0);
    let x = |price: f64| MARGIN + (price - low) / span * (WIDTH - 2.0 * MARGIN);
    let dots: String = prices
        .iter()
        .map(|price| format!("<circle cx=\"{:.1}\" cy=\"11\" r=\"4\"/>", x(*price)))
        .collect();
    format!(
        "<svg class=\"strip\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"prices of a square metre from {low} to {high} euros\">{dots}\
         <path d=\"M{at:.1} 2V20\"/><text x=\"{MARGIN}\" y=\"32\">€ {low}</text>\
         <text x=\"{end}\" y=\"32\" text-anchor=\"end\">€ {high}</text></svg>",
        low = euros(low),
        high = euros(high),
        at = x(median.clamp(low, high)),
        end = WIDTH - MARGIN,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::listing;

    #[test]
    fn a_strip_has_a_dot_for_each_price_and_stays_within_its_box() {
        let cheap = listing(2);
        let dear = Listing {
            price: Some(600_000.0),
            ..listing(3)
        };
        let strip = strip(&[&cheap, &dear], 1e9);
        assert_eq!(strip.matches("<circle").count(), 2);
        assert!(strip.contains("M352.0 2"), "{strip}");
    }

    #[test]
    fn one_price_is_no_market() {
        assert_eq!(strip(&[&listing(2)], 1.0), "");
        assert_eq!(strip(&[], 1.0), "");
    }
}
