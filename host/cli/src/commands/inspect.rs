//! `ringfence agents inspect`

use std::fmt::Write as _;

use console::Style;
use ringfence::flow::{AgentName, AgentProfile, BudgetKind, Budgets};
use ringfence::sandbox::{ComponentReport, LoadedAgent};
use serde::Serialize;

use super::session::Session;
use crate::args::{Format, Global};
use crate::error::CliError;
use crate::output::{print, print_json, shown};
use crate::ui::Table;

/// What `agents inspect --format json` prints.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Inspection<'a> {
    profile: &'a AgentProfile,
    component: &'a ComponentReport,
    budgets: Budgets,
    ceiling: Budgets,
}

pub(crate) async fn inspect(
    global: &Global,
    name: &AgentName,
    format: Format,
) -> Result<(), CliError> {
    let session = Session::open(global, &[]).await?;
    let agent = session.agent(name)?;
    let config = session.sandbox.config();
    let inspection = Inspection {
        profile: agent.profile(),
        component: agent.report(),
        budgets: config.defaults,
        ceiling: config.ceiling,
    };
    match format {
        Format::Json => print_json(&inspection),
        Format::Human => print(&for_people(&agent, &inspection)),
    }
    Ok(())
}

fn for_people(agent: &LoadedAgent, inspection: &Inspection<'_>) -> String {
    let (profile, report) = (agent.profile(), agent.report());
    let (bold, dim) = (Style::new().bold(), Style::new().dim());
    let mut text = format!(
        "{} {}\n{}\n\n",
        bold.apply_to(&profile.name),
        profile.version,
        profile.summary
    );
    let roles: Vec<_> = profile.roles.iter().map(ToString::to_string).collect();
    let mut facts = Table::default();
    let mut fact = |name: &str, value: String| facts.row([dim.apply_to(name).to_string(), value]);
    fact("roles", roles.join(", "));
    fact("file", shown(&report.path));
    fact("size", report.size.to_string());
    fact("hash", report.hash.to_string());
    fact("contract", report.contract.clone());
    fact("instances", format!("{} at once", profile.instances));
    facts.lines().for_each(|line| push(&mut text, &line));

    text.push_str(&format!(
        "\n{}\n",
        bold.apply_to("asks for, by what it imports")
    ));
    for package in &report.imports {
        let version = package
            .version
            .as_deref()
            .map(|v| format!("@{v}"))
            .unwrap_or_default();
        push(
            &mut text,
            &format!(
                "  {}{version}: {}",
                package.package,
                package.interfaces.join(", ")
            ),
        );
    }
    text.push_str(&format!(
        "\n{}\n",
        bold.apply_to("is granted, by `ringfence.toml`")
    ));
    if profile.mounts.is_empty() {
        push(&mut text, "  nothing");
    }
    for grant in profile.mounts.iter() {
        push(&mut text, &format!("  mount {grant}"));
    }
    text.push_str(&format!("\n{}\n", bold.apply_to("may use, each attempt")));
    let mut budgets = Table::flush_right(&[1, 2]);
    let head = ["  budget", "default", "ceiling"];
    budgets.row(head.map(|cell| dim.apply_to(cell).to_string()));
    for kind in BudgetKind::ALL {
        budgets.row([
            format!("  {kind}"),
            inspection.budgets.get(kind).to_string(),
            inspection.ceiling.get(kind).to_string(),
        ]);
    }
    budgets.lines().for_each(|line| push(&mut text, &line));
    text
}

fn push(text: &mut String, line: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{line}");
}
