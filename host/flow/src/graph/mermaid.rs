//! Mermaid, which Markdown viewers draw.

use std::fmt::Write as _;

use super::shape::{Outline, loops, outline, subtitle};
use crate::Plan;

/// The plan as a Mermaid flowchart.
#[must_use]
pub fn mermaid(plan: &Plan) -> String {
    let mut text = String::from("flowchart LR\n");
    for at in plan.indices() {
        let task = plan.task(at);
        // Names are letters, digits, `-` and `_`: nothing needs an escape. A
        // number of its own keeps a task named `end` from being a keyword.
        let label = format!("\"<b>{}</b><br/>{}\"", task.id, subtitle(task));
        let shaped = match (outline(task), &task.for_each) {
            (Outline::Vote, _) => format!("{{{label}}}"),
            (Outline::Gate, _) => format!("{{{{{label}}}}}"),
            (Outline::Work, Some(_)) => format!("[[{label}]]"),
            (Outline::Work, None) => format!("[{label}]"),
        };
        line(&mut text, format_args!("t{}{shaped}", at.get()));
    }
    for at in plan.indices() {
        for need in &plan.node(at).needs {
            line(&mut text, format_args!("t{} --> t{}", need.get(), at.get()));
        }
    }
    for (gate, from, label) in loops(plan) {
        line(
            &mut text,
            format_args!("t{} -. \"{label}\" .-> t{}", gate.get(), from.get()),
        );
    }
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "    {line}");
}
