//! The process that compiles: what it does to itself, and what it says.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use wasmtime::{Engine, OutOfMemory};

use super::compatibility::Compatibility;
#[cfg(unix)]
use super::confine;
use super::limits::ChildHeader;
use super::{Compiled, ComponentFacts};
use crate::component_check::{ComponentInterface, Unfit};
use crate::engine::compile_config;
use crate::source_lines::SourceLines;

/// The exit code for a component that is not valid: the bytes are at fault.
pub(super) const EXIT_INVALID: u8 = 65;

/// The exit code for memory that ran out in a place that could say so.
pub(super) const EXIT_OUT_OF_MEMORY: u8 = 71;

/// The exit code for anything that is no fault of the component.
pub(super) const EXIT_INTERNAL: u8 = 70;

/// The exit code for bytes of which no agent can be made.
pub(super) const EXIT_UNFIT: u8 = 66;

/// Why the child fails: its exit code, and what it writes to stderr as JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum ChildError {
    /// The bytes are no agent.
    Unfit(Unfit),
    /// The component is not valid.
    Invalid(String),
    /// Memory ran out in a place that could say so.
    OutOfMemory,
    /// No fault of the component.
    Internal(String),
}

impl ChildError {
    const fn exit_code(&self) -> u8 {
        match self {
            Self::Unfit(_) => EXIT_UNFIT,
            Self::Invalid(_) => EXIT_INVALID,
            Self::OutOfMemory => EXIT_OUT_OF_MEMORY,
            Self::Internal(_) => EXIT_INTERNAL,
        }
    }
}

/// Compiles the component on stdin and writes the code to stdout: the whole
/// life of the process that the host starts for each component.
///
/// A program that embeds the sandbox and takes components from elsewhere calls
/// this at the very start of `main`, when it was started for that, and returns
/// what this returns; [`Compilation::this_program`] then starts it. First of all it takes away from its own process what
/// compiling does not need: memory and time beyond the host's limits, files
/// and inherited descriptors; on Linux also the sight of all files and networks
/// (Landlock) and nearly all system calls (seccomp). On Windows there are no such limits, and only
/// the host's time on the clock holds.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     if ringfence_sandbox::is_compile_child() {
///         return ringfence_sandbox::compile_child_main();
///     }
///     // What the program is really for.
///     ExitCode::SUCCESS
/// }
/// ```
///
/// [`Compilation::this_program`]: crate::Compilation::this_program
#[must_use]
pub fn compile_child_main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Ok(json) = serde_json::to_string(&error) {
                // The parent reads the exit code too, so that there is
                // nobody left to tell if this fails.
                let _ = io::stderr().lock().write_all(json.as_bytes());
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run() -> Result<(), ChildError> {
    #[cfg(unix)]
    confine::give_up_files().map_err(internal("cannot give up files"))?;

    let mut stdin = io::stdin().lock();
    let mut header = [0; ChildHeader::LEN];
    stdin
        .read_exact(&mut header)
        .map_err(internal("cannot read the limits"))?;
    let header = ChildHeader::decode(header);
    #[cfg(unix)]
    confine::limit(&header).map_err(internal("cannot set limits"))?;
    #[cfg(target_os = "linux")]
    let has_seccomp = confine::has_seccomp();
    #[cfg(target_os = "linux")]
    confine::give_up_surroundings().map_err(internal("cannot give up files and network"))?;
    rayon::ThreadPoolBuilder::new()
        .num_threads(usize::try_from(header.threads).unwrap_or(1))
        .build_global()
        .map_err(internal("cannot start threads"))?;
    let engine = Engine::new(&compile_config()).map_err(internal("cannot start"))?;
    // Last, as starting takes more of the system than compiling does; and
    // before the first byte that somebody else picked.
    #[cfg(target_os = "linux")]
    if has_seccomp {
        confine::give_up_system_calls().map_err(internal("cannot give up system calls"))?;
    }

    let mut component = Vec::new();
    stdin
        .read_to_end(&mut component)
        .map_err(internal("cannot read the component"))?;
    let compiled = compile(&engine, &component)?;
    write(&engine, &compiled).map_err(internal("cannot write the code"))
}

fn compile(engine: &Engine, component: &[u8]) -> Result<Compiled, ChildError> {
    let interface = ComponentInterface::read(component).map_err(ChildError::Unfit)?;
    match engine.precompile_component(component) {
        Ok(code) => {
            let lines = SourceLines::read(component);
            let facts = ComponentFacts { interface, lines };
            Ok(Compiled { facts, code })
        }
        Err(error) if is_out_of_memory(&error) => Err(ChildError::OutOfMemory),
        Err(error) => Err(ChildError::Invalid(format!("{error:#}"))),
    }
}

/// What [`Compiled`] looks like on the way to the host: the compatibility; the
/// interface as JSON and then the lines, each after its length in four bytes,
/// little-endian; and the code.
fn write(engine: &Engine, compiled: &Compiled) -> io::Result<()> {
    let ComponentFacts { interface, lines } = &compiled.facts;
    let interface = serde_json::to_vec(interface)?;
    let mut stdout = io::stdout().lock();
    stdout.write_all(Compatibility::of(engine).as_bytes())?;
    for part in [interface.as_slice(), lines.as_bytes()] {
        let len = u32::try_from(part.len()).map_err(io::Error::other)?;
        stdout.write_all(&len.to_le_bytes())?;
        stdout.write_all(part)?;
    }
    stdout.write_all(&compiled.code)?;
    stdout.flush()
}

fn internal<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> ChildError {
    move |error| ChildError::Internal(format!("{what}: {error}"))
}

fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    error.is::<OutOfMemory>()
        || error.chain().any(|cause| {
            cause
                .downcast_ref::<io::Error>()
                .is_some_and(|io| io.kind() == io::ErrorKind::OutOfMemory)
        })
}
