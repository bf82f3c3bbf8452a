//! The standard agent of the role `developer`: applies the fixes that findings
//! carry.
//!
//! The tree is mounted read-only, so nothing is written there. What comes out
//! is the artifact `fixes.patch`, a unified patch that `git apply` takes at
//! the root of the mount, and a [`patch::FixReport`] that says which findings
//! it mends and which not, and why. Where there is nothing to change there is
//! no artifact, and the report's `patch` is null.
//!
//! The findings are those of all tasks that this one needs. Of two fixes that
//! overlap only one is applied: the one that a gate asked for, else the one of
//! the worse finding, else the one further up. In a later round the feedback
//! of a gate counts: what it complains about is left out, and what it asks for
//! comes first.

mod candidate;
mod feedback;
mod input;
mod mend;
mod rewrite;
mod skip;
mod sources;
mod unified;

use patch::{FixReport, PATCH_MEDIA_TYPE, PATCH_NAME, PatchRef};
use ringfence_sdk::prelude::*;

pub use input::{Input, MAX_EDITS};

/// The developer.
#[derive(Debug)]
pub struct Developer;

impl Agent for Developer {
    type Input = Option<Input>;
    type Output = FixReport;

    fn describe() -> Description {
        Description::new(
            "developer",
            env!("CARGO_PKG_VERSION"),
            "applies the fixes that findings carry and writes a unified patch",
        )
        .role("developer")
    }

    fn execute(input: Option<Input>, cx: &Context) -> Result<Outcome<FixReport>, Failure> {
        let input = input.unwrap_or_default();
        let task = cx.task();
        let root = cx.mount(input.mount());
        if !root.is_dir() {
            return Err(Failure::permanent(format!(
                "there is no mount `{0}`\nhint: let the task mount the tree (`mounts: [{0}]`) and start the run with `--mount {0}=PATH`",
                input.mount()
            )));
        }
        cx.progress(Activity::Working, None, "choosing fixes");
        let findings = task.needs.iter().flat_map(|need| &need.findings);
        let mend::Mending { mut report, patch } =
            mend::mend(&root, findings, &task.feedback, &input);
        cx.log()
            .with("applied", report.applied.len())
            .with("skipped", report.skipped_total)
            .with("files", report.files)
            .with("bytes", patch.len())
            .info("fixes chosen");
        if patch.is_empty() {
            return Ok(Outcome::completed(report));
        }
        let artifact = cx.put_artifact(PATCH_NAME, PATCH_MEDIA_TYPE, &patch)?;
        report.patch = Some(PatchRef {
            sha256: artifact.sha256.clone(),
            size: artifact.size,
        });
        Ok(Outcome::completed(report).with_artifact(artifact))
    }
}

ringfence_sdk::register!(Developer);

#[cfg(test)]
mod tests {
    use super::*;
    use ringfence_sdk::testing::TestHost;
    use serde_json::json;

    fn host(text: &str) -> (tempfile::TempDir, TestHost) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.rs"), text).unwrap();
        let host = TestHost::new().mount("src", folder.path());
        (folder, host)
    }

    fn finding(line: u32) -> Finding {
        Finding::new("debug-print", Severity::Low, "`dbg!` is left in the code")
            .at("a.rs", line, 1)
            .fix(Edit::replace_lines("a.rs", line..=line, ""))
    }

    #[test]
    fn fixes_of_all_needs_become_an_artifact() {
        let (_folder, host) = host("fn f() {\ndbg!(1);\ndbg!(2);\n}\n");
        let run = host
            .need("security", json!([]), [finding(2)])
            .need("quality", json!([]), [finding(3)])
            .execute::<Developer>();
        let outcome = run.outcome.unwrap();
        let report = outcome.value().unwrap();
        assert_eq!(report.applied.len(), 2);
        let artifact = &outcome.artifacts()[0];
        assert_eq!(
            (artifact.name.as_str(), artifact.media_type.as_str()),
            ("fixes.patch", "text/x-diff")
        );
        let patch = report.patch.as_ref().unwrap();
        assert_eq!(
            (&patch.sha256, patch.size),
            (&artifact.sha256, artifact.size)
        );
        assert_eq!(run.artifacts.len(), 1);
        assert!(
            run.artifacts[0]
                .content
                .ends_with(b"@@ -1,4 +1,2 @@\n fn f() {\n-dbg!(1);\n-dbg!(2);\n }\n")
        );
    }

    #[test]
    fn nothing_to_change_gives_no_artifact() {
        let (_folder, host) = host("fn f() {}\n");
        let run = host.need("quality", json!(null), []).execute::<Developer>();
        let outcome = run.outcome.unwrap();
        assert_eq!(outcome.value().unwrap().patch, None);
        assert!(outcome.artifacts().is_empty());
        assert!(run.artifacts.is_empty());
    }

    #[test]
    fn feedback_and_input_reach_the_choice() {
        let (folder, _) = host("1\n2\n3\n");
        let host = || {
            TestHost::new()
                .mount("tree", folder.path())
                .need("quality", json!(null), [finding(1), finding(2)])
                .input(json!({ "mount": "tree", "max_edits": 1 }))
        };
        let first = |run: ringfence_sdk::testing::TestRun<FixReport>| {
            run.outcome.unwrap().value().unwrap().applied[0].first
        };
        assert_eq!(first(host().execute::<Developer>()), 1);
        let complaint = Finding::new("patch-does-not-parse", Severity::High, "m").at("a.rs", 1, 1);
        assert_eq!(
            first(host().feedback([complaint]).execute::<Developer>()),
            2
        );
    }

    #[test]
    fn a_missing_mount_or_a_wrong_input_fails_for_good() {
        let run = TestHost::new().execute::<Developer>();
        let failure = run.outcome.unwrap_err();
        assert!(matches!(failure, Failure::Permanent(_)));
        assert!(
            failure
                .message()
                .contains("hint: let the task mount the tree (`mounts: [src]`)")
        );
        let (_folder, host) = host("");
        let run = host
            .input(json!({ "max_edits": "all" }))
            .execute::<Developer>();
        assert!(matches!(run.outcome, Err(Failure::InvalidInput(_))));
    }
}
