//! The page: complete in itself, inert, and the same for the same record.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows a test's helper functions for no test"
)]

mod fixture;

use ringfence_flow::RunRecord;
use ringfence_report::{NoSources, html};
use serde_json::Value;

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(3)</script></svg>";

fn review() -> String {
    html(&fixture::review(), &fixture::sources(), Some(SVG)).unwrap()
}

/// What stands between `start` and the next `end`.
fn between<'a>(page: &'a str, start: &str, end: &str) -> &'a str {
    let from = page.find(start).unwrap() + start.len();
    &page[from..from + page[from..].find(end).unwrap()]
}

fn data(page: &str) -> Value {
    let start = "<script type=\"application/json\" id=\"data\">";
    serde_json::from_str(between(page, start, "</script>")).unwrap()
}

/// The page without its style, its script and its data: what the template and
/// the escaping made.
fn markup(page: &str) -> String {
    let style = between(page, "<style>", "</style>");
    let script = between(page, "<script>", "</script>");
    let data = between(page, "id=\"data\">", "</script>");
    page.replace(style, "")
        .replace(script, "")
        .replace(data, "")
}

#[test]
fn nothing_is_fetched() {
    for page in [
        review(),
        html(&fixture::hostile(), &NoSources, None).unwrap(),
    ] {
        let markup = markup(&page);
        for tag in [
            "<link", "<iframe", "<object", "<base", "<form", "<video", "@import",
        ] {
            assert!(!markup.contains(tag), "{tag}");
        }
        for source in markup
            .match_indices("src=\"")
            .map(|(at, _)| &markup[at + 5..])
        {
            assert!(
                source.starts_with("data:image/svg+xml;base64,"),
                "{}",
                &source[..40]
            );
        }
        for target in markup
            .match_indices("href=\"")
            .map(|(at, _)| &markup[at + 6..])
        {
            assert!(target.starts_with('#'), "{}", &target[..40]);
        }
        let script = between(&page, "<script>", "</script>");
        for call in [
            "fetch(",
            "XMLHttpRequest",
            "import(",
            "WebSocket",
            "http:",
            "https:",
        ] {
            assert!(!script.contains(call), "{call}");
        }
    }
}

#[test]
fn the_policy_allows_this_style_and_this_script_only() {
    let page = review();
    let policy = between(
        &page,
        "http-equiv=\"Content-Security-Policy\" content=\"",
        "\">",
    );
    assert!(policy.starts_with("default-src 'none'; img-src data:; style-src 'sha256-"));
    assert!(!policy.contains("unsafe"));
    let markup = markup(&page);
    assert!(!markup.contains(" style=\""), "the policy would ignore it");
    assert!(!markup.contains(" onclick"), "the policy would ignore it");
    let before_style = page.find("<style>").unwrap();
    assert!(page.find("Content-Security-Policy").unwrap() < before_style);
}

#[test]
fn hostile_text_stays_text() {
    let page = html(&fixture::hostile(), &fixture::hostile_sources(), None).unwrap();
    assert_eq!(
        page.matches("<script").count(),
        2,
        "the data and the script"
    );
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("<img"));
    assert!(!page.contains("<!--"));
    for direction in ['\u{202e}', '\u{2028}'] {
        assert!(!page.contains(direction), "{direction:?}");
    }
    let data = data(&page);
    let message = data["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("</script><script>alert(1)"),
        "it arrives whole: {message}"
    );
}

#[test]
fn the_drawing_is_an_image_and_cannot_run() {
    let page = review();
    assert!(!page.contains("alert(3)"));
    assert!(page.contains("src=\"data:image/svg+xml;base64,PHN2Zy"));
}

#[test]
fn the_page_says_what_happened() {
    let markup = markup(&review());
    for text in [
        "<title>review: rejected</title>",
        "<span class=\"badge rejected\">Rejected</span>",
        "Gate: 1 critical and 2 high findings are open after 2 rounds (gate-rejected)",
        "6 of 8",
        "<b>Round 2</b> <code>gate</code> rejected",
        "quality[1], attempt 1 by reviewer",
        "<code>fixes.patch</code>",
        "https:&#x2f;&#x2f;advisories.example&#x2f;db.json",
    ] {
        assert!(markup.contains(text), "{text}");
    }
}

#[test]
fn the_data_has_the_lines_around_findings_and_fixes() {
    let data = data(&review());
    let lines = data["sources"]["src/store.rs"].as_object().unwrap();
    assert_eq!(lines["11"], "        self.blobs.get(hash).unwrap().clone()");
    assert!(
        lines.contains_key("8") && lines.contains_key("14"),
        "two around the fix"
    );
    assert!(!lines.contains_key("2"), "no more than that");
    assert_eq!(data["findings"].as_array().unwrap().len(), 8);
    assert_eq!(data["attempts"].as_array().unwrap().len(), 15);
    assert_eq!(data["rounds"][0]["round"], 2);
}

#[test]
fn a_large_run_stays_small_enough() {
    let page = html(&fixture::large(5_000, 2_000), &NoSources, None).unwrap();
    assert!(page.len() < 4 << 20, "{}", page.len());
    assert_eq!(data(&page)["findings_left_out"], 0);
    let page = html(&fixture::large(20_001, 20_002), &NoSources, None).unwrap();
    let data = data(&page);
    assert_eq!(data["findings"].as_array().unwrap().len(), 20_000);
    assert_eq!(data["findings_left_out"], 1);
    assert_eq!(data["attempts_left_out"], 2);
}

#[test]
fn the_same_record_gives_the_same_page() {
    assert_eq!(review(), review());
    let empty = html(&RunRecord::new(), &NoSources, None).unwrap();
    assert!(empty.contains("<span class=\"badge running\">Running</span>"));
    assert!(!empty.contains("id=\"findings\""), "no empty sections");
}
