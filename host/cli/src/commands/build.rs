//! `ringfence build`

use std::fmt::Write;
use std::time::Duration;

use ringfence::engine::Clock;
use ringfence::flow::{ByteSize, show_duration};
use ringfence::sandbox::{Capability, LoadedAgent};
use ringfence_project::{Built, Project};
use serde::Serialize;

use super::stage::{self, Stage};
use crate::args::{BuildArgs, Format, Global};
use crate::error::CliError;
use crate::output::{print, print_json, shown};

/// What `build --format json` prints.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report<'a> {
    component: String,
    size: ByteSize,
    build_us: u64,
    agent: &'a ringfence::flow::AgentProfile,
    asks: &'a [Capability],
}

pub(crate) async fn build(global: &Global, args: &BuildArgs) -> Result<(), CliError> {
    let project = stage::project(global, &args.folder)?;
    let clock = Clock::system();
    let start = clock.now();
    let built = stage::build(&project).await?;
    let took = clock.now().since(start);
    let stage = Stage::open(global, &project, &[]).await?;
    match args.format {
        Format::Json => print_json(&Report {
            component: built.component.to_string_lossy().into_owned(),
            size: built.size,
            build_us: took.as_micros() as u64,
            agent: stage.agent().profile(),
            asks: &stage.agent().report().asks,
        }),
        Format::Human => print(&for_people(&project, &built, took, &stage)),
    }
    Ok(())
}

fn for_people(project: &Project, built: &Built, took: Duration, stage: &Stage) -> String {
    let component = built.component.strip_prefix(project.folder());
    let component = component.unwrap_or(&built.component);
    let mut text = format!(
        "built `{}` in {}: {}\n",
        shown(component),
        show_duration(took),
        built.size
    );
    // Writing to a string does not fail.
    let _ = writeln!(text, "  {}", what_it_is(stage.agent()));
    let _ = writeln!(text, "  asks for {}", what_it_asks(stage.agent()));
    let next = match stage.is_command() {
        true => format!(
            "next: `ringfence test`, or copy it into a host's plugins folder, and add\n  `[agents.{}]` with `roles = [\"...\"]` to its `ringfence.toml`",
            stage.agent().profile().name
        ),
        false => "next: `ringfence test`, or copy it into a host's plugins folder".to_owned(),
    };
    text + &next
}

fn what_it_is(agent: &LoadedAgent) -> String {
    let profile = agent.profile();
    let roles: Vec<_> = profile
        .roles
        .iter()
        .map(|role| format!("`{role}`"))
        .collect();
    let word = if roles.len() == 1 { "role" } else { "roles" };
    format!(
        "`{}` {}, {word} {}: {}",
        profile.name,
        profile.version,
        roles.join(", "),
        profile.summary
    )
}

fn what_it_asks(agent: &LoadedAgent) -> String {
    let asks = agent.report().asks.iter();
    let asks: Vec<_> = asks
        .map(|ask| serde_json::to_value(ask).unwrap_or_default())
        .filter_map(|ask| ask.as_str().map(ToOwned::to_owned))
        .collect();
    match asks.is_empty() {
        true => "nothing".to_owned(),
        false => asks.join(", "),
    }
}
