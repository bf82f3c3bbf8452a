//! Pictures of a plan: Mermaid for Markdown, DOT for Graphviz, and SVG that
//! needs no other program.

mod dot;
mod layout;
mod mermaid;
mod shape;
mod svg;

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::{svg, svg_of_run};

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use crate::{Plan, WorkflowFile, render_diagnostics};

    /// Each kind of task and edge, and a loop inside a loop.
    pub(super) const EVERYTHING: &str = r#"
version: 1
name: everything
tasks:
  design: { role: architect }
  code: { role: developer, needs: design }
  docs: { role: writer, needs: design }
  unit: { role: tester, needs: code, on_reject: { redo_from: code, max_rounds: 5 } }
  style: { role: reviewer, agent: strict, needs: unit, for_each: "${{ range(3) }}" }
  security: { role: security, needs: unit }
  vote: { require: { at_least: 1 }, needs: [style, security], on_reject: { redo_from: design } }
  end: { role: publisher, needs: [vote, docs] }
"#;

    pub(super) fn plan(text: &str) -> Plan {
        match WorkflowFile::parse("w.yaml", text) {
            Ok(file) => file.into_plan(),
            Err(errors) => panic!("{}", render_diagnostics("w.yaml", text, &errors)),
        }
    }

    /// Each task needs the one before it and the first.
    pub(super) fn chain_with_shortcuts(tasks: usize) -> String {
        let mut text =
            "version: 1\nname: chain\ntasks:\n  t0: { role: r }\n  t1: { role: r, needs: t0 }\n"
                .to_owned();
        for task in 2..tasks {
            let before = task - 1;
            writeln!(text, "  t{task}: {{ role: r, needs: [t0, t{before}] }}").unwrap();
        }
        text
    }

    #[test]
    fn mermaid_draws_everything() {
        insta::assert_snapshot!(super::mermaid(&plan(EVERYTHING)));
    }

    #[test]
    fn dot_draws_everything() {
        insta::assert_snapshot!(super::dot(&plan(EVERYTHING)));
    }
}
