//! Finds what makes Rust code hard to keep.
