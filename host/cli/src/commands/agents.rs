//! `ringfence agents list`

use std::time::Duration;

use console::Style;
use ringfence::flow::{AgentName, AgentProfile, BreakerState, Timestamp, show_duration};
use ringfence::sandbox::{ComponentReport, LoadedAgent, Refusal};
use serde::Serialize;

use super::session::Session;
use crate::args::{Format, Global};
use crate::control::{Status, live_runs};
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
    /// Its circuit breaker, the worst of all live hosts; none where no run is
    /// live.
    breaker: Option<BreakerState>,
}

/// The circuit breaker of an agent, which lives in the hosts of live runs: the
/// worst of them.
struct Breakers(Vec<Status>);

impl Breakers {
    fn now() -> Self {
        Self(live_runs().unwrap_or_default())
    }

    fn of(&self, agent: &AgentName) -> Option<BreakerState> {
        let agents = self.0.iter().flat_map(|status| &status.agents);
        let states = agents.filter(|status| status.agent == *agent);
        states
            .map(|status| status.breaker)
            .max_by_key(|state| match state {
                BreakerState::Closed => (0, Timestamp::default()),
                BreakerState::HalfOpen { lease_until } => (1, *lease_until),
                BreakerState::Open { until } => (2, *until),
            })
    }

    fn shown(&self, agent: &AgentName) -> String {
        let now = self
            .0
            .iter()
            .map(|status| status.now)
            .max()
            .unwrap_or_default();
        match self.of(agent) {
            None => "-".to_owned(),
            Some(BreakerState::Closed) => "closed".to_owned(),
            Some(BreakerState::HalfOpen { .. }) => "half-open".to_owned(),
            Some(BreakerState::Open { until }) => match until.since(now) {
                Duration::ZERO => "open".to_owned(),
                rest => format!("open for {}", show_duration(rest)),
            },
        }
    }
}

pub(crate) async fn list(global: &Global, format: Format) -> Result<(), CliError> {
    let session = Session::open(global, &[]).await?;
    let breakers = Breakers::now();
    match format {
        Format::Json => print_json(&Listing {
            agents: session
                .sandbox
                .loaded()
                .map(|agent| Listed {
                    profile: agent.profile(),
                    component: agent.report(),
                    breaker: breakers.of(&agent.profile().name),
                })
                .collect(),
            refused: &session.refused,
        }),
        Format::Human => {
            print(&for_people(&session, &breakers));
            session.warn_of_strangers();
        }
    }
    Ok(())
}

fn for_people(session: &Session, breakers: &Breakers) -> String {
    let (dim, bold) = (Style::new().dim(), Style::new().bold());
    let mut text = String::new();
    let mut table = Table::flush_right(&[4]);
    let head = [
        "agent", "version", "roles", "hash", "size", "breaker", "summary",
    ];
    table.row(head.map(|cell| dim.apply_to(cell).to_string()));
    for agent in session.sandbox.loaded() {
        table.row(row(agent, breakers, &bold));
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

fn row(agent: &LoadedAgent, breakers: &Breakers, name_style: &Style) -> [String; 7] {
    let profile = agent.profile();
    let roles: Vec<_> = profile.roles.iter().map(ToString::to_string).collect();
    [
        name_style.apply_to(&profile.name).to_string(),
        profile.version.to_string(),
        roles.join(", "),
        profile.hash.short(),
        agent.report().size.to_string(),
        breakers.shown(&profile.name),
        profile.summary.to_string(),
    ]
}
