//! Where the parts of a workflow stand in its file.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::WorkflowFile;
use super::limits::LimitPlaces;
use crate::{BudgetKind, Expression};

/// Where the parts of a workflow stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// In the order of the tasks.
    pub(super) tasks: Vec<TaskPlaces>,
    /// The budgets of `defaults`.
    pub(super) default_budgets: BTreeMap<BudgetKind, Range<usize>>,
    /// The key `tasks`.
    pub(super) tasks_key: Range<usize>,
    /// Whether a task, or a name that one needs, could not be read.
    pub(super) incomplete: bool,
    /// The names of the tasks that could not be read.
    pub(super) unread: HashSet<String>,
    /// The expressions of `output`.
    pub(super) output: Vec<PlacedExpression>,
    pub(super) limits: LimitPlaces,
}

/// Where the parts of a task stand.
#[derive(Clone, Debug, Default)]
pub(super) struct TaskPlaces {
    pub(super) id: Range<usize>,
    pub(super) role: Range<usize>,
    pub(super) agent: Range<usize>,
    pub(super) require: Range<usize>,
    pub(super) workflow: Range<usize>,
    /// The file that the task runs.
    pub(super) file: Option<Arc<WorkflowFile>>,
    pub(super) needs: Vec<Range<usize>>,
    /// How many names `needs` has, whether they could be read or not.
    pub(super) needs_listed: usize,
    pub(super) mounts: Vec<Range<usize>>,
    pub(super) fallback: Vec<Range<usize>>,
    pub(super) redo_from: Range<usize>,
    pub(super) budgets: BTreeMap<BudgetKind, Range<usize>>,
    pub(super) expressions: Vec<PlacedExpression>,
}

/// An expression and where it stands.
#[derive(Clone, Debug)]
pub(super) struct PlacedExpression {
    pub(super) expression: Expression,
    /// The whole text that it is in.
    pub(super) whole: Range<usize>,
    /// The byte at which it starts, if it stands in the file as it is.
    pub(super) start: Option<usize>,
    /// Whether it is filled in for each item.
    pub(super) sees_item: bool,
}

impl PlacedExpression {
    /// Where a range of the expression stands.
    pub(super) fn place(&self, range: &Range<usize>) -> Range<usize> {
        match self.start {
            Some(start) => start + range.start..start + range.end,
            None => self.whole.clone(),
        }
    }
}
