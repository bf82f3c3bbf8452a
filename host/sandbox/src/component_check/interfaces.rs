//! The interfaces that the host has, by name.
//!
//! This decides which components are compiled at all, so it is a list and not
//! a question to the linker; a test holds the list against the linker.

/// The package of the contract.
pub const CONTRACT_PACKAGE: &str = "ringfence:agent";

/// The versions of the contract that the host supports.
pub const CONTRACT_VERSIONS: [&str; 1] = ["0.1.0"];

/// The version of `ringfence-sdk` that gives the newest of them.
pub const SDK_VERSION: &str = "0.1.0";

/// The functions of the interface that an agent exports.
pub(crate) const AGENT_FUNCTIONS: [&str; 3] = ["describe", "can-handle", "execute"];

/// The version of WASI that the host supports, without the patch: the patches
/// of 0.2 only add to each other.
pub const WASI_VERSION: &str = "0.2";

const CONTRACT_INTERFACES: [&str; 5] = ["types", "log", "progress", "artifacts", "model"];

const WASI_INTERFACES: [(&str, &[&str]); 6] = [
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
    ),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"]),
    ("wasi:filesystem", &["types", "preopens"]),
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:random", &["random", "insecure", "insecure-seed"]),
    (
        "wasi:sockets",
        &[
            "instance-network",
            "ip-name-lookup",
            "network",
            "tcp",
            "tcp-create-socket",
            "udp",
            "udp-create-socket",
        ],
    ),
];

/// The name of an interface, taken apart: `wasi:cli/run@0.2.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InterfaceName<'a> {
    /// The package, for example `wasi:cli`.
    pub(crate) package: &'a str,
    /// The interface, for example `run`.
    pub(crate) interface: &'a str,
    /// The version, for example `0.2.0`.
    pub(crate) version: Option<&'a str>,
}

impl<'a> InterfaceName<'a> {
    /// Takes `name` apart. `None` if it is not the name of an interface.
    pub(crate) fn parse(name: &'a str) -> Option<Self> {
        let (name, version) = match name.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (name, None),
        };
        let (package, interface) = name.split_once('/')?;
        package.contains(':').then_some(Self {
            package,
            interface,
            version,
        })
    }

    /// The package with its version, for example `wasi:cli@0.2.0`.
    pub(crate) fn versioned_package(&self) -> String {
        match self.version {
            Some(version) => format!("{}@{version}", self.package),
            None => format!("{} without a version", self.package),
        }
    }

    /// Whether it is of a contract version that the host supports.
    pub(crate) fn is_contract(&self) -> bool {
        self.package == CONTRACT_PACKAGE
            && self.version.is_some_and(|v| CONTRACT_VERSIONS.contains(&v))
    }

    /// Whether it is of the WASI version that the host supports.
    pub(crate) fn is_supported_wasi(&self) -> bool {
        self.package.starts_with("wasi:")
            && self
                .version
                .and_then(|version| version.strip_prefix(WASI_VERSION)?.strip_prefix('.'))
                .is_some_and(|patch| patch.parse::<u32>().is_ok())
    }

    /// Whether the host has it for agents to import.
    pub(crate) fn is_provided(&self) -> bool {
        if self.is_contract() {
            return CONTRACT_INTERFACES.contains(&self.interface);
        }
        self.is_supported_wasi()
            && WASI_INTERFACES
                .iter()
                .any(|(package, all)| *package == self.package && all.contains(&self.interface))
    }
}

/// The full names of all interfaces that the host has for agents to import,
/// with WASI in the patch `wasi_patch`.
#[cfg(test)]
pub(crate) fn provided(wasi_patch: u32) -> Vec<String> {
    let contract = CONTRACT_VERSIONS.iter().flat_map(|version| {
        CONTRACT_INTERFACES
            .iter()
            .map(move |interface| format!("{CONTRACT_PACKAGE}/{interface}@{version}"))
    });
    let wasi = WASI_INTERFACES.iter().flat_map(|(package, all)| {
        all.iter()
            .map(move |interface| format!("{package}/{interface}@{WASI_VERSION}.{wasi_patch}"))
    });
    contract.chain(wasi).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_provided(name: &str) -> bool {
        InterfaceName::parse(name).is_some_and(|name| name.is_provided())
    }

    #[test]
    fn all_that_is_listed_is_provided() {
        for name in provided(0).iter().chain(&provided(12)) {
            assert!(is_provided(name), "{name}");
        }
    }

    #[test]
    fn what_is_not_listed_is_not_provided() {
        for name in [
            "wasi:http/types@0.2.0",
            "wasi:cli/run@0.2.0",
            "wasi:cli/stdin@0.3.0",
            "wasi:cli/stdin@0.2.0-rc1",
            "wasi:cli/stdin@0.20.0",
            "wasi:cli/stdin",
            "ringfence:agent/log@0.2.0",
            "ringfence:agent/secrets@0.1.0",
            "other:agent/log@0.1.0",
            "log",
            "",
        ] {
            assert!(!is_provided(name), "{name}");
        }
    }

    #[test]
    fn the_contract_version_is_that_of_the_wit_file() {
        let wit = include_str!("../../../../wit/agent.wit");
        let newest = CONTRACT_VERSIONS[CONTRACT_VERSIONS.len() - 1];
        assert!(wit.contains(&format!("package {CONTRACT_PACKAGE}@{newest};")));
    }

    #[test]
    fn the_sdk_gives_the_newest_contract() {
        let manifest = include_str!("../../../../plugin-sdk/Cargo.toml");
        assert!(manifest.contains("version.workspace = true"));
        let workspace = include_str!("../../../../Cargo.toml");
        assert!(workspace.contains(&format!("\nversion = \"{SDK_VERSION}\"\n")));
        // Its bindings are made of the file that the test above reads.
        let bindings = include_str!("../../../../plugin-sdk/src/bindings.rs");
        assert!(bindings.contains("../wit"), "{bindings}");
    }
}
