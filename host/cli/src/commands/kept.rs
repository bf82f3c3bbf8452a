//! What the command writes down of a run beside what the library does: where
//! it was started, so that it can go on from there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringfence::flow::{Durations, MountName, WorkflowBundle, WorkflowMeter};
use ringfence::journal::{JournalFile, RunStanding, RunState, default_journal};

use crate::args::Global;
use crate::error::CliError;

/// The keys of the context.
const FOLDER: &str = "folder";
const CONFIG: &str = "config";
const PLUGINS: &str = "plugins";
const MOUNTS: &str = "mounts";

/// How many runs are looked at to find some of the same workflow, how many of
/// these are read, and how long they may be: longer ones soon know themselves.
const MOST_LOOKED_AT: usize = 50;
const MOST_EXPECTED_FROM: usize = 2;
const MOST_ENTRIES: u64 = 10_000;

/// Where the journal is.
pub(super) fn journal_place(global: &Global) -> Result<PathBuf, CliError> {
    global
        .journal
        .clone()
        .or_else(default_journal)
        .ok_or_else(|| {
            CliError::usage(
                "no place for the journal is known, as no home folder is",
                "name one with `--journal FILE`, or do without with `--no-journal`",
            )
        })
}

/// How long agents took in the latest runs of the same workflow: what is
/// expected of the next one. A journal that cannot be read tells nothing.
pub(super) fn durations(file: &JournalFile, workflow: &WorkflowBundle) -> Durations {
    let mut durations = Durations::default();
    let runs = file.runs().unwrap_or_default();
    let ended = |run: &&RunStanding| matches!(run.state, RunState::Ended(_));
    let of_workflow = |run: &&RunStanding| {
        let header = file.header(&run.run);
        header.is_ok_and(|header| header.workflow == *workflow)
    };
    let is_short = |run: &&RunStanding| {
        let length = file.length(&run.run);
        length.is_ok_and(|length| length <= MOST_ENTRIES)
    };
    let latest = runs.iter().filter(ended).take(MOST_LOOKED_AT);
    for run in latest
        .filter(of_workflow)
        .filter(is_short)
        .take(MOST_EXPECTED_FROM)
    {
        let mut meter = WorkflowMeter::new();
        if file
            .events(&run.run, 0, |event| meter.apply(&event))
            .is_ok()
        {
            durations.merge(meter.durations());
        }
    }
    durations
}

/// What has to be known to start the same host again.
pub(super) fn context(
    global: &Global,
    mounts: &[(MountName, PathBuf)],
    folder: &Path,
) -> Result<BTreeMap<String, String>, CliError> {
    let absolute = |path: &Path| std::path::absolute(path).map_err(CliError::disk(path, "find"));
    let plugins: Vec<_> = global
        .plugins
        .iter()
        .map(|path| absolute(path))
        .collect::<Result<_, _>>()?;
    let mounts: Vec<_> = mounts
        .iter()
        .map(|(name, path)| Ok((name.clone(), absolute(path)?)))
        .collect::<Result<_, CliError>>()?;
    let json = |value: serde_json::Value| value.to_string();
    let mut context = BTreeMap::from([
        (FOLDER.to_owned(), json(absolute(folder)?.to_str().into())),
        (PLUGINS.to_owned(), json(serde_json::json!(plugins))),
        (MOUNTS.to_owned(), json(serde_json::json!(mounts))),
    ]);
    if let Some(config) = &global.config {
        let config = absolute(config)?;
        context.insert(CONFIG.to_owned(), json(serde_json::json!(config)));
    }
    Ok(context)
}

/// Goes to where a run was started, and gives its mounts. What the command
/// line names in `global` holds in place of what was written down.
pub(super) fn return_to(
    global: &mut Global,
    context: &BTreeMap<String, String>,
) -> Result<Vec<(MountName, PathBuf)>, CliError> {
    if let Some(folder) = read::<PathBuf>(context, FOLDER) {
        std::env::set_current_dir(&folder)
            .map_err(CliError::disk(&folder, "go to the folder of the run"))?;
    }
    global.config = global.config.take().or_else(|| read(context, CONFIG));
    if global.plugins.is_empty() {
        global.plugins = read(context, PLUGINS).unwrap_or_default();
    }
    Ok(mounts(context))
}

/// The mounts that a run was started with.
pub(super) fn mounts(context: &BTreeMap<String, String>) -> Vec<(MountName, PathBuf)> {
    read(context, MOUNTS).unwrap_or_default()
}

fn read<T: serde::de::DeserializeOwned>(
    context: &BTreeMap<String, String>,
    key: &str,
) -> Option<T> {
    serde_json::from_str(context.get(key)?).ok()
}
