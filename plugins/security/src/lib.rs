//! Finds what makes Rust code dangerous.
