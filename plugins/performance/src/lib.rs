//! Finds needless work in Rust code.
