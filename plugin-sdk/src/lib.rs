//! For people who write Ringfence agents in Rust.
