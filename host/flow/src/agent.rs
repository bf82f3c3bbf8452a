//! What the scheduler knows of an agent.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{AgentName, ContentHash, MountName, Role};

/// Whether a mount may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MountAccess {
    /// Files can be read.
    ReadOnly,
    /// Files can be read, made, changed and deleted.
    ReadWrite,
}

/// A mount that an agent is granted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MountGrant {
    /// The mount's name.
    pub name: MountName,
    /// What the agent may do there.
    pub access: MountAccess,
}

impl fmt::Display for MountGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.access {
            MountAccess::ReadOnly => write!(f, "{}", self.name),
            MountAccess::ReadWrite => write!(f, "{}:rw", self.name),
        }
    }
}

/// What the scheduler knows of a loaded agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AgentProfile {
    /// Its name, unique in a host.
    pub name: AgentName,
    /// Its version, in the agent's own words.
    pub version: Arc<str>,
    /// One sentence on what it does.
    pub summary: Arc<str>,
    /// The roles it plays.
    pub roles: Arc<[Role]>,
    /// The SHA-256 of its component.
    pub hash: ContentHash,
    /// How many attempts may be under way at once.
    pub instances: u32,
    /// The mounts it is granted.
    pub mounts: Arc<[MountGrant]>,
}

impl AgentProfile {
    /// Whether it plays `role`.
    #[must_use]
    pub fn has_role(&self, role: &Role) -> bool {
        self.roles.contains(role)
    }

    /// Whether it may change what is in the mount `name`.
    #[must_use]
    pub fn may_write(&self, name: &MountName) -> bool {
        let writes = |grant: &MountGrant| grant.access == MountAccess::ReadWrite;
        self.mounts
            .iter()
            .any(|grant| grant.name == *name && writes(grant))
    }

    /// Whether it is granted the mount `name`.
    #[must_use]
    pub fn is_granted(&self, name: &MountName) -> bool {
        self.mounts.iter().any(|grant| grant.name == *name)
    }
}
