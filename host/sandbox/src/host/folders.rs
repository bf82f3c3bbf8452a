//! The folders that a guest has open: whose mount each belongs to.

use std::collections::BTreeMap;

use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;

/// A mount, by its place among those of the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MountIndex(usize);

/// The folders of one attempt.
#[derive(Debug, Default)]
pub(crate) struct OpenFolders {
    /// By the number of the descriptor. A number that is given out again gets
    /// its new mount then.
    mounts: BTreeMap<u32, MountIndex>,
}

impl OpenFolders {
    /// Takes in the roots of all mounts, in their order.
    pub(crate) fn roots(&mut self, roots: &[(Resource<Descriptor>, String)]) {
        for (index, (root, _)) in roots.iter().enumerate() {
            self.mounts.insert(root.rep(), MountIndex(index));
        }
    }

    /// The mount that a descriptor belongs to.
    pub(crate) fn mount_of(&self, descriptor: &Resource<Descriptor>) -> Option<MountIndex> {
        self.mounts.get(&descriptor.rep()).copied()
    }

    /// Takes in what was opened below a folder of `mount`.
    pub(crate) fn opened(&mut self, descriptor: &Resource<Descriptor>, mount: Option<MountIndex>) {
        match mount {
            Some(mount) => self.mounts.insert(descriptor.rep(), mount),
            None => self.mounts.remove(&descriptor.rep()),
        };
    }
}
