//! What a developer of Ringfence types.

fn main() {}
