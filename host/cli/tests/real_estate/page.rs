//! What the catalogue page says.

use std::collections::BTreeMap;

use crate::expected::{Fate, Row};

/// What faults leave in a text, none of which may be on the page.
const TRACES: [&str; 14] = [
    "Only for Germans",
    "foreigners",
    "Christian family",
    "need not apply",
    "best address",
    "guaranteed return",
    "100 % safe",
    "most beautiful",
    "0171",
    "@example.com",
    "+49",
    "Lorem ipsum",
    "TBD",
    "HURRY",
];

/// It lists exactly the right listings with the right prices, sizes and postcodes,
/// and says of the others why not.
pub(crate) fn is_right(page: &str, rows: &[Row]) {
    let (listed, others) = page.split_once("<section id=\"withdrawn\">").unwrap();
    let (withdrawn, duplicates) = others.split_once("<section id=\"duplicates\">").unwrap();
    let cards: BTreeMap<&str, &str> = listed
        .split("<article class=\"card\" id=\"")
        .skip(1)
        .map(card)
        .collect();
    let expected: Vec<_> = rows.iter().filter(|row| row.fate == Fate::Listed).collect();
    assert_eq!(cards.len(), expected.len());
    for row in expected {
        let card = cards[row.id.as_str()];
        let price = format!("data-price=\"{}\"", row.price);
        let area = format!("\"facts\">{} m²", row.area);
        let postcode = format!(", {} ", row.postcode);
        for said in [price, area, postcode] {
            assert!(card.contains(&said), "{said}: {card}");
        }
        let is_mended = card.contains("class=\"changed\"");
        assert_eq!(is_mended, row.fault.is_some(), "{card}");
    }
    for trace in TRACES {
        assert!(!listed.contains(trace), "{trace}");
    }
    for (fate, table) in [(Fate::Withdrawn, withdrawn), (Fate::Duplicate, duplicates)] {
        let ids: Vec<_> = table
            .split("<tr id=\"")
            .skip(1)
            .map(|row| card(row).0)
            .collect();
        let expected = rows.iter().filter(|row| row.fate == fate);
        assert_eq!(ids, expected.map(|row| row.id.as_str()).collect::<Vec<_>>());
    }
}

/// The number of a card, and what is on it.
fn card(text: &str) -> (&str, &str) {
    text.split_once('"').unwrap()
}
