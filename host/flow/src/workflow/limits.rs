//! `limits` of a workflow: how much of each role and agent, and how often.

use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;

use super::decode::MAX_CONCURRENCY;
use super::keys;
use crate::diagnostic::Diagnostic;
use crate::document::Reader;
use crate::yaml::{Node, NodeKind};
use crate::{AgentName, InvalidId, Limit, Limits, Role, Task, TaskBody, suggest};

/// Where the names of `limits` stand.
#[derive(Clone, Debug, Default)]
pub(super) struct LimitPlaces {
    pub(super) roles: BTreeMap<Role, Range<usize>>,
    pub(super) agents: BTreeMap<AgentName, Range<usize>>,
}

/// Reads `limits`.
pub(super) fn limits(reader: &mut Reader<'_>, node: &Node) -> (Limits, LimitPlaces) {
    let Some(fields) = reader.fields(node, "`limits`", &keys::LIMITS) else {
        return (Limits::default(), LimitPlaces::default());
    };
    let roles = fields.get("roles").map(|node| named(reader, node, "roles"));
    let agents = fields
        .get("agents")
        .map(|node| named(reader, node, "agents"));
    let (roles, role_places) = roles.unwrap_or_default();
    let (agents, agent_places) = agents.unwrap_or_default();
    (
        Limits { roles, agents },
        LimitPlaces {
            roles: role_places,
            agents: agent_places,
        },
    )
}

type Named<T> = (BTreeMap<T, Limit>, BTreeMap<T, Range<usize>>);

fn named<T: FromStr<Err = InvalidId> + Ord + Clone>(
    reader: &mut Reader<'_>,
    node: &Node,
    key: &str,
) -> Named<T> {
    let (mut limits, mut places) = (BTreeMap::new(), BTreeMap::new());
    let NodeKind::Map(entries) = &node.kind else {
        let message = format!(
            "`{key}` is {}; it is to be a map from names to limits",
            node.describe()
        );
        let diagnostic = Diagnostic::new("wrong-type", message, reader.span(&node.range));
        reader.report(diagnostic.hinting("for example `reviewer: { rate: 10/s }`".to_owned()));
        return (limits, places);
    };
    for entry in entries {
        let name = reader.name_of::<T>(&entry.key.text, &entry.key.range);
        let limit = limit(reader, &entry.value, &entry.key.text);
        if let (Some(name), Some(limit)) = (name, limit) {
            limits.insert(name.clone(), limit);
            places.insert(name, entry.key.range.clone());
        }
    }
    (limits, places)
}

fn limit(reader: &mut Reader<'_>, node: &Node, name: &str) -> Option<Limit> {
    let fields = reader.fields(node, &format!("`{name}`"), &keys::LIMIT)?;
    let concurrency = fields
        .get("concurrency")
        .and_then(|node| reader.count(node, "concurrency", 1..MAX_CONCURRENCY + 1));
    let rate = fields
        .get("rate")
        .and_then(|node| reader.rate(node, "rate"));
    Some(Limit { concurrency, rate })
}

/// Reports limits on roles that no task asks for.
pub(super) fn check_roles(reader: &mut Reader<'_>, tasks: &[Task], places: &LimitPlaces) {
    let asked = || {
        tasks.iter().filter_map(|task| match &task.body {
            TaskBody::Agent { role, .. } => Some(role.as_str()),
            TaskBody::Vote(_) | TaskBody::Approval(_) | TaskBody::Workflow(_) => None,
        })
    };
    // The tasks of another workflow have roles that are not known here.
    let has_others = tasks
        .iter()
        .any(|task| matches!(task.body, TaskBody::Workflow(_)));
    let unknown = places
        .roles
        .iter()
        .filter(|(role, _)| asked().all(|other| other != role.as_str()));
    for (role, place) in unknown.filter(|_| !has_others) {
        let message = format!("no task of this workflow asks for the role `{role}`");
        let hint = suggest::nearest(role.as_str(), asked()).map_or_else(
            || "remove the limit".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let diagnostic = Diagnostic::new("unknown-name", message, reader.span(place));
        reader.report(diagnostic.hinting(hint));
    }
}
