//! Files that somebody dropped into the plugins folder and that are no plugins.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use wasm_encoder::Encode as _;

use super::{Guest, VICTIM};
use crate::host::guest;

/// A file that is no plugin.
pub struct Dropped {
    /// Its name in the folder.
    pub name: String,
    /// Why it is refused.
    pub code: &'static str,
}

/// Puts one of each into `folder`.
pub fn dropped(folder: &Path) -> Vec<Dropped> {
    let mut all = Vec::new();
    let mut add = |name: &str, code| {
        let name = format!("{name}.wasm");
        let path = folder.join(&name);
        all.push(Dropped { name, code });
        path
    };
    let echo = fs::read(guest(VICTIM.name())).unwrap();
    for (name, code, bytes) in contents(&echo) {
        fs::write(add(name, code), bytes).unwrap();
    }
    let mut giant = File::create(add("giant", "component-too-large")).unwrap();
    giant.write_all(&echo).unwrap();
    giant.set_len(200 << 20).unwrap();
    fs::create_dir(add("folder", "not-a-file")).unwrap();
    #[cfg(target_os = "linux")]
    links(&mut add);
    all
}

/// Names, reasons and contents.
fn contents(echo: &[u8]) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let half = echo[..echo.len() / 2].to_vec();
    let mut middle = echo.to_vec();
    let at = middle.len() / 2;
    middle[at..at + 4096].fill(0xff);
    vec![
        ("empty", "not-webassembly", Vec::new()),
        ("text", "not-webassembly", b"#!/bin/sh\nrm -rf /\n".to_vec()),
        ("noise", "not-webassembly", noise(100_000)),
        (
            "header-and-noise",
            "not-webassembly",
            [&b"\0asm\x0d\0\x01\0"[..], &noise(10_000)].concat(),
        ),
        ("native", "not-webassembly", b"\x7fELF\x02\x01\x01".to_vec()),
        ("truncated", "not-webassembly", half),
        ("damaged", "invalid-component", middle),
        ("core", "core-module", b"\0asm\x01\0\0\0".to_vec()),
        ("nothing", "other-world", b"\0asm\x0d\0\x01\0".to_vec()),
        ("many-instances", "invalid-component", text(&instances(200))),
        (
            "many-memories",
            "invalid-component",
            text(&agent(
                "(core module $m (memory 1) (memory 1) (memory 1) (memory 1) (memory 1)) (core instance (instantiate $m))",
            )),
        ),
        (
            "giant-table",
            "invalid-component",
            text(&agent(
                "(core module $m (table 100000000 funcref)) (core instance (instantiate $m))",
            )),
        ),
        ("deep", "type-mismatch", deep(2_000)),
        (
            "many-functions",
            "type-mismatch",
            text(&agent(&format!(
                "(core module {})",
                "(func)".repeat(50_000)
            ))),
        ),
        (
            "x\nrefused: 0\n\u{1b}[2J\u{202e}",
            "not-webassembly",
            b"named to forge a line".to_vec(),
        ),
    ]
}

/// A component with `inside` that exports what makes it an agent by name.
fn agent(inside: &str) -> String {
    format!(
        "(component {inside} (instance $empty) (export \"ringfence:agent/agent@0.1.0\" (instance $empty)))"
    )
}

fn instances(count: usize) -> String {
    agent(&format!(
        "(core module $m) {}",
        "(core instance (instantiate $m))".repeat(count)
    ))
}

/// A component in a component, so many times.
fn deep(levels: usize) -> Vec<u8> {
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    let export = text(&agent(""))[COMPONENT.len()..].to_vec();
    let mut nested = COMPONENT.to_vec();
    for _ in 0..levels {
        let mut outer = COMPONENT.to_vec();
        outer.push(4);
        nested.encode(&mut outer);
        nested = outer;
    }
    nested.extend(export);
    nested
}

fn text(component: &str) -> Vec<u8> {
    wat::parse_str(component).unwrap()
}

/// Bytes that mean nothing, the same each time.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

#[cfg(target_os = "linux")]
fn links(add: &mut impl FnMut(&str, &'static str) -> std::path::PathBuf) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::os::unix::fs::symlink;
    symlink("/nowhere", add("dangling", "unreadable")).unwrap();
    symlink("ring.wasm", add("ring", "unreadable")).unwrap();
    symlink("/dev/zero", add("endless", "not-a-file")).unwrap();
    symlink("/etc/passwd", add("passwords", "not-webassembly")).unwrap();
    let pipe = add("pipe", "not-a-file");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    // Two names for one thing are two agents of one name.
    for name in ["same-a", "same-b"] {
        fs::hard_link(guest(Guest::TwinA.name()), add(name, "same-name")).unwrap();
    }
}
