//! Rust source trees as the standard agents read them.
