//! The folders that a guest has open: whose mount each belongs to, and what the
//! listings that it holds cost.

use std::collections::BTreeMap;

use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::ReaddirIterator;

/// A mount, by its place among those of the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MountIndex(usize);

/// The folders and listings of one attempt.
#[derive(Debug, Default)]
pub(crate) struct OpenFolders {
    /// By the number of the descriptor. A number that is given out again gets
    /// its new mount then.
    mounts: BTreeMap<u32, MountIndex>,
    /// What is held for each listing, in bytes.
    listings: BTreeMap<u32, u64>,
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

    /// Takes in a listing and what is held for it.
    pub(crate) fn listed(&mut self, listing: &Resource<ReaddirIterator>, held: u64) {
        self.listings.insert(listing.rep(), held);
    }

    /// What was held for the listing of this number, which is gone.
    pub(crate) fn unlisted(&mut self, listing: u32) -> u64 {
        self.listings.remove(&listing).unwrap_or(0)
    }
}
