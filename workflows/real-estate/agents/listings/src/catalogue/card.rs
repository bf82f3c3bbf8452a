//! One listing of the catalogue.

use super::html::Escaped;
use crate::listing::{Listing, euros};

/// By how many percent a price may differ from its estimate and still be on
/// the scale.
const SCALE: f64 = 25.0;

pub(super) fn render(listing: &Listing) -> String {
    let Listing {
        id,
        title,
        street,
        town,
        postcode,
        kind,
        text,
        ..
    } = listing;
    format!(
        "<article class=\"card\" id=\"{id}\">\n\
         <p class=\"tags\"><span class=\"kind\">{kind}</span>{energy}</p>\n\
         <h3>{title}</h3>\n\
         <p class=\"place\">{street}, {postcode} {town}</p>\n\
         <p class=\"price\" data-price=\"{amount:.0}\">{price}</p>\n\
         <p class=\"facts\">{facts}</p>\n\
         {estimate}<p class=\"text\">{text}</p>\n\
         <p class=\"foot\"><span>{id}</span>{changes}</p>\n\
         </article>\n",
        id = Escaped(id),
        kind = Escaped(kind),
        energy = energy(&listing.energy),
        title = Escaped(title),
        street = Escaped(street),
        postcode = Escaped(postcode),
        town = Escaped(town),
        amount = listing.price.unwrap_or_default(),
        price = listing
            .price
            .map_or_else(|| "–".to_owned(), |price| format!("€ {}", euros(price))),
        facts = facts(listing),
        estimate = estimate(listing).unwrap_or_default(),
        text = Escaped(text),
        changes = changes(&listing.changes),
    )
}

/// A badge in the colour that energy certificates use.
fn energy(class: &str) -> String {
    let colour = match class {
        "A+" | "A" => "a",
        "B" | "C" => "c",
        "D" | "E" => "e",
        "F" => "f",
        "G" | "H" => "h",
        _ => "none",
    };
    format!(
        "<span class=\"energy {colour}\" title=\"energy class\">{}</span>",
        Escaped(class)
    )
}

fn facts(listing: &Listing) -> String {
    let mut facts = Vec::new();
    facts.extend(listing.area.map(|area| format!("{area} m²")));
    facts.extend(
        listing
            .rooms
            .map(|rooms| format!("{rooms} room{}", if rooms > 1.0 { "s" } else { "" })),
    );
    facts.extend(listing.year.map(|year| format!("built {year}")));
    facts.extend(
        listing
            .per_metre()
            .map(|price| format!("€ {}/m²", euros(price))),
    );
    facts.join(" <i>·</i> ")
}

/// Where the price lies beside the estimate, which is in the middle.
fn estimate(listing: &Listing) -> Option<String> {
    let (price, estimate) = listing.price.zip(listing.estimate)?;
    let percent = (price / estimate - 1.0) * 100.0;
    let said = if percent.abs() < 0.5 {
        "as estimated".to_owned()
    } else {
        let side = if percent > 0.0 { "above" } else { "below" };
        format!(
            "{:.0} % {side} the estimate of € {}",
            percent.abs(),
            euros(estimate)
        )
    };
    let at = (percent.clamp(-SCALE, SCALE) / SCALE + 1.0) * 50.0;
    Some(format!(
        "<p class=\"estimate\"><span class=\"scale\"><b style=\"left:{at:.0}%\"></b></span>{said}</p>\n"
    ))
}

fn changes(changes: &[String]) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let changes: Vec<_> = changes
        .iter()
        .map(|change| Escaped(change).to_string())
        .collect();
    format!("<span class=\"changed\">{}</span>", changes.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::listing;

    fn said(price: f64) -> String {
        let listing = Listing {
            price: Some(price),
            estimate: Some(100_000.0),
            ..listing(2)
        };
        estimate(&listing).unwrap()
    }

    #[test]
    fn the_estimate_is_in_the_middle_of_the_scale() {
        assert!(said(100_000.0).contains("left:50%"));
        assert!(said(100_400.0).contains("as estimated"));
        assert!(said(112_500.0).contains("left:75%"));
        assert!(said(90_000.0).contains("10 % below the estimate of € 100,000"));
        assert!(said(900_000.0).contains("left:100%"));
        assert!(said(1.0).contains("left:0%"));
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let bare = Listing {
            area: None,
            year: None,
            price: None,
            rooms: Some(1.0),
            ..listing(2)
        };
        assert_eq!(facts(&bare), "1 room");
        assert_eq!(estimate(&bare), None);
        assert!(render(&bare).contains(">–</p>"));
    }
}
