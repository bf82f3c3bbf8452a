//! How each event changes the record.

use std::sync::Arc;
use std::time::Duration;

use super::log::MAX_LOG_BYTES_PER_RUN;
use super::task::TaskEnd;
use super::{
    ApprovalRecord, AttemptOutcome, AttemptRecord, BreakerRecord, DecisionRecord, FallbackRecord,
    LogTail, RecallRecord, ResumeRecord, RetryRecord, RoundRecord, RunRecord, TaskRecord,
};
use crate::{
    AgentName, AttemptResult, Budgets, GrantDecision, LogLine, Output, PlannedTask, Progress,
    RunEvent, RunEventKind, TaskId, TaskKey, Timestamp, Usage,
};

impl RunRecord {
    /// Takes in an event. Any event is taken at any time: what does not fit
    /// what is known so far is kept as far as it makes sense.
    pub fn apply(&mut self, event: &RunEvent) {
        self.run.get_or_insert_with(|| event.run.clone());
        self.apply_kind(event.at, &event.event);
    }

    fn apply_kind(&mut self, at: Timestamp, event: &RunEventKind) {
        self.updated = self.updated.max(at);
        match event {
            RunEventKind::RunStarted {
                workflow,
                inputs,
                seed,
                tasks,
                ..
            } => {
                self.workflow = Some(workflow.clone());
                self.inputs = inputs.clone();
                self.seed = *seed;
                self.started = Some(at);
                self.plan(tasks);
            }
            RunEventKind::TaskExpanded { task, items } => {
                let task = self.task_mut(task);
                task.item_count = Some(*items);
                // A round before may have had more of them.
                task.items.split_off(items);
            }
            RunEventKind::AttemptStarted {
                key,
                agent,
                attempt,
                round,
                budgets,
            } => {
                let record = started(at, key, agent, (*attempt, *round), Some(*budgets));
                self.start_attempt(record);
            }
            RunEventKind::AttemptProgress {
                key,
                agent,
                progress,
            } => self.note_progress(key, agent, progress),
            RunEventKind::AttemptLog {
                key,
                agent,
                attempt,
                line,
            } => self.note_log(key, agent, *attempt, line),
            RunEventKind::GrantDecided {
                key,
                agent,
                decision,
            } => self.note_decision(at, key, agent, decision),
            RunEventKind::AttemptEnded {
                key,
                agent,
                attempt,
                round,
                result,
                usage,
            } => self.end_attempt(at, key, agent, (*attempt, *round), result, usage),
            RunEventKind::AttemptLost { key, agent, .. } => {
                if let Some(attempt) = self.last_attempt_mut(key, agent) {
                    attempt.lose(at);
                }
            }
            RunEventKind::RetryScheduled {
                key,
                attempt,
                wait,
                after,
            } => {
                self.task_mut(&key.task).totals.retries += 1;
                self.totals.retries += 1;
                self.retries.push(RetryRecord {
                    at,
                    key: key.clone(),
                    attempt: *attempt,
                    wait: *wait,
                    after: *after,
                });
            }
            RunEventKind::FallbackChosen { key, agent, after } => {
                self.task_mut(&key.task).totals.fallbacks += 1;
                self.totals.fallbacks += 1;
                self.fallbacks.push(FallbackRecord {
                    at,
                    key: key.clone(),
                    agent: agent.clone(),
                    after: after.clone(),
                });
            }
            RunEventKind::RoundStarted {
                gate,
                round,
                tasks,
                reason,
                feedback,
            } => {
                for task in tasks {
                    self.task_mut(task).wait_again();
                }
                self.rounds.push(RoundRecord {
                    at,
                    gate: gate.clone(),
                    round: *round,
                    tasks: tasks.clone(),
                    reason: Arc::clone(reason),
                    feedback: Arc::clone(feedback),
                });
            }
            RunEventKind::TaskEnded {
                key,
                status,
                round,
                output,
                failure,
                reason,
            } => {
                let end = TaskEnd {
                    at,
                    status: *status,
                    round: *round,
                    output: output.as_ref(),
                    failure: failure.as_ref(),
                    reason: reason.as_ref(),
                };
                self.task_mut(&key.task).end(key.item, &end);
            }
            RunEventKind::BreakerMoved { agent, state } => self.breakers.push(BreakerRecord {
                at,
                agent: agent.clone(),
                state: *state,
            }),
            RunEventKind::AgentSetAside { .. } | RunEventKind::AgentChanged { .. } => {}
            RunEventKind::RunStopping { failure } => self.failure = Some(failure.clone()),
            RunEventKind::ApprovalRequested {
                task,
                round,
                message,
                until,
            } => {
                let task = self.task_mut(task);
                task.whole.begin(at, *round);
                task.approval = Some(ApprovalRecord {
                    asked: at,
                    message: Arc::clone(message),
                    until: *until,
                    decision: None,
                });
            }
            RunEventKind::ApprovalDecided { task, decision, .. } => {
                if let Some(approval) = &mut self.task_mut(task).approval {
                    approval.decision = Some(decision.clone());
                }
            }
            RunEventKind::ResultRecalled {
                key,
                agent,
                round,
                output,
                from,
                given,
            } => {
                let task = self.task_mut(&key.task);
                let instance = task.instance_mut(key.item);
                instance.begin(at, *round);
                instance.agent = Some(agent.clone());
                instance.recalled = Some(RecallRecord {
                    run: from.clone(),
                    given: *given,
                });
                task.give(key.item, *round, output);
            }
            RunEventKind::ChildStarted {
                key,
                round,
                run,
                workflow,
            } => {
                let task = self.task_mut(&key.task);
                task.whole.begin(at, *round);
                let instance = task.instance_mut(key.item);
                instance.begin(at, *round);
                instance.child = Some(Box::new(Self {
                    run: Some(run.clone()),
                    workflow: Some(workflow.clone()),
                    ..Self::new()
                }));
            }
            RunEventKind::Child { key, event, .. } => self.apply_to_child(at, key, event),
            RunEventKind::RunResumed { away } => self.resume(at, *away),
            RunEventKind::RunRetried { tasks } => self.retry(at, tasks),
            RunEventKind::FinallyStarted { failure, .. } => self.failure.clone_from(failure),
            RunEventKind::RunEnded {
                status,
                failure,
                task,
                output,
            } => {
                self.output.clone_from(output);
                self.ended = Some(at);
                self.status = Some(*status);
                self.failure.clone_from(failure);
                self.decided_by.clone_from(task);
                for attempt in &mut self.attempts {
                    attempt.lose(at);
                }
            }
        }
    }

    /// What is due later is due so much later.
    fn resume(&mut self, at: Timestamp, away: Duration) {
        self.resumes.push(ResumeRecord { at, away });
        for task in self.tasks.values_mut() {
            let open = task.approval.as_mut().filter(|a| a.decision.is_none());
            if let Some(until) = open.and_then(|approval| approval.until.as_mut()) {
                *until = until.after(away);
            }
        }
    }

    /// The run has not ended after all.
    fn retry(&mut self, at: Timestamp, tasks: &[TaskId]) {
        self.reopened = Some(at);
        self.ended = None;
        self.status = None;
        self.failure = None;
        self.decided_by = None;
        self.output = None;
        for task in tasks {
            self.task_mut(task).wait_again();
        }
    }

    fn apply_to_child(&mut self, at: Timestamp, key: &TaskKey, event: &RunEventKind) {
        let task = self.task_mut(&key.task);
        let Some(child) = &mut task.instance_mut(key.item).child else {
            return;
        };
        let before = child.totals;
        child.apply_kind(at, event);
        let after = child.totals;
        task.totals.grow(&before, &after);
        self.totals.grow(&before, &after);
    }

    fn plan(&mut self, tasks: &[PlannedTask]) {
        for (position, plan) in (0..).zip(tasks) {
            let task = self.tasks.entry(plan.task.clone()).or_default();
            task.position = position;
            task.plan = Some(plan.clone());
        }
    }

    /// The record of a task, made at the end of the plan if nobody planned it.
    fn task_mut(&mut self, id: &TaskId) -> &mut TaskRecord {
        let position = u32::try_from(self.tasks.len()).unwrap_or(u32::MAX);
        self.tasks.entry(id.clone()).or_insert_with(|| TaskRecord {
            position,
            ..TaskRecord::default()
        })
    }

    fn start_attempt(&mut self, record: AttemptRecord) {
        let index = self.attempts.len();
        self.totals.attempts += 1;
        let task = self.task_mut(&record.key.task);
        task.totals.attempts += 1;
        let instance = task.instance_mut(record.key.item);
        let before = instance.last_attempt.replace(index);
        instance.start(&record);
        if record.key.item.is_some() {
            task.whole.start(&record);
        }
        if let Some(before) = before.and_then(|before| self.attempts.get_mut(before)) {
            before.lose(record.started);
        }
        self.attempts.push(record);
    }

    /// The last attempt at `key`, if `agent` made it.
    fn last_attempt_mut(&mut self, key: &TaskKey, agent: &AgentName) -> Option<&mut AttemptRecord> {
        let task = self.tasks.get(&key.task)?;
        let instance = match key.item {
            None => &task.whole,
            Some(item) => task.items.get(&item)?,
        };
        self.attempts
            .get_mut(instance.last_attempt?)
            .filter(|attempt| attempt.key == *key && attempt.agent == *agent)
    }

    fn note_progress(&mut self, key: &TaskKey, agent: &AgentName, progress: &Progress) {
        if let Some(attempt) = self.last_attempt_mut(key, agent) {
            attempt.progress = Some(progress.clone());
        }
    }

    fn note_log(&mut self, key: &TaskKey, agent: &AgentName, attempt: u32, line: &LogLine) {
        let Some(record) = self
            .last_attempt_mut(key, agent)
            .filter(|record| record.attempt == attempt)
        else {
            return;
        };
        let before = record.log.bytes();
        record.log.push(line.clone());
        let after = record.log.bytes();
        self.log_bytes = (self.log_bytes + after).saturating_sub(before);
        self.forget_old_logs();
    }

    /// Attempts lose their lines in the order in which they started; each
    /// step frees one of them, so a line costs a constant time on average.
    fn forget_old_logs(&mut self) {
        while self.log_bytes > MAX_LOG_BYTES_PER_RUN {
            if self.log_oldest >= self.attempts.len() {
                self.log_oldest = 0;
            }
            let Some(oldest) = self.attempts.get_mut(self.log_oldest) else {
                return;
            };
            self.log_bytes = self.log_bytes.saturating_sub(oldest.log.bytes());
            oldest.log.clear();
            self.log_oldest += 1;
        }
    }

    fn note_decision(
        &mut self,
        at: Timestamp,
        key: &TaskKey,
        agent: &AgentName,
        decision: &GrantDecision,
    ) {
        let kept = self.decisions.add(DecisionRecord {
            task: key.task.clone(),
            agent: agent.clone(),
            decision: decision.clone(),
            first: at,
            count: 1,
        });
        if !kept {
            self.decisions_omitted = self.decisions_omitted.saturating_add(1);
        }
    }

    fn end_attempt(
        &mut self,
        at: Timestamp,
        key: &TaskKey,
        agent: &AgentName,
        (attempt, round): (u32, u32),
        result: &AttemptResult,
        usage: &Usage,
    ) {
        let is_under_way = self.last_attempt_mut(key, agent).is_some_and(|record| {
            (record.attempt, record.round) == (attempt, round) && !record.has_result()
        });
        if !is_under_way {
            let begin = at.since_unix().saturating_sub(usage.wall);
            let begin = Timestamp::from_unix(begin);
            self.start_attempt(started(begin, key, agent, (attempt, round), None));
        }
        let findings = match result {
            AttemptResult::Completed(output) => &output.findings[..],
            AttemptResult::Rejected(rejection) => &rejection.findings[..],
            AttemptResult::Failed(_) => &[],
        };
        if let Some(record) = self.last_attempt_mut(key, agent) {
            record.ended = Some(at);
            record.outcome = AttemptOutcome::from(result);
            record.usage = *usage;
            record.findings = u32::try_from(findings.len()).unwrap_or(u32::MAX);
        }
        self.totals.add(usage);
        let failed = u64::from(matches!(result, AttemptResult::Failed(_)));
        self.totals.failed_attempts += failed;
        let task = self.task_mut(&key.task);
        task.totals.add(usage);
        task.totals.failed_attempts += failed;
        match result {
            AttemptResult::Completed(output) => task.give(key.item, round, output),
            AttemptResult::Rejected(rejection) => {
                let output = Output::found(Arc::clone(&rejection.findings));
                task.give(key.item, round, &output);
            }
            AttemptResult::Failed(_) => {}
        }
    }
}

fn started(
    at: Timestamp,
    key: &TaskKey,
    agent: &AgentName,
    (attempt, round): (u32, u32),
    budgets: Option<Budgets>,
) -> AttemptRecord {
    AttemptRecord {
        key: key.clone(),
        agent: agent.clone(),
        attempt,
        round,
        started: at,
        ended: None,
        outcome: AttemptOutcome::Running,
        budgets,
        usage: Usage::default(),
        findings: 0,
        progress: None,
        log: LogTail::default(),
    }
}

impl AttemptRecord {
    fn has_result(&self) -> bool {
        !matches!(self.outcome, AttemptOutcome::Running | AttemptOutcome::Lost)
    }

    /// Ends an attempt that was under way and gave no result.
    fn lose(&mut self, at: Timestamp) {
        if matches!(self.outcome, AttemptOutcome::Running) {
            self.outcome = AttemptOutcome::Lost;
            self.ended = Some(at.max(self.started));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::history::{History, agent, key, output, task};
    use super::super::{InstanceRecord, MAX_DECISIONS, MAX_LOG_LINES_PER_ATTEMPT, TaskState};
    use super::*;
    use crate::{Failure, FailureCode, Fuel, Rejection, RunStatus, TaskStatus};

    fn rules(record: &RunRecord) -> Vec<(String, String)> {
        let rule = |found: &super::super::FindingRecord| {
            (found.key.to_string(), found.finding.rule.to_string())
        };
        record.findings().iter().map(rule).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    #[test]
    fn only_the_last_round_of_a_task_counts() {
        let mut history = History::started(&["review", "fix", "gate"]);
        history.finds(&key("review"), 1, &["kept"]);
        history.finds(&key("fix"), 1, &["old"]);
        history.sends_back("gate", 2, &["fix", "gate"]);
        assert_eq!(
            rules(&history.record()),
            pairs(&[("review", "kept"), ("fix", "old")]),
            "until the new round gives something"
        );
        history.finds(&key("fix"), 2, &["new"]);
        assert_eq!(
            rules(&history.record()),
            pairs(&[("review", "kept"), ("fix", "new")])
        );
    }

    #[test]
    fn a_shorter_list_in_the_next_round_leaves_nothing_behind() {
        let mut history = History::started(&["review"]);
        history.expands("review", 2);
        history.finds(&key("review[0]"), 1, &["a"]);
        history.finds(&key("review[1]"), 1, &["b"]);
        history.sends_back("gate", 2, &["review"]);
        history.expands("review", 1);
        history.finds(&key("review[0]"), 2, &["c"]);
        let record = history.record();
        assert_eq!(rules(&record), pairs(&[("review[0]", "c")]));
        assert_eq!(record.tasks["review"].item_counts().unwrap().total, 1);
    }

    #[test]
    fn what_a_gate_passes_on_is_not_repeated() {
        let mut history = History::started(&["review", "gate"]);
        history.finds(&key("review"), 1, &["a", "a", "b"]);
        history.starts(&key("gate"), 1, 1);
        let rejection = Rejection {
            reason: "two to mend".into(),
            findings: output(&["b", "c"]).findings,
        };
        history.ends(&key("gate"), 1, 1, AttemptResult::Rejected(rejection));
        assert_eq!(
            rules(&history.record()),
            pairs(&[("review", "a"), ("review", "b"), ("gate", "c")])
        );
    }

    #[test]
    fn the_whole_of_a_map_does_not_repeat_its_items() {
        let mut history = History::started(&["review"]);
        history.expands("review", 1);
        history.finds(&key("review[0]"), 1, &["a"]);
        history.adds(RunEventKind::TaskEnded {
            key: key("review"),
            status: TaskStatus::Completed,
            round: 1,
            output: Some(output(&["a", "b"])),
            failure: None,
            reason: None,
        });
        let record = history.record();
        assert_eq!(rules(&record), pairs(&[("review[0]", "a")]));
        assert_eq!(
            record.tasks["review"].state(),
            TaskState::Ended(TaskStatus::Completed)
        );
    }

    #[test]
    fn a_failed_attempt_is_kept_beside_the_one_that_completed() {
        let mut history = History::started(&["review"]);
        history.starts(&key("review"), 1, 1);
        history.passes(Duration::from_secs(2));
        let failure = Failure::new(FailureCode::Trap, "unreachable");
        history.ends(&key("review"), 1, 1, AttemptResult::Failed(failure.clone()));
        history.adds(RunEventKind::RetryScheduled {
            key: key("review"),
            attempt: 2,
            wait: Duration::from_secs(1),
            after: FailureCode::Trap,
        });
        history.completes(&key("review"), 2, 1);
        let record = history.record();
        assert_eq!(record.attempts[0].outcome, AttemptOutcome::Failed(failure));
        assert_eq!(record.attempts[0].duration(), Some(Duration::from_secs(2)));
        assert_eq!(record.attempts[1].outcome, AttemptOutcome::Completed);
        assert_eq!(record.totals.retries, 1);
        assert_eq!(record.totals.failed_attempts, 1);
        assert_eq!(record.totals.fuel, Fuel::units(2_000));
        assert_eq!(record.failures().len(), 1);
    }

    #[test]
    fn an_attempt_that_a_crash_cut_off_is_lost() {
        let mut history = History::started(&["review", "fix"]);
        history.starts(&key("review"), 1, 1);
        history.passes(Duration::from_secs(3));
        history.completes(&key("review"), 1, 1);
        history.starts(&key("fix"), 1, 1);
        history.adds(RunEventKind::RunEnded {
            output: None,
            status: RunStatus::Cancelled,
            failure: None,
            task: None,
        });
        let words: Vec<_> = history
            .record()
            .attempts
            .iter()
            .map(|attempt| attempt.outcome.as_str())
            .collect();
        assert_eq!(words, ["lost", "completed", "lost"]);
    }

    #[test]
    fn the_last_lines_of_a_log_are_kept() {
        let mut history = History::started(&["review"]);
        history.starts(&key("review"), 1, 1);
        for number in 0..MAX_LOG_LINES_PER_ATTEMPT + 3 {
            history.logs(&key("review"), 1, &number.to_string());
        }
        history.logs(&key("review"), 2, "of an attempt that never started");
        let record = history.record();
        let log = &record.attempts[0].log;
        assert_eq!(log.omitted, 3);
        assert_eq!(&*log.lines[0].message, "3");
        assert_eq!(log.lines.len(), MAX_LOG_LINES_PER_ATTEMPT);
    }

    #[test]
    fn all_logs_together_have_a_limit() {
        let mut history = History::started(&["review"]);
        let megabyte = "x".repeat(1 << 20);
        for item in 0..20 {
            let key = TaskKey::item(task("review"), item);
            history.starts(&key, 1, 1);
            history.logs(&key, 1, &megabyte);
        }
        let record = history.record();
        let kept: usize = record
            .attempts
            .iter()
            .map(|attempt| attempt.log.bytes())
            .sum();
        assert!(kept <= MAX_LOG_BYTES_PER_RUN, "{kept}");
        assert_eq!(
            record.attempts[0].log.omitted, 1,
            "the oldest lost its line"
        );
        assert_eq!(record.attempts[19].log.lines.len(), 1, "the newest kept it");
    }

    #[test]
    fn equal_decisions_are_counted_and_different_ones_have_a_limit() {
        let mut history = History::started(&["review"]);
        let mut decide = |effect: String| {
            history.adds(RunEventKind::GrantDecided {
                key: key("review"),
                agent: agent(),
                decision: GrantDecision {
                    effect: effect.into(),
                    allowed: false,
                    rule: "nothing is granted".into(),
                },
            });
        };
        for number in 0..MAX_DECISIONS + 5 {
            decide(format!("http GET https://a.example/{number}"));
        }
        decide("http GET https://a.example/0".to_owned());
        let record = history.record();
        assert_eq!(record.decisions().len(), MAX_DECISIONS);
        assert_eq!(record.decisions_omitted, 5);
        assert_eq!(record.decisions().next().unwrap().count, 2);
    }

    #[test]
    fn a_task_that_nobody_planned_stands_at_the_end() {
        let mut history = History::started(&["review"]);
        history.completes(&key("extra"), 1, 1);
        let record = history.record();
        let names: Vec<_> = record
            .tasks_in_order()
            .iter()
            .map(|(id, _)| id.to_string())
            .collect();
        assert_eq!(names, ["review", "extra"]);
    }

    #[test]
    fn the_duration_ends_with_the_run() {
        let mut history = History::started(&["review"]);
        history.passes(Duration::from_secs(5));
        history.completes(&key("review"), 1, 1);
        assert_eq!(
            history.record().duration(),
            Duration::from_secs(5),
            "so far"
        );
        history.adds(RunEventKind::RunEnded {
            output: None,
            status: RunStatus::Completed,
            failure: None,
            task: None,
        });
        let summary = history.record().summary();
        assert_eq!(summary.status, Some(RunStatus::Completed));
        assert_eq!(summary.duration, Duration::from_secs(5));
        assert_eq!(
            (summary.tasks, summary.tasks_completed, summary.rounds),
            (1, 1, 1)
        );
    }

    #[test]
    fn a_hundred_thousand_attempts_fit() {
        assert!(
            size_of::<AttemptRecord>() <= 512,
            "{}",
            size_of::<AttemptRecord>()
        );
        assert!(
            size_of::<InstanceRecord>() <= 256,
            "{}",
            size_of::<InstanceRecord>()
        );
    }
}
