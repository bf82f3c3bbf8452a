//! The spans of a run, for `tracing`: of the run, its tasks and their
//! attempts, each inside the one before it.
//!
//! They are on at every level, so that whatever is logged inside says where.
//! The fields that start with `otel.` are for exporters to OpenTelemetry.

use std::collections::HashMap;

use ringfence_flow::{
    AgentName, AttemptResult, Failure, Run, RunEventKind, RunStatus, TaskId, TaskKey, TaskStatus,
};
use tracing::field::{Empty, display};
use tracing::{Span, debug, error_span, info};

/// The spans of a run that are open.
#[derive(Debug)]
pub(crate) struct Spans {
    run: Span,
    tasks: HashMap<TaskKey, Span>,
    attempts: HashMap<TaskKey, Span>,
}

impl Spans {
    /// Opens the span of a run; inside that of the task that it stands for, if
    /// it stands for one.
    pub(crate) fn of_run(run: &Run, around: Option<&Span>) -> Self {
        let workflow = &run.plan().workflow().name;
        let none = Span::none();
        let around = around.unwrap_or(&none);
        let span = error_span!(
            parent: around,
            "run",
            otel.name = %format_args!("run {workflow}"),
            otel.status_code = Empty,
            otel.status_description = Empty,
            run = %run.id(),
            %workflow,
            status = Empty,
        );
        Self {
            run: span,
            tasks: HashMap::new(),
            attempts: HashMap::new(),
        }
    }

    /// The span of a task or an item, or of what is around it.
    pub(crate) fn task(&self, key: &TaskKey) -> &Span {
        if self.tasks.is_empty() {
            return &self.run;
        }
        let whole = || self.tasks.get(&TaskKey::single(key.task.clone()));
        let task = self.tasks.get(key).or_else(whole);
        task.unwrap_or(&self.run)
    }

    /// The span of the attempt at a task or an item that is under way.
    pub(crate) fn attempt(&self, key: &TaskKey) -> Span {
        let attempt = self.attempts.get(key);
        attempt.unwrap_or_else(|| self.task(key)).clone()
    }

    /// Opens and closes spans as things happen.
    pub(crate) fn hear(&mut self, event: &RunEventKind) {
        match event {
            RunEventKind::RunStarted { .. } => {
                let _in = self.run.enter();
                info!("the run starts");
            }
            RunEventKind::RunResumed { away } => {
                let _in = self.run.enter();
                info!(?away, "the run goes on");
            }
            RunEventKind::TaskExpanded { task, .. } => {
                self.open_task(&TaskKey::single(task.clone()), 1);
            }
            RunEventKind::ApprovalRequested { task, round, .. } => {
                self.open_task(&TaskKey::single(task.clone()), *round);
            }
            RunEventKind::ChildStarted { key, round, .. } => self.open_task(key, *round),
            RunEventKind::AttemptStarted {
                key,
                agent,
                attempt,
                round,
                ..
            } => {
                self.open_task(key, *round);
                self.open_attempt(key, agent, *attempt);
            }
            RunEventKind::AttemptEnded { key, result, .. } => self.close_attempt(key, result),
            RunEventKind::TaskEnded {
                key,
                status,
                failure,
                ..
            } => self.close_task(key, *status, failure.as_ref()),
            RunEventKind::RoundStarted { tasks, .. } | RunEventKind::RunRetried { tasks } => {
                self.forget(tasks);
            }
            RunEventKind::RunEnded {
                status, failure, ..
            } => self.close_run(*status, failure.as_ref()),
            RunEventKind::AttemptProgress { .. }
            | RunEventKind::AttemptLog { .. }
            | RunEventKind::GrantDecided { .. }
            | RunEventKind::AttemptLost { .. }
            | RunEventKind::RetryScheduled { .. }
            | RunEventKind::FallbackChosen { .. }
            | RunEventKind::ApprovalDecided { .. }
            | RunEventKind::ResultRecalled { .. }
            | RunEventKind::Child { .. }
            | RunEventKind::FinallyStarted { .. }
            | RunEventKind::BreakerMoved { .. }
            | RunEventKind::AgentSetAside { .. }
            | RunEventKind::AgentChanged { .. }
            | RunEventKind::RunStopping { .. } => {}
        }
    }

    fn open_task(&mut self, key: &TaskKey, round: u32) {
        if self.tasks.contains_key(key) {
            return;
        }
        let task = &key.task;
        let span = error_span!(
            parent: self.task(key),
            "task",
            otel.name = %format_args!("task {task}"),
            otel.status_code = Empty,
            otel.status_description = Empty,
            task = %key,
            round,
            status = Empty,
        );
        // What nobody listens to stands for nothing: that around it does.
        if !span.is_disabled() {
            self.tasks.insert(key.clone(), span);
        }
    }

    fn open_attempt(&mut self, key: &TaskKey, agent: &AgentName, attempt: u32) {
        let span = error_span!(
            parent: self.task(key),
            "attempt",
            otel.name = %format_args!("attempt {agent}"),
            otel.status_code = Empty,
            otel.status_description = Empty,
            %agent,
            attempt,
            status = Empty,
        );
        span.in_scope(|| debug!("the attempt starts"));
        if !span.is_disabled() {
            self.attempts.insert(key.clone(), span);
        }
    }

    fn close_attempt(&mut self, key: &TaskKey, result: &AttemptResult) {
        if self.attempts.is_empty() {
            return;
        }
        let Some(span) = self.attempts.remove(key) else {
            return;
        };
        let (status, failure) = match result {
            AttemptResult::Completed(_) => ("completed", None),
            AttemptResult::Rejected(_) => ("rejected", None),
            AttemptResult::Failed(failure) => ("failed", Some(failure)),
        };
        end(&span, status, failure);
        let _in = span.enter();
        match failure {
            None => debug!(status, "the attempt ends"),
            Some(failure) => info!(status, code = %failure.code, "the attempt ends"),
        }
    }

    fn close_task(&mut self, key: &TaskKey, status: TaskStatus, failure: Option<&Failure>) {
        if let Some(span) = self.tasks.remove(key) {
            end(&span, status.as_str(), failure);
            span.in_scope(|| debug!(%status, "the task ends"));
        }
    }

    /// Tasks run again: their spans are those of another round.
    fn forget(&mut self, tasks: &[TaskId]) {
        self.tasks.retain(|key, _| !tasks.contains(&key.task));
    }

    /// Closes all that is open: whoever hears of the end may end the process.
    fn close_run(&mut self, status: RunStatus, failure: Option<&Failure>) {
        self.attempts.clear();
        self.tasks.clear();
        let run = std::mem::replace(&mut self.run, Span::none());
        end(&run, status.as_str(), failure);
        run.in_scope(|| info!(%status, "the run ends"));
    }
}

/// Writes down how something ended.
fn end(span: &Span, status: &str, failure: Option<&Failure>) {
    span.record("status", status);
    if let Some(failure) = failure {
        span.record("otel.status_code", "ERROR");
        span.record("otel.status_description", display(failure));
    }
}
