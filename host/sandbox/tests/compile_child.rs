//! The process that compiles, from outside: this program starts itself as one.

#![allow(clippy::unwrap_used, reason = "these are tests, without the harness")]

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use ringfence_flow::ByteSize;
use ringfence_sandbox::{
    Compilation, CompileCache, CompileLimits, Compiler, Folder, Refusal, RefusalReason,
    compile_child_main, engine_for, own_program,
};
use tokio::runtime::Runtime;
use wasm_encoder::Encode as _;

/// What the first argument says: compile, or misbehave in one way.
const COMPILE: &str = "compile-component";
const SPIN: &str = "spin";
const ABORT: &str = "abort";
const FLOOD: &str = "flood";
const OTHER_VERSION: &str = "other-version";
const SHOW_SURROUNDINGS: &str = "show-surroundings";

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(COMPILE) => return compile_child_main(),
        Some(SPIN) => loop {
            std::hint::spin_loop();
        },
        Some(ABORT) => std::process::abort(),
        Some(FLOOD) => loop {
            print(&[0; 4096]);
        },
        Some(OTHER_VERSION) => {
            print(&[7; 1000]);
            return ExitCode::SUCCESS;
        }
        Some(SHOW_SURROUNDINGS) => return show_surroundings(),
        _ => {}
    }
    let arguments = Arguments::from_args();
    let mut trials = vec![
        trial("code_from_the_child_loads_in_the_hosts_engine", good_code),
        trial("what_is_cached_is_not_compiled_again", cached),
        trial("an_invalid_component_is_told_as_such", invalid),
        trial("what_is_no_agent_is_told_by_the_child", unfit),
        trial("what_a_component_offers_is_cached_with_its_code", interface),
        trial("a_program_that_is_not_there_is_told", missing_program),
        trial("a_child_of_another_version_is_told", other_version),
        trial("a_child_that_crashes_is_told", crash),
        trial("a_child_that_writes_without_end_is_stopped", endless_output),
        trial("a_child_that_hangs_is_killed", hang),
        trial("what_was_given_up_is_not_tried_again", given_up),
    ];
    if cfg!(target_os = "linux") {
        trials.push(trial("memory_is_limited", out_of_memory));
        trials.push(trial("time_on_a_core_is_limited", out_of_cpu));
        trials.push(trial(
            "debug_information_costs_the_child_its_time_and_not_the_host",
            out_of_cpu_for_lines,
        ));
        trials.push(trial(
            "a_bomb_does_not_keep_others_from_loading",
            beside_a_bomb,
        ));
        trials.push(trial("the_child_has_nothing_worth_having", surroundings));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, test: fn(&Runtime)) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(Failed::from)?;
        test(&runtime);
        Ok(())
    })
}

/// What the child says when nobody reads on is of no interest.
fn print(bytes: &[u8]) {
    let _ = io::stdout().write_all(bytes);
}

fn child(mode: &str) -> Compilation {
    Compilation::ChildProcess {
        program: own_program().unwrap(),
        args: vec![mode.to_owned()],
    }
}

/// A component with one function for each of `constants`.
fn small_with(constants: &[i64]) -> Arc<[u8]> {
    let functions: String = constants
        .iter()
        .map(|constant| format!("(func (result i64) i64.const {constant})"))
        .collect();
    agent_with(&wat::parse_str(format!("(component (core module {functions}))")).unwrap())
}

/// `component` that also exports what makes it an agent.
fn agent_with(component: &[u8]) -> Arc<[u8]> {
    const EXPORT: &str = "(component (instance $empty)
        (export \"ringfence:agent/agent@0.1.0\" (instance $empty)))";
    const HEADER: usize = 8;
    let export = wat::parse_str(EXPORT).unwrap();
    [component, &export[HEADER..]].concat().into()
}

fn small() -> Arc<[u8]> {
    small_with(&[1, 2, 3])
}

/// A component with one function of so many loops, each after the other: some
/// hundred KiB that take a compiler minutes and GiBs. Written byte by byte,
/// since the text of it would take long to read.
fn bomb(loops: usize) -> Arc<[u8]> {
    // loop; local.get 0; i64.eqz; br_if 0;
    // local.get 0; local.get 0; i64.mul; i64.const 3; i64.add; local.set 0; end
    const LOOP: &[u8] = b"\x03\x40\x20\x00\x50\x0d\x00\x20\x00\x20\x00\x7e\x42\x03\x7c\x21\x00\x0b";
    let body = [
        b"\x01\x01\x7e",
        LOOP.repeat(loops).as_slice(),
        b"\x20\x00\x0b",
    ]
    .concat();
    let mut code = b"\x01".to_vec();
    code.extend(leb(body.len()));
    code.extend(body);
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    section(&mut module, 1, b"\x01\x60\x00\x01\x7e");
    section(&mut module, 3, b"\x01\x00");
    section(&mut module, 10, &code);
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    section(&mut component, 1, &module);
    agent_with(&component)
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

fn load(compiler: &Compiler, runtime: &Runtime, bytes: Arc<[u8]>) -> Result<(), RefusalReason> {
    let engine = engine_for(1).unwrap();
    runtime.block_on(compiler.load(&engine, bytes)).map(|_| ())
}

/// The code and text of the refusal of `bytes` by a child in `mode`.
fn refused(
    runtime: &Runtime,
    mode: &str,
    limits: CompileLimits,
    bytes: Arc<[u8]>,
) -> (&'static str, String) {
    let compiler = Compiler::new(child(mode), limits, None);
    let reason = load(&compiler, runtime, bytes).unwrap_err();
    (reason.code(), reason.to_string())
}

fn good_code(runtime: &Runtime) {
    for bytes in [small(), bomb(10)] {
        let compiler = Compiler::new(child(COMPILE), CompileLimits::default(), None);
        load(&compiler, runtime, bytes).unwrap();
    }
}

fn cached(runtime: &Runtime) {
    let dir = tempfile::tempdir().unwrap();
    let cache = || Some(CompileCache::open(&dir.path().join("cache")).unwrap());
    let limits = CompileLimits::default();
    let working = Compiler::new(child(COMPILE), limits, cache());
    load(&working, runtime, small()).unwrap();
    let broken = Compiler::new(child(ABORT), limits, cache());
    load(&broken, runtime, small()).unwrap();
    assert!(load(&broken, runtime, small_with(&[4])).is_err());
}

fn invalid(runtime: &Runtime) {
    let bytes = wat::parse_str("(component (core module (func (result i32))))").unwrap();
    let bytes = agent_with(&bytes);
    let (code, text) = refused(runtime, COMPILE, CompileLimits::default(), bytes);
    assert_eq!(code, "invalid-component");
    assert!(text.contains("type mismatch"), "{text}");
}

/// What is no agent is told by the child: the host reads none of it.
fn unfit(runtime: &Runtime) {
    let no_agent = wat::parse_str("(component)").unwrap();
    for (bytes, reason) in [
        (b"\0asm\x01\0\0\0".as_slice(), "core-module"),
        (b"#!/bin/sh", "not-webassembly"),
        (&small()[..small().len() - 3], "not-webassembly"),
        (&no_agent, "other-world"),
    ] {
        let (code, text) = refused(runtime, COMPILE, CompileLimits::default(), bytes.into());
        assert_eq!(code, reason, "{text}");
        let (code, _) = refused(runtime, ABORT, CompileLimits::default(), bytes.into());
        assert_eq!(code, "compiler-crashed");
    }
}

fn interface(runtime: &Runtime) {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine_for(1).unwrap();
    let mut seen = Vec::new();
    for _ in ["compiled", "cached"] {
        let cache = CompileCache::open(&dir.path().join("cache")).unwrap();
        let compiler = Compiler::new(child(COMPILE), CompileLimits::default(), Some(cache));
        let loaded = runtime.block_on(compiler.load(&engine, small()));
        seen.push(loaded.unwrap().interface);
    }
    assert_eq!(&*seen[0].exports, ["ringfence:agent/agent@0.1.0".into()]);
    assert_eq!(seen[0], seen[1]);
}

fn missing_program(runtime: &Runtime) {
    let compilation = Compilation::ChildProcess {
        program: "/nonexistent/ringfence".into(),
        args: Vec::new(),
    };
    let compiler = Compiler::new(compilation, CompileLimits::default(), None);
    let reason = load(&compiler, runtime, small()).unwrap_err();
    assert_eq!(reason.code(), "compiler-unavailable");
    assert!(
        reason.to_string().contains("/nonexistent/ringfence"),
        "{reason}"
    );
}

fn other_version(runtime: &Runtime) {
    let (code, text) = refused(runtime, OTHER_VERSION, CompileLimits::default(), small());
    assert_eq!(code, "compiler-unavailable");
    assert!(text.contains("of another version"), "{text}");
}

fn crash(runtime: &Runtime) {
    let (code, text) = refused(runtime, ABORT, CompileLimits::default(), small());
    assert_eq!(code, "compiler-crashed");
    assert!(
        text.starts_with("crashes the compiler: signal 6") || cfg!(windows),
        "{text}"
    );
}

fn endless_output(runtime: &Runtime) {
    let limits = CompileLimits {
        code: ByteSize::mib(1),
        ..CompileLimits::default()
    };
    let (code, text) = refused(runtime, FLOOD, limits, small());
    assert_eq!(code, "compiled-too-large");
    assert_eq!(text, "compiles to more than 1 MiB of code");
}

fn hang(runtime: &Runtime) {
    let limits = CompileLimits {
        wall: Duration::from_millis(50),
        ..CompileLimits::default()
    };
    let (code, text) = refused(runtime, SPIN, limits, small());
    assert_eq!(code, "compile-timed-out");
    assert_eq!(text, "took more than 50 ms to compile");
}

/// What was given up is not tried again, until there is more to spend; but time on
/// the clock is the machine's, and not remembered.
fn given_up(runtime: &Runtime) {
    let dir = tempfile::tempdir().unwrap();
    let cache = || Some(CompileCache::open(&dir.path().join("cache")).unwrap());
    let limits = CompileLimits {
        memory: ByteSize::mib(96),
        wall: Duration::from_millis(50),
        threads: 1,
        ..CompileLimits::default()
    };
    let code = |program, limits, component| {
        let compiler = Compiler::new(program, limits, cache());
        load(&compiler, runtime, component).unwrap_err().code()
    };
    let nobody = || Compilation::ChildProcess {
        program: "/nonexistent/ringfence".into(),
        args: Vec::new(),
    };
    assert_eq!(code(child(SPIN), limits, small()), "compile-timed-out");
    assert_eq!(code(nobody(), limits, small()), "compiler-unavailable");

    let limits = CompileLimits {
        wall: CompileLimits::default().wall,
        ..limits
    };
    let heavy = || bomb(100_000);
    assert_eq!(
        code(child(COMPILE), limits, heavy()),
        "compile-out-of-memory"
    );
    let again = code(nobody(), limits, heavy());
    assert_eq!(again, "compile-out-of-memory", "nobody was asked");
    let more = CompileLimits {
        memory: ByteSize::mib(97),
        ..limits
    };
    let again = code(nobody(), more, heavy());
    assert_eq!(again, "compiler-unavailable", "it is tried again");
    let other = code(nobody(), limits, bomb(3));
    assert_eq!(other, "compiler-unavailable", "another file");
}

fn out_of_memory(runtime: &Runtime) {
    let limits = CompileLimits {
        memory: ByteSize::mib(96),
        threads: 1,
        ..CompileLimits::default()
    };
    let compiler = Compiler::new(child(COMPILE), limits, None);
    load(&compiler, runtime, small()).unwrap();
    let (code, text) = refused(runtime, COMPILE, limits, bomb(100_000));
    assert_eq!(code, "compile-out-of-memory", "{text}");
    assert_eq!(text, "needs more than 96 MiB of memory to compile");
}

fn out_of_cpu(runtime: &Runtime) {
    let limits = CompileLimits {
        cpu: Duration::from_secs(1),
        ..CompileLimits::default()
    };
    let (code, text) = refused(runtime, COMPILE, limits, bomb(20_000));
    assert_eq!(code, "compile-too-much-time", "{text}");
    assert_eq!(text, "took more than 1 s on a core to compile");
}

/// Debug information is a program, too, and may be run once for each of the
/// units that name it.
fn out_of_cpu_for_lines(runtime: &Runtime) {
    let limits = CompileLimits {
        cpu: Duration::from_secs(1),
        ..CompileLimits::default()
    };
    let (code, text) = refused(runtime, COMPILE, limits, with_lines(20_000, 200_000));
    assert_eq!(code, "compile-too-much-time", "{text}");
    let compiler = Compiler::new(child(COMPILE), limits, None);
    load(&compiler, runtime, with_lines(2, 100)).unwrap();
}

/// A component with one function, and DWARF of so many units that all share one
/// line program of so many steps.
fn with_lines(units: u32, steps: usize) -> Arc<[u8]> {
    // One abbreviation: a unit with its line program, and from where to where
    // its code is.
    const ABBREVIATIONS: &[u8] = b"\x01\x11\x00\x10\x17\x11\x01\x12\x06\x00\x00\x00";
    // From the least instruction on: lengths of 1, statements, lines from -5 in
    // steps of 14, 13 opcodes and their lengths, no folders and no files.
    const LINE_HEADER: &[u8] =
        b"\x01\x01\x01\xfb\x0e\x0d\x00\x01\x01\x01\x01\x00\x00\x00\x01\x00\x00\x01\x00\x00";
    const TO_THE_START: &[u8] = b"\x00\x05\x02\x00\x00\x00\x00";
    // One line further, at the same address.
    const STEP: u8 = 19;
    const END: &[u8] = b"\x02\x04\x00\x01\x01";
    let with_len = |content: &[u8]| {
        let len = u32::try_from(content.len()).unwrap();
        [&len.to_le_bytes(), content].concat()
    };
    let unit = with_len(
        b"\x04\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00",
    );
    let program = [TO_THE_START, &vec![STEP; steps], END].concat();
    let header = with_len(LINE_HEADER);
    let lines = with_len(&[b"\x04\x00", header.as_slice(), &program].concat());

    let mut module = b"\0asm\x01\0\0\0".to_vec();
    section(&mut module, 1, b"\x01\x60\x00\x00");
    section(&mut module, 3, b"\x01\x00");
    section(&mut module, 10, b"\x01\x03\x00\x01\x0b");
    for (name, content) in [
        (".debug_abbrev", ABBREVIATIONS),
        (".debug_info", &unit.repeat(units as usize)),
        (".debug_line", &lines),
    ] {
        let name = [leb(name.len()).as_slice(), name.as_bytes()].concat();
        section(&mut module, 0, &[&name, content].concat());
    }
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    section(&mut component, 1, &module);
    agent_with(&component)
}

fn beside_a_bomb(runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("a", small()), ("b", bomb(20_000)), ("c", small_with(&[7]))] {
        std::fs::write(folder.path().join(format!("{name}.wasm")), bytes).unwrap();
    }
    let limits = CompileLimits {
        cpu: Duration::from_secs(1),
        ..CompileLimits::default()
    };
    let compiler = Arc::new(Compiler::new(child(COMPILE), limits, None));
    let engine = engine_for(1).unwrap();
    let folder = Folder::new(vec![folder.path().to_owned()]);
    let content = runtime
        .block_on(folder.load(&engine, &compiler, &()))
        .unwrap();
    assert_eq!(content.loaded.len(), 2);
    let codes: Vec<_> = content.refused.iter().map(Refusal::code).collect();
    assert_eq!(codes, ["compile-too-much-time"]);
}

/// Compiles, which takes everything away, and then tries what a compiler that
/// was taken over would like to do.
#[cfg(target_os = "linux")]
fn show_surroundings() -> ExitCode {
    use rustix::fd::BorrowedFd;
    use rustix::net::{AddressFamily, SocketType, socket};
    use rustix::process::{Resource, Rlimit, Signal};
    let parent = rustix::process::getppid();
    let _ = compile_child_main();
    let limits = Rlimit {
        current: None,
        maximum: None,
    };
    let tries = [
        ("read a file", std::fs::read("/etc/passwd").is_ok()),
        ("list a folder", std::fs::read_dir("/").is_ok()),
        (
            "make a file",
            std::fs::write("/tmp/taken-over", "x").is_ok(),
        ),
        (
            "open a socket",
            socket(AddressFamily::INET, SocketType::STREAM, None).is_ok(),
        ),
        (
            "start a program",
            std::process::Command::new("/proc/self/exe").spawn().is_ok(),
        ),
        (
            "start a thread",
            std::thread::Builder::new().spawn(|| {}).is_ok(),
        ),
        (
            "signal its parent",
            parent
                .is_some_and(|parent| rustix::process::kill_process(parent, Signal::CONT).is_ok()),
        ),
        (
            "lift its limits",
            rustix::process::setrlimit(Resource::As, limits).is_ok(),
        ),
    ];
    let done = tries
        .iter()
        .filter(|(_, done)| *done)
        .map(|(what, _)| *what);
    let done: Vec<_> = done.collect();
    let inherited = (3..64).filter(|fd| {
        // SAFETY: borrowed for one call, which says so if it is not open.
        #[allow(unsafe_code, reason = "only a raw number can be tried")]
        let fd = unsafe { BorrowedFd::borrow_raw(*fd) };
        rustix::io::read(fd, &mut [0_u8; 1]) != Err(rustix::io::Errno::BADF)
    });
    let _ = write!(
        io::stderr(),
        "environment {}, descriptors {}, can {}",
        std::env::vars_os().count(),
        inherited.count(),
        if done.is_empty() {
            "nothing".to_owned()
        } else {
            done.join(", ")
        },
    );
    ExitCode::from(3)
}

#[cfg(not(target_os = "linux"))]
fn show_surroundings() -> ExitCode {
    ExitCode::FAILURE
}

#[cfg(target_os = "linux")]
fn surroundings(runtime: &Runtime) {
    let secret = tempfile::tempfile().unwrap();
    // As a parent may have it that does not close on `exec` what it opens.
    rustix::io::fcntl_setfd(&secret, rustix::io::FdFlags::empty()).unwrap();
    let missing = ringfence_sandbox::missing_protections();
    if !missing.is_empty() {
        // It cannot do nothing where the system misses something.
        return;
    }
    let (code, text) = refused(
        runtime,
        SHOW_SURROUNDINGS,
        CompileLimits::default(),
        small(),
    );
    assert_eq!(code, "compiler-crashed");
    assert_eq!(
        text,
        "crashes the compiler: exit code 3, environment 0, descriptors 0, can nothing"
    );
}

#[cfg(not(target_os = "linux"))]
fn surroundings(_: &Runtime) {}
