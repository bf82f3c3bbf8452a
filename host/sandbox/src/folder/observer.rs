//! Who is told how loading goes.

use std::path::Path;

use super::LoadedComponent;
use crate::refusal::Refusal;

/// Watches the loading of plugins, to show progress. Called from one task,
/// one call after the other: be quick, and do not block.
pub trait FolderObserver: Send + Sync {
    /// This many files were found. Called once, before the other calls.
    fn found(&self, files: usize) {
        let _ = files;
    }

    /// The file is being read, checked and perhaps compiled.
    fn started(&self, path: &Path) {
        let _ = path;
    }

    /// The component is loaded.
    fn loaded(&self, component: &LoadedComponent) {
        let _ = component;
    }

    /// The file is refused.
    fn refused(&self, refusal: &Refusal) {
        let _ = refusal;
    }
}

/// Tells nobody.
impl FolderObserver for () {}
