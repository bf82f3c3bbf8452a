//! What the operator decides about sandboxes.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use ringfence_flow::{
    AgentName, Budgets, ByteSize, ContentHash, Fuel, MountGrant, MountName, Role,
};

use crate::compile::{COMPILE_ARGUMENT, own_program};

/// How many attempts of one agent may be under way unless its configuration
/// says otherwise.
pub const DEFAULT_INSTANCES: u32 = 4;

/// How many agents may be asked something (`describe`, `can-handle`) at once, or
/// as many as [`max_sandboxes`](SandboxConfig::max_sandboxes) if that is less.
/// They have sandboxes of their own beside those, so that whether an agent
/// can handle a task is known even while attempts take every other place.
pub const QUESTION_SANDBOXES: u32 = 16;

/// What the operator decides about one agent. The default grants nothing.
///
/// There is no grant of models: no provider of one exists yet, so whoever
/// reads a configuration file refuses `models` rather than accept a grant that
/// does nothing. The same holds for `http` and `secrets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentConfig {
    /// How many attempts may be under way at once. Default
    /// [`DEFAULT_INSTANCES`].
    pub instances: u32,
    /// The mounts that the agent may see, when a task asks for them. Default
    /// none.
    pub mounts: Vec<MountGrant>,
    /// The roles of an agent that is a plain `wasi:cli/command` and so cannot
    /// describe itself. Default none.
    pub roles: Vec<Role>,
    /// The only component that may have the name. Default: any.
    pub sha256: Option<ContentHash>,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            instances: DEFAULT_INSTANCES,
            mounts: Vec::new(),
            roles: Vec::new(),
            sha256: None,
        }
    }
}

/// What the operator decides about all sandboxes of a host.
///
/// ```
/// use ringfence_flow::MountName;
/// use ringfence_sandbox::SandboxConfig;
///
/// let mut config = SandboxConfig::default();
/// config.plugins.push("plugins".into());
/// config.mounts.insert(MountName::new("src")?, "/home/me/project".into());
/// assert!(config.agents.is_empty(), "nothing is granted to anybody");
/// # Ok::<(), ringfence_flow::InvalidId>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxConfig {
    /// The folders that hold plugins. Default none.
    pub plugins: Vec<PathBuf>,
    /// The most that one attempt may be given. Default 50 G units of fuel,
    /// 10 minutes, 512 MiB of memory, 16 MiB of output, 256 MiB of artifacts,
    /// 100,000 log lines of 16 MiB together, 10 M host calls and 4,096 open
    /// resources.
    pub ceiling: Budgets,
    /// What an attempt gets when nobody says anything. Default
    /// [`Budgets::default`].
    pub defaults: Budgets,
    /// How many attempts may be alive at once, over all agents; one beyond
    /// that waits, whatever its priority. So it should be the capacity of the
    /// host that schedules them plus its reserve for emergencies, or an
    /// emergency that the host lets through waits here. Questions don't count,
    /// see [`QUESTION_SANDBOXES`]. Each sandbox takes 8 GiB of address space
    /// and no memory until it is used. Default 68: a capacity of 64 and a
    /// reserve of 4.
    pub max_sandboxes: u32,
    /// How often a running agent gives way to others, and the longest that
    /// a stopped one runs on. Default 2 ms.
    pub tick: Duration,
    /// What is decided about single agents. An agent that is not named here
    /// gets [`AgentConfig::default`].
    pub agents: BTreeMap<AgentName, AgentConfig>,
    /// The folders of the host behind the mounts' names. Default none.
    pub mounts: BTreeMap<MountName, PathBuf>,
    /// Where compiled agents are kept. Default none: each start compiles.
    pub cache_dir: Option<PathBuf>,
    /// Who compiles agents. Default [`Compilation::InProcess`].
    pub compilation: Compilation,
}

/// Who compiles agents. A compiler that reads untrusted bytes can be made to
/// use memory and time without bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Compilation {
    /// This process: for tests, and for agents that the operator built. Whoever
    /// takes components from elsewhere uses
    /// [`this_program`](Self::this_program).
    #[default]
    InProcess,
    /// A child process under limits of time and memory.
    ChildProcess {
        /// The program to start.
        program: PathBuf,
        /// The arguments that make it compile.
        args: Vec<String>,
    },
}

impl Compilation {
    /// A child process of the program that is running, whose `main` begins as
    /// [`compile_child_main`](crate::compile_child_main) says.
    ///
    /// # Errors
    /// Those of [`own_program`](crate::own_program).
    pub fn this_program() -> io::Result<Self> {
        Ok(Self::ChildProcess {
            program: own_program()?,
            args: vec![COMPILE_ARGUMENT.to_owned()],
        })
    }
}

impl Default for SandboxConfig {
    fn default() -> Self {
        let defaults = Budgets::default();
        Self {
            plugins: Vec::new(),
            ceiling: Budgets {
                fuel: Fuel::units(50_000_000_000),
                time: Duration::from_secs(600),
                memory: ByteSize::mib(512),
                output: ByteSize::mib(16),
                artifacts: ByteSize::mib(256),
                log_lines: 100_000,
                log_bytes: ByteSize::mib(16),
                host_calls: 10_000_000,
                open_resources: 4_096,
            },
            defaults,
            max_sandboxes: 68,
            tick: Duration::from_millis(2),
            agents: BTreeMap::new(),
            mounts: BTreeMap::new(),
            cache_dir: None,
            compilation: Compilation::default(),
        }
    }
}

impl SandboxConfig {
    /// What is decided about `name`.
    #[must_use]
    pub fn agent(&self, name: &AgentName) -> AgentConfig {
        self.agents.get(name).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_below_the_ceiling() {
        let config = SandboxConfig::default();
        assert_eq!(config.defaults.above(&config.ceiling).count(), 0);
    }

    #[test]
    fn the_default_has_room_for_a_full_host_and_its_emergencies() {
        assert_eq!(SandboxConfig::default().max_sandboxes, 64 + 4);
    }

    #[test]
    fn an_agent_that_nobody_named_is_granted_nothing() {
        let config = SandboxConfig::default();
        let agent = config.agent(&AgentName::new("stranger").unwrap());
        assert_eq!(agent, AgentConfig::default());
        assert!(agent.mounts.is_empty());
    }
}
