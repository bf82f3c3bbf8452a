//! `ringfence agents list`

use console::Style;
use ringfence::flow::AgentProfile;
use ringfence::sandbox::{ComponentReport, LoadedAgent, Refusal};
use serde::Serialize;

use super::session::Session;
use crate::args::{Format, Global};
use crate::error::CliError;
use crate::output::{indented, print, print_json};
use crate::ui::Table;

/// What `agents list --format json` prints.
#[derive(Serialize)]
struct Listing<'a> {
    agents: Vec<Listed<'a>>,
    refused: &'a [Refusal],
}

#[derive(Serialize)]
struct Listed<'a> {
    profile: &'a AgentProfile,
    component: &'a ComponentReport,
}

pub(crate) async fn list(global: &Global, format: Format) -> Result<(), CliError> {
    let session = Session::open(global, &[]).await?;
    match format {
        Format::Json => print_json(&Listing {
            agents: session
                .sandbox
                .loaded()
                .map(|agent| Listed {
                    profile: agent.profile(),
                    component: agent.report(),
                })
                .collect(),
            refused: &session.refused,
        }),
        Format::Human => {
            print(&for_people(&session));
            session.warn_of_strangers();
        }
    }
    Ok(())
}

fn for_people(session: &Session) -> String {
    let (dim, bold) = (Style::new().dim(), Style::new().bold());
    let mut text = String::new();
    let mut table = Table::flush_right(&[4]);
    let head = ["agent", "version", "roles", "hash", "size", "summary"];
    table.row(head.map(|cell| dim.apply_to(cell).to_string()));
    for agent in session.sandbox.loaded() {
        table.row(row(agent, &bold));
    }
    let count = session.sandbox.loaded().count();
    if count == 0 {
        text.push_str(&session.nothing_loaded());
        text.push('\n');
    } else {
        table.lines().for_each(|line| {
            text.push_str(&line);
            text.push('\n');
        });
    }
    if !session.refused.is_empty() {
        let yellow = Style::new().yellow();
        text.push_str(&format!(
            "\n{}\n",
            yellow.apply_to(format!("refused: {}", session.refused.len()))
        ));
        for refusal in &session.refused {
            let what = indented(&refusal.to_string());
            text.push_str(&format!("  {what} [{}]\n", refusal.code()));
            text.push_str(&format!(
                "    {} {}\n",
                dim.apply_to("hint:"),
                refusal.hint()
            ));
        }
    }
    text
}

fn row(agent: &LoadedAgent, name_style: &Style) -> [String; 6] {
    let profile = agent.profile();
    let roles: Vec<_> = profile.roles.iter().map(ToString::to_string).collect();
    [
        name_style.apply_to(&profile.name).to_string(),
        profile.version.to_string(),
        roles.join(", "),
        profile.hash.short(),
        agent.report().size.to_string(),
        profile.summary.to_string(),
    ]
}
