//! The page in a real browser: `chromium`, or what `CHROMIUM` names.
//!
//! `cargo xtask test` installs it where it can. `RINGFENCE_NO_BROWSER=1` leaves
//! these tests out, for machines that cannot have one.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "clippy knows a test's helper functions for no test"
)]

mod fixture;

use std::fs;
use std::process::{Command, Output};

use ringfence_flow::RunRecord;
use ringfence_report::{SourceLookup, html};

/// Whether these tests were told to do without a browser.
fn left_out() -> bool {
    let left_out = std::env::var_os("RINGFENCE_NO_BROWSER").is_some();
    if left_out {
        eprintln!("left out, as RINGFENCE_NO_BROWSER is set");
    }
    left_out
}

fn page(record: &RunRecord, sources: &dyn SourceLookup) -> String {
    html(record, sources, None).unwrap()
}

/// Opens a page and gives its document once its script has run.
fn open(record: &RunRecord, sources: &dyn SourceLookup, address: &str) -> String {
    show(&page(record, sources), address)
}

/// Opens a page on which somebody does something: `steps` are lines of a
/// script that runs after the page's own.
fn open_and(record: &RunRecord, sources: &dyn SourceLookup, steps: &str) -> String {
    let page = page(record, sources);
    // The page forbids scripts that it does not know; that it does is a test
    // of its own.
    let (before, rest) = page.split_once("<meta http-equiv").unwrap();
    let (_, after) = rest.split_once('>').unwrap();
    let script = format!(
        "<script>const say = (text) => document.body.append(`\u{ab}${{text}}\u{bb}`);\n{steps}</script></body>"
    );
    show(
        &format!("{before}{}", after.replace("</body>", &script)),
        "",
    )
}

fn show(page: &str, address: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    fs::write(&file, page).unwrap();
    let Output { stdout, stderr, .. } = browser(&[
        &format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ),
        &format!("file://{}{address}", file.display()),
    ]);
    let log = String::from_utf8_lossy(&stderr);
    let complaints: Vec<_> = log
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    let document = String::from_utf8(stdout).unwrap();
    assert!(
        document.contains("data-ready=\"yes\""),
        "the script ran to its end: {log}"
    );
    document
}

/// A browser that finds no network.
fn browser(more: &[&str]) -> Output {
    let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let started = Command::new(&program)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--enable-logging=stderr",
            "--virtual-time-budget=4000",
            "--dump-dom",
        ])
        .args(more)
        .output();
    started.unwrap_or_else(|error| {
        panic!("`{program}`: {error}; `cargo xtask test` installs it, CHROMIUM names another one, RINGFENCE_NO_BROWSER=1 does without")
    })
}

/// What the steps of [`open_and`] said.
fn said(document: &str) -> Vec<&str> {
    // The first parts are the script itself.
    let (_, shown) = document.rsplit_once("</script>").unwrap();
    let parts = shown.split('\u{ab}').skip(1);
    parts
        .map(|part| part.split('\u{bb}').next().unwrap())
        .collect()
}

fn messages(document: &str) -> Vec<&str> {
    let parts = document.split("<h4>").skip(1);
    parts
        .map(|part| part.split("</h4>").next().unwrap())
        .collect()
}

#[test]
fn a_review_is_drawn() {
    if left_out() {
        return;
    }
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
fn the_address_filters_and_sorts() {
    if left_out() {
        return;
    }
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
fn hostile_text_does_nothing() {
    if left_out() {
        return;
    }
    let document = open(&fixture::hostile(), &fixture::hostile_sources(), "");
    assert_eq!(document.matches("<script").count(), 2);
    assert!(!document.contains("<img"));
    assert_eq!(messages(&document).len(), 16);
}

#[test]
fn thousands_of_rows_are_drawn_as_they_are_looked_at() {
    if left_out() {
        return;
    }
    let document = open(&fixture::large(5_000, 2_000), &fixture::sources(), "");
    let drawn = messages(&document).len();
    assert!((40..1_000).contains(&drawn), "{drawn}");
    assert!(
        document.contains("class=\"density a1\""),
        "2,000 bars would be a wall"
    );
}

#[test]
fn what_somebody_clicks_sorts_and_filters() {
    if left_out() {
        return;
    }
    let document = open_and(
        &fixture::review(),
        &fixture::sources(),
        "const shown = () => document.querySelectorAll('#findings-root h4').length;
        const first = () => document.querySelector('#attempts-root tbody code').textContent;
        say(shown());
        const named = (name) => [...document.querySelectorAll('#findings-root button')].find((b) => b.textContent.includes(name));
        named('Critical').click();
        say(shown());
        const search = document.querySelector('#attempts-root input');
        search.value = 'verify';
        search.dispatchEvent(new Event('input'));
        say(first());
        search.value = '';
        search.dispatchEvent(new Event('input'));
        const heads = [...document.querySelectorAll('#attempts-root th button')];
        heads.find((head) => head.textContent === 'Wall time').click();
        heads.find((head) => head.textContent === 'Wall time').click();
        say(document.querySelector('#attempts-root [aria-sort]').textContent);
        const rows = () => [...document.querySelectorAll('.gantt-label')].length - 1;
        say(rows());
        [...document.querySelectorAll('.rows button')].find((b) => b.textContent === 'By agent').click();
        say(rows());
        say(location.hash);",
    );
    assert_eq!(
        said(&document),
        [
            "8",
            "1",
            "verify",
            "Wall time",
            "7",
            "8",
            "#severity=critical&amp;by=wall&amp;direction=down&amp;rows=agent"
        ]
    );
}

#[test]
fn nothing_is_fetched_and_foreign_scripts_do_not_run() {
    if left_out() {
        return;
    }
    let fetched = open_and(
        &fixture::review(),
        &fixture::sources(),
        "say(performance.getEntriesByType('resource').length);",
    );
    assert_eq!(said(&fetched), ["0"]);
    let page = page(&fixture::review(), &fixture::sources());
    let intruder = "<script>document.title = 'taken over'</script></body>";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    fs::write(&file, page.replace("</body>", intruder)).unwrap();
    let Output { stdout, stderr, .. } = browser(&[
        &format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ),
        &format!("file://{}", file.display()),
    ]);
    let document = String::from_utf8(stdout).unwrap();
    assert!(!document.contains("<title>taken over"));
    assert!(String::from_utf8_lossy(&stderr).contains("Content Security Policy"));
}

#[test]
fn what_a_run_waited_for_is_drawn() {
    if left_out() {
        return;
    }
    let document = open(&fixture::resumed(), &fixture::sources(), "");
    for part in [
        "class=\"resumed\"",
        "class=\"resumed-label\" title=\"nobody drove the run for 1h 00m\"",
        "class=\"person\" title=\"a person was asked: approved by ada\"",
        "bar-item a1 lost",
        "bar-item a1 completed critical",
        "release/upload",
    ] {
        assert!(document.contains(part), "{part}");
    }
    let path = document.split("critical-path\">").nth(1).unwrap();
    let path = path.split("</ol>").next().unwrap();
    let steps: Vec<_> = path.split("<code>").skip(1).collect();
    let names: Vec<_> = steps.iter().map(|s| s.split('<').next().unwrap()).collect();
    assert_eq!(names, ["build", "ask", "release"]);
    let document = open(&fixture::resumed(), &fixture::sources(), "#rows=agent");
    assert!(document.contains("<div class=\"gantt-label\">builder<small>3 attempts"));
}
