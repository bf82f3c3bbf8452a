//! The role `publisher`: the catalogue, one page that needs nothing else.

mod card;
mod html;
mod market;
mod page;

use ringfence_sdk::prelude::*;
use serde_json::{Value, json};

use crate::listing::{Listing, Status, of_need};
use crate::outliers::Markets;

/// What the page is called.
const PAGE: &str = "catalogue.html";

/// The listings by what became of them.
struct Catalogue {
    listed: Vec<Listing>,
    withdrawn: Vec<Listing>,
    duplicates: Vec<Listing>,
    markets: Markets,
}

pub(crate) fn execute(cx: &Context) -> Result<Outcome<Value>, Failure> {
    /// What the comparison gives.
    #[derive(Deserialize)]
    struct Comparison {
        towns: Markets,
    }
    let comparison = cx.need("compare").ok_or_else(|| {
        Failure::invalid_input(
            "the task does not need `compare`\nhint: write `needs: [clean, compare]`",
        )
    })?;
    let comparison: Comparison = comparison.decode()?;
    let catalogue = Catalogue::of(of_need(cx, "clean")?, comparison.towns);
    let page = cx.put_artifact(PAGE, "text/html", page::render(&catalogue).as_bytes())?;
    Ok(Outcome::completed(catalogue.counts()).with_artifact(page))
}

impl Catalogue {
    fn of(listings: Vec<Listing>, markets: Markets) -> Self {
        let mut catalogue = Self {
            listed: Vec::new(),
            withdrawn: Vec::new(),
            duplicates: Vec::new(),
            markets,
        };
        for listing in listings {
            match listing.status {
                Status::Listed => catalogue.listed.push(listing),
                Status::Withdrawn => catalogue.withdrawn.push(listing),
                Status::Duplicate => catalogue.duplicates.push(listing),
            }
        }
        let price = |listing: &Listing| listing.price.unwrap_or(f64::INFINITY);
        catalogue
            .listed
            .sort_by(|one, other| price(one).total_cmp(&price(other)));
        catalogue
    }

    fn mended(&self) -> usize {
        self.listed
            .iter()
            .filter(|listing| !listing.changes.is_empty())
            .count()
    }

    fn counts(&self) -> Value {
        json!({
            "listed": self.listed.len(),
            "mended": self.mended(),
            "withdrawn": self.withdrawn.len(),
            "duplicates": self.duplicates.len(),
            "page": PAGE,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::listing;

    fn page(listings: Vec<Listing>) -> String {
        page::render(&Catalogue::of(listings, Markets::new()))
    }

    #[test]
    fn what_sellers_write_is_shown_and_not_run() {
        let hostile = "<script>alert('x' & \"y\")</script>";
        let mut one = listing(2);
        for field in [
            &mut one.id,
            &mut one.title,
            &mut one.street,
            &mut one.town,
            &mut one.postcode,
            &mut one.kind,
            &mut one.energy,
            &mut one.text,
        ] {
            *field = hostile.to_owned();
        }
        one.changes = vec![hostile.to_owned()];
        one.reasons = vec![hostile.to_owned()];
        let withdrawn = Listing {
            status: Status::Withdrawn,
            ..one.clone()
        };
        let duplicate = Listing {
            status: Status::Duplicate,
            ..one.clone()
        };
        let page = page(vec![one, withdrawn, duplicate]);
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains("\"y\""), "{page}");
        assert!(
            page.contains("&lt;script&gt;alert(&#39;x&#39; &amp; &quot;y&quot;)"),
            "{page}"
        );
    }

    #[test]
    fn each_listing_is_where_it_belongs_cheapest_first() {
        let with = |line, status, price| Listing {
            status,
            price: Some(price),
            ..listing(line)
        };
        let page = page(vec![
            with(2, Status::Listed, 3e5),
            with(3, Status::Withdrawn, 2e5),
            with(4, Status::Listed, 1e5),
            with(5, Status::Duplicate, 1e5),
        ]);
        let at = |id: &str| page.find(&format!("id=\"{id}\"")).unwrap();
        assert!(at("RE-4") < at("RE-2") && at("RE-2") < at("RE-3") && at("RE-3") < at("RE-5"));
    }

    #[test]
    fn a_catalogue_of_nothing_is_a_page() {
        let page = page(Vec::new());
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    }
}
