//! `ringfence runs watch`, and `ringfence runs events`: what a journal tells of
//! a run, also while another process drives it.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ringfence::engine::{Clock, RunObserver};
use ringfence::flow::{RunEvent, RunId};
use ringfence::journal::{JournalFile, RunState};

use super::drive::JsonLines;
use super::history::journal;
use super::resume::how_to_go_on;
use crate::args::{EventsArgs, Format, Global};
use crate::control::Watch;
use crate::error::CliError;
use crate::output::{print, say};
use crate::ui::{LiveView, PlainView, print_summary};

/// How often a run that somebody else drives is looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// Prints what happened in a run.
pub(super) async fn events(global: &Global, args: &EventsArgs) -> Result<(), CliError> {
    let file = journal(global)?;
    let mut view: Box<dyn RunObserver> = match args.format {
        Format::Json => Box::new(JsonLines),
        Format::Human => Box::new(PlainView::new(print)),
    };
    if args.follow {
        follow(&file, &args.run, |event| view.event(event)).await?;
    } else {
        file.events(&args.run, 0, |event| view.event(&event))?;
    }
    Ok(())
}

/// Shows a run as its own process does.
pub(super) async fn watch(global: &Global, run: &RunId, format: Format) -> Result<(), CliError> {
    let file = journal(global)?;
    let known = Arc::<Mutex<Watch>>::default();
    let mut view: Box<dyn RunObserver> = match format {
        Format::Json => Box::new(JsonLines),
        Format::Human if std::io::stderr().is_terminal() => {
            Box::new(LiveView::new(Arc::clone(&known), Clock::system()))
        }
        Format::Human => Box::new(PlainView::new(say)),
    };
    let show = |event: &RunEvent| {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.apply(event);
        drop(known);
        view.event(event);
    };
    let state = follow(&file, run, show).await?;
    drop(view);
    if format == Format::Human {
        let known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        print_summary(&known.record, &mut text);
        print(&text);
        if state == RunState::Interrupted {
            say(&format!("nobody drives the run; {}", how_to_go_on(run)));
        }
    }
    Ok(())
}

/// Tells what happens in a run until it ends, or nobody drives it. Gives how it
/// stands then.
async fn follow(
    file: &JournalFile,
    run: &RunId,
    mut tell: impl FnMut(&RunEvent),
) -> Result<RunState, CliError> {
    let mut next = 0;
    loop {
        // Asked before the events are read, so that none comes in between.
        let state = state(file, run)?;
        next = file.events(run, next, |event| tell(&event))?;
        if state != RunState::Running {
            return Ok(state);
        }
        tokio::time::sleep(GLANCE).await;
    }
}

fn state(file: &JournalFile, run: &RunId) -> Result<RunState, CliError> {
    let runs = file.runs()?;
    let known = runs.iter().find(|known| known.run == *run);
    Ok(known.map_or(RunState::Interrupted, |known| known.state))
}
