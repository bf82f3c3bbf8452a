use super::*;

/// A component made from text.
fn component(text: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {text})")).unwrap()
}

/// A component that imports and exports empty instances of these names.
fn with_names(imports: &[&str], exports: &[&str]) -> Vec<u8> {
    let imports = imports
        .iter()
        .map(|name| format!("(import {name:?} (instance))"));
    let exports = exports
        .iter()
        .map(|name| format!("(export {name:?} (instance $empty))"));
    let body: Vec<_> = imports
        .chain(["(instance $empty)".to_owned()])
        .chain(exports)
        .collect();
    component(&body.join("\n"))
}

fn refusal(bytes: &[u8]) -> String {
    let reason = ComponentInterface::read(bytes).unwrap_err();
    format!("{}: {reason}", reason.code())
}

const AGENT: &str = "ringfence:agent/agent@0.1.0";

#[test]
fn an_agent_is_a_plugin() {
    let bytes = with_names(
        &["ringfence:agent/log@0.1.0", "wasi:io/streams@0.2.6"],
        &[AGENT],
    );
    let interface = ComponentInterface::read(&bytes).unwrap();
    assert_eq!(interface.kind, AgentKind::Plugin);
    assert_eq!(&*interface.contract, "ringfence:agent@0.1.0");
    assert_eq!(interface.imports.len(), 2);
    assert_eq!(&*interface.exports[0], AGENT);
}

#[test]
fn a_command_is_an_agent_too() {
    let bytes = with_names(&["wasi:cli/stdin@0.2.0"], &["wasi:cli/run@0.2.3"]);
    let interface = ComponentInterface::read(&bytes).unwrap();
    assert_eq!(interface.kind, AgentKind::Command);
    assert_eq!(&*interface.contract, "wasi:cli@0.2.3");

    let both = with_names(&[], &["wasi:cli/run@0.2.3", AGENT]);
    assert_eq!(
        ComponentInterface::read(&both).unwrap().kind,
        AgentKind::Plugin
    );
}

#[test]
fn what_is_not_webassembly_is_told_apart() {
    let cases: [(&[u8], &str); 6] = [
        (b"", "the file is empty"),
        (b"#!/bin/sh\n", "it does not start with `\\0asm`"),
        (b"\x7fELF\x02\x01", "it is a native or precompiled program"),
        (b"\0asm\x0d", "it ends within its header"),
        (b"\0asm\x0a\0\x01\0", "its binary version is unknown"),
        (b"\0as", "it does not start with `\\0asm`"),
    ];
    for (bytes, detail) in cases {
        assert_eq!(
            refusal(bytes),
            format!("not-webassembly: is not WebAssembly: {detail}")
        );
    }
}

#[test]
fn a_core_module_is_told_apart() {
    let bytes = wat::parse_str("(module)").unwrap();
    assert_eq!(
        refusal(&bytes),
        "core-module: is a core module without a program (`_start`), not a component"
    );
}

#[test]
fn wherever_a_component_ends_too_early_it_is_refused() {
    let whole = component(&format!(
        "(core module (func (export \"f\")))
         (component (import \"x\" (func)))
         (instance $empty)
         (export {AGENT:?} (instance $empty))"
    ));
    ComponentInterface::read(&whole).unwrap();
    // What follows the export is the names of things, which it can do without.
    let name = whole
        .windows(AGENT.len())
        .rposition(|window| window == AGENT.as_bytes())
        .unwrap();
    for len in 0..=name + AGENT.len() {
        let reason = ComponentInterface::read(&whole[..len]).unwrap_err();
        // Cut exactly between two sections it is a component, of no use.
        assert!(
            matches!(reason.code(), "not-webassembly" | "other-world"),
            "{len}: {reason}"
        );
    }
}

#[test]
fn random_bytes_behind_a_header_never_panic() {
    let mut state = 0x9e37_79b9_u32;
    for len in 0..2_000 {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        bytes.extend((0..len % 97).map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        }));
        assert!(ComponentInterface::read(&bytes).is_err());
    }
}

#[test]
fn another_world_is_named() {
    assert_eq!(
        refusal(&with_names(&[], &["acme:tool/api@1.0.0"])),
        "other-world: is a component of another world: it exports `acme:tool/api@1.0.0`; \
         an agent exports `ringfence:agent/agent@0.1.0` (`describe`, `can-handle`, `execute`), \
         or `wasi:cli/run@0.2`"
    );
    assert_eq!(
        refusal(&component("")),
        "other-world: is a component of another world: it exports nothing; \
         an agent exports `ringfence:agent/agent@0.1.0` (`describe`, `can-handle`, `execute`), \
         or `wasi:cli/run@0.2`"
    );
}

#[test]
fn another_contract_version_names_both() {
    assert_eq!(
        refusal(&with_names(
            &["ringfence:agent/log@0.2.0"],
            &["ringfence:agent/agent@0.2.0"]
        )),
        "other-contract-version: was built for `ringfence:agent@0.2.0`, \
         and this host supports `ringfence:agent@0.1.0`"
    );
    assert_eq!(
        refusal(&with_names(&[], &["ringfence:agent/agent"])),
        "other-contract-version: was built for `ringfence:agent without a version`, \
         and this host supports `ringfence:agent@0.1.0`"
    );
    assert_eq!(
        refusal(&with_names(&["ringfence:agent/log@0.3.1"], &[AGENT])),
        "other-contract-version: was built for `ringfence:agent@0.3.1`, \
         and this host supports `ringfence:agent@0.1.0`"
    );
    assert_eq!(
        refusal(&with_names(&[], &["wasi:cli/run@0.3.0"])),
        "other-contract-version: was built for `wasi:cli@0.3.0`, \
         and this host supports `wasi:cli@0.2`"
    );
}

#[test]
fn of_two_versions_the_supported_one_counts() {
    let bytes = with_names(&[], &["ringfence:agent/agent@0.2.0", AGENT]);
    assert_eq!(
        ComponentInterface::read(&bytes).unwrap().kind,
        AgentKind::Plugin
    );
}

#[test]
fn imports_that_the_host_does_not_have_are_named() {
    assert_eq!(
        refusal(&with_names(
            &[
                "wasi:http/types@0.2.0",
                "wasi:cli/stdin@0.2.0",
                "acme:db/sql"
            ],
            &[AGENT]
        )),
        "unknown-imports: imports what this host does not have: \
         `wasi:http/types@0.2.0`, `acme:db/sql`"
    );
    let with_func = component(&format!(
        "(import \"do-it\" (func)) (instance $empty) (export {AGENT:?} (instance $empty))"
    ));
    assert_eq!(
        refusal(&with_func),
        "unknown-imports: imports what this host does not have: `do-it`"
    );
}

#[test]
fn the_names_inside_a_nested_component_are_its_own() {
    let bytes = component(&format!(
        "(component (import \"acme:db/sql\" (instance)) (export \"e\" (instance 0)))
         (instance $empty)
         (export {AGENT:?} (instance $empty))"
    ));
    assert!(ComponentInterface::read(&bytes).unwrap().imports.is_empty());
}

#[test]
fn the_number_of_names_is_bounded() {
    let imports = |count: usize| {
        let names: Vec<_> = (0..count).map(|i| format!("acme:db/t{i}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        with_names(&names, &[AGENT])
    };
    let refused = |bytes: &[u8]| ComponentInterface::read(bytes).unwrap_err().code();
    assert_eq!(refused(&imports(MAX_NAMES - 1)), "unknown-imports");
    assert_eq!(refused(&imports(MAX_NAMES)), "too-many-names");
}

#[test]
fn the_bytes_of_all_names_are_bounded() {
    let export = |len: usize| {
        let name = "a".repeat(len - AGENT.len());
        with_names(&[], &[AGENT, &name])
    };
    assert!(ComponentInterface::read(&export(MAX_NAMES_LEN)).is_ok());
    let refused = ComponentInterface::read(&export(MAX_NAMES_LEN + 1));
    assert_eq!(refused, Err(Unfit::TooManyNames));
}

#[test]
fn all_that_the_host_provides_can_be_imported() {
    let names = provided(0);
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let interface = ComponentInterface::read(&with_names(&names, &[AGENT])).unwrap();
    assert_eq!(interface.imports.len(), names.len());
}

/// What the linker says of a component that imports one item of `interface`.
fn linked(interface: &str, item: &str) -> Result<(), String> {
    let engine = crate::engine::pooled(1).unwrap();
    let linker = crate::link::linker(&engine).unwrap();
    let text = format!("(import {interface:?} (instance (export {item})))");
    let component = wasmtime::component::Component::new(&engine, component(&text)).unwrap();
    match linker.instantiate_pre(&component) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{error:#}")),
    }
}

/// One function or resource of each interface, by which to ask for it. The
/// functions have another type here, which the linker says after it has found
/// them.
const ITEMS: [(&str, &str); 29] = [
    ("log", "\"write\" (func)"),
    ("progress", "\"report\" (func)"),
    ("artifacts", "\"put\" (func)"),
    ("model", "\"chat\" (func)"),
    ("environment", "\"get-environment\" (func)"),
    ("exit", "\"exit\" (func)"),
    ("stdin", "\"get-stdin\" (func)"),
    ("stdout", "\"get-stdout\" (func)"),
    ("stderr", "\"get-stderr\" (func)"),
    ("terminal-input", "\"terminal-input\" (type (sub resource))"),
    (
        "terminal-output",
        "\"terminal-output\" (type (sub resource))",
    ),
    ("terminal-stdin", "\"get-terminal-stdin\" (func)"),
    ("terminal-stdout", "\"get-terminal-stdout\" (func)"),
    ("terminal-stderr", "\"get-terminal-stderr\" (func)"),
    ("monotonic-clock", "\"now\" (func)"),
    ("wall-clock", "\"now\" (func)"),
    ("types", "\"descriptor\" (type (sub resource))"),
    ("preopens", "\"get-directories\" (func)"),
    ("error", "\"error\" (type (sub resource))"),
    ("poll", "\"pollable\" (type (sub resource))"),
    ("streams", "\"input-stream\" (type (sub resource))"),
    ("random", "\"get-random-u64\" (func)"),
    ("insecure", "\"get-insecure-random-u64\" (func)"),
    ("insecure-seed", "\"insecure-seed\" (func)"),
    ("instance-network", "\"instance-network\" (func)"),
    ("ip-name-lookup", "\"resolve-addresses\" (func)"),
    ("network", "\"network\" (type (sub resource))"),
    ("tcp", "\"tcp-socket\" (type (sub resource))"),
    ("udp", "\"udp-socket\" (type (sub resource))"),
];

#[test]
fn the_linker_has_all_that_is_provided() {
    const MISSING: &str = "implementation is missing";
    let control = linked("wasi:http/outgoing-handler@0.2.0", "\"handle\" (func)").unwrap_err();
    assert!(control.contains(MISSING), "the test can fail: {control}");
    for name in provided(0) {
        let interface = InterfaceName::parse(&name).unwrap();
        let item = match (interface.package, interface.interface) {
            // Types alone, with nothing to link.
            (CONTRACT_PACKAGE, "types") => continue,
            (_, "tcp-create-socket") => "\"create-tcp-socket\" (func)",
            (_, "udp-create-socket") => "\"create-udp-socket\" (func)",
            (_, wanted) => ITEMS.iter().find(|(name, _)| *name == wanted).unwrap().1,
        };
        if let Err(error) = linked(&name, item) {
            assert!(!error.contains(MISSING), "{name}: {error}");
        }
    }
}
