//! DOT, which Graphviz draws.

use std::fmt::Write as _;

use super::shape::{Outline, loops, outline, subtitle};
use crate::Plan;

/// The plan in the language of Graphviz.
#[must_use]
pub fn dot(plan: &Plan) -> String {
    let mut text = format!("digraph \"{}\" {{\n", plan.workflow().name);
    line(&mut text, format_args!("rankdir=LR;"));
    line(
        &mut text,
        format_args!("node [fontname=\"sans-serif\", fontsize=11, margin=\"0.18,0.08\"];"),
    );
    line(
        &mut text,
        format_args!("edge [fontname=\"sans-serif\", fontsize=9, arrowsize=0.7];"),
    );
    for at in plan.indices() {
        let task = plan.task(at);
        let shape = match outline(task) {
            Outline::Work => "box, style=rounded",
            Outline::Gate => "hexagon",
            Outline::Vote => "diamond",
        };
        let several = if task.for_each.is_some() {
            ", peripheries=2"
        } else {
            ""
        };
        line(
            &mut text,
            format_args!(
                "\"{}\" [label=\"{0}\\n{}\", shape={shape}{several}];",
                task.id,
                subtitle(task)
            ),
        );
    }
    for at in plan.indices() {
        for need in &plan.node(at).needs {
            line(
                &mut text,
                format_args!("\"{}\" -> \"{}\";", plan.task(*need).id, plan.task(at).id),
            );
        }
    }
    for (gate, from, label) in loops(plan) {
        line(
            &mut text,
            format_args!(
                "\"{}\" -> \"{}\" [style=dashed, constraint=false, label=\"{label}\"];",
                plan.task(gate).id,
                plan.task(from).id
            ),
        );
    }
    text.push_str("}\n");
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "    {line}");
}
