//! `ringfence agents list` and `ringfence agents release`.

use std::time::Duration;

use console::Style;
use ringfence::flow::{
    AgentConduct, AgentName, AgentProfile, BreakerState, ConductBook as _, Timestamp, show_duration,
};
use ringfence::sandbox::{ComponentReport, LoadedAgent, Refusal};
use serde::Serialize;

use super::session::{Session, conduct};
use crate::args::{Format, Global};
use crate::control::{AgentStatus, Ask, Status, ask, live_runs};
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
    /// How it behaved in earlier runs.
    conduct: AgentConduct,
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
    let loaded = session.sandbox.loaded();
    match format {
        Format::Json => print_json(&Listing {
            agents: loaded
                .iter()
                .map(|agent| Listed {
                    profile: agent.profile(),
                    component: agent.report(),
                    breaker: breakers.of(&agent.profile().name),
                    conduct: session.conduct(&agent.profile().name),
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
        table.row(row(&agent, breakers, &bold));
    }
    let count = session.sandbox.loaded().len();
    if count == 0 {
        text.push_str(&session.nothing_loaded());
        text.push('\n');
    } else {
        table.lines().for_each(|line| {
            text.push_str(&line);
            text.push('\n');
        });
    }
    text.push_str(&set_aside(session));
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

/// The agents that take no task, and why.
fn set_aside(session: &Session) -> String {
    let (dim, yellow) = (Style::new().dim(), Style::new().yellow());
    let mut lines = String::new();
    let mut count = 0;
    for agent in session.sandbox.loaded() {
        let name = &agent.profile().name;
        let conduct = session.conduct(name);
        if !conduct.set_aside {
            continue;
        }
        count += 1;
        lines += &format!(
            "  `{name}`: {conduct}\n    {} when it can be trusted again, `ringfence agents release {name}`\n",
            dim.apply_to("hint:")
        );
    }
    match count {
        0 => String::new(),
        count => format!(
            "\n{}\n{lines}",
            yellow.apply_to(format!("set aside: {count}"))
        ),
    }
}

/// Lets an agent work again, here and in all live runs.
pub(crate) fn release(global: &Global, name: &AgentName, format: Format) -> Result<(), CliError> {
    let book = conduct(global).ok_or_else(|| {
        CliError::usage(
            "no place is known where agents that were set aside are kept",
            "name the journal with `--journal FILE`",
        )
    })?;
    let live: Vec<_> = live_runs()
        .unwrap_or_default()
        .into_iter()
        .filter(|status| is_set_aside(status, name))
        .collect();
    let was = book.conduct(name).set_aside || !live.is_empty();
    if !was {
        let all = book.set_aside();
        let hint = match all.as_slice() {
            [] => "nobody is; `ringfence agents list` shows all agents".to_owned(),
            all => {
                let names: Vec<_> = all.iter().map(|(name, _)| format!("`{name}`")).collect();
                format!("these are: {}", names.join(", "))
            }
        };
        return Err(CliError::usage(format!("`{name}` is not set aside"), hint));
    }
    book.forget(name)?;
    for status in &live {
        let release = Ask::Release {
            agent: name.clone(),
        };
        // A run that has ended in between needs no telling.
        if let Err(error) = ask(&status.run, &release) {
            tracing::debug!(run = %status.run, %error, "not told");
        }
    }
    match format {
        Format::Human => print(&format!("`{name}` is released")),
        Format::Json => print_json(&serde_json::json!({ "agent": name, "released": true })),
    }
    Ok(())
}

fn is_set_aside(status: &Status, name: &AgentName) -> bool {
    let is_it = |agent: &AgentStatus| agent.agent == *name && agent.conduct.set_aside;
    status.agents.iter().any(is_it)
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
