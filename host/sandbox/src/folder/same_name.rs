//! Agents that have the same name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringfence_flow::AgentName;

use crate::refusal::{Refusal, RefusalReason};

/// Takes out the agents that share their name with another one, and refuses
/// them all. To keep one of them would let whoever drops a file take the
/// place of an agent that is granted something.
pub(crate) fn refuse_same_names<T>(
    agents: Vec<T>,
    name: impl Fn(&T) -> &AgentName,
    path: impl Fn(&T) -> &Path,
) -> (Vec<T>, Vec<Refusal>) {
    let mut paths: BTreeMap<AgentName, Vec<PathBuf>> = BTreeMap::new();
    for agent in &agents {
        paths
            .entry(name(agent).clone())
            .or_default()
            .push(path(agent).to_owned());
    }
    paths.retain(|_, paths| paths.len() > 1);
    let alone = agents
        .into_iter()
        .filter(|agent| !paths.contains_key(name(agent)))
        .collect();
    let refused = paths
        .into_iter()
        .flat_map(|(name, paths)| {
            (0..paths.len())
                .map(|this| {
                    let mut others = paths.clone();
                    let path = others.remove(this);
                    let name = name.clone();
                    Refusal::new(path, RefusalReason::SameName { name, others })
                })
                .collect::<Vec<_>>()
        })
        .collect();
    (alone, refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_share_a_name_are_refused_and_the_others_stay() {
        let agent = |name: &str, path: &str| (AgentName::new(name).unwrap(), PathBuf::from(path));
        let (alone, refused) = refuse_same_names(
            vec![
                agent("linter", "a.wasm"),
                agent("tester", "b.wasm"),
                agent("linter", "c.wasm"),
                agent("linter", "d.wasm"),
            ],
            |(name, _)| name,
            |(_, path)| path,
        );
        assert_eq!(alone, [agent("tester", "b.wasm")]);
        let refused: Vec<_> = refused.iter().map(ToString::to_string).collect();
        assert_eq!(
            refused,
            [
                "`a.wasm`: holds an agent named `linter`, and so does `c.wasm`, `d.wasm`",
                "`c.wasm`: holds an agent named `linter`, and so does `a.wasm`, `d.wasm`",
                "`d.wasm`: holds an agent named `linter`, and so does `a.wasm`, `c.wasm`",
            ]
        );
    }
}
