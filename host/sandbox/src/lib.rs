//! The plugins folder and the WebAssembly sandboxes that agents run in.
