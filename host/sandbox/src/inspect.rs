//! What a component asks for and offers, for people to read.

use std::path::{Path, PathBuf};

use ringfence_flow::{ByteSize, ContentHash};
use serde::{Serialize, Serializer};

use crate::component_check::{AgentKind, InterfaceName};
use crate::folder::LoadedComponent;

/// What an agent may touch through the interfaces that it imports. The
/// component cannot lie about this: what it does not import it cannot call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Files, in the mounts that are granted.
    Files,
    /// The network. Nothing is granted yet.
    Network,
    /// Environment variables and arguments. Nothing is granted.
    Environment,
    /// Clocks, no finer than a millisecond.
    Clocks,
    /// Random numbers.
    Random,
    /// Standard input, output and errors.
    Stdio,
    /// Log lines, within the budget.
    Log,
    /// Reports on how far it has come.
    Progress,
    /// Artifacts of the run.
    Artifacts,
    /// Language models. None is granted yet.
    Models,
}

impl Capability {
    /// What `interface` lets an agent touch. `None` where that is nothing by
    /// itself: types, streams, polling, ending.
    fn of(interface: &InterfaceName<'_>) -> Option<Self> {
        Some(match (interface.package, interface.interface) {
            ("wasi:filesystem", _) => Self::Files,
            ("wasi:sockets", _) => Self::Network,
            ("wasi:cli", "environment") => Self::Environment,
            ("wasi:cli", "exit") => return None,
            ("wasi:cli", _) => Self::Stdio,
            ("wasi:clocks", _) => Self::Clocks,
            ("wasi:random", _) => Self::Random,
            ("ringfence:agent", "log") => Self::Log,
            ("ringfence:agent", "progress") => Self::Progress,
            ("ringfence:agent", "artifacts") => Self::Artifacts,
            ("ringfence:agent", "model") => Self::Models,
            _ => return None,
        })
    }
}

/// The interfaces of one package that a component imports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportedPackage {
    /// The package, for example `wasi:io`.
    pub package: String,
    /// Its version, for example `0.2.6`.
    pub version: Option<String>,
    /// The interfaces, sorted.
    pub interfaces: Vec<String>,
}

/// What a component is, asks for and offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ComponentReport {
    /// Its file.
    #[serde(serialize_with = "as_text")]
    pub path: PathBuf,
    /// How the host talks to it.
    pub kind: AgentKind,
    /// The package and version that it was built for, for example
    /// `ringfence:agent@0.1.0`.
    pub contract: String,
    /// The SHA-256 of its file.
    pub hash: ContentHash,
    /// The size of its file in bytes.
    pub size: ByteSize,
    /// What it may touch if it is granted, sorted.
    pub asks: Vec<Capability>,
    /// What it imports, sorted by package.
    pub imports: Vec<ImportedPackage>,
    /// What it exports, in its own order.
    pub exports: Vec<String>,
}

impl ComponentReport {
    /// Reports on `component`.
    #[must_use]
    pub fn of(component: &LoadedComponent) -> Self {
        let interface = &component.interface;
        let names = || {
            interface
                .imports
                .iter()
                .filter_map(|name| InterfaceName::parse(name))
        };
        let mut asks: Vec<_> = names().filter_map(|name| Capability::of(&name)).collect();
        asks.sort_unstable();
        asks.dedup();
        Self {
            path: component.path.clone(),
            kind: interface.kind,
            contract: interface.contract.to_string(),
            hash: component.hash,
            size: component.size,
            asks,
            imports: by_package(names()),
            exports: interface.exports.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Whoever drops a file names it, perhaps with bytes that are no text.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

fn by_package<'a>(names: impl Iterator<Item = InterfaceName<'a>>) -> Vec<ImportedPackage> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable_by_key(|name| (name.package, name.version, name.interface));
    let mut packages: Vec<ImportedPackage> = Vec::new();
    for name in names {
        let interface = name.interface.to_owned();
        match packages.last_mut() {
            Some(last)
                if last.package == name.package && last.version.as_deref() == name.version =>
            {
                last.interfaces.push(interface);
            }
            _ => packages.push(ImportedPackage {
                package: name.package.to_owned(),
                version: name.version.map(ToOwned::to_owned),
                interfaces: vec![interface],
            }),
        }
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component_check::ComponentInterface;

    #[test]
    fn a_report_says_what_is_asked_for() {
        let bytes = wat::parse_str(
            r#"(component
                (import "wasi:io/streams@0.2.6" (instance))
                (import "wasi:filesystem/types@0.2.6" (instance))
                (import "wasi:filesystem/preopens@0.2.6" (instance))
                (import "ringfence:agent/log@0.1.0" (instance))
                (import "wasi:cli/exit@0.2.6" (instance))
                (instance $empty)
                (export "ringfence:agent/agent@0.1.0" (instance $empty)))"#,
        )
        .unwrap();
        let engine = wasmtime::Engine::default();
        let report = ComponentReport::of(&LoadedComponent {
            path: "plugins/a.wasm".into(),
            hash: ContentHash::from_bytes([0xab; 32]),
            size: ByteSize::bytes(bytes.len() as u64),
            interface: ComponentInterface::read(&bytes).unwrap(),
            component: wasmtime::component::Component::new(&engine, b"\0asm\x0d\0\x01\0").unwrap(),
            compatible: crate::compile::Compatibility::of(&engine),
            lines: crate::source_lines::SourceLines::default(),
        });
        insta::assert_json_snapshot!(report);
    }

    #[test]
    fn whatever_the_host_provides_has_its_capability() {
        let without: Vec<_> = crate::component_check::provided(0)
            .iter()
            .filter_map(|name| InterfaceName::parse(name))
            .filter(|name| Capability::of(name).is_none())
            .map(|name| format!("{}/{}", name.package, name.interface))
            .collect();
        assert_eq!(
            without,
            [
                "ringfence:agent/types",
                "wasi:cli/exit",
                "wasi:io/error",
                "wasi:io/poll",
                "wasi:io/streams"
            ]
        );
    }
}
