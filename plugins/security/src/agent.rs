//! The agent around the rules.

use ringfence_sdk::prelude::*;

use crate::rules;

pub use lint::{Input, Output};

/// The agent of the role `security`.
#[derive(Debug)]
pub struct Security;

impl Agent for Security {
    type Input = Input;
    type Output = Output;

    fn describe() -> Description {
        Description::new(
            "security",
            env!("CARGO_PKG_VERSION"),
            "finds unsafe code without a reason, secrets in the source and other dangers in Rust",
        )
        .role("security")
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
        std::fs::create_dir(dir.path().join("b")).unwrap();
        let write = |path: &str, text: &str| std::fs::write(dir.path().join(path), text).unwrap();
        write(
            "a.rs",
            "fn f(p: *const u8) -> u8 { unsafe { *p } }\nstatic mut X: u8 = 0;\n",
        );
        write(
            "b/c.rs",
            "// SAFETY: none needed.\nunsafe impl Send for T {}\n",
        );
        write("d.rs", "fn (\n");
        dir
    }

    #[test]
    fn a_whole_tree_is_checked() {
        let dir = tree();
        let run = TestHost::new()
            .mount("src", dir.path())
            .input(json!({}))
            .execute::<Security>();
        let output = run.completed();
        assert_eq!((output.files, output.lines), (2, 4));
        assert_eq!(output.findings_by_rule["unsafe-without-comment"], 1);
        let outcome = run.outcome.unwrap();
        let found: Vec<_> = outcome
            .findings()
            .iter()
            .map(|f| format!("{} {}", f.location.as_ref().unwrap(), f.rule))
            .collect();
        assert_eq!(
            found,
            [
                "a.rs:1:28 unsafe-without-comment",
                "a.rs:2:8 static-mut",
                "d.rs:1:4 file-not-checked"
            ]
        );
    }

    #[test]
    fn the_input_picks_files_and_bounds_findings() {
        let dir = tree();
        let run = TestHost::new()
            .mount("tree", dir.path())
            .input(json!({ "files": ["a.rs"], "mount": "tree", "max_findings": 1 }))
            .execute::<Security>();
        assert_eq!(run.completed().files, 1);
        let rules: Vec<_> = run
            .outcome
            .unwrap()
            .findings()
            .iter()
            .map(|f| f.rule.clone())
            .collect();
        assert_eq!(rules, ["unsafe-without-comment", "findings-left-out"]);
    }

    #[test]
    fn an_input_that_does_not_fit_is_refused() {
        let dir = tree();
        for input in [json!({ "files": ["../x.rs"] }), json!({ "file": ["a.rs"] })] {
            let run = TestHost::new()
                .mount("src", dir.path())
                .input(input)
                .execute::<Security>();
            assert!(matches!(run.failed(), Failure::InvalidInput(_)));
        }
    }
}
