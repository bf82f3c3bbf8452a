//! `ringfence runs audit`: what agents reached for, and which rule decided.

use console::Style;
use ringfence::flow::{
    AgentName, GrantDecision, RunEvent, RunEventKind, RunId, TaskKey, show_time,
};

use super::history::journal;
use crate::args::{Format, Global};
use crate::error::CliError;
use crate::output::{print, print_json_line};
use crate::ui::Table;

/// A decision, in the run or one inside it.
struct Decided<'a> {
    path: String,
    key: &'a TaskKey,
    agent: &'a AgentName,
    decision: &'a GrantDecision,
}

impl<'a> Decided<'a> {
    fn find(path: String, event: &'a RunEventKind) -> Option<Self> {
        match event {
            RunEventKind::Child { key, event, .. } => Self::find(format!("{path}{key}/"), event),
            RunEventKind::GrantDecided {
                key,
                agent,
                decision,
            } => Some(Self {
                path,
                key,
                agent,
                decision,
            }),
            _ => None,
        }
    }
}

pub(super) fn audit(
    global: &Global,
    run: &RunId,
    only_denied: bool,
    format: Format,
) -> Result<(), CliError> {
    let mut table = Table::flush_right(&[]);
    let dim = Style::new().dim();
    let head = ["time", "task", "agent", "decision", "effect", "rule"];
    table.row(head.map(|cell| dim.apply_to(cell).to_string()));
    let (mut allowed, mut denied) = (0_u64, 0_u64);
    journal(global)?.events(run, 0, |event: RunEvent| {
        let Some(decided) = Decided::find(String::new(), &event.event) else {
            return;
        };
        match decided.decision.allowed {
            true => allowed += 1,
            false => denied += 1,
        }
        if only_denied && decided.decision.allowed {
            return;
        }
        match format {
            Format::Json => print_json_line(&event),
            Format::Human => table.row(row(&event, &decided)),
        }
    })?;
    if format == Format::Human {
        if allowed + denied == 0 {
            print("no agent of the run reached for anything outside its sandbox");
            return Ok(());
        }
        table.lines().for_each(|line| print(&line));
        print(&format!("\n{allowed} allowed, {denied} denied"));
    }
    Ok(())
}

fn row(event: &RunEvent, decided: &Decided<'_>) -> [String; 6] {
    let Decided {
        path,
        key,
        agent,
        decision,
    } = decided;
    let verdict = match decision.allowed {
        true => Style::new().green().apply_to("allowed"),
        false => Style::new().red().apply_to("denied"),
    };
    [
        show_time(event.at),
        format!("{path}{key}"),
        agent.to_string(),
        verdict.to_string(),
        decision.effect.to_string(),
        decision.rule.to_string(),
    ]
}
