//! Components: bytes as they are, real ones that were damaged, and real ones
//! with a random core module inside that runs as they start.

use std::fs;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arbitrary::Unstructured;
use ringfence_flow::AgentName;
use wasm_encoder::Encode as _;
use wasm_smith::{Config, Module};

use crate::live::{Live, guest};

struct Stage {
    live: Live,
    real: Vec<u8>,
}

fn stage() -> &'static Mutex<Stage> {
    static STAGE: OnceLock<Mutex<Stage>> = OnceLock::new();
    STAGE.get_or_init(|| {
        Mutex::new(Stage {
            live: Live::start(&["nan"], |_| {}),
            real: fs::read(guest("echo")).unwrap(),
        })
    })
}

pub(crate) fn component(bytes: &[u8]) {
    let stage = stage().lock().unwrap_or_else(PoisonError::into_inner);
    let Some((mode, rest)) = bytes.split_first() else {
        return;
    };
    let file = match mode % 3 {
        0 => rest.to_vec(),
        1 => damaged(&stage.real, rest),
        _ => match with_module(&stage.real, rest) {
            Some(file) => file,
            None => return,
        },
    };
    let path = stage.live.folder.path().join("fuzzed.wasm");
    fs::write(&path, file).unwrap();
    let look = || {
        stage
            .live
            .runtime
            .block_on(stage.live.sandbox.refresh(Duration::MAX))
    };
    look().unwrap();
    let looked = look().unwrap();
    assert!(
        looked.has_changed || looked.refused.len() == 1,
        "{looked:?}"
    );
    for refusal in &looked.refused {
        let text = refusal.to_string();
        assert!(text.len() < 16 << 10 && !text.contains('\u{1b}'), "{text}");
    }
    if looked.has_changed {
        for agent in stage.live.sandbox.loaded() {
            let name: &AgentName = &agent.profile().name;
            stage.live.attempt(name, serde_json::json!(null));
        }
    }
    fs::remove_file(&path).unwrap();
    look().unwrap();
    look().unwrap();
    let names: Vec<_> = stage.live.sandbox.loaded();
    assert_eq!(names.len(), 1, "the neighbour is there, and nobody else");
}

/// A real component with some bytes replaced: three bytes say where, one what.
fn damaged(real: &[u8], script: &[u8]) -> Vec<u8> {
    let mut file = real.to_vec();
    for change in script.chunks_exact(4).take(64) {
        let at = u32::from_le_bytes([change[0], change[1], change[2], 0]) as usize % file.len();
        file[at] = change[3];
    }
    file
}

/// A real component that instantiates a random core module first, whose start
/// function runs.
fn with_module(real: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let config = Config {
        max_imports: 0,
        max_memories: 2,
        max_memory32_bytes: 1 << 24,
        gc_enabled: false,
        exceptions_enabled: false,
        memory64_enabled: false,
        threads_enabled: false,
        shared_everything_threads_enabled: false,
        custom_page_sizes_enabled: false,
        wide_arithmetic_enabled: false,
        allow_invalid_funcs: bytes.first().is_some_and(|byte| *byte > 200),
        ..Config::default()
    };
    let module = Module::new(config, &mut Unstructured::new(bytes)).ok()?;
    let module = module.to_bytes();
    let mut file = real.to_vec();
    let index = core_modules(real);
    section(&mut file, 1, &module);
    // One core instance: of that module, with no arguments.
    section(&mut file, 2, &[&[1, 0][..], &leb(index), &[0]].concat());
    Some(file)
}

/// How many core modules a component holds.
fn core_modules(component: &[u8]) -> usize {
    let mut rest = &component[8..];
    let mut count = 0;
    while let Some((id, after)) = rest.split_first() {
        count += usize::from(*id == 1);
        let (len, after) = read_leb(after);
        rest = &after[len..];
    }
    count
}

fn read_leb(bytes: &[u8]) -> (usize, &[u8]) {
    let mut number = 0;
    for (n, byte) in bytes.iter().enumerate() {
        number |= usize::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            return (number, &bytes[n + 1..]);
        }
    }
    (number, &[])
}

fn section(to: &mut Vec<u8>, id: u8, content: &[u8]) {
    to.push(id);
    content.encode(to);
}

fn leb(number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    number.encode(&mut bytes);
    bytes
}
