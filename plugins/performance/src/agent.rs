//! The agent around the rules.

use ringfence_sdk::prelude::*;

use crate::rules;

pub use lint::{Input, Output};

/// The agent of the role `performance`.
#[derive(Debug)]
pub struct Performance;

impl Agent for Performance {
    type Input = Input;
    type Output = Output;

    fn describe() -> Description {
        Description::new(
            "performance",
            env!("CARGO_PKG_VERSION"),
            "finds work that loops repeat, needless copies and what blocks async code in Rust",
        )
        .role("performance")
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

    #[test]
    fn a_tree_is_checked_and_fixes_fit_it() {
        let dir = tempfile::tempdir().unwrap();
        let text = "fn f(v: &[u8]) -> Option<&u8> {\n    v.iter().filter(|x| **x > 1).next()\n}\n";
        std::fs::write(dir.path().join("a.rs"), text).unwrap();
        let run = TestHost::new()
            .mount("src", dir.path())
            .input(json!({}))
            .execute::<Performance>();
        let output = run.completed();
        assert_eq!((output.files, output.lines), (1, 3));
        assert_eq!(output.findings_by_rule["iterator-detour"], 1);
        let outcome = run.outcome.unwrap();
        let edit = outcome.findings()[0].fix.as_ref().unwrap();
        assert_eq!((edit.path.as_str(), edit.first, edit.last), ("a.rs", 2, 2));
        assert_eq!(edit.replacement, "    v.iter().find(|x| **x > 1)\n");
    }

    #[test]
    fn a_missing_mount_is_a_failure() {
        let run = TestHost::new()
            .mount("src", "/nonexistent-folder")
            .input(json!({}))
            .execute::<Performance>();
        assert!(matches!(run.failed(), Failure::Permanent(_)));
    }
}
