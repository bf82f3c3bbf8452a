//! Why no agent can be made of a file, as far as its outermost sections tell.

use ringfence_flow::clean_text;
use serde::{Deserialize, Serialize};

use super::interfaces::{CONTRACT_PACKAGE, SDK_VERSION, WASI_VERSION};
use super::{AGENT_FUNCTIONS, CoreModuleKind, MAX_NAMES, MAX_NAMES_LEN};
use crate::refusal::show_names;

/// The longest text of wasmparser that is shown, in bytes.
const MAX_DETAIL: usize = 300;

/// Why no agent can be made of what a file holds.
///
/// The process that compiles says it to the host. It has read what somebody
/// dropped, so its words are cleaned when they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Unfit {
    /// The bytes are not WebAssembly, or end too early.
    #[error("is not WebAssembly: {}", clean_text(.detail, MAX_DETAIL))]
    NotWebAssembly {
        /// What is wrong with them.
        detail: String,
    },
    /// A core module, not a component.
    #[error("is {}", .0.describe())]
    CoreModule(CoreModuleKind),
    /// A component of another world.
    #[error("is a component of another world: it exports {}; an agent exports `{wanted}` ({}), or `wasi:cli/run@{WASI_VERSION}`", show_names(.exports), show_names(&AGENT_FUNCTIONS))]
    OtherWorld {
        /// What it exports.
        exports: Vec<String>,
        /// What an agent exports.
        wanted: String,
    },
    /// A component that was built for another version of the contract.
    #[error("was built for {}, and this host supports {}", show_names(std::slice::from_ref(.built_for)), show_names(.supported))]
    OtherContractVersion {
        /// The package and version that it was built for.
        built_for: String,
        /// The packages and versions that the host supports.
        supported: Vec<String>,
    },
    /// A component that imports what the host does not have.
    #[error("imports what this host does not have: {}", show_names(.imports))]
    UnknownImports {
        /// The imports.
        imports: Vec<String>,
    },
    /// A component with more imports and exports than any real one.
    #[error(
        "is not a valid component: it has more than {MAX_NAMES} imports and exports, or more than {MAX_NAMES_LEN} bytes of their names"
    )]
    TooManyNames,
}

impl Unfit {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotWebAssembly { .. } => "not-webassembly",
            Self::CoreModule(_) => "core-module",
            Self::OtherWorld { .. } => "other-world",
            Self::OtherContractVersion { .. } => "other-contract-version",
            Self::UnknownImports { .. } => "unknown-imports",
            Self::TooManyNames => "too-many-names",
        }
    }

    /// What to do or type next.
    #[must_use]
    pub fn hint(&self) -> String {
        self.hint_for("FILE.wasm")
    }

    /// The same, with the bytes in `file`, written as it is typed.
    pub(crate) fn hint_for(&self, file: &str) -> String {
        match self {
            Self::NotWebAssembly { .. } => {
                "build or copy the file again; an agent is a WebAssembly component".to_owned()
            }
            Self::CoreModule(kind) => kind.hint(file),
            Self::OtherWorld { .. } => format!(
                "write it with `ringfence-sdk` {SDK_VERSION} and `ringfence_sdk::register!`, \
                 or for the world `agent-plugin` of `wit/agent.wit`; a program with a `main` \
                 needs neither"
            ),
            Self::OtherContractVersion { supported, .. } => {
                if supported
                    .iter()
                    .any(|name| name.starts_with(CONTRACT_PACKAGE))
                {
                    format!(
                        "build it again with `ringfence-sdk` {SDK_VERSION}, which gives {}, \
                         or use a host that supports its version",
                        show_names(supported)
                    )
                } else {
                    format!(
                        "build it for WASI {WASI_VERSION}, in Rust with `--target wasm32-wasip2`"
                    )
                }
            }
            Self::UnknownImports { .. } => "take out of the agent what uses these; \
                 an agent may import `ringfence:agent` and WASI 0.2 without HTTP"
                .to_owned(),
            Self::TooManyNames => {
                "do not trust this file; an agent has some dozens of imports".to_owned()
            }
        }
    }
}
