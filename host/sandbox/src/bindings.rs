//! The bindings of the contract in `wit/`. Nobody but `conv` and the host
//! functions sees these types.

#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::needless_pass_by_value,
    clippy::explicit_iter_loop,
    clippy::semicolon_if_nothing_returned,
    clippy::uninlined_format_args,
    clippy::map_unwrap_or,
    clippy::redundant_closure_for_method_calls,
    clippy::match_same_arms,
    clippy::manual_let_else,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "agent-plugin",
    imports: {
        "ringfence:agent/artifacts": async | trappable | tracing,
        "ringfence:agent/model": async | trappable | tracing,
        default: trappable | tracing,
    },
    exports: { default: async },
    require_store_data_send: true,
});
