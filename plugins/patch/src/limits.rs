//! How large things may be.
//!
//! An agent has 64 MiB of memory by default, and whoever sends a patch or an
//! edit picks the sizes. Each limit keeps the worst case of what it limits
//! well below that: a line costs 16 to 24 bytes beside its content.

/// The longest file that is edited or checked, in bytes. It is about the
/// longest one whose syntax tree still fits into the memory of an agent.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// The most lines of a file that is edited or checked.
pub const MAX_FILE_LINES: usize = 200_000;

/// The longest patch, in bytes.
pub const MAX_PATCH_BYTES: usize = 8 * 1024 * 1024;

/// The most lines of a patch.
pub const MAX_PATCH_LINES: usize = 400_000;

/// The longest path, in bytes.
pub const MAX_PATH_LEN: usize = 1024;
