//! The agent over all listings that ship: it finds what was planted for it,
//! and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ringfence_sdk::testing::TestHost;
use serde_json::json;

use super::*;

/// A flat with nothing wrong.
pub(crate) fn listing(line: u32) -> Listing {
    Listing {
        line,
        at: BTreeMap::from([("price".to_owned(), 70)]),
        id: format!("RE-{line}"),
        title: "Bright 3-room flat".to_owned(),
        street: "Lindenstraße 12".to_owned(),
        town: "Aldenbruck".to_owned(),
        postcode: "61431".to_owned(),
        kind: "flat".to_owned(),
        area: Some(70.0),
        rooms: Some(3.0),
        year: Some(1980),
        price: Some(300_000.0),
        estimate: Some(310_000.0),
        energy: "C".to_owned(),
        text: "The rooms face south.".to_owned(),
        status: Status::Listed,
        reasons: Vec::new(),
        changes: Vec::new(),
    }
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[derive(Deserialize)]
struct Expected {
    line: u32,
    fault: Option<String>,
    area: f64,
    price: f64,
}

fn expected() -> Vec<Expected> {
    let file = std::fs::read_to_string(data().join("expected.json")).unwrap();
    serde_json::from_str(&file).unwrap()
}

fn intake(input: Value) -> ringfence_sdk::testing::TestRun<Value> {
    TestHost::new()
        .role("intake")
        .mount("data", data())
        .input(input)
        .execute::<Listings>()
}

/// The rows as the pricing agent would clean them.
fn cleaned() -> Vec<Value> {
    let run = intake(json!({}));
    let shards = run.completed()["shards"].as_array().unwrap();
    let rows = shards
        .iter()
        .flat_map(|shard| shard["rows"].as_array().unwrap());
    rows.zip(expected())
        .map(|(row, expected)| {
            assert_eq!(row["line"], expected.line);
            let cells = &row["cells"];
            let is_priced = expected.fault.as_deref() != Some("price-unreadable");
            let rooms: f64 = cells["rooms"]
                .as_str()
                .unwrap()
                .replace(',', ".")
                .parse()
                .unwrap();
            json!({
                "line": row["line"], "at": row["at"], "id": cells["id"], "title": cells["title"],
                "street": cells["street"], "town": cells["town"], "postcode": cells["postcode"],
                "kind": cells["kind"], "area": expected.area, "rooms": rooms, "year": null,
                "price": is_priced.then_some(expected.price), "estimate": null,
                "energy": cells["energy"], "text": cells["text"],
                "status": "listed", "reasons": [], "changes": [],
            })
        })
        .collect()
}

#[test]
fn the_comparison_finds_what_was_planted_for_it_and_nothing_else() {
    let run = TestHost::new()
        .role("comparison")
        .need("clean", json!([{ "listings": cleaned() }]), [])
        .execute::<Listings>();
    let outcome = run.outcome.unwrap();
    let mut found: Vec<_> = outcome
        .findings()
        .iter()
        .map(|finding| {
            (
                finding.location.as_ref().unwrap().line,
                finding.rule.as_str(),
            )
        })
        .collect();
    found.sort_unstable();
    let own = ["price-outlier", "duplicate-listing"];
    let expected = expected();
    let planted: Vec<_> = expected
        .iter()
        .filter_map(|row| {
            Some((
                row.line,
                row.fault.as_deref().filter(|rule| own.contains(rule))?,
            ))
        })
        .collect();
    assert_eq!(found, planted);
}

#[test]
fn every_row_is_in_one_shard_and_points_at_its_cells() {
    let run = intake(json!({ "shard_rows": 30 }));
    let value = run.completed();
    let lines = std::fs::read_to_string(data().join("listings.csv")).unwrap();
    let lines: Vec<Vec<char>> = lines.lines().map(|line| line.chars().collect()).collect();
    let mut seen = BTreeSet::new();
    for shard in value["shards"].as_array().unwrap() {
        let rows = shard["rows"].as_array().unwrap();
        assert!(rows.len() <= 30);
        for row in rows {
            let line = row["line"].as_u64().unwrap() as usize;
            assert!(seen.insert(line));
            let column = row["at"]["street"].as_u64().unwrap() as usize;
            let street: Vec<char> = row["cells"]["street"].as_str().unwrap().chars().collect();
            assert_eq!(lines[line - 1][column - 1..][..street.len()], street);
        }
    }
    assert_eq!(seen.len() as u64, value["rows"].as_u64().unwrap());
    assert_eq!(seen.len(), lines.len() - 1);
}

#[test]
fn a_page_of_all_listings_is_one_artifact() {
    let compared = json!({ "towns": { "Aldenbruck": { "listings": 9, "median": 4000.0 } } });
    let run = TestHost::new()
        .role("publisher")
        .need("clean", json!([{ "listings": cleaned() }]), [])
        .need("compare", compared, [])
        .execute::<Listings>();
    let page = &run.artifacts[0];
    assert_eq!(page.artifact.name, "catalogue.html");
    let html = String::from_utf8(page.content.clone()).unwrap();
    assert_eq!(html.matches("<article").count(), expected().len());
    assert_eq!(run.completed()["listed"], expected().len());
}

#[test]
fn what_is_missing_is_named_with_what_to_type() {
    let message = |host: TestHost| host.execute::<Listings>().failed().message().to_owned();
    let asked = |role: &str| TestHost::new().role(role).input(json!({}));
    assert!(message(asked("intake")).contains("hint: `--mount data=PATH`"));
    assert!(message(asked("comparison")).contains("hint: write `needs: [clean]`"));
    assert!(message(asked("publisher")).contains("hint: write `needs: [clean, compare]`"));
    assert!(message(asked("cook")).contains("the role is `cook`"));
    let zero = intake(json!({ "shard_rows": 0 }));
    assert!(zero.failed().message().contains("`input.shard_rows` is 0"));
}
