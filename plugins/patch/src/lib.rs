//! How work travels between the agents that mend a source tree.
//!
//! The mounted tree is read-only: nobody writes files. The developer puts a
//! unified patch into the artifact [`PATCH_NAME`] and says in a [`FixReport`]
//! which findings it mends; the tester reads both and believes neither.
//!
//! This crate is the reading side: a strict parser of unified patches
//! ([`Patch::parse`]), the exact application of one to a file
//! ([`FileDiff::changes_on`], [`splice`]), and the rules for paths
//! ([`check_path`]). The writing side lives with the developer, so that a
//! mistake in the one is caught by the other.
//!
//! Sizes are limited ([`limits`]): whoever writes a patch picks them, and the
//! reader pays with memory.

mod apply;
pub mod limits;
mod lines;
mod parse;
mod path;
mod report;

pub use apply::{Change, Mismatch, splice};
pub use lines::{LineEnding, count_lines, split_lines};
pub use parse::{FileDiff, Hunk, HunkLine, InvalidPatch, Patch, Problem};
pub use path::{UnsafePath, check_path};
pub use report::{AppliedFix, FixReport, PatchRef, SkippedFix};

/// The name of the artifact that holds the patch.
pub const PATCH_NAME: &str = "fixes.patch";

/// The media type of that artifact.
pub const PATCH_MEDIA_TYPE: &str = "text/x-diff";
