//! SVG, drawn here.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::layout::{Layout, MARGIN, Point, TASK, layout};
use super::shape::{Outline, loops, outline, subtitle};
use crate::{Plan, RunRecord, TaskIndex, TaskRecord, TaskState, TaskStatus, show_duration};

/// The height that each feedback loop takes below the tasks.
const LOOP: f32 = 26.0;
/// How much of its name, and of who does it, a task shows, in characters.
const MAX_NAME: usize = 20;
const MAX_ROLE: usize = 27;
/// How far a feedback loop stands from the column that it passes.
const ASIDE: f32 = 9.0;
/// The radius of the corners of a feedback loop.
const CORNER: f32 = 9.0;

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
.rf-state{font-size:13px;font-weight:700}\
.rf-waiting .rf-box,.rf-skipped .rf-box{stroke-dasharray:3 3}\
.rf-running .rf-box{stroke:#2f6fd0}.rf-running .rf-state{fill:#2f6fd0}\
.rf-completed .rf-box{fill:#e9f6ec;stroke:#2e8b4a}.rf-completed .rf-state{fill:#2e8b4a}\
.rf-failed .rf-box{fill:#fdecea;stroke:#c53929}.rf-failed .rf-state{fill:#c53929}\
.rf-rejected .rf-box,.rf-cancelled .rf-box{fill:#fff6e5;stroke:#b7791f}\
.rf-rejected .rf-state,.rf-cancelled .rf-state{fill:#b7791f}\
.rf-skipped .rf-state{fill:#8794a3}\
.rf-critical .rf-box{stroke-width:3}\
@media (prefers-color-scheme:dark){\
.rf-graph{color:#dfe6ee}\
.rf-box{fill:#1d2630;stroke:#66758a}\
.rf-gate{fill:#33291a;stroke:#d69e3c}\
.rf-vote{fill:#1c2740;stroke:#7f9fe6}\
.rf-loop{stroke:#d69e3c}.rf-back,.rf-label{fill:#d69e3c}\
.rf-running .rf-box{stroke:#6fa3f0}.rf-running .rf-state{fill:#6fa3f0}\
.rf-completed .rf-box{fill:#16301f;stroke:#4fb06d}.rf-completed .rf-state{fill:#4fb06d}\
.rf-failed .rf-box{fill:#3a1b19;stroke:#e5675a}.rf-failed .rf-state{fill:#e5675a}\
.rf-rejected .rf-box,.rf-cancelled .rf-box{fill:#33291a;stroke:#d69e3c}\
.rf-rejected .rf-state,.rf-cancelled .rf-state{fill:#d69e3c}}";

/// What a run has to say of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Mark {
    /// Classes of its box.
    class: String,
    /// What its tooltip says beside its name.
    note: String,
    /// A sign for its state, for those who see no colours.
    sign: &'static str,
}

impl Mark {
    fn of(task: &TaskRecord, critical: bool) -> Self {
        let state = task.state();
        let mut note = format!("; {}", state.as_str());
        if let (Some(started), Some(ended)) = (task.whole.started, task.whole.ended) {
            note.push_str(&format!(" in {}", show_duration(ended.since(started))));
        }
        if task.whole.round > 1 {
            note.push_str(&format!(", round {}", task.whole.round));
        }
        if let Some(items) = task.item_counts() {
            note.push_str(&format!(", {} of {} items", items.completed, items.total));
        }
        if critical {
            note.push_str(", on the critical path");
        }
        let critical = if critical { " rf-critical" } else { "" };
        Self {
            class: format!(" class=\"rf-{}{critical}\"", state.as_str()),
            note,
            sign: match state {
                TaskState::Waiting => "",
                TaskState::Running => "▸",
                TaskState::Ended(TaskStatus::Completed) => "✓",
                TaskState::Ended(TaskStatus::Failed) => "✗",
                TaskState::Ended(TaskStatus::Rejected | TaskStatus::Cancelled) => "!",
                TaskState::Ended(TaskStatus::Skipped) => "–",
            },
        }
    }
}

/// The plan as a picture: a column a wave, dashed lines for work that is sent
/// back.
#[must_use]
pub fn svg(plan: &Plan) -> String {
    draw(plan, |_| Mark::default())
}

/// Like [`svg`], with what became of each task in a run of the plan, and its
/// critical path.
#[must_use]
pub fn svg_of_run(plan: &Plan, record: &RunRecord) -> String {
    let critical: BTreeSet<_> = record
        .critical_path()
        .into_iter()
        .map(|step| step.task)
        .collect();
    draw(plan, |at| {
        let id = &plan.task(at).id;
        let task = record.tasks.get(id);
        task.map_or_else(Mark::default, |task| Mark::of(task, critical.contains(id)))
    })
}

fn draw(plan: &Plan, mark: impl Fn(TaskIndex) -> Mark) -> String {
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
        push(
            &mut text,
            format_args!(
                "<path class=\"rf-edge\" d=\"{}\" marker-end=\"url(#rf-arrow)\"/>",
                curve(edge)
            ),
        );
    }
    for (number, (gate, from, label)) in loops.iter().enumerate() {
        let below = tasks_height - MARGIN + LOOP * (number as f32 + 0.6);
        // Loops that pass through the same gap stand beside each other.
        let aside = ASIDE + 4.0 * (number % 3) as f32;
        let back = Back {
            gate: *gate,
            from: *from,
            below,
            aside,
        };
        draw_loop(&mut text, &layout, &back, label);
    }
    for at in plan.indices() {
        draw_task(&mut text, plan, at, layout.corners[at.get()], &mark(at));
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

/// The way of work that is sent back.
struct Back {
    gate: TaskIndex,
    from: TaskIndex,
    /// The height at which it passes below the tasks.
    below: f32,
    /// How far it stands from a column that it passes.
    aside: f32,
}

fn draw_loop(text: &mut String, layout: &Layout, back: &Back, label: &str) {
    let below = back.below;
    // From below where nothing is in the way, else through the gap beside.
    let (x, y) = layout.corners[back.gate.get()];
    let mut way = if layout.has_below(back.gate) {
        let (side, height) = (x + TASK.0, y + TASK.1 * 0.75);
        vec![
            (side, height),
            (side + back.aside, height),
            (side + back.aside, below),
        ]
    } else {
        vec![(x + TASK.0 * 0.6, y + TASK.1), (x + TASK.0 * 0.6, below)]
    };
    let (x, y) = layout.corners[back.from.get()];
    if layout.has_below(back.from) {
        let height = y + TASK.1 * 0.75;
        way.extend([
            (x - back.aside, below),
            (x - back.aside, height),
            (x, height),
        ]);
    } else {
        way.extend([(x + TASK.0 * 0.4, below), (x + TASK.0 * 0.4, y + TASK.1)]);
    }
    let path = rounded(&way);
    push(
        text,
        format_args!("<path class=\"rf-loop\" d=\"{path}\" marker-end=\"url(#rf-back)\"/>"),
    );
    let ends: Vec<f32> = way
        .iter()
        .filter(|(_, y)| *y == below)
        .map(|(x, _)| *x)
        .collect();
    let middle = ends.iter().sum::<f32>() / ends.len().max(1) as f32;
    push(
        text,
        format_args!(
            "<text class=\"rf-label\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            below - 5.0
        ),
    );
}

/// A way along straight lines with round corners.
fn rounded(points: &[Point]) -> String {
    let mut path = String::new();
    let toward = |from: Point, to: Point| {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy).max(1.0);
        let share = (CORNER / length).min(0.5);
        (from.0 + dx * share, from.1 + dy * share)
    };
    for (number, point) in points.iter().enumerate() {
        let (x, y) = *point;
        // Writing to a string does not fail.
        let _ = match (
            number.checked_sub(1).map(|before| points[before]),
            points.get(number + 1),
        ) {
            (None, _) => write!(path, "M{x} {y}"),
            (Some(_), None) => write!(path, " L{x} {y}"),
            (Some(before), Some(after)) => {
                let (start, end) = (toward(*point, before), toward(*point, *after));
                write!(
                    path,
                    " L{} {} Q{x} {y} {} {}",
                    start.0, start.1, end.0, end.1
                )
            }
        };
    }
    path
}

fn draw_task(text: &mut String, plan: &Plan, at: TaskIndex, (x, y): Point, mark: &Mark) {
    let task = plan.task(at);
    let (width, height) = TASK;
    let (class, radius) = match outline(task) {
        Outline::Work => ("rf-box", 8.0),
        Outline::Gate => ("rf-box rf-gate", 22.0),
        Outline::Vote => ("rf-box rf-vote", 22.0),
    };
    push(
        text,
        format_args!(
            "<g{}><title>{}: {}{}</title>",
            mark.class,
            task.id,
            subtitle(task),
            mark.note
        ),
    );
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
        format_args!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"/>"
        ),
    );
    let middle = x + width / 2.0;
    let name = shortened(task.id.as_str(), MAX_NAME);
    let role = shortened(&subtitle(task), MAX_ROLE);
    for (class, line, drop) in [("rf-id", name, 20.0), ("rf-role", role, 36.0)] {
        push(
            text,
            format_args!(
                "<text class=\"{class}\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                y + drop,
                line
            ),
        );
    }
    if !mark.sign.is_empty() {
        push(
            text,
            format_args!(
                "<text class=\"rf-state\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
                x + width - 8.0,
                y + 16.0,
                mark.sign
            ),
        );
    }
    push(text, format_args!("</g>"));
}

/// Names are letters, digits, `-` and `_`: nothing needs an escape.
fn shortened(line: &str, most: usize) -> String {
    if line.chars().count() <= most {
        return line.to_owned();
    }
    line.chars().take(most - 1).chain(['…']).collect()
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::super::tests::{chain_with_shortcuts, plan};
    use super::*;

    #[test]
    fn a_picture_is_well_formed_and_shows_every_task() {
        let plan = plan(super::super::tests::EVERYTHING);
        let picture = svg(&plan);
        let opened = picture.matches("<g>").count();
        assert_eq!(opened, plan.tasks().len());
        assert_eq!(picture.matches("</g>").count(), opened);
        assert_eq!(
            picture.matches("<svg").count(),
            picture.matches("</svg>").count()
        );
        assert_eq!(picture.matches("class=\"rf-edge\"").count(), 9);
        assert_eq!(picture.matches("class=\"rf-loop\"").count(), 2);
        assert!(picture.contains("at most 5 rounds"));
        assert!(!picture.contains("NaN") && !picture.contains("inf"));
        for at in plan.indices() {
            assert!(picture.contains(&format!("<title>{}: ", plan.task(at).id)));
        }
    }

    #[test]
    fn a_run_colours_its_tasks() {
        let plan = plan(super::super::tests::EVERYTHING);
        let mut record = RunRecord::new();
        let states = [
            ("design", TaskState::Ended(TaskStatus::Completed)),
            ("code", TaskState::Ended(TaskStatus::Failed)),
            ("docs", TaskState::Running),
        ];
        let at = |second| crate::Timestamp::from_unix(std::time::Duration::from_secs(second));
        for (name, state) in states {
            let task = record.tasks.entry(crate::TaskId::new(name).unwrap());
            let task = task.or_default();
            task.whole.state = state;
            task.whole.started = Some(at(3));
            task.whole.ended = state.ended().map(|_| at(5));
        }
        record.updated = at(9);
        let picture = svg_of_run(&plan, &record);
        for part in [
            "<g class=\"rf-completed\"><title>design: architect; completed in 2 s</title>",
            "<g class=\"rf-failed\">",
            "<g class=\"rf-running rf-critical\">",
            ">✗</text>",
        ] {
            assert!(picture.contains(part), "{part}: {picture}");
        }
        // The rest is not known of, and drawn as it is in the plan.
        assert_eq!(picture.matches("<g>").count(), plan.tasks().len() - 3);
    }

    #[test]
    fn a_long_name_is_cut_to_its_box() {
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abcde…");
    }

    #[test]
    fn a_loop_goes_round_what_stands_below() {
        let text = "version: 1\nname: w\ntasks:\n  a: { role: r }\n  b: { role: r }\n  g: { role: r, needs: a, on_reject: { redo_from: a } }\n  h: { role: r, needs: b }\n";
        let picture = svg(&plan(text));
        let way = picture
            .lines()
            .find(|line| line.contains("rf-loop\""))
            .unwrap();
        // It leaves the gate to the right, and comes to its task from the left.
        assert_eq!(way.matches('Q').count(), 4, "{way}");
    }

    #[test]
    fn ten_thousand_tasks_are_drawn() {
        assert!(svg(&plan(&chain_with_shortcuts(10_000))).len() < 16 << 20);
    }
}
