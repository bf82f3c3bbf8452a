//! The page around the listings.

use std::collections::BTreeMap;

use super::html::Escaped;
use super::{Catalogue, card, market};
use crate::listing::{Listing, euros};

const STYLE: &str = include_str!("style.css");

pub(super) fn render(catalogue: &Catalogue) -> String {
    let mut towns: BTreeMap<&str, Vec<&Listing>> = BTreeMap::new();
    for listing in &catalogue.listed {
        towns.entry(&listing.town).or_default().push(listing);
    }
    let names: Vec<_> = towns.keys().zip(1..).collect();
    let links: String = names
        .iter()
        .map(|(name, number)| format!("<a href=\"#town-{number}\">{}</a>", Escaped(name)))
        .collect();
    let sections: String = towns
        .iter()
        .zip(1..)
        .map(|((name, listings), number)| town(number, name, listings, catalogue))
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Flats and houses</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>Flats and houses</h1>\n{tiles}</header>\n\
         <nav>{links}<a class=\"aside\" href=\"#withdrawn\">Withdrawn</a></nav>\n\
         <main>\n{sections}{withdrawn}{duplicates}</main>\n</body>\n</html>\n",
        tiles = tiles(catalogue),
        withdrawn = table(
            "withdrawn",
            "Withdrawn",
            "A person has to look at these before they can be listed.",
            &catalogue.withdrawn
        ),
        duplicates = table(
            "duplicates",
            "Told twice",
            "These are in the catalogue under another number.",
            &catalogue.duplicates
        ),
    )
}

fn tiles(catalogue: &Catalogue) -> String {
    let tiles: String = [
        (catalogue.listed.len(), "listed"),
        (catalogue.mended(), "of them mended"),
        (catalogue.withdrawn.len(), "withdrawn"),
        (catalogue.duplicates.len(), "told twice"),
    ]
    .iter()
    .map(|(count, what)| format!("<div><b>{count}</b> {what}</div>"))
    .collect();
    format!("<div class=\"tiles\">{tiles}</div>\n")
}

fn town(number: u32, name: &str, listings: &[&Listing], catalogue: &Catalogue) -> String {
    let (median, strip) = catalogue
        .markets
        .get(name)
        .map_or_else(Default::default, |town| {
            let median = format!(", median € {}/m²", euros(town.median));
            (median, market::strip(listings, town.median))
        });
    let cards: String = listings
        .iter()
        .map(|listing| card::render(listing))
        .collect();
    format!(
        "<section id=\"town-{number}\">\n<div class=\"town\"><div><h2>{}</h2><p>{} listed{median}</p></div>{strip}</div>\n\
         <div class=\"cards\">\n{cards}</div>\n</section>\n",
        Escaped(name),
        listings.len(),
    )
}

fn table(id: &str, title: &str, lead: &str, listings: &[Listing]) -> String {
    if listings.is_empty() {
        return String::new();
    }
    let rows: String = listings
        .iter()
        .map(|listing| {
            format!(
                "<tr id=\"{id}\"><td>{id}</td><td>{}</td><td>{}, {}</td><td>{}</td></tr>\n",
                Escaped(&listing.title),
                Escaped(&listing.street),
                Escaped(&listing.town),
                Escaped(&listing.reasons.join("; ")),
                id = Escaped(&listing.id),
            )
        })
        .collect();
    format!(
        "<section id=\"{id}\">\n<h2>{title}</h2>\n<p class=\"lead\">{lead}</p>\n<table>\n\
         <tr><th>Number</th><th>Title</th><th>Where</th><th>Why</th></tr>\n{rows}</table>\n</section>\n"
    )
}
