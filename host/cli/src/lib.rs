//! Runs workflows of agents that nobody has to trust, each attempt in a WebAssembly sandbox of its own.
