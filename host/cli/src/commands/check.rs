//! `ringfence check`

use console::Style;
use ringfence::flow::{Plan, TaskBody, WorkflowFile};
use serde::Serialize;

use super::session::Session;
use super::workflow::Source;
use crate::args::{CheckArgs, Format, Global};
use crate::error::CliError;
use crate::output::{print, print_json};

/// What `check --format json` prints for a file without errors.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Checked {
    file: String,
    workflow: String,
    waves: Vec<Vec<String>>,
    inputs: Vec<String>,
}

pub(crate) async fn check(global: &Global, args: &CheckArgs) -> Result<(), CliError> {
    let session = match args.no_agents {
        true => None,
        false => Some(Session::open(global, &[]).await?),
    };
    if let Some(session) = &session {
        session.warn();
    }
    let mut worst = None;
    let mut checked = Vec::new();
    for path in &args.files {
        match check_file(&Source::read(path)?, session.as_ref()) {
            Ok(file) => checked.push(file),
            Err(error) => worst = Some(worse(worst, error)),
        }
    }
    match args.format {
        Format::Json => print_json(&checked.iter().map(Checked::of).collect::<Vec<_>>()),
        Format::Human => checked.iter().for_each(|file| print(&for_people(file))),
    }
    worst.map_or(Ok(()), Err)
}

fn check_file(source: &Source, session: Option<&Session>) -> Result<WorkflowFile, CliError> {
    let file = source.parse()?;
    let errors = session.map_or_else(Vec::new, |session| session.check(&file, None));
    match errors.is_empty() {
        true => Ok(file),
        false => Err(source.refuse(&errors)),
    }
}

/// Of several files with errors, a file that is not valid decides the exit
/// code over one that no agent can do.
fn worse(worst: Option<CliError>, error: CliError) -> CliError {
    match worst {
        Some(CliError::Invalid(said)) => CliError::Invalid(format!("{said}\n{error}")),
        Some(CliError::NoCapableAgent(said)) => match error {
            CliError::NoCapableAgent(more) => CliError::NoCapableAgent(format!("{said}\n{more}")),
            other => CliError::Invalid(format!("{said}\n{other}")),
        },
        Some(_) | None => error,
    }
}

impl Checked {
    fn of(file: &WorkflowFile) -> Self {
        let workflow = file.plan().workflow();
        Self {
            file: file.name().to_owned(),
            workflow: workflow.name.to_string(),
            waves: waves(file.plan()),
            inputs: workflow
                .inputs
                .iter()
                .map(|input| input.name.to_string())
                .collect(),
        }
    }
}

fn waves(plan: &Plan) -> Vec<Vec<String>> {
    let names = |wave: Vec<_>| {
        wave.into_iter()
            .map(|task| plan.task(task).id.to_string())
            .collect()
    };
    plan.waves().into_iter().map(names).collect()
}

fn for_people(file: &WorkflowFile) -> String {
    let (plan, workflow) = (file.plan(), file.plan().workflow());
    let (green, dim) = (Style::new().green(), Style::new().dim());
    let mut text = format!(
        "{} {}: `{}`",
        green.apply_to("ok"),
        file.name(),
        workflow.name
    );
    if let Some(description) = &workflow.description {
        text.push_str(&format!("\n   {description}"));
    }
    for (number, wave) in (1..).zip(plan.waves()) {
        let tasks: Vec<_> = wave
            .into_iter()
            .map(|task| {
                let spec = plan.task(task);
                let many = if spec.for_each.is_some() {
                    " (each)"
                } else {
                    ""
                };
                let who = match &spec.body {
                    TaskBody::Agent { role, .. } if role.as_str() == spec.id.as_str() => {
                        String::new()
                    }
                    TaskBody::Agent { role, .. } => format!(" ({role})"),
                    TaskBody::Vote(_) => " (vote)".to_owned(),
                };
                format!("{}{who}{many}", spec.id)
            })
            .collect();
        text.push_str(&format!(
            "\n   {} {}",
            dim.apply_to(format!("wave {number}:")),
            tasks.join(", ")
        ));
    }
    for task in &workflow.tasks {
        if let Some(on_reject) = &task.on_reject {
            text.push_str(&format!(
                "\n   {} {} -> {}, at most {} rounds",
                dim.apply_to("loop:"),
                task.id,
                on_reject.redo_from,
                on_reject.max_rounds
            ));
        }
    }
    for input in &workflow.inputs {
        let default = match &input.default {
            Some(value) => format!("default {value}"),
            None => "required".to_owned(),
        };
        let about = input
            .description
            .as_deref()
            .map(|d| format!(": {d}"))
            .unwrap_or_default();
        text.push_str(&format!(
            "\n   {} {} ({default}){about}",
            dim.apply_to("input:"),
            input.name
        ));
    }
    text
}
