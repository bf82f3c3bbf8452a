//! `ringfence run`

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use ringfence::engine::{Clock, Host, MemoryArtifacts, RunSpec, draw_run_id, draw_seed};
use ringfence::flow::{AttemptRunner, InputValue, Json, MountName, WorkflowBundle, WorkflowFile};
use ringfence::journal::{JournalFile, RunHeader};

use super::drive::Drive;
use super::kept::{context, durations, journal_place};
use super::session::Session;
use super::workflow::Source;
use crate::args::{Global, RunArgs};
use crate::error::CliError;
use crate::exit::ExitCode;

pub(crate) async fn run(global: &Global, args: &RunArgs) -> Result<ExitCode, CliError> {
    let source = Source::read(&args.file)?;
    let (file, bundle) = source.bundle()?;
    let inputs = inputs(&file, &args.input)?;
    let drive = Drive::prepare(&args.drive, &args.mount)?;
    let session = Session::open(global, &args.mount).await?;
    session.warn();
    let mounts: BTreeSet<MountName> = args.mount.iter().map(|(name, _)| name.clone()).collect();
    let errors = session.check(&file, Some(&mounts));
    if !errors.is_empty() {
        return Err(source.refuse(&errors));
    }
    let clock = Clock::system();
    let plan = Arc::new(file.into_plan());
    let host = Host::start(session.sandbox.clone(), session.host.clone(), clock);
    let mut spec = RunSpec {
        id: args.id.clone().unwrap_or_else(|| draw_run_id(clock.now())),
        plan: Arc::clone(&plan),
        inputs,
        seed: args.seed.unwrap_or_else(draw_seed),
        budgets: Some(session.sandbox.default_budgets()),
        artifacts: Arc::new(MemoryArtifacts::default()),
        results: Some(drive.results(&session)),
        observer: drive.observer(clock),
        journal: None,
    };
    if !args.no_journal {
        let header = header(global, args, &session, bundle, &spec, clock)?;
        let file = JournalFile::open(&journal_place(global)?)?;
        drive.expect(durations(&file, &header.workflow));
        spec.journal = Some(file.create(&spec.id, &header)?);
        spec.artifacts = file.artifacts();
    }
    let artifacts = Arc::clone(&spec.artifacts);
    let _watch = session.watch_plugins(&host);
    let handle = host.run(spec).await?;
    drive.finish(handle, &host, &plan, &*artifacts).await
}

/// What the journal holds of a run before anything happens.
fn header(
    global: &Global,
    args: &RunArgs,
    session: &Session,
    workflow: WorkflowBundle,
    spec: &RunSpec,
    clock: Clock,
) -> Result<RunHeader, CliError> {
    Ok(RunHeader {
        created: clock.now(),
        name: spec.plan.workflow().name.clone(),
        workflow,
        inputs: spec.inputs.clone(),
        seed: spec.seed,
        budgets: session.sandbox.default_budgets(),
        ceiling: session.sandbox.ceiling(),
        agents: session.agent_hashes(),
        context: context(global, &args.mount, Path::new("."))?,
    })
}

fn inputs(file: &WorkflowFile, given: &[(String, String)]) -> Result<Json, CliError> {
    let mut values = BTreeMap::new();
    for (name, value) in given {
        let value = InputValue::Text(value.clone());
        if values.insert(name.clone(), value).is_some() {
            return Err(CliError::usage(
                format!("the input `{name}` is given twice"),
                format!("keep one `--input {name}=...`"),
            ));
        }
    }
    file.plan()
        .workflow()
        .bind_inputs(values)
        .map_err(|errors| {
            let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
            CliError::usage(
                errors.join("\n"),
                format!("`ringfence check {}` lists the inputs", file.name()),
            )
        })
}
