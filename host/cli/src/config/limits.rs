//! `[breaker]`, `[set-aside]`, `[roles.NAME]` and the rates of `[agents.NAME]`: what holds
//! over all runs of a host.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use ringfence_flow::{
    AgentName, BreakerPolicy, ConductPolicy, Limit, Limits, Rate, Role, parse_duration,
};

use super::document::{Problems, Table};

/// The most failures in a row that can be asked for.
const MAX_THRESHOLD: u32 = 10_000;

/// The most attempts at once that can be asked for.
const MAX_CONCURRENCY: u32 = 10_000;

/// Reads `[breaker]`.
pub(super) fn breaker(root: &Table<'_, '_>, problems: &mut Problems) -> BreakerPolicy {
    let default = BreakerPolicy::default();
    let Some(table) = root.table("breaker", problems) else {
        return default;
    };
    table.check_keys(&["threshold", "open-for"], problems);
    BreakerPolicy {
        threshold: table
            .number("threshold", 1..=MAX_THRESHOLD, problems)
            .unwrap_or(default.threshold),
        open_for: table
            .parsed_with("open-for", "\"60s\"", positive, problems)
            .unwrap_or(default.open_for),
        ..default
    }
}

/// Reads `[set-aside]`.
pub(super) fn conduct(root: &Table<'_, '_>, problems: &mut Problems) -> ConductPolicy {
    let default = ConductPolicy::default();
    let Some(table) = root.table("set-aside", problems) else {
        return default;
    };
    table.check_keys(&["after"], problems);
    match table.number("after", 0..=MAX_THRESHOLD, problems) {
        Some(after) => ConductPolicy {
            faults: NonZeroU32::new(after),
        },
        None => default,
    }
}

/// A duration longer than nothing.
fn positive(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(Duration::ZERO) => Err("a rest cannot be zero; for example `60s`".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads `[roles]`, and `rate` of `[agents]`.
pub(super) fn read(root: &Table<'_, '_>, problems: &mut Problems) -> Limits {
    Limits {
        roles: roles(root, problems),
        agents: agents(root, problems),
    }
}

fn roles(root: &Table<'_, '_>, problems: &mut Problems) -> BTreeMap<Role, Limit> {
    let mut limits = BTreeMap::new();
    let Some(table) = root.table("roles", problems) else {
        return limits;
    };
    for (key, span, value) in table.entries() {
        let role = Role::new(key).map_err(|error| {
            let hint = "for example `[roles.reviewer]`".to_owned();
            problems.add(span.clone(), error.to_string(), "not a role", hint);
        });
        let Some(role_table) = Table::of(table.name_of_table(key), value, problems) else {
            continue;
        };
        role_table.check_keys(&["concurrency", "rate"], problems);
        let limit = Limit {
            concurrency: role_table.number("concurrency", 1..=MAX_CONCURRENCY, problems),
            rate: rate(&role_table, problems),
        };
        if let Ok(role) = role {
            limits.insert(role, limit);
        }
    }
    limits
}

/// Names and types of `[agents]` are checked where its grants are read.
fn agents(root: &Table<'_, '_>, problems: &mut Problems) -> BTreeMap<AgentName, Limit> {
    let mut limits = BTreeMap::new();
    let mut nobody = Problems::new("", "");
    let Some(table) = root.table("agents", &mut nobody) else {
        return limits;
    };
    for (key, _, value) in table.entries() {
        let Some(agent) = Table::of(table.name_of_table(key), value, &mut nobody) else {
            continue;
        };
        let limit = Limit {
            concurrency: None,
            rate: rate(&agent, problems),
        };
        if let (Ok(name), Some(_)) = (AgentName::new(key), limit.rate) {
            limits.insert(name, limit);
        }
    }
    limits
}

fn rate(table: &Table<'_, '_>, problems: &mut Problems) -> Option<Rate> {
    table.parsed("rate", "\"10/s\"", problems)
}
