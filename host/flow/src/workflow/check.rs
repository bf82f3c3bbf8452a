//! Checks of what expressions read, which need the whole workflow.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::places::{PlacedExpression, Places};
use crate::diagnostic::Diagnostic;
use crate::document::Reader;
use crate::plan::Ancestors;
use crate::{Plan, PlanError, ROOTS, Root, TaskIndex, Workflow, suggest};

/// Reports what is wrong with the graph, each at its place.
pub(super) fn report_plan_errors(
    reader: &mut Reader<'_>,
    workflow: &Workflow,
    places: &Places,
    errors: &[PlanError],
) {
    let at: HashMap<_, _> = workflow
        .tasks
        .iter()
        .enumerate()
        .map(|(position, task)| (&task.id, position))
        .collect();
    let need_place = |task, need| -> Option<Range<usize>> {
        let position = *at.get(task)?;
        let index = workflow.tasks[position]
            .needs
            .iter()
            .position(|other| other == need)?;
        places.tasks[position].needs.get(index).cloned()
    };
    for error in errors {
        let (place, related) = match error {
            PlanError::NoTasks
            | PlanError::TooManyTasks { .. }
            | PlanError::TooManyLoops { .. } => (Some(places.tasks_key.clone()), Vec::new()),
            PlanError::DuplicateTask { task } => (
                at.get(task).map(|at| places.tasks[*at].id.clone()),
                Vec::new(),
            ),
            PlanError::UnknownNeed { task, need, .. } | PlanError::DuplicateNeed { task, need } => {
                (need_place(task, need), Vec::new())
            }
            PlanError::SelfNeed { task } => (need_place(task, task), Vec::new()),
            PlanError::Cycle { tasks } => {
                let nexts = tasks.iter().cycle().skip(1);
                let mut steps = tasks.iter().zip(nexts).filter_map(|(task, next)| {
                    let label = format!("`{task}` needs `{next}`");
                    Some((need_place(task, next)?, label))
                });
                let first = steps.next().map(|(place, _)| place);
                (first, steps.take(8).collect())
            }
            PlanError::UnknownRedoFrom { gate, .. } | PlanError::NoAncestor { gate, .. } => (
                at.get(gate).map(|at| places.tasks[*at].redo_from.clone()),
                Vec::new(),
            ),
            PlanError::LoopsOverlap { first, second, .. } => {
                let place = |gate| at.get(gate).map(|at| places.tasks[*at].redo_from.clone());
                let related = place(first).map(|place| (place, format!("the loop of `{first}`")));
                (place(second), related.into_iter().collect())
            }
            PlanError::VoteTooHigh { task, .. } => (
                at.get(task).map(|at| places.tasks[*at].require.clone()),
                Vec::new(),
            ),
            PlanError::NeedsFinally { task, need } => (need_place(task, need), Vec::new()),
        };
        let place = place.unwrap_or_else(|| places.tasks_key.clone());
        let mut diagnostic = Diagnostic::new(error.code(), error.to_string(), reader.span(&place));
        for (place, label) in related {
            diagnostic = diagnostic.also(reader.span(&place), label);
        }
        reader.report(diagnostic.hinting(error.hint()));
    }
}

/// Checks what each expression reads. `plan` is there if the graph is sound.
pub(super) fn check_expressions(
    reader: &mut Reader<'_>,
    workflow: &Workflow,
    places: &Places,
    plan: Option<&Plan>,
) {
    let ids: HashMap<_, _> = workflow
        .tasks
        .iter()
        .enumerate()
        .map(|(position, task)| (task.id.as_str(), position))
        .collect();
    let mut names = Names {
        workflow,
        ids,
        plan,
        ancestors: None,
        unread: &places.unread,
    };
    for (position, task_places) in places.tasks.iter().enumerate() {
        for placed in &task_places.expressions {
            names.check_all(reader, Moment::Task(position), placed);
        }
    }
    for placed in &places.output {
        names.check_all(reader, Moment::End, placed);
    }
}

/// When an expression is evaluated.
#[derive(Clone, Copy)]
enum Moment {
    /// When the task at this position starts.
    Task(usize),
    /// When all tasks have ended.
    End,
}

type Wrong = Option<(&'static str, String, Option<String>)>;

struct Names<'a> {
    workflow: &'a Workflow,
    ids: HashMap<&'a str, usize>,
    plan: Option<&'a Plan>,
    ancestors: Option<Ancestors>,
    /// The tasks that are there and could not be read.
    unread: &'a HashSet<String>,
}

impl Names<'_> {
    fn check_all(&mut self, reader: &mut Reader<'_>, at: Moment, placed: &PlacedExpression) {
        let mut rest_of_name = None;
        for root in placed.expression.roots() {
            if rest_of_name == Some(root.range.start) {
                continue;
            }
            let Some((code, message, hint)) = self.check(at, placed, &root) else {
                continue;
            };
            if self.dashed(&root).is_some() {
                rest_of_name = Some(root.range.end + 1);
            }
            let span = reader.span(&placed.place(&root.range));
            reader.report(Diagnostic::new(code, message, span).hinting(hint));
        }
    }

    fn check(&mut self, at: Moment, placed: &PlacedExpression, root: &Root) -> Wrong {
        match root.name.as_str() {
            "inputs" => self.check_input(root),
            "tasks" => self.check_task(at, root),
            "item" | "index" if !placed.sees_item => Some((
                "item-outside-for-each",
                format!(
                    "`{}` is there only in the `input` of a `for_each` task",
                    root.name
                ),
                None,
            )),
            "item" | "index" => None,
            "run" => self.check_run(at, root),
            name => Some((
                "unknown-name",
                format!("there is no `{name}`"),
                Some(self.root_hint(name)),
            )),
        }
    }

    fn check_run(&self, at: Moment, root: &Root) -> Wrong {
        let sees_end = match at {
            Moment::Task(position) => self.workflow.tasks[position].finally,
            Moment::End => false,
        };
        match root.field.as_deref() {
            None | Some("id") => None,
            Some("status" | "failure") if sees_end => None,
            Some(field @ ("status" | "failure")) => Some((
                "unknown-name",
                format!("`run.{field}` is known only to the tasks of `finally`"),
                None,
            )),
            Some(field) => Some((
                "unknown-name",
                format!("`run` has no `{field}`"),
                Some(match sees_end {
                    true => "it has `id`, `status` and `failure`".to_owned(),
                    false => "it has `id`".to_owned(),
                }),
            )),
        }
    }

    fn root_hint(&self, name: &str) -> String {
        if self.ids.contains_key(name) {
            return format!(
                "write `{}.output` for what the task gave",
                path("tasks", name)
            );
        }
        if self
            .workflow
            .inputs
            .iter()
            .any(|input| input.name.as_str() == name)
        {
            return format!("write `{}`", path("inputs", name));
        }
        suggest::nearest(name, ROOTS).map_or_else(
            || {
                let roots = suggest::list(ROOTS, 8);
                format!("expressions see {roots}; put quotes around a text")
            },
            |near| format!("did you mean `{near}`?"),
        )
    }

    fn check_input(&self, root: &Root) -> Wrong {
        let name = root.field.as_deref()?;
        let names = || self.workflow.inputs.iter().map(|input| input.name.as_str());
        if names().any(|other| other == name) {
            return None;
        }
        let near = suggest::nearest(name, names());
        let hint = match self.dashed(root).or_else(|| Some(path("inputs", near?))) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.workflow.inputs.is_empty() => {
                format!("add `inputs: {{ {name}: {{ type: string }} }}` to the workflow")
            }
            None => format!("there are {}", suggest::list(names(), 16)),
        };
        Some((
            "unknown-name",
            format!("the workflow has no input `{name}`"),
            Some(hint),
        ))
    }

    fn check_task(&mut self, at: Moment, root: &Root) -> Wrong {
        let Some(name) = root.field.as_deref() else {
            return Some((
                "unknown-name",
                "`tasks` is followed by the name of a task that is known before it runs".to_owned(),
                Some("write `tasks.NAME` or `tasks[\"NAME\"]`".to_owned()),
            ));
        };
        if self.unread.contains(name) {
            return None;
        }
        let Some(read) = self.ids.get(name).copied() else {
            return Some((
                "unknown-name",
                format!("there is no task `{name}`"),
                Some(self.task_hint(root, name)),
            ));
        };
        if let Some(field) = root.rest.first() {
            let fields = ["output", "findings", "status"];
            if !fields.contains(&field.as_str()) {
                let hint = suggest::nearest(field, fields).map_or_else(
                    || format!("a task has `output`, `findings` and `status`: write `{}.output.{field}`", path("tasks", name)),
                    |near| format!("did you mean `{near}`?"),
                );
                return Some((
                    "unknown-name",
                    format!("a task has no `{field}`"),
                    Some(hint),
                ));
            }
        }
        match at {
            Moment::Task(position) => self.check_order(position, read),
            Moment::End if self.workflow.tasks[read].finally => Some((
                "reads-unordered",
                format!("`output` is filled in before the task `{name}` of `finally` runs"),
                None,
            )),
            Moment::End => None,
        }
    }

    /// A task reads only what has ended for certain.
    fn check_order(&mut self, position: usize, read: usize) -> Wrong {
        let (task, other) = (&self.workflow.tasks[position], &self.workflow.tasks[read]);
        if position == read {
            return Some((
                "reads-itself",
                format!("task `{}` reads itself, which has not ended", task.id),
                None,
            ));
        }
        // What stands under `finally` runs when all else has ended.
        if task.needs.contains(&other.id) || (task.finally && !other.finally) {
            return None;
        }
        let plan = self.plan?;
        let ancestors = self.ancestors.get_or_insert_with(|| plan.ancestors());
        let index = |position: usize| plan.index_of(&self.workflow.tasks[position].id);
        let (at, other_at): (TaskIndex, TaskIndex) = (index(position)?, index(read)?);
        if ancestors.contains(at, other_at) {
            return None;
        }
        let hint = if ancestors.contains(other_at, at) {
            format!("`{}` needs `{}`, so it ends later", other.id, task.id)
        } else {
            format!("add `{}` to the `needs` of `{}`", other.id, task.id)
        };
        Some((
            "reads-unordered",
            format!(
                "task `{}` reads `{}`, which may not have ended",
                task.id, other.id
            ),
            Some(hint),
        ))
    }

    /// What was meant by `tasks.quality-gate`, which is read as a subtraction.
    fn dashed(&self, root: &Root) -> Option<String> {
        let start = format!("{}-", root.field.as_deref()?);
        let tasks = self.workflow.tasks.iter().map(|task| task.id.as_str());
        let inputs = self.workflow.inputs.iter().map(|input| input.name.as_str());
        let found = match root.name.as_str() {
            "tasks" => tasks.filter(|id| id.starts_with(&start)).min(),
            "inputs" => inputs.filter(|name| name.starts_with(&start)).min(),
            _ => None,
        };
        found.map(|name| path(&root.name, name))
    }

    fn task_hint(&self, root: &Root, name: &str) -> String {
        let ids = || self.workflow.tasks.iter().map(|task| task.id.as_str());
        match (self.dashed(root), suggest::nearest(name, ids())) {
            (Some(dashed), _) => format!("write `{dashed}` where a name has a dash"),
            (None, Some(near)) => format!("did you mean `{}`?", path("tasks", near)),
            (None, None) => format!("there are {}", suggest::list(ids(), 12)),
        }
    }
}

/// How an expression reads `name`.
fn path(root: &str, name: &str) -> String {
    if name.contains('-') {
        format!("{root}[\"{name}\"]")
    } else {
        format!("{root}.{name}")
    }
}
