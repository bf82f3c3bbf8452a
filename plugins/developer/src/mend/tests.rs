use std::fs;
use std::process::Command;

use patch::{Patch, splice};
use proptest::prelude::*;
use ringfence_sdk::{Edit, Severity};

use super::*;

struct Project(tempfile::TempDir);

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn mend(&self, findings: &[Finding]) -> Mending {
        self.mend_with(findings, &[], &Input::default())
    }

    fn mend_with(&self, findings: &[Finding], feedback: &[Finding], input: &Input) -> Mending {
        mend(self.0.path(), findings.iter(), feedback, input)
    }

    /// The file after the patch, as the reading side understands it.
    fn patched(&self, path: &str, patch: &[u8]) -> String {
        let text = fs::read(self.0.path().join(path)).unwrap();
        let lines = split_lines(&text);
        let patch = Patch::parse(patch).unwrap();
        let new = match patch.files.iter().find(|file| file.path == path) {
            Some(file) => splice(&lines, &file.changes_on(&lines).unwrap()),
            None => text.clone(),
        };
        String::from_utf8(new).unwrap()
    }

    fn git_apply(&self, patch: &[u8], extra: &[&str]) -> bool {
        let file = self.0.path().join("fixes.patch");
        fs::write(&file, patch).unwrap();
        Command::new("git")
            .args(["-c", "core.autocrlf=false", "apply", "--whitespace=nowarn"])
            .args(extra)
            .arg("fixes.patch")
            .current_dir(self.0.path())
            .env("GIT_CEILING_DIRECTORIES", self.0.path())
            .status()
            .unwrap()
            .success()
    }
}

fn fix(rule: &str, severity: Severity, path: &str, lines: (u32, u32), text: &str) -> Finding {
    Finding::new(rule, severity, "m")
        .at(path, lines.0, 1)
        .fix(Edit {
            path: path.to_owned(),
            first: lines.0,
            last: lines.1,
            replacement: text.to_owned(),
        })
}

fn low(path: &str, lines: (u32, u32), text: &str) -> Finding {
    fix("r", Severity::Low, path, lines, text)
}

fn whys(mending: &Mending) -> Vec<&str> {
    mending
        .report
        .skipped
        .iter()
        .map(|skip| skip.why.as_str())
        .collect()
}

const TEN: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";

#[test]
fn nothing_to_change_gives_no_patch() {
    let project = Project::new(&[("a.rs", TEN)]);
    for findings in [
        vec![],
        vec![Finding::new("r", Severity::High, "m").at("a.rs", 1, 1)],
        vec![low("a.rs", (1, 1), "1\n")],
    ] {
        let mending = project.mend(&findings);
        assert!(mending.patch.is_empty());
        assert_eq!(mending.report.files, 0);
        assert!(mending.report.applied.is_empty());
    }
}

#[test]
fn fixes_of_several_files_make_one_patch() {
    let project = Project::new(&[("src/b.rs", "x\r\ny"), ("a b.rs", TEN)]);
    let mending = project.mend(&[
        low("src/b.rs", (2, 2), "Y"),
        low("a b.rs", (10, 10), ""),
        low("a b.rs", (1, 1), "0\n1"),
    ]);
    assert_eq!(
        String::from_utf8(mending.patch.clone()).unwrap(),
        "\
diff --git a/a b.rs b/a b.rs
--- a/a b.rs\t
+++ b/a b.rs\t
@@ -1,3 +1,4 @@
+0
 1
 2
 3
@@ -7,4 +8,3 @@
 7
 8
 9
-10
diff --git a/src/b.rs b/src/b.rs
--- a/src/b.rs
+++ b/src/b.rs
@@ -1,2 +1,2 @@
 x\r
-y
\\ No newline at end of file
+Y
\\ No newline at end of file
"
    );
    assert_eq!(mending.report.files, 2);
    assert_eq!(mending.report.applied.len(), 3);
    assert_eq!(project.patched("src/b.rs", &mending.patch), "x\r\nY");
    assert!(project.git_apply(&mending.patch, &[]));
    assert_eq!(
        fs::read_to_string(project.0.path().join("src/b.rs")).unwrap(),
        "x\r\nY"
    );
    assert_eq!(
        fs::read_to_string(project.0.path().join("a b.rs")).unwrap(),
        "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"
    );
}

#[test]
fn of_two_that_overlap_the_worse_finding_wins_then_the_one_further_up() {
    let project = Project::new(&[("a.rs", TEN)]);
    let mending = project.mend(&[
        fix("mild", Severity::Low, "a.rs", (2, 4), "x\n"),
        fix("bad", Severity::High, "a.rs", (4, 5), "y\n"),
        fix("mild", Severity::Low, "a.rs", (7, 8), "z\n"),
        fix("mild", Severity::Low, "a.rs", (8, 9), "z\n"),
        fix("mild", Severity::Low, "a.rs", (6, 6), "beside\n"),
    ]);
    let applied: Vec<_> = mending
        .report
        .applied
        .iter()
        .map(|fix| (fix.first, fix.last))
        .collect();
    assert_eq!(applied, [(4, 5), (6, 6), (7, 8)]);
    assert_eq!(
        whys(&mending),
        [
            "it overlaps the fix of `bad` for lines 4 to 5",
            "it overlaps the fix of `mild` for lines 7 to 8",
        ]
    );
    assert_eq!(
        project.patched("a.rs", &mending.patch),
        "1\n2\n3\ny\nbeside\nz\n9\n10\n"
    );
}

#[test]
fn edits_within_each_other_overlap() {
    let project = Project::new(&[("a.rs", TEN)]);
    let outer = fix("outer", Severity::High, "a.rs", (1, 9), "x\n");
    let inner = fix("inner", Severity::Low, "a.rs", (4, 4), "y\n");
    assert_eq!(
        project.mend(&[outer.clone(), inner.clone()]).report.applied[0].rule,
        "outer"
    );
    let (mut outer, mut inner) = (outer, inner);
    (outer.severity, inner.severity) = (inner.severity, outer.severity);
    assert_eq!(
        project.mend(&[outer, inner]).report.applied[0].rule,
        "inner"
    );
}

#[test]
fn one_edit_can_mend_several_findings() {
    let project = Project::new(&[("a.rs", TEN)]);
    let findings = [
        fix("b", Severity::Low, "a.rs", (1, 1), "x"),
        fix("a", Severity::Low, "a.rs", (1, 1), "x"),
        fix("a", Severity::Low, "a.rs", (1, 1), "x"),
    ];
    let report = project.mend(&findings).report;
    let rules: Vec<_> = report.applied.iter().map(|fix| fix.rule.as_str()).collect();
    assert_eq!(rules, ["a", "b"]);
    assert_eq!(report.skipped_total, 0);
}

#[test]
fn edits_that_make_no_sense_are_left_out_with_the_reason() {
    let project = Project::new(&[("a.rs", TEN)]);
    let mending = project.mend(&[
        low("../a.rs", (1, 1), "x"),
        low("/etc/passwd", (1, 1), "x"),
        low("a.rs", (0, 1), "x"),
        low("a.rs", (3, 2), "x"),
        low("a.rs", (5, u32::MAX), "x"),
        low("a.rs", (u32::MAX, u32::MAX), "x"),
        low("none.rs", (1, 1), "x"),
        low(&"long/".repeat(10_000), (1, 1), "x"),
        fix(&"rule".repeat(1_000), Severity::Low, "a.rs", (11, 11), "x"),
    ]);
    assert!(mending.patch.is_empty());
    assert_eq!(
        whys(&mending),
        [
            "the path has a part `.` or `..`",
            "the path is absolute",
            "lines count from 1",
            "the last line is before the first",
            "the file has 10 lines",
            "the file has 10 lines",
            "the file has 10 lines",
            "the path is longer than 1024 bytes",
            "the file cannot be read: entity not found",
        ]
    );
    assert!(serde_json::to_string(&mending.report).unwrap().len() < 5_000);
}

#[test]
fn the_order_of_findings_does_not_matter() {
    let project = Project::new(&[("a.rs", TEN), ("b.rs", TEN)]);
    let mut findings: Vec<_> = (1..=9)
        .flat_map(|line| {
            ["a.rs", "b.rs"].map(|path| {
                let severity = Severity::ALL[line as usize % 5];
                fix(
                    &format!("r{line}"),
                    severity,
                    path,
                    (line, line + line % 2),
                    "x\n",
                )
            })
        })
        .collect();
    let expected = project.mend(&findings);
    assert!(!expected.report.skipped.is_empty());
    findings.rotate_left(7);
    findings.reverse();
    assert_eq!(project.mend(&findings), expected);
}

#[test]
fn the_input_says_what_is_mended() {
    let project = Project::new(&[("a.rs", TEN)]);
    let findings = [
        fix("a", Severity::Low, "a.rs", (1, 1), "x"),
        fix("b", Severity::High, "a.rs", (2, 2), "x"),
        fix("c", Severity::Medium, "a.rs", (3, 3), "x"),
    ];
    let rules = |input: Input| -> Vec<String> {
        let report = project.mend_with(&findings, &[], &input).report;
        report.applied.into_iter().map(|fix| fix.rule).collect()
    };
    let all = Input::default();
    assert_eq!(
        rules(Input {
            min_severity: Some(Severity::Medium),
            ..all.clone()
        }),
        ["b", "c"]
    );
    assert_eq!(
        rules(Input {
            exclude_rules: vec!["b".into()],
            ..all.clone()
        }),
        ["a", "c"]
    );
    assert_eq!(
        rules(Input {
            max_edits: Some(2),
            ..all.clone()
        }),
        ["b", "c"]
    );
    let none = project.mend_with(
        &findings,
        &[],
        &Input {
            max_edits: Some(0),
            ..all
        },
    );
    assert_eq!(whys(&none), ["the patch has 0 edits already"; 3]);
}

#[test]
fn feedback_makes_the_next_round_better() {
    let project = Project::new(&[("a.rs", TEN)]);
    let good = fix("good", Severity::Low, "a.rs", (2, 2), "x");
    let bad = fix("bad", Severity::High, "a.rs", (2, 4), "y");
    let other = fix("other", Severity::Low, "a.rs", (9, 9), "z");
    let findings = [good.clone(), bad, other];
    let rules = |feedback: &[Finding]| -> Vec<String> {
        let report = project
            .mend_with(&findings, feedback, &Input::default())
            .report;
        report.applied.into_iter().map(|fix| fix.rule).collect()
    };
    assert_eq!(rules(&[]), ["bad", "other"]);
    // The tester complains about a line of the bad one.
    let complaint = Finding::new("patch-does-not-parse", Severity::High, "m").at("a.rs", 3, 1);
    assert_eq!(rules(&[complaint]), ["good", "other"]);
    // A gate asks for what was left out.
    assert_eq!(rules(&[good]), ["good", "other"]);
}

#[test]
fn the_report_names_the_first_that_are_left_out_and_counts_the_rest() {
    let project = Project::new(&[("a.rs", TEN)]);
    let findings: Vec<_> = (0..MAX_SKIPPED as u32 + 5)
        .map(|n| low("a.rs", (n + 11, n + 11), "x"))
        .collect();
    let report = project.mend(&findings).report;
    assert_eq!(report.skipped.len(), MAX_SKIPPED);
    assert_eq!(report.skipped_total, MAX_SKIPPED + 5);
}

#[test]
fn the_report_stays_below_the_limit_of_an_output() {
    let lines = "x\n".repeat(2_000);
    let project = Project::new(&[("a.rs", &lines)]);
    // Control characters take six times their room in JSON.
    let rule = "\u{1}".repeat(1_000);
    let findings: Vec<_> = (1..=1_000)
        .map(|n| fix(&rule, Severity::Low, "a.rs", (n, n), "y"))
        .collect();
    let mending = project.mend(&findings);
    assert!(!mending.report.applied.is_empty());
    assert!(whys(&mending).contains(&"the report on the patch is full"));
    assert!(serde_json::to_string(&mending.report).unwrap().len() < 1 << 20);
    // It lists what it applied to the last one, since others rely on it.
    assert_eq!(
        project.patched("a.rs", &mending.patch).matches('y').count(),
        mending.report.applied.len()
    );
}

#[test]
fn the_patch_stays_below_its_limit() {
    let project = Project::new(&[("a.rs", TEN)]);
    let long = "y".repeat(MAX_PATCH_BYTES / 2);
    let mending = project.mend(&[
        low("a.rs", (1, 1), &long),
        low("a.rs", (5, 5), &long),
        low("a.rs", (9, 9), "z"),
    ]);
    assert_eq!(whys(&mending), ["the patch is full"]);
    assert!(mending.patch.len() < MAX_PATCH_BYTES);
    assert!(Patch::parse(&mending.patch).is_ok());

    let many = "\n".repeat(MAX_PATCH_LINES);
    assert_eq!(
        whys(&project.mend(&[low("a.rs", (1, 1), &many)])),
        ["the patch is full"]
    );
}

/// A text, and edits of it that may overlap, miss it or change nothing.
fn text_and_edits() -> impl Strategy<Value = (String, Vec<(u32, u32, u8, String)>)> {
    let edit = (0..18_u32, 0..4_u32, 0..5_u8, "([xyab]?\r?\n){0,3}[xy]?")
        .prop_map(|(first, more, severity, text)| (first, first + more, severity, text));
    (
        "(\u{feff})?([ab]?\r?\n){0,16}[ab]?",
        prop::collection::vec(edit, 0..12),
    )
}

fn findings_of(edits: &[(u32, u32, u8, String)]) -> Vec<Finding> {
    edits
        .iter()
        .map(|(first, last, severity, text)| {
            fix(
                "r",
                Severity::ALL[usize::from(*severity)],
                "src/a.rs",
                (*first, *last),
                text,
            )
        })
        .collect()
}

/// What the applied edits should make of the file, in the plainest way: the
/// lines in a list, edited from the bottom to the top.
fn expected(text: &str, report: &FixReport, findings: &[Finding]) -> String {
    let mut lines: Vec<Vec<u8>> = split_lines(text.as_bytes())
        .iter()
        .map(|line| line.to_vec())
        .collect();
    let source = SourceText::new(text.as_bytes().to_vec());
    let mut edits: Vec<&Edit> = findings
        .iter()
        .filter_map(|finding| finding.fix.as_ref())
        .filter(|edit| {
            report
                .applied
                .iter()
                .any(|fix| (fix.first, fix.last) == (edit.first, edit.last))
        })
        .collect();
    // Of several edits of the same lines the first in the order was applied.
    let order = |edit: &Edit| {
        let severity = findings
            .iter()
            .filter(|f| f.fix.as_ref() == Some(edit))
            .map(|f| f.severity)
            .max();
        (std::cmp::Reverse(severity), edit.clone())
    };
    edits.sort_by_key(|edit| order(edit));
    edits.retain(|edit| {
        let range = range(edit.first, edit.last, &source).unwrap();
        rewritten(&edit.replacement, &range, &source).is_ok()
    });
    edits.sort_by_key(|edit| edit.first);
    edits.dedup_by_key(|edit| edit.first);
    for edit in edits.into_iter().rev() {
        let range = range(edit.first, edit.last, &source).unwrap();
        let new = rewritten(&edit.replacement, &range, &source).unwrap();
        lines.splice(range, [new]);
    }
    String::from_utf8(lines.concat()).unwrap()
}

proptest! {
    #[test]
    fn the_reader_of_patches_gets_exactly_the_edited_text((text, edits) in text_and_edits()) {
        let project = Project::new(&[("src/a.rs", &text)]);
        let findings = findings_of(&edits);
        let mending = project.mend(&findings);
        prop_assert_eq!(
            project.patched("src/a.rs", &mending.patch),
            expected(&text, &mending.report, &findings)
        );
        // No two of the applied edits share a line.
        for pair in mending.report.applied.windows(2) {
            prop_assert!(pair[0].last < pair[1].first || pair[0].first == pair[1].first);
        }
        prop_assert_eq!(mending.patch.is_empty(), mending.report.applied.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn git_gets_exactly_the_same((text, edits) in text_and_edits()) {
        let project = Project::new(&[("src/a.rs", &text)]);
        let mending = project.mend(&findings_of(&edits));
        prop_assume!(!mending.patch.is_empty());
        let expected = project.patched("src/a.rs", &mending.patch);
        prop_assert!(project.git_apply(&mending.patch, &["--check"]));
        prop_assert!(project.git_apply(&mending.patch, &[]));
        prop_assert_eq!(fs::read_to_string(project.0.path().join("src/a.rs")).unwrap(), expected);
    }
}
