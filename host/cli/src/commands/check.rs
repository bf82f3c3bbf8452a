//! `ringfence check`

use std::path::Path;

use console::Style;
use ringfence::flow::{Diagnostic, Plan, TaskBody, WorkflowFile};
use serde::Serialize;

use super::session::Session;
use super::workflow::{Folders, Source};
use crate::args::{CheckArgs, Format, Global};
use crate::error::CliError;
use crate::output::{print, print_json, say, shown};

/// A file that was looked at.
enum Looked {
    /// It can run.
    Fine(Box<WorkflowFile>),
    /// This is wrong with it.
    Wrong(Source, Vec<Diagnostic>),
    /// It could not be read.
    Unread(String, CliError),
}

pub(crate) async fn check(global: &Global, args: &CheckArgs) -> Result<(), CliError> {
    let mut looked: Vec<_> = args.files.iter().map(|path| look(path)).collect();
    let mut no_session = None;
    if !args.no_agents {
        match Session::open(global, &[]).await {
            Ok(session) => {
                session.warn();
                for file in &mut looked {
                    look_at_host(file, &session);
                }
            }
            Err(error) => no_session = Some(error),
        }
    }
    match args.format {
        Format::Json => print_json(&looked.iter().map(Checked::of).collect::<Vec<_>>()),
        Format::Human => looked.iter().for_each(show),
    }
    if let Some(error) = no_session {
        say("hint: the files alone were checked; `--no-agents` asks for no more");
        return Err(error);
    }
    looked
        .into_iter()
        .filter_map(Looked::into_error)
        .fold(Ok(()), worse)
}

fn look(path: &Path) -> Looked {
    let source = match Source::read(path) {
        Ok(source) => source,
        Err(error) => return Looked::Unread(shown(path), error),
    };
    match WorkflowFile::parse_with(&source.name, &source.text, &Folders) {
        Ok(file) => Looked::Fine(Box::new(file)),
        Err(errors) => Looked::Wrong(source, errors),
    }
}

/// Looks whether the loaded agents can do what a file asks.
fn look_at_host(looked: &mut Looked, session: &Session) {
    let Looked::Fine(file) = looked else {
        return;
    };
    let errors = session.check(file, None);
    if !errors.is_empty() {
        let source = Source {
            name: file.name().to_owned(),
            text: file.text().to_owned(),
        };
        *looked = Looked::Wrong(source, errors);
    }
}

impl Looked {
    fn into_error(self) -> Option<CliError> {
        match self {
            Self::Fine(_) => None,
            Self::Wrong(source, errors) => Some(source.error(&errors)),
            Self::Unread(_, error) => Some(error),
        }
    }
}

/// Of several errors, a file that is not valid decides the exit code over one
/// that could not be read, and that over one that no agent can do.
fn worse(worst: Result<(), CliError>, error: CliError) -> Result<(), CliError> {
    let Err(worst) = worst else {
        return Err(error);
    };
    let text = format!("{worst}\n{error}");
    Err(match (worst, error) {
        (CliError::Invalid(_), _) | (_, CliError::Invalid(_)) => CliError::Invalid(text),
        (CliError::NoCapableAgent(_), CliError::NoCapableAgent(_)) => {
            CliError::NoCapableAgent(text)
        }
        (_, _) => CliError::Files(text),
    })
}

/// What `check --format json` prints of a file.
#[derive(Serialize)]
#[serde(
    rename_all = "kebab-case",
    tag = "result",
    rename_all_fields = "kebab-case"
)]
enum Checked {
    Ok {
        file: String,
        workflow: String,
        waves: Vec<Vec<String>>,
        inputs: Vec<String>,
    },
    Invalid {
        file: String,
        errors: Vec<Problem>,
    },
    Unreadable {
        file: String,
        message: String,
    },
}

/// Something that is wrong with a file.
#[derive(Serialize)]
struct Problem {
    code: &'static str,
    line: u32,
    column: u32,
    message: String,
    hint: Option<String>,
}

impl Checked {
    fn of(looked: &Looked) -> Self {
        match looked {
            Looked::Fine(file) => {
                let workflow = file.plan().workflow();
                Self::Ok {
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
            Looked::Wrong(source, errors) => Self::Invalid {
                file: source.name.clone(),
                errors: errors.iter().map(Problem::of).collect(),
            },
            Looked::Unread(file, error) => Self::Unreadable {
                file: file.clone(),
                message: error.to_string(),
            },
        }
    }
}

impl Problem {
    fn of(diagnostic: &Diagnostic) -> Self {
        Self {
            code: diagnostic.code,
            line: diagnostic.span.line,
            column: diagnostic.span.column,
            message: diagnostic.message.clone(),
            hint: diagnostic.hint.clone(),
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

fn show(looked: &Looked) {
    match looked {
        Looked::Fine(file) => print(&for_people(file)),
        Looked::Wrong(source, errors) => source.show(errors),
        // Said once, as the error that ends the command.
        Looked::Unread(..) => {}
    }
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
                    TaskBody::Approval(_) => " (approval)".to_owned(),
                    TaskBody::Workflow(sub) => {
                        format!(" (workflow `{}`)", sub.plan.workflow().name)
                    }
                };
                let last = if spec.finally { " (finally)" } else { "" };
                format!("{}{who}{many}{last}", spec.id)
            })
            .collect();
        let wave = dim.apply_to(format!("wave {number}:"));
        text.push_str(&format!("\n   {wave} {}", tasks.join(", ")));
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
        let about = input.description.as_deref();
        let about = about.map(|text| format!(": {text}")).unwrap_or_default();
        let word = dim.apply_to("input:");
        text.push_str(&format!("\n   {word} {} ({default}){about}", input.name));
    }
    text
}
