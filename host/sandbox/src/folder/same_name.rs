//! Agents that have the same name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringfence_flow::AgentName;

use crate::refusal::{Refusal, RefusalReason};

/// The most other files that a refusal names. A folder of ten thousand files of
/// one name would else be refused with a hundred million paths.
const NAMED: usize = 3;

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
            let more = paths.len().saturating_sub(1 + NAMED);
            let refuse = |path: &PathBuf| {
                let others = paths.iter().filter(|other| *other != path);
                let reason = RefusalReason::SameName {
                    name: name.clone(),
                    others: others.take(NAMED).cloned().collect(),
                    more,
                };
                Refusal::new(path.clone(), reason)
            };
            paths.iter().map(refuse).collect::<Vec<_>>()
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

    #[test]
    fn a_refusal_names_a_few_of_many() {
        let name = AgentName::new("linter").unwrap();
        let agents = (0..1_000)
            .map(|number| (name.clone(), PathBuf::from(format!("{number:03}.wasm"))))
            .collect();
        let (_, refused) = refuse_same_names(agents, |(name, _)| name, |(_, path)| path);
        assert_eq!(refused.len(), 1_000);
        assert_eq!(
            refused[1].to_string(),
            "`001.wasm`: holds an agent named `linter`, and so does `000.wasm`, `002.wasm`, `003.wasm` and 996 more"
        );
    }
}
