//! The files that a new project begins with.

use ringfence_flow::AgentName;

/// One file of a template.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TemplateFile {
    /// Where it goes, relative to the project, with `/` between the parts.
    pub(crate) path: &'static str,
    /// What is in it.
    pub(crate) text: &'static str,
}

/// What stands in a template where the name of the agent belongs.
const NAME: &str = "{{name}}";

/// The contract, which every project carries: `wit/agent.wit`.
pub(crate) const CONTRACT: TemplateFile = TemplateFile {
    path: "wit/agent.wit",
    text: include_str!("../../../wit/agent.wit"),
};

/// The world of the contract that an agent is made for.
pub(crate) const WORLD: &str = "agent-plugin";

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

impl TemplateFile {
    /// What is in it for the agent `name`.
    pub(crate) fn filled(&self, name: &AgentName) -> String {
        self.text.replace(NAME, name.as_str())
    }

    /// The same file in the folder `folder`.
    pub(crate) fn below(self, folder: &str) -> (String, &'static str) {
        (format!("{folder}/{}", self.path), self.text)
    }
}
