//! What an agent is granted, decided once for each attempt, and the audit of
//! each decision.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringfence_flow::{
    AgentName, AttemptObserver, GrantDecision, MountAccess, MountGrant, MountName,
};

use crate::host::NO_MODELS;

/// Something outside the sandbox that a guest reached for while it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Effect {
    /// A language model.
    Model = 1,
    /// A TCP socket.
    Tcp = 2,
    /// A UDP socket.
    Udp = 4,
    /// The address of a name.
    Dns = 8,
    /// To make, move or multiply a symbolic link.
    SymbolicLink = 16,
    /// To change what lies in a mount that it may read.
    WriteReadOnly = 32,
    /// What lies outside its mounts.
    LeaveMount = 64,
    /// To move or link something from one mount into another.
    AcrossMounts = 128,
    /// A pipe, a socket or a device.
    SpecialFile = 256,
}

impl Effect {
    const fn name(self) -> &'static str {
        match self {
            Self::Model => "model chat",
            Self::Tcp => "network tcp",
            Self::Udp => "network udp",
            Self::Dns => "network dns",
            Self::SymbolicLink => "make or move a symbolic link",
            Self::WriteReadOnly => "write to a read-only mount",
            Self::LeaveMount => "leave a mount",
            Self::AcrossMounts => "carry over to another mount",
            Self::SpecialFile => "open a pipe, socket or device",
        }
    }

    const fn rule(self) -> &'static str {
        match self {
            Self::Model => NO_MODELS,
            Self::Tcp | Self::Udp | Self::Dns => {
                "sandboxes have no network, and none can be granted"
            }
            Self::SymbolicLink => {
                "agents make and move no symbolic links: whoever follows one later is in no sandbox"
            }
            Self::AcrossMounts => {
                "nothing is moved or linked from one mount into another; copy it, where both may be written"
            }
            Self::SpecialFile => "agents open files and folders only",
            Self::WriteReadOnly => {
                "mounts are read-only unless granted with `:rw`, as in `mounts = [\"NAME:rw\"]`"
            }
            Self::LeaveMount => "the path leads out of the mount, or the system does not permit it",
        }
    }
}

/// The effects that were denied so far. Each is reported once for an attempt:
/// the guest picks how often it asks.
#[derive(Debug, Default)]
pub(crate) struct Denials(u16);

impl Denials {
    /// Tells `observer` that `effect` was denied, unless it knows.
    pub(crate) fn deny(&mut self, effect: Effect, observer: &dyn AttemptObserver) {
        let bit = effect as u16;
        if self.0 & bit != 0 {
            return;
        }
        self.0 |= bit;
        observer.decision(GrantDecision {
            effect: effect.name().into(),
            allowed: false,
            rule: effect.rule().into(),
        });
    }
}

/// A folder that a guest sees as `/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Preopen<'a> {
    /// The mount's name.
    pub(crate) name: &'a MountName,
    /// The folder on the host.
    pub(crate) path: &'a Path,
    /// Whether it may be written.
    pub(crate) access: MountAccess,
}

/// Decides which of the mounts that a task asks for `agent` gets to see, and
/// what is said of each.
///
/// A mount takes three: a task that asks for it, an operator that grants it to
/// the agent, and a user that says which folder it is.
pub(crate) fn decide_mounts<'a>(
    agent: &AgentName,
    asked: &'a [MountName],
    granted: &[MountGrant],
    folders: &'a BTreeMap<MountName, PathBuf>,
) -> (Vec<Preopen<'a>>, Vec<GrantDecision>) {
    let mut preopens = Vec::with_capacity(asked.len());
    let mut decisions = Vec::with_capacity(asked.len());
    for name in asked {
        let grant = granted.iter().find(|grant| grant.name == *name);
        let (allowed, rule) = match (grant, folders.get(name)) {
            (None, _) => (
                false,
                format!(
                    "not granted; add `mounts = [\"{name}\"]` to `[agents.{agent}]` in `ringfence.toml`"
                ),
            ),
            (Some(grant), None) => (
                false,
                format!(
                    "granted by `[agents.{agent}] mounts = [\"{grant}\"]`, but no folder was given; add `--mount {name}=PATH`"
                ),
            ),
            (Some(grant), Some(path)) => {
                preopens.push(Preopen {
                    name,
                    path,
                    access: grant.access,
                });
                (true, format!("[agents.{agent}] mounts = [\"{grant}\"]"))
            }
        };
        decisions.push(GrantDecision {
            effect: format!("mount {name}").into(),
            allowed,
            rule: rule.into(),
        });
    }
    (preopens, decisions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringfence_flow::{LogLine, Progress};
    use std::sync::Mutex;

    #[derive(Default)]
    struct Decisions(Mutex<Vec<GrantDecision>>);

    impl AttemptObserver for Decisions {
        fn progress(&self, _: Progress) {}
        fn log(&self, _: LogLine) {}
        fn decision(&self, decision: GrantDecision) {
            self.0.lock().unwrap().push(decision);
        }
    }

    #[test]
    fn a_denial_is_reported_once() {
        let seen = Decisions::default();
        let mut denials = Denials::default();
        denials.deny(Effect::Tcp, &seen);
        denials.deny(Effect::Model, &seen);
        denials.deny(Effect::Tcp, &seen);
        let effects: Vec<_> = seen
            .0
            .lock()
            .unwrap()
            .iter()
            .map(|d| d.effect.to_string())
            .collect();
        assert_eq!(effects, ["network tcp", "model chat"]);
    }

    #[test]
    fn a_mount_takes_the_task_the_operator_and_the_user() {
        let mount = |name: &str| MountName::new(name).unwrap();
        let agent = AgentName::new("security").unwrap();
        let asked = [mount("src"), mount("docs"), mount("out")];
        let granted = [
            MountGrant {
                name: mount("out"),
                access: MountAccess::ReadWrite,
            },
            MountGrant {
                name: mount("docs"),
                access: MountAccess::ReadOnly,
            },
            MountGrant {
                name: mount("unasked"),
                access: MountAccess::ReadOnly,
            },
        ];
        let folders = ["src", "out", "unasked"]
            .map(|name| (mount(name), PathBuf::from("/tmp").join(name)))
            .into();
        let (preopens, decisions) = decide_mounts(&agent, &asked, &granted, &folders);
        assert_eq!(preopens.len(), 1);
        assert_eq!(preopens[0].name.as_str(), "out");
        assert_eq!(preopens[0].access, MountAccess::ReadWrite);
        let said: Vec<_> = decisions
            .iter()
            .map(|d| format!("{} {} {}", d.allowed, d.effect, d.rule))
            .collect();
        assert_eq!(
            said,
            [
                "false mount src not granted; add `mounts = [\"src\"]` to `[agents.security]` in `ringfence.toml`",
                "false mount docs granted by `[agents.security] mounts = [\"docs\"]`, but no folder was given; add `--mount docs=PATH`",
                "true mount out [agents.security] mounts = [\"out:rw\"]",
            ]
        );
    }
}
