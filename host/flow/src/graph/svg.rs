//! SVG, drawn here.

use std::fmt::Write as _;

use super::layout::{Layout, MARGIN, Point, TASK, layout};
use super::shape::{Outline, loops, outline, subtitle};
use crate::{Plan, TaskIndex};

/// The height that each feedback loop takes below the tasks.
const LOOP: f32 = 26.0;
/// How long a text a task shows, in characters.
const MAX_TEXT: usize = 24;

/// Colours that fit a light and a dark page. The classes start with `rf-`, so
/// that they do not meet those of a page that this is part of.
const STYLE: &str = "\
.rf-graph{font-family:ui-sans-serif,system-ui,sans-serif;color:#1c2733}\
.rf-box{fill:#f6f8fa;stroke:#8794a3;stroke-width:1.2}\
.rf-gate{fill:#fff6e5;stroke:#b7791f}\
.rf-vote{fill:#eef4ff;stroke:#4c6fbf}\
.rf-id{font-size:13px;font-weight:600;fill:currentColor}\
.rf-role{font-size:11px;fill:currentColor;opacity:.65}\
.rf-edge{fill:none;stroke:#8794a3;stroke-width:1.3}\
.rf-arrow{fill:#8794a3}\
.rf-loop{fill:none;stroke:#b7791f;stroke-width:1.3;stroke-dasharray:5 4}\
.rf-back{fill:#b7791f}\
.rf-label{font-size:11px;fill:#b7791f}\
@media (prefers-color-scheme:dark){\
.rf-graph{color:#dfe6ee}\
.rf-box{fill:#1d2630;stroke:#66758a}\
.rf-gate{fill:#33291a;stroke:#d69e3c}\
.rf-vote{fill:#1c2740;stroke:#7f9fe6}\
.rf-loop{stroke:#d69e3c}.rf-back,.rf-label{fill:#d69e3c}}";

/// The plan as a picture: a column a wave, dashed lines for work that is sent
/// back.
#[must_use]
pub fn svg(plan: &Plan) -> String {
    let layout = layout(plan);
    let loops: Vec<_> = loops(plan).collect();
    let (width, tasks_height) = layout.size;
    let height = tasks_height + LOOP * loops.len() as f32;
    let name = &plan.workflow().name;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"rf-graph\" role=\"img\" \
         aria-label=\"workflow {name}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\">\n<style>{STYLE}</style>\n"
    );
    text.push_str(
        "<defs>\
         <marker id=\"rf-arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path class=\"rf-arrow\" d=\"M0 0 8 4 0 8z\"/></marker>\
         <marker id=\"rf-back\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path class=\"rf-back\" d=\"M0 0 8 4 0 8z\"/></marker>\
         </defs>\n",
    );
    for edge in &layout.edges {
        push(&mut text, format_args!("<path class=\"rf-edge\" d=\"{}\" marker-end=\"url(#rf-arrow)\"/>", curve(edge)));
    }
    for (number, (gate, from, label)) in loops.iter().enumerate() {
        let below = tasks_height - MARGIN + LOOP * (number as f32 + 0.6);
        draw_loop(&mut text, &layout, *gate, *from, below, label);
    }
    for at in plan.indices() {
        draw_task(&mut text, plan, at, layout.corners[at.get()]);
    }
    text.push_str("</svg>\n");
    text
}

/// A smooth way through points: level where it meets each of them.
fn curve(points: &[Point]) -> String {
    let mut path = String::new();
    for (number, (x, y)) in points.iter().enumerate() {
        let Some((before_x, before_y)) = number.checked_sub(1).map(|before| points[before]) else {
            path = format!("M{x} {y}");
            continue;
        };
        let middle = (before_x + x) / 2.0;
        // Writing to a string does not fail.
        let _ = write!(path, " C{middle} {before_y} {middle} {y} {x} {y}");
    }
    path
}

fn draw_loop(
    text: &mut String,
    layout: &Layout,
    gate: TaskIndex,
    from: TaskIndex,
    below: f32,
    label: &str,
) {
    let foot = |at: TaskIndex, share: f32| {
        let (x, y) = layout.corners[at.get()];
        (x + TASK.0 * share, y + TASK.1)
    };
    let ((right, right_foot), (left, left_foot)) = (foot(gate, 0.6), foot(from, 0.4));
    push(
        text,
        format_args!(
            "<path class=\"rf-loop\" d=\"M{right} {right_foot} L{right} {} Q{right} {below} {} {below} \
             L{} {below} Q{left} {below} {left} {} L{left} {left_foot}\" marker-end=\"url(#rf-back)\"/>",
            below - 10.0,
            right - 10.0,
            left + 10.0,
            below - 10.0,
        ),
    );
    push(
        text,
        format_args!(
            "<text class=\"rf-label\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            (left + right) / 2.0,
            below - 5.0
        ),
    );
}

fn draw_task(text: &mut String, plan: &Plan, at: TaskIndex, (x, y): Point) {
    let task = plan.task(at);
    let (width, height) = TASK;
    let (class, radius) = match outline(task) {
        Outline::Work => ("rf-box", 8.0),
        Outline::Gate => ("rf-box rf-gate", 22.0),
        Outline::Vote => ("rf-box rf-vote", 22.0),
    };
    push(text, format_args!("<g><title>{}: {}</title>", task.id, subtitle(task)));
    if task.for_each.is_some() {
        // A second box behind the first: there are several of these.
        push(
            text,
            format_args!(
                "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"/>",
                x + 5.0,
                y + 5.0
            ),
        );
    }
    push(
        text,
        format_args!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"/>"),
    );
    let middle = x + width / 2.0;
    for (class, line, drop) in [("rf-id", task.id.to_string(), 20.0), ("rf-role", subtitle(task), 36.0)] {
        push(
            text,
            format_args!(
                "<text class=\"{class}\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                y + drop,
                shortened(&line)
            ),
        );
    }
    push(text, format_args!("</g>"));
}

/// Names are letters, digits, `-` and `_`: nothing needs an escape.
fn shortened(line: &str) -> String {
    if line.chars().count() <= MAX_TEXT {
        return line.to_owned();
    }
    line.chars().take(MAX_TEXT - 1).chain(['…']).collect()
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{line}");
}
