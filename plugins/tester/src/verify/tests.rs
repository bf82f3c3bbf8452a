use super::*;
use patch::PatchRef;

const OLD: &str = "pub fn a() {\n    x()\n}\n\nfn b() {\n    y()\n}\n\nfn c() {\n    z()\n}\n";

fn fix(path: &str, first: u32, last: u32) -> AppliedFix {
    AppliedFix {
        rule: "r".into(),
        path: path.into(),
        first,
        last,
        line: first,
        column: 1,
    }
}

fn report(applied: Vec<AppliedFix>) -> FixReport {
    FixReport {
        applied,
        skipped: Vec::new(),
        skipped_total: 0,
        files: 1,
        patch: Some(PatchRef {
            sha256: "0".into(),
            size: 1,
        }),
    }
}

fn check_file(name: &str, text: &[u8], patch: &str, fixes: &[(u32, u32)]) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let applied = fixes
        .iter()
        .map(|(first, last)| fix(name, *first, *last))
        .collect();
    verify(folder.path(), patch.as_bytes(), &report(applied))
}

fn check(hunks: &str, fixes: &[(u32, u32)]) -> Verdict {
    check_file(
        "a.rs",
        OLD.as_bytes(),
        &format!("--- a/a.rs\n+++ b/a.rs\n{hunks}"),
        fixes,
    )
}

/// Rules and lines of the findings, in order.
fn found(verdict: &Verdict) -> Vec<(&str, u32)> {
    verdict
        .findings
        .iter()
        .map(|f| {
            (
                f.rule.as_str(),
                f.location.as_ref().map_or(0, |place| place.line),
            )
        })
        .collect()
}

#[test]
fn a_good_patch_has_no_findings() {
    let verdict = check(
        "@@ -2 +2 @@\n-    x()\n+    xx()\n@@ -6 +6,2 @@\n-    y()\n+    y();\n+    y()\n",
        &[(2, 2), (6, 6)],
    );
    assert_eq!(
        verdict,
        Verdict {
            files: 1,
            edits: 2,
            ..Verdict::default()
        }
    );
}

#[test]
fn the_edits_that_break_the_syntax_are_found() {
    let hunks = "@@ -2 +2 @@\n-    x()\n+    x(\n@@ -6 +6 @@\n-    y()\n+    y2()\n@@ -10 +10 @@\n-    z()\n+    z)\n";
    let verdict = check(hunks, &[(2, 2), (6, 6), (10, 10)]);
    assert_eq!(found(&verdict), [(DOES_NOT_PARSE, 2), (DOES_NOT_PARSE, 10)]);
    let message = &verdict.findings[0].message;
    assert!(
        message.starts_with("with this edit the file does not parse: "),
        "{message}"
    );
}

#[test]
fn the_edit_that_changes_a_public_item_is_found() {
    let hunks =
        "@@ -1 +1 @@\n-pub fn a() {\n+pub fn a(n: u8) {\n@@ -5 +5 @@\n-fn b() {\n+fn bb() {\n";
    let verdict = check(hunks, &[(1, 1), (5, 5)]);
    assert_eq!(found(&verdict), [(PUBLIC_ITEM_CHANGED, 1)]);
    assert_eq!(
        verdict.findings[0].message,
        "this edit changes the public item `fn a`"
    );
}

#[test]
fn the_first_line_of_a_long_edit_is_named() {
    let verdict = check("@@ -3 +3 @@\n-}\n+\n", &[(1, 3)]);
    assert_eq!(found(&verdict), [(DOES_NOT_PARSE, 1)]);
}

#[test]
fn changes_outside_of_the_edits_are_found() {
    let hunks = "@@ -2 +2 @@\n-    x()\n+    xx()\n@@ -6 +6 @@\n-    y()\n+    yy()\n";
    assert_eq!(found(&check(hunks, &[(2, 2)])), [(CHANGE_OUTSIDE_EDIT, 6)]);
    assert_eq!(
        found(&check(hunks, &[])),
        [(CHANGE_OUTSIDE_EDIT, 2), (CHANGE_OUTSIDE_EDIT, 6)]
    );
}

#[test]
fn edits_that_the_patch_does_not_make_are_found() {
    let hunks = "@@ -2 +2 @@\n-    x()\n+    xx()\n";
    assert_eq!(
        found(&check(hunks, &[(2, 2), (6, 6)])),
        [(EDIT_NOT_IN_PATCH, 6)]
    );
    let folder = tempfile::tempdir().unwrap();
    let verdict = verify(folder.path(), b"", &report(vec![fix("b.rs", 3, 4)]));
    assert_eq!(found(&verdict), [(EDIT_NOT_IN_PATCH, 3)]);
}

#[test]
fn a_patch_of_other_sources_blames_all_edits_of_the_file() {
    let verdict = check(
        "@@ -2 +2 @@\n-    other()\n+    xx()\n",
        &[(6, 6), (2, 2), (2, 2)],
    );
    assert_eq!(found(&verdict), [(DOES_NOT_APPLY, 2), (DOES_NOT_APPLY, 6)]);
    assert_eq!(
        verdict.findings[0].message,
        "the patch does not apply: line 2 is not what the patch says it is"
    );
    assert_eq!(
        found(&check("@@ -99 +99 @@\n-a\n+b\n", &[])),
        [(DOES_NOT_APPLY, 98)]
    );
}

#[test]
fn what_is_no_patch_or_names_no_file_does_not_apply() {
    let folder = tempfile::tempdir().unwrap();
    let rules = |patch: &[u8]| {
        let verdict = verify(folder.path(), patch, &report(Vec::new()));
        verdict
            .findings
            .iter()
            .map(|f| (f.rule.clone(), f.message.clone()))
            .collect::<Vec<_>>()
    };
    let rule = DOES_NOT_APPLY.to_owned();
    assert_eq!(
        rules(b"\xff\0"),
        [(rule.clone(), "`fixes.patch` is no unified patch: line 1 of the patch: expected `--- a/PATH` of a file that exists".to_owned())]
    );
    assert_eq!(
        rules(b"--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n"),
        [(rule.clone(), "`fixes.patch` is no unified patch: line 1 of the patch: the path has a part `.` or `..`".to_owned())]
    );
    assert_eq!(
        rules(b"--- a/none.rs\n+++ b/none.rs\n@@ -1 +1 @@\n-a\n+b\n"),
        [(
            rule,
            "the patch does not apply: the file cannot be read: entity not found".to_owned()
        )]
    );
}

#[test]
fn files_that_are_no_rust_are_not_parsed() {
    let patch = "--- a/a.toml\n+++ b/a.toml\n@@ -1 +1 @@\n-a\n+{{{\n";
    let verdict = check_file("a.toml", b"a\n", patch, &[(1, 1)]);
    assert_eq!((verdict.files, verdict.findings.len()), (1, 0));
}

#[test]
fn a_file_that_never_parsed_is_named_and_its_places_are_checked() {
    let patch = "--- a/a.rs\n+++ b/a.rs\n@@ -1 +1 @@\n-fn (\n+fn {\n";
    for text in [b"fn (\n".as_slice(), b"fn (\n\xff\n"] {
        let verdict = check_file("a.rs", text, patch, &[(1, 1)]);
        assert_eq!(verdict.unparsed, ["a.rs"]);
        assert!(verdict.findings.is_empty());
        assert_eq!(
            found(&check_file("a.rs", text, patch, &[])),
            [(CHANGE_OUTSIDE_EDIT, 1)]
        );
    }
}

#[test]
fn bytes_that_are_no_text_do_not_parse() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.rs"), "fn f() {}\n").unwrap();
    let patch = b"--- a/a.rs\n+++ b/a.rs\n@@ -1 +1 @@\n-fn f() {}\n+// \xff\n";
    let verdict = verify(folder.path(), patch, &report(vec![fix("a.rs", 1, 1)]));
    assert_eq!(found(&verdict), [(DOES_NOT_PARSE, 1)]);
}

#[test]
fn large_files_are_refused() {
    let mut text = b"fn f() {}\n".to_vec();
    text.resize(MAX_FILE_BYTES + 1, b' ');
    let patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-fn f() {}\n+\n";
    assert_eq!(
        found(&check_file("a.txt", &text, patch, &[(1, 1)])),
        [(DOES_NOT_APPLY, 1)]
    );
    text.truncate(MAX_FILE_BYTES);
    let last = String::from_utf8(text[10..].to_vec()).unwrap();
    let patch = format!(
        "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n-fn f() {{}}\n+\n {last}\n\\ No newline at end of file\n"
    );
    assert!(
        check_file("a.txt", &text, &patch, &[(1, 1)])
            .findings
            .is_empty()
    );
}

#[test]
fn deep_nesting_is_a_problem_and_no_crash() {
    let deep = format!(
        "--- a/a.rs\n+++ b/a.rs\n@@ -2 +2 @@\n-    x()\n+    {}x(){}\n",
        "(".repeat(50_000),
        ")".repeat(50_000)
    );
    let verdict = check_file("a.rs", OLD.as_bytes(), &deep, &[(2, 2)]);
    assert_eq!(found(&verdict), [(DOES_NOT_PARSE, 2)]);
}

#[test]
fn a_search_that_costs_too_much_blames_the_rest() {
    // A file of this size can be searched five times: enough for the first one.
    let mut text = String::from("fn f() {\n");
    text.push_str(&format!("// {}\n", "x".repeat(700_000)));
    text.push_str(&"g();\n".repeat(40));
    text.push_str("}\n");
    let mut patch = String::from("--- a/a.rs\n+++ b/a.rs\n");
    let mut fixes = Vec::new();
    for line in 3..=42_u32 {
        let new = if line % 10 == 0 { "g(;" } else { "h();" };
        patch.push_str(&format!("@@ -{line} +{line} @@\n-g();\n+{new}\n"));
        fixes.push((line, line));
    }
    let verdict = check_file("a.rs", text.as_bytes(), &patch, &fixes);
    let lines: Vec<_> = found(&verdict).iter().map(|(_, line)| *line).collect();
    assert_eq!(lines, (10..=42).collect::<Vec<_>>());
}
