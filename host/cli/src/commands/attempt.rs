//! The command that the SDK's test kit calls: one attempt at a task from stdin.

use std::io::Read;

use ringfence::flow::{AttemptResult, GrantDecision, LogLine, Progress, Usage, render_diagnostics};
use ringfence_project::{Trial, TrialArtifact, read_task};
use serde::Serialize;

use super::stage::{self, Stage};
use crate::args::{AttemptArgs, Global};
use crate::error::CliError;
use crate::output::print_json;

/// What it prints.
#[derive(Serialize)]
struct Report {
    result: AttemptResult,
    usage: Usage,
    logs: Vec<LogLine>,
    progress: Vec<Progress>,
    decisions: Vec<GrantDecision>,
    artifacts: Vec<Content>,
}

/// An artifact of the output, with what is in it.
#[derive(Serialize)]
struct Content {
    name: std::sync::Arc<str>,
    media_type: std::sync::Arc<str>,
    /// Two digits a byte.
    hex: String,
}

pub(crate) async fn attempt(global: &Global, args: &AttemptArgs) -> Result<(), CliError> {
    let project = stage::project(global, &args.folder)?;
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map_err(CliError::disk("stdin".as_ref(), "read the task"))?;
    let task = read_task(&text, project.folder())
        .map_err(|errors| CliError::Invalid(render_diagnostics("task", &text, &errors)))?;
    let stage = Stage::open(global, &project, &[]).await?;
    print_json(&Report::of(stage.attempt(&task).await?));
    Ok(())
}

impl Report {
    fn of(trial: Trial) -> Self {
        Self {
            result: trial.result,
            usage: trial.usage,
            logs: trial.logs,
            progress: trial.progress,
            decisions: trial.decisions,
            artifacts: trial.artifacts.into_iter().map(Content::of).collect(),
        }
    }
}

impl Content {
    fn of(given: TrialArtifact) -> Self {
        Self {
            name: given.artifact.name,
            media_type: given.artifact.media_type,
            hex: given
                .content
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        }
    }
}
