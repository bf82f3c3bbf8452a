//! The agent around the rules.

use ringfence_sdk::prelude::*;

use crate::rules;

pub use lint::{Input, Output};

/// The agent of the role `reviewer`.
#[derive(Debug)]
pub struct Reviewer;

impl Agent for Reviewer {
    type Input = Input;
    type Output = Output;

    fn describe() -> Description {
        Description::new(
            "reviewer",
            env!("CARGO_PKG_VERSION"),
            "finds what makes Rust code hard to keep, and mends what is certain",
        )
        .role("reviewer")
    }

    fn execute(input: Input, cx: &Context) -> Result<Outcome<Output>, Failure> {
        lint::run(input, cx, rules::check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringfence_sdk::testing::TestHost;
    use serde_json::json;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("tests")).unwrap();
        let write = |path: &str, text: &str| std::fs::write(dir.path().join(path), text).unwrap();
        write(
            "a.rs",
            "//! A.\nfn f(x: Option<u8>) -> u8 {\n    dbg!(&x);\n    x.unwrap()\n}\n",
        );
        write("b.rs", "/// B.\npub fn b() { todo!() }\npub struct C;\n");
        write("tests/t.rs", "fn t() { dbg!(f()).unwrap(); }\n");
        dir
    }

    #[test]
    fn a_whole_tree_is_reviewed() {
        let dir = tree();
        let run = TestHost::new()
            .mount("src", dir.path())
            .input(json!({}))
            .execute::<Reviewer>();
        let output = run.completed();
        assert_eq!((output.files, output.lines), (3, 9));
        assert_eq!(output.findings_by_rule["unwrap"], 1);
        let outcome = run.outcome.unwrap();
        let found: Vec<_> = outcome
            .findings()
            .iter()
            .map(|f| format!("{} {}", f.location.as_ref().unwrap(), f.rule))
            .collect();
        assert_eq!(
            found,
            [
                "a.rs:3:5 debug-print",
                "a.rs:4:7 unwrap",
                "b.rs:2:14 todo",
                "b.rs:3:12 missing-docs",
            ]
        );
        let fix = outcome.findings()[0].fix.as_ref().unwrap();
        assert_eq!((fix.first, fix.last, fix.replacement.as_str()), (3, 3, ""));
        assert_eq!(fix.path, "a.rs");
    }

    #[test]
    fn the_input_picks_files_and_bounds_findings() {
        let dir = tree();
        let run = TestHost::new()
            .mount("tree", dir.path())
            .input(json!({ "files": ["b.rs"], "mount": "tree", "max_findings": 1 }))
            .execute::<Reviewer>();
        assert_eq!(run.completed().files, 1);
        let outcome = run.outcome.unwrap();
        let rules: Vec<_> = outcome.findings().iter().map(|f| &*f.rule).collect();
        assert_eq!(rules, ["todo", "findings-left-out"]);
    }

    #[test]
    fn an_input_that_does_not_fit_is_refused() {
        for input in [json!({ "files": ["/x.rs"] }), json!({ "max": 1 })] {
            let run = TestHost::new().input(input).execute::<Reviewer>();
            assert!(matches!(run.failed(), Failure::InvalidInput(_)));
        }
    }
}
