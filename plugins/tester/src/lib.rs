//! Checks that changed files still hold together.
