//! What wit-bindgen makes of `wit/agent.wit`.
//!
//! Public only because the `register!` macro expands to a call of the export
//! macro in here; everybody else uses the crate's own types.

#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "generated code"
)]

wit_bindgen::generate!({
    path: "../wit",
    world: "agent-plugin",
    pub_export_macro: true,
    generate_all,
});
