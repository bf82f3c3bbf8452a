//! The page in a real browser. Needs `chromium` (or what `CHROMIUM` names).
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows a test's helper functions for no test"
)]

mod fixture;

use std::fs;
use std::process::Command;

use ringfence_flow::RunRecord;
use ringfence_report::{SourceLookup, html};

/// Opens a page and gives its document once its script has run.
fn open(record: &RunRecord, sources: &dyn SourceLookup, address: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    fs::write(&file, html(record, sources, None).unwrap()).unwrap();
    let browser = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--enable-logging=stderr",
            "--virtual-time-budget=4000",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("file://{}{address}", file.display()))
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    let complaints: Vec<_> = log
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    let document = String::from_utf8(output.stdout).unwrap();
    assert!(
        document.contains("data-ready=\"yes\""),
        "the script ran to its end: {log}"
    );
    document
}

fn messages(document: &str) -> Vec<&str> {
    let parts = document.split("<h4>").skip(1);
    parts
        .map(|part| part.split("</h4>").next().unwrap())
        .collect()
}

#[test]
#[ignore = "slow: needs chromium"]
fn a_review_is_drawn() {
    let document = open(&fixture::review(), &fixture::sources(), "");
    assert_eq!(messages(&document).len(), 8);
    assert!(document.contains("8 findings"));
    assert_eq!(
        document.matches("class=\"bar-item").count(),
        15,
        "a bar for each attempt"
    );
    assert!(
        document.contains("class=\"removed\""),
        "fixes are shown as differences"
    );
    assert!(document.contains("class=\"round\""), "rounds are marked");
}

#[test]
#[ignore = "slow: needs chromium"]
fn the_address_filters_and_sorts() {
    let open = |address| open(&fixture::review(), &fixture::sources(), address);
    let document = open("#severity=critical,high&sort=severity");
    assert_eq!(
        messages(&document),
        [
            "an AWS access key id stands in the source",
            "the program that is started comes from a variable",
            "<code>unsafe</code> block without a safety comment",
        ]
    );
    assert!(document.contains("3 of 8 findings"));
    let document = open("#severity=critical,high&sort=severity&order=down");
    assert!(messages(&document)[2].starts_with("an AWS"));
    assert_eq!(messages(&open("#file=src/main.rs&q=DBG")).len(), 1);
    assert_eq!(messages(&open("#rule=no-licence")).len(), 1);
    assert!(open("#q=nothing+like+this").contains("No finding fits these filters."));
    assert!(open("#outcome=failed").contains("2 of 15 attempts"));
}

#[test]
#[ignore = "slow: needs chromium"]
fn hostile_text_does_nothing() {
    let document = open(&fixture::hostile(), &fixture::hostile_sources(), "");
    assert_eq!(document.matches("<script").count(), 2);
    assert!(!document.contains("<img"));
    assert_eq!(messages(&document).len(), 16);
}

#[test]
#[ignore = "slow: needs chromium"]
fn thousands_of_rows_are_drawn_as_they_are_looked_at() {
    let document = open(&fixture::large(5_000, 2_000), &fixture::sources(), "");
    let drawn = messages(&document).len();
    assert!((40..1_000).contains(&drawn), "{drawn}");
    assert!(
        document.contains("class=\"density a1\""),
        "2,000 bars would be a wall"
    );
}
