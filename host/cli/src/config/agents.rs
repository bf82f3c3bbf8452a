//! `[agents.NAME]`: what the operator decides about one agent.

use std::collections::BTreeMap;

use ringfence_flow::{AgentName, MountAccess, MountGrant, MountName, Role};
use ringfence_sandbox::{AgentConfig, MAX_ROLES};

use super::document::{Problems, Table};

/// The most attempts of one agent at once that can be asked for.
const MAX_INSTANCES: u32 = 1_000;

/// The keys that are understood.
const KEYS: [&str; 5] = ["instances", "mounts", "rate", "roles", "sha256"];

/// What the contract provides for and this version does not do. To accept it
/// and do nothing would let an operator believe in a grant that is none.
const UNSUPPORTED: [(&str, &str); 4] = [
    ("models", "agents cannot be granted models"),
    ("http", "agents cannot be granted HTTP"),
    ("secrets", "agents cannot be granted secrets"),
    ("budgets", "agents have no budgets of their own"),
];

/// What is decided about each agent.
pub(super) type Agents = BTreeMap<AgentName, AgentConfig>;

/// Reads `[agents]`.
pub(super) fn read(root: &Table<'_, '_>, problems: &mut Problems) -> Agents {
    let mut agents = Agents::new();
    let Some(table) = root.table("agents", problems) else {
        return agents;
    };
    for (key, span, value) in table.entries() {
        let name = AgentName::new(key).map_err(|error| {
            problems.add(
                span.clone(),
                error.to_string(),
                "not an agent's name",
                "write the name that `ringfence agents list` shows".to_owned(),
            );
        });
        let Some(agent) = Table::of(table.name_of_table(key), value, problems) else {
            continue;
        };
        let config = read_one(&agent, problems);
        if let Ok(name) = name {
            agents.insert(name, config);
        }
    }
    agents
}

fn read_one(table: &Table<'_, '_>, problems: &mut Problems) -> AgentConfig {
    let unsupported = UNSUPPORTED.map(|(key, _)| key);
    table.check_keys(&[&KEYS[..], &unsupported].concat(), problems);
    for (key, span, _) in table.entries() {
        if let Some((_, what)) = UNSUPPORTED.iter().find(|(name, _)| *name == key) {
            let hint = match key {
                "budgets" => "set `[budgets.default]`, or the task's budget in the workflow",
                _ => "take it out; an agent that asks for it gets an error",
            };
            problems.add(
                span,
                format!("`{key}` is not supported yet: {what}"),
                "not supported",
                hint.to_owned(),
            );
        }
    }
    let defaults = AgentConfig::default();
    AgentConfig {
        instances: table
            .number("instances", 1..=MAX_INSTANCES, problems)
            .unwrap_or(defaults.instances),
        mounts: read_mounts(table, problems),
        roles: read_roles(table, problems),
        sha256: table.parsed("sha256", "\"9f86d081884c7d65...\"", problems),
    }
}

fn read_mounts(table: &Table<'_, '_>, problems: &mut Problems) -> Vec<MountGrant> {
    let mut seen: Vec<MountName> = Vec::new();
    let mounts = table.list("mounts", "\"src\"", |text, span, problems| {
        let (name, access) = match text.split_once(':') {
            None => (text, MountAccess::ReadOnly),
            Some((name, "rw")) => (name, MountAccess::ReadWrite),
            Some((name, other)) => {
                problems.add(
                    span,
                    format!("a mount is granted for reading, or with `:rw` for writing too, and not with `:{other}`"),
                    "unknown access",
                    format!("write `\"{name}\"` or `\"{name}:rw\"`"),
                );
                return None;
            }
        };
        match MountName::new(name) {
            Ok(name) if seen.contains(&name) => {
                problems.add(
                    span,
                    format!("the mount `{name}` is granted twice"),
                    "again",
                    format!("keep `\"{name}\"` for reading, or `\"{name}:rw\"` for writing too"),
                );
                None
            }
            Ok(name) => {
                seen.push(name.clone());
                Some(MountGrant { name, access })
            }
            Err(error) => {
                problems.add(
                    span,
                    error.to_string(),
                    "not a mount's name",
                    "write the name that is given with `--mount NAME=PATH`, not the path".to_owned(),
                );
                None
            }
        }
    }, problems);
    mounts.unwrap_or_default()
}

fn read_roles(table: &Table<'_, '_>, problems: &mut Problems) -> Vec<Role> {
    let roles = table.list(
        "roles",
        "\"reviewer\"",
        |text, span, problems| {
            Role::new(text)
                .map_err(|error| {
                    problems.add(
                        span,
                        error.to_string(),
                        "not a role",
                        "for example `\"reviewer\"`".to_owned(),
                    );
                })
                .ok()
        },
        problems,
    );
    let roles = roles.unwrap_or_default();
    if roles.len() > MAX_ROLES
        && let Some(value) = table.get("roles")
    {
        problems.add(
            value.span(),
            format!(
                "an agent plays at most {MAX_ROLES} roles, this one {}",
                roles.len()
            ),
            "too many",
            None,
        );
    }
    roles
}
