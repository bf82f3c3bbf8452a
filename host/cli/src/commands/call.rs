//! `ringfence agents call`

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use ringfence::engine::Clock;
use ringfence::engine::{MemoryArtifacts, draw_run_id};
use ringfence::flow::{
    Attempt, AttemptObserver, AttemptReport, AttemptResult, AttemptRunner, FailureCode, Finding,
    GrantDecision, Json, LogLine, MountName, Progress, Role, StopReason, TaskId, TaskKey,
    TaskRequest, show_duration,
};
use serde::Serialize;

use super::interrupt::Interrupts;
use super::session::Session;
use super::workflow::read_bounded;
use crate::args::{CallArgs, Format, Global};
use crate::error::CliError;
use crate::exit::ExitCode;
use crate::output::{indented, print, print_json, say};

/// What `agents call --format json` prints.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Call<'a> {
    result: &'a AttemptResult,
    usage: &'a ringfence::flow::Usage,
    logs: &'a [LogLine],
    decisions: &'a [GrantDecision],
}

pub(crate) async fn call(global: &Global, args: &CallArgs) -> Result<ExitCode, CliError> {
    let input = read_input(&args.input)?;
    let session = Session::open(global, &args.mount).await?;
    let agent = session.agent(&args.name)?;
    let profile = Arc::clone(agent.profile());
    let role = match &args.role {
        Some(role) if profile.has_role(role) => role.clone(),
        Some(role) => return Err(other_role(role, &profile)),
        None => profile.roles[0].clone(),
    };
    let mounts: Vec<MountName> = args.mount.iter().map(|(name, _)| name.clone()).collect();
    if let Some(mount) = mounts.iter().find(|mount| !profile.is_granted(mount)) {
        return Err(CliError::usage(
            format!("`{}` is not granted the mount `{mount}`", profile.name),
            format!(
                "add to ringfence.toml:\n\n  [agents.{}]\n  mounts = [\"{mount}\"]",
                profile.name
            ),
        ));
    }
    let budgets = session.sandbox.default_budgets();
    let watcher = Arc::new(Watcher {
        live: args.format == Format::Human,
        ..Watcher::default()
    });
    let mut interrupts = Interrupts::listen();
    let attempt = Attempt {
        agent: profile.name.clone(),
        request: TaskRequest {
            mounts: mounts.into(),
            ..TaskRequest::first(
                draw_run_id(Clock::system().now()),
                TaskKey::single(call_id()),
                role,
                input,
                budgets.time,
            )
        },
        budgets,
        artifacts: Arc::new(MemoryArtifacts::default()),
        observer: watcher.clone(),
        stop: Box::pin(async move {
            interrupts.next().await;
            StopReason::Cancelled
        }),
    };
    let report = session.sandbox.execute(attempt).await;
    match args.format {
        Format::Json => print_json(&Call {
            result: &report.result,
            usage: &report.usage,
            logs: &lock(&watcher.logs),
            decisions: &lock(&watcher.decisions),
        }),
        Format::Human => show(&report),
    }
    Ok(match &report.result {
        AttemptResult::Completed(_) => ExitCode::Completed,
        AttemptResult::Rejected(_) => ExitCode::Rejected,
        AttemptResult::Failed(failure) if failure.code == FailureCode::Cancelled => {
            ExitCode::Cancelled
        }
        AttemptResult::Failed(_) => ExitCode::Failed,
    })
}

fn call_id() -> TaskId {
    match TaskId::new("call") {
        Ok(id) => id,
        Err(error) => unreachable!("`call` is a name: {error}"),
    }
}

fn other_role(role: &Role, profile: &ringfence::flow::AgentProfile) -> CliError {
    let roles: Vec<_> = profile
        .roles
        .iter()
        .map(|role| format!("--role {role}"))
        .collect();
    CliError::usage(
        format!("`{}` does not have the role `{role}`", profile.name),
        format!("it has {}", roles.join(", ")),
    )
}

/// The document that `--input` names: itself, `@FILE`, or `-` for stdin.
pub(super) fn read_input(text: &str) -> Result<Json, CliError> {
    let document = match (text, text.strip_prefix('@')) {
        ("-", _) => {
            let mut stdin = String::new();
            let read = std::io::stdin().lock().read_to_string(&mut stdin);
            read.map_err(CliError::disk("stdin".as_ref(), "read the input"))?;
            stdin
        }
        (_, Some(path)) => read_bounded(path.as_ref())
            .and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other))
            .map_err(CliError::disk(path.as_ref(), "read the input"))?,
        (text, None) => text.to_owned(),
    };
    Json::parse(&document).map_err(|error| {
        CliError::usage(
            format!("the input is {error}"),
            "write it as JSON, for example --input '{\"name\": \"you\"}', or as --input @FILE",
        )
    })
}

fn show(report: &AttemptReport) {
    match &report.result {
        AttemptResult::Completed(output) => {
            for finding in output.findings.iter() {
                say(&finding_line(finding));
            }
            for artifact in output.artifacts.iter() {
                say(&format!(
                    "artifact {} ({}, {} bytes)",
                    artifact.name, artifact.media_type, artifact.size
                ));
            }
            match serde_json::to_string_pretty(&output.value.to_value()) {
                Ok(text) => print(&text),
                Err(_) => print(output.value.as_str()),
            }
        }
        AttemptResult::Rejected(rejection) => {
            say(&format!("rejected: {}", indented(&rejection.reason)));
            for finding in rejection.findings.iter() {
                say(&finding_line(finding));
            }
        }
        AttemptResult::Failed(failure) => say(&indented(&failure.to_string())),
    }
    let usage = &report.usage;
    say(&format!(
        "fuel {}, memory {}, {} on the clock, {} on a core, {} out, {} host calls",
        usage.fuel,
        usage.peak_memory,
        show_duration(usage.wall),
        show_duration(usage.cpu),
        usage.bytes_out,
        usage.host_calls
    ));
}

/// A finding with its place, as compilers write it.
fn finding_line(finding: &Finding) -> String {
    let place = finding.location.as_ref().map(|place| {
        let (line, column) = (place.line, place.column);
        format!("{}:{line}:{column}: ", indented(&place.path))
    });
    format!(
        "{}{} {} [{}]",
        place.unwrap_or_default(),
        finding.severity,
        indented(&finding.message),
        finding.rule
    )
}

/// Keeps what the agent says, and shows it at once where people look on.
#[derive(Default)]
struct Watcher {
    live: bool,
    logs: Mutex<Vec<LogLine>>,
    decisions: Mutex<Vec<GrantDecision>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AttemptObserver for Watcher {
    fn progress(&self, progress: Progress) {
        if self.live {
            let share = progress.fraction.map(|f| format!(" {:.0} %", f * 100.0));
            say(&format!("{}{}", progress.note, share.unwrap_or_default()));
        }
    }

    fn log(&self, line: LogLine) {
        if self.live {
            let fields: String = line
                .fields
                .iter()
                .map(|(k, v)| format!(" {k}={v}"))
                .collect();
            say(&format!(
                "{}: {}{fields}",
                line.level.as_str(),
                line.message
            ));
        }
        lock(&self.logs).push(line);
    }

    fn decision(&self, decision: GrantDecision) {
        if self.live && !decision.allowed {
            say(&format!("denied {}: {}", decision.effect, decision.rule));
        }
        lock(&self.decisions).push(decision);
    }
}
