//! What a file of the plugins folder is, told before anything is compiled.
//!
//! Only the outermost sections are read, and of those only the names of what
//! a component imports and exports. Whether it is valid in itself is for the
//! compiler to say, in a process of its own.

mod core_module;
mod description;
mod interfaces;
mod unfit;

pub use core_module::CoreModuleKind;
pub(crate) use core_module::PREVIEW_1;
pub use description::{
    AgentDescription, DescriptionProblem, MAX_ROLES, MAX_SCHEMA_SIZE, MAX_SUMMARY_LEN,
    MAX_VERSION_LEN, RawDescription,
};
#[cfg(test)]
pub(crate) use interfaces::provided;
pub(crate) use interfaces::{AGENT_FUNCTIONS, InterfaceName};
pub use interfaces::{CONTRACT_PACKAGE, CONTRACT_VERSIONS, SDK_VERSION, WASI_VERSION};
pub use unfit::Unfit;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wasmtime::wasmparser::{ComponentExternalKind, ComponentTypeRef, Parser, Payload, TypeBounds};

/// The most imports and exports that a component may have together. Real ones
/// have some dozens; whoever made the component picks the number, and the
/// host keeps the names.
const MAX_NAMES: usize = 1_000;

/// The most bytes that these names may have together.
const MAX_NAMES_LEN: usize = 64 << 10;

/// The exported interface that makes a component a command.
const COMMAND_INTERFACE: (&str, &str) = ("wasi:cli", "run");

/// The exported interface that makes a component an agent.
const AGENT_INTERFACE: &str = "agent";

/// How the host talks to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentKind {
    /// It exports `ringfence:agent/agent`.
    Plugin,
    /// It exports `wasi:cli/run`: the task is on stdin, the output on stdout.
    Command,
}

/// What a component asks for and offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentInterface {
    /// How the host talks to it.
    pub kind: AgentKind,
    /// The package and version that it was built for, for example
    /// `ringfence:agent@0.1.0` or `wasi:cli@0.2.3`.
    pub contract: Arc<str>,
    /// The interfaces that it imports, in its own order.
    pub imports: Arc<[Arc<str>]>,
    /// The interfaces that it exports, in its own order.
    pub exports: Arc<[Arc<str>]>,
}

impl ComponentInterface {
    /// Reads what `bytes` import and export, and whether an agent can be made
    /// of them. Takes time in proportion to the number of sections, and never
    /// compiles anything.
    ///
    /// # Errors
    /// The reason why there can be no agent.
    pub fn read(bytes: &[u8]) -> Result<Self, Unfit> {
        classify(bytes)?;
        let names = Names::read(bytes)?;
        let (kind, contract) = names.kind()?;
        names.check_imports()?;
        Ok(Self {
            kind,
            contract: contract.into(),
            imports: names.imports.into_iter().map(Into::into).collect(),
            exports: names.exports.into_iter().map(Into::into).collect(),
        })
    }
}

/// Whether `bytes` are a component.
pub(crate) fn classify(bytes: &[u8]) -> Result<(), Unfit> {
    let not = |detail: &str| {
        Err(Unfit::NotWebAssembly {
            detail: detail.to_owned(),
        })
    };
    if Parser::is_component(bytes) {
        Ok(())
    } else if Parser::is_core_wasm(bytes) {
        Err(CoreModuleKind::read(bytes).map_or_else(|unfit| unfit, Unfit::CoreModule))
    } else if bytes.is_empty() {
        not("the file is empty")
    } else if bytes.starts_with(b"\x7fELF") {
        not("it is a native or precompiled program")
    } else if !bytes.starts_with(b"\0asm") {
        not("it does not start with `\\0asm`")
    } else if bytes.len() < 8 {
        not("it ends within its header")
    } else {
        not("its binary version is unknown")
    }
}

#[derive(Default)]
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
    /// The bytes of all of them.
    len: usize,
}

impl Names {
    fn read(bytes: &[u8]) -> Result<Self, Unfit> {
        let mut names = Self::default();
        let mut parser = Parser::new(0);
        let mut rest = bytes;
        loop {
            let payload = match parser.parse(rest, true).map_err(invalid)? {
                wasmtime::wasmparser::Chunk::Parsed { consumed, payload } => {
                    rest = &rest[consumed..];
                    payload
                }
                // Not reached: the parser was told that these are all bytes.
                wasmtime::wasmparser::Chunk::NeedMoreData(_) => {
                    return Err(truncated());
                }
            };
            match payload {
                Payload::End(_) => return Ok(names),
                // What lies within is for the compiler to read.
                Payload::ModuleSection {
                    unchecked_range, ..
                }
                | Payload::ComponentSection {
                    unchecked_range, ..
                } => {
                    let len = unchecked_range.end - unchecked_range.start;
                    rest = rest.get(len..).ok_or_else(truncated)?;
                }
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        let import = import.map_err(invalid)?;
                        names.len += import.name.name.len();
                        // A type that equals one of the component's own needs
                        // nothing of the host.
                        if !matches!(import.ty, ComponentTypeRef::Type(TypeBounds::Eq(_))) {
                            names.imports.push(import.name.name.to_owned());
                        }
                        names.check_count()?;
                    }
                }
                Payload::ComponentExportSection(section) => {
                    for export in section {
                        let export = export.map_err(invalid)?;
                        names.len += export.name.name.len();
                        if export.kind != ComponentExternalKind::Type {
                            names.exports.push(export.name.name.to_owned());
                        }
                        names.check_count()?;
                    }
                }
                _ => {}
            }
        }
    }

    fn check_count(&self) -> Result<(), Unfit> {
        if self.imports.len() + self.exports.len() <= MAX_NAMES && self.len <= MAX_NAMES_LEN {
            return Ok(());
        }
        Err(Unfit::TooManyNames)
    }

    /// How the host talks to it, and the version that it was built for.
    fn kind(&self) -> Result<(AgentKind, String), Unfit> {
        let interfaces = || {
            self.exports
                .iter()
                .filter_map(|name| InterfaceName::parse(name))
        };
        let is_agent = |name: &InterfaceName<'_>| {
            name.package == CONTRACT_PACKAGE && name.interface == AGENT_INTERFACE
        };
        let is_command =
            |name: &InterfaceName<'_>| (name.package, name.interface) == COMMAND_INTERFACE;
        let good = |name: &InterfaceName<'_>| name.is_contract() || name.is_supported_wasi();

        for (kind, is_kind) in [
            (
                AgentKind::Plugin,
                &is_agent as &dyn Fn(&InterfaceName<'_>) -> bool,
            ),
            (AgentKind::Command, &is_command),
        ] {
            if let Some(name) = interfaces().find(|name| is_kind(name) && good(name)) {
                return Ok((kind, name.versioned_package()));
            }
        }
        if let Some(other) = interfaces().find(|name| is_agent(name) || is_command(name)) {
            return Err(other_version(&other));
        }
        Err(Unfit::OtherWorld {
            exports: self.exports.clone(),
            wanted: format!(
                "{CONTRACT_PACKAGE}/{AGENT_INTERFACE}@{}",
                CONTRACT_VERSIONS[CONTRACT_VERSIONS.len() - 1]
            ),
        })
    }

    fn check_imports(&self) -> Result<(), Unfit> {
        let parsed = || {
            self.imports
                .iter()
                .map(|name| (name, InterfaceName::parse(name)))
        };
        if let Some(other) = parsed()
            .filter_map(|(_, name)| name)
            .find(|name| name.package == CONTRACT_PACKAGE && !name.is_contract())
        {
            return Err(other_version(&other));
        }
        let unknown: Vec<_> = parsed()
            .filter(|(_, name)| !name.is_some_and(|name| name.is_provided()))
            .map(|(name, _)| name.clone())
            .collect();
        if unknown.is_empty() {
            Ok(())
        } else {
            Err(Unfit::UnknownImports { imports: unknown })
        }
    }
}

fn other_version(name: &InterfaceName<'_>) -> Unfit {
    let supported = if name.package == CONTRACT_PACKAGE {
        CONTRACT_VERSIONS
            .iter()
            .map(|version| format!("{CONTRACT_PACKAGE}@{version}"))
            .collect()
    } else {
        vec![format!("{}@{WASI_VERSION}", name.package)]
    };
    Unfit::OtherContractVersion {
        built_for: ringfence_flow::clean_text(&name.versioned_package(), 100),
        supported,
    }
}

fn truncated() -> Unfit {
    Unfit::NotWebAssembly {
        detail: "it ends within a section".to_owned(),
    }
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "passed to `map_err`, which gives the error away"
)]
fn invalid(error: wasmtime::wasmparser::BinaryReaderError) -> Unfit {
    let detail = ringfence_flow::clean_text(&error.to_string(), 300);
    Unfit::NotWebAssembly { detail }
}

#[cfg(test)]
mod tests;
