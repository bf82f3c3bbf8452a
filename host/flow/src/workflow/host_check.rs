//! Checks against what a host has: agents, grants and ceilings.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::WorkflowFile;
use super::places::TaskPlaces;
use crate::diagnostic::{Diagnostic, Source};
use crate::{
    AgentName, AgentProfile, BudgetKind, Budgets, MountName, Role, Task, TaskBody, suggest,
};

/// What a host has.
#[derive(Clone, Copy, Debug)]
pub struct HostFacts<'a> {
    /// The loaded agents.
    pub agents: &'a [Arc<AgentProfile>],
    /// What an attempt may use at most.
    pub ceiling: &'a Budgets,
    /// What an attempt may use where the workflow does not say.
    pub defaults: &'a Budgets,
    /// The mounts given with `--mount`; none if that is not known yet.
    pub mounts_given: Option<&'a BTreeSet<MountName>>,
}

/// Everything that keeps the workflow from running on this host.
pub(super) fn check(file: &WorkflowFile, facts: &HostFacts<'_>) -> Vec<Diagnostic> {
    let mut check = Check {
        source: Source::new(&file.text),
        facts,
        errors: Vec::new(),
        default_places: &file.places.default_budgets,
        told: BTreeSet::new(),
    };
    let tasks = &file.plan.workflow().tasks;
    for (task, places) in tasks.iter().zip(&file.places.tasks) {
        if let TaskBody::Agent { role, agent } = &task.body {
            check.budgets(task, places);
            check.agents(task, places, role, agent.as_ref());
            check.mounts(task, places, role, agent.as_ref());
        }
        if let Some(file) = &places.file {
            check.sub_workflow(file, &places.workflow);
        }
    }
    for (agent, place) in &file.places.limits.agents {
        check.limited_agent(agent, place);
    }
    check.errors.sort_by_key(|error| error.span.start);
    check.errors
}

struct Check<'a> {
    source: Source<'a>,
    facts: &'a HostFacts<'a>,
    errors: Vec<Diagnostic>,
    default_places: &'a BTreeMap<BudgetKind, Range<usize>>,
    /// The kinds of which the defaults ask too much, as far as told.
    told: BTreeSet<BudgetKind>,
}

impl Check<'_> {
    fn report(&mut self, code: &'static str, message: String, place: &Range<usize>, hint: String) {
        let span = self.source.span(place.clone());
        self.errors
            .push(Diagnostic::new(code, message, span).hinting(hint));
    }

    fn profile(&self, name: &AgentName) -> Option<&AgentProfile> {
        self.facts
            .agents
            .iter()
            .map(AsRef::as_ref)
            .find(|agent| agent.name == *name)
    }

    fn limited_agent(&mut self, name: &AgentName, place: &Range<usize>) {
        if self.profile(name).is_none() {
            let names = self.facts.agents.iter().map(|agent| agent.name.as_str());
            let hint = match suggest::nearest(name.as_str(), names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("loaded are {}", suggest::list(names, 16)),
            };
            let message = format!("there is no agent `{name}`");
            self.report("unknown-agent", message, place, hint);
        }
    }

    /// What keeps another workflow from running here keeps this one, too.
    fn sub_workflow(&mut self, file: &WorkflowFile, place: &Range<usize>) {
        let errors = check(file, self.facts);
        if let Some(first) = errors.first() {
            let (name, line) = (&file.name, first.span.line);
            let message = format!("`{name}` cannot run here: line {line}: {}", first.message);
            let hint = format!("`ringfence check {name}` tells all of it");
            self.report(first.code, message, place, hint);
        }
    }

    fn budgets(&mut self, task: &Task, places: &TaskPlaces) {
        let asked = task.budgets.over(self.facts.defaults);
        let above: Vec<_> = asked.above(self.facts.ceiling).collect();
        for kind in above {
            let of_task = places.budgets.get(&kind);
            // What the operator's own defaults ask for is cut, not refused.
            let Some(place) = of_task.or_else(|| self.default_places.get(&kind)) else {
                continue;
            };
            if of_task.is_none() && !self.told.insert(kind) {
                continue;
            }
            let who = match of_task {
                Some(_) => format!("task `{}` asks", task.id),
                None => "the defaults ask".to_owned(),
            };
            let ceiling = self.facts.ceiling.get(kind);
            let message = format!(
                "{who} for {} of {kind}, above the operator's ceiling of {ceiling}",
                asked.get(kind)
            );
            let hint = format!(
                "ask for at most {ceiling}, or raise `{kind}` under `[budgets.ceiling]` in ringfence.toml"
            );
            self.report("budget-above-ceiling", message, place, hint);
        }
    }

    fn agents(&mut self, task: &Task, places: &TaskPlaces, role: &Role, agent: Option<&AgentName>) {
        match agent {
            Some(agent) => self.named_agent(agent, role, &places.agent),
            None if !self.facts.agents.iter().any(|agent| agent.has_role(role)) => {
                let roles: BTreeSet<_> = self
                    .facts
                    .agents
                    .iter()
                    .flat_map(|agent| agent.roles.iter().map(Role::as_str))
                    .collect();
                let hint = match suggest::nearest(role.as_str(), roles.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if roles.is_empty() => {
                        "no agent is loaded; put one into the plugins folder, or name the folder with `--plugins`".to_owned()
                    }
                    None => format!("the loaded agents have {}", suggest::list(roles, 16)),
                };
                let message = format!("no loaded agent has the role `{role}`");
                self.report("no-capable-agent", message, &places.role, hint);
            }
            None => {}
        }
        for (agent, place) in task.fallback.iter().zip(&places.fallback) {
            self.named_agent(agent, role, place);
        }
    }

    fn named_agent(&mut self, name: &AgentName, role: &Role, place: &Range<usize>) {
        let names = || self.facts.agents.iter().map(|agent| agent.name.as_str());
        match self.profile(name) {
            None => {
                let hint = match suggest::nearest(name.as_str(), names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("loaded are {}", suggest::list(names(), 16)),
                };
                let message = format!("there is no agent `{name}`");
                self.report("unknown-agent", message, place, hint);
            }
            Some(agent) if !agent.has_role(role) => {
                let roles = suggest::list(agent.roles.iter().map(Role::as_str), 8);
                let message = format!("the agent `{name}` does not have the role `{role}`");
                self.report(
                    "no-capable-agent",
                    message,
                    place,
                    format!("it has {roles}"),
                );
            }
            Some(_) => {}
        }
    }

    fn mounts(
        &mut self,
        task: &Task,
        places: &TaskPlaces,
        role: &Role,
        pinned: Option<&AgentName>,
    ) {
        let candidates: Vec<_> = self
            .facts
            .agents
            .iter()
            .filter(|agent| agent.has_role(role) && pinned.is_none_or(|name| agent.name == *name))
            .cloned()
            .collect();
        for (mount, place) in task.mounts.iter().zip(&places.mounts) {
            let granted = candidates.iter().any(|agent| agent.is_granted(mount));
            if let (false, Some(agent)) = (granted, candidates.first()) {
                let mut names: Vec<_> = agent.mounts.iter().map(ToString::to_string).collect();
                names.push(mount.to_string());
                let hint = format!(
                    "add to ringfence.toml:\n[agents.{}]\nmounts = {names:?}",
                    agent.name
                );
                let message = match candidates.len() {
                    1 => format!(
                        "the agent `{}` is not granted the mount `{mount}`",
                        agent.name
                    ),
                    _ => format!("no agent with the role `{role}` is granted the mount `{mount}`"),
                };
                self.report("mount-not-granted", message, place, hint);
            }
            let writer = candidates.iter().find(|agent| agent.may_write(mount));
            if let (true, Some(agent)) = (task.cache, writer) {
                let message = format!(
                    "the result of task `{}` cannot be cached: the agent `{}` may write to the mount `{mount}`",
                    task.id, agent.name
                );
                let hint =
                    format!("take `cache` out, or grant `{mount}` without `:rw` in ringfence.toml");
                self.report("cache-with-writes", message, place, hint);
            }
            let given = self
                .facts
                .mounts_given
                .is_none_or(|given| given.contains(mount));
            if !given {
                let message = format!("the mount `{mount}` is not given");
                let hint = format!("add `--mount {mount}=PATH`");
                self.report("mount-not-given", message, place, hint);
            }
        }
    }
}
