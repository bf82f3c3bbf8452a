//! `ringfence runs resume` and `ringfence runs retry`

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringfence::engine::{Host, ResumeSpec};
use ringfence::flow::{
    AgentChange, AgentName, ContentHash, RunEventKind, RunId, TaskId, TaskIndex, clean_text,
    nearest,
};
use ringfence::journal::{JournalFile, Resumable};

use super::drive::{Drive, clock_after};
use super::kept::{durations, journal_place, return_to};
use super::session::Session;
use crate::args::{DriveArgs, Global, ResumeArgs};
use crate::error::CliError;
use crate::exit::ExitCode;
use crate::output::say;

/// Goes on with a run; with `retry`, runs tasks of one that has ended again.
pub(super) async fn resume(
    global: &Global,
    args: &ResumeArgs,
    retry: Option<&[TaskId]>,
) -> Result<ExitCode, CliError> {
    let mut global = absolute_global(global)?;
    let drive_args = absolute_drive(&args.drive)?;
    let file = JournalFile::open(&journal_place(&global)?)?;
    let kept = file.resume(&args.run)?;
    let retry = retried(&kept, retry)?;
    let mounts = return_to(&mut global, &kept.header.context)?;
    let drive = Drive::prepare(&drive_args, &mounts)?;
    let session = Session::open(&global, &mounts).await?;
    session.warn();
    drive.expect(durations(&file, &kept.header.workflow));
    let mut used = Used {
        agents: BTreeSet::new(),
        hashes: kept.header.agents.clone(),
    };
    file.events(&args.run, 0, |event| {
        used.note(&event.event);
        drive.remember(&event);
    })?;
    check_agents(&file, &kept, &session, &used, args)?;

    let plan = Arc::clone(kept.run.run().plan());
    let clock = clock_after(kept.run.at());
    let host = Host::start(session.sandbox.clone(), session.host.clone(), clock);
    let _watch = session.watch_plugins(&host);
    let handle = host
        .resume(ResumeSpec {
            run: kept.run,
            retry,
            artifacts: kept.artifacts.clone(),
            results: Some(drive.results(&session)),
            observer: drive.observer(clock),
            journal: kept.journal,
        })
        .await?;
    drive.finish(handle, &host, &plan, &*kept.artifacts).await
}

/// From which tasks on the run runs again, if it is to.
fn retried(kept: &Resumable, retry: Option<&[TaskId]>) -> Result<Option<Vec<TaskIndex>>, CliError> {
    let run = kept.run.run();
    let id = run.id();
    match (retry, run.status()) {
        (None, None) => Ok(None),
        (None, Some(status)) => Err(CliError::usage(
            format!("the run `{id}` has ended: {status}"),
            format!("`ringfence runs retry {id}` runs it again from where it failed"),
        )),
        (Some(_), None) => Err(CliError::usage(
            format!("the run `{id}` has not ended"),
            format!("`ringfence runs resume {id}` goes on with it"),
        )),
        (Some(tasks), Some(_)) => {
            let from = tasks
                .iter()
                .map(|task| index(kept, task))
                .collect::<Result<Vec<_>, _>>()?;
            if let Err(error) = run.retried_tasks(&from) {
                let hint = format!("`ringfence runs show {id}` shows its tasks");
                return Err(CliError::usage(error, hint));
            }
            Ok(Some(from))
        }
    }
}

fn index(kept: &Resumable, task: &TaskId) -> Result<TaskIndex, CliError> {
    let plan = kept.run.run().plan();
    plan.index_of(task).ok_or_else(|| {
        let names = plan.workflow().tasks.iter().map(|task| task.id.as_str());
        let hint = match nearest(task.as_str(), names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`ringfence runs show` shows the tasks".to_owned(),
        };
        CliError::usage(format!("the run has no task `{task}`"), hint)
    })
}

/// The agents that a run has used.
struct Used {
    agents: BTreeSet<AgentName>,
    /// What they were when the run was left, and those that it has not used.
    hashes: BTreeMap<AgentName, ContentHash>,
}

impl Used {
    fn note(&mut self, event: &RunEventKind) {
        match event {
            RunEventKind::AttemptStarted { agent, .. } => drop(self.agents.insert(agent.clone())),
            RunEventKind::AgentChanged { agent, change } => match change {
                AgentChange::Added { hash, .. } | AgentChange::Replaced { hash, .. } => {
                    self.hashes.insert(agent.clone(), *hash);
                }
                AgentChange::Removed => {}
            },
            RunEventKind::Child { event, .. } => self.note(event),
            _ => {}
        }
    }
}

/// Refuses agents that are not those that the run has used, unless somebody
/// says that they will do: then these are the ones it uses from now on.
fn check_agents(
    file: &JournalFile,
    kept: &Resumable,
    session: &Session,
    used: &Used,
    args: &ResumeArgs,
) -> Result<(), CliError> {
    let now = session.agent_hashes();
    let changed: Vec<_> = used
        .agents
        .iter()
        .filter_map(|agent| match (used.hashes.get(agent), now.get(agent)) {
            (Some(then), Some(now)) if then == now => None,
            (Some(then), Some(now)) => Some(format!(
                "`{agent}` was {} and is {}",
                then.short(),
                now.short()
            )),
            (_, None) => Some(format!("`{agent}` is not loaded")),
            (None, Some(_)) => Some(format!("`{agent}` was not there")),
        })
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let changed = clean_text(&changed.join("; "), 1_000);
    let changed = format!("agents that the run has used are not the same any more: {changed}");
    if !args.accept_changed_agents {
        return Err(CliError::usage(
            changed,
            "put them back, or go on with `--accept-changed-agents`",
        ));
    }
    say(&changed);
    Ok(file.change_agents(kept, now)?)
}

fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path).map_err(CliError::disk(path, "find"))
}

fn absolute_global(global: &Global) -> Result<Global, CliError> {
    let path = |path: &Option<PathBuf>| path.as_deref().map(absolute).transpose();
    Ok(Global {
        config: path(&global.config)?,
        plugins: global
            .plugins
            .iter()
            .map(|path| absolute(path))
            .collect::<Result<_, _>>()?,
        journal: path(&global.journal)?,
        log: global.log.clone(),
        log_format: global.log_format,
        otlp: global.otlp.clone(),
    })
}

fn absolute_drive(args: &DriveArgs) -> Result<DriveArgs, CliError> {
    Ok(DriveArgs {
        report: args
            .report
            .iter()
            .map(|path| absolute(path))
            .collect::<Result<_, _>>()?,
        artifacts: args.artifacts.as_deref().map(absolute).transpose()?,
        ..*args
    })
}

/// The hint for a run that is not live.
pub(super) fn how_to_go_on(run: &RunId) -> String {
    format!("`ringfence runs resume {run}` goes on with it")
}
