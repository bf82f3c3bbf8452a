//! The process that compiles: what it does to itself, and what it says.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use wasmtime::{Engine, OutOfMemory};

use super::compatibility::Compatibility;
use super::limits::ChildHeader;
use crate::engine::compile_config;

/// The exit code for a component that is not valid: the bytes are at fault.
pub(super) const EXIT_INVALID: u8 = 65;

/// The exit code for memory that ran out in a place that could say so.
pub(super) const EXIT_OUT_OF_MEMORY: u8 = 71;

/// The exit code for anything that is no fault of the component.
pub(super) const EXIT_INTERNAL: u8 = 70;

/// What the child writes to stderr before it fails, as JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChildError {
    /// What went wrong.
    pub(super) message: String,
}

/// Compiles the component on stdin and writes the code to stdout: the whole
/// life of the process that the host starts for each component.
///
/// A program that embeds the sandbox calls this at the very start of `main`,
/// when its arguments are those of [`Compilation::ChildProcess`], and returns
/// what this returns. First of all it takes away from its own process what
/// compiling does not need: memory and time beyond the host's limits, files
/// and inherited descriptors. On Windows there are no such limits, and only
/// the host's time on the clock holds.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     if std::env::args_os().nth(1).is_some_and(|arg| arg == "compile-component") {
///         return ringfence_sandbox::compile_child_main();
///     }
///     // What the program is really for.
///     ExitCode::SUCCESS
/// }
/// ```
///
/// [`Compilation::ChildProcess`]: crate::Compilation::ChildProcess
#[must_use]
pub fn compile_child_main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, message)) => {
            if let Ok(json) = serde_json::to_string(&ChildError { message }) {
                // The parent reads the exit code too, so that there is
                // nobody left to tell if this fails.
                let _ = io::stderr().lock().write_all(json.as_bytes());
            }
            ExitCode::from(code)
        }
    }
}

fn run() -> Result<(), (u8, String)> {
    let internal =
        |what: &str, error: &dyn std::fmt::Display| (EXIT_INTERNAL, format!("{what}: {error}"));
    #[cfg(unix)]
    confine::give_up_files().map_err(|e| internal("cannot give up files", &e))?;

    let mut stdin = io::stdin().lock();
    let mut header = [0; ChildHeader::LEN];
    stdin
        .read_exact(&mut header)
        .map_err(|e| internal("cannot read the limits", &e))?;
    let header = ChildHeader::decode(header);
    #[cfg(unix)]
    confine::limit(&header).map_err(|e| internal("cannot set limits", &e))?;

    let mut component = Vec::new();
    stdin
        .read_to_end(&mut component)
        .map_err(|e| internal("cannot read the component", &e))?;
    rayon::ThreadPoolBuilder::new()
        .num_threads(usize::try_from(header.threads).unwrap_or(1))
        .build_global()
        .map_err(|e| internal("cannot start threads", &e))?;
    let engine = Engine::new(&compile_config()).map_err(|e| internal("cannot start", &e))?;
    let code = engine.precompile_component(&component).map_err(|error| {
        let code = if is_out_of_memory(&error) {
            EXIT_OUT_OF_MEMORY
        } else {
            EXIT_INVALID
        };
        (code, format!("{error:#}"))
    })?;
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(Compatibility::of(&engine).as_bytes())
        .and_then(|()| stdout.write_all(&code))
        .and_then(|()| stdout.flush())
        .map_err(|e| internal("cannot write the code", &e))
}

fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    error.is::<OutOfMemory>()
        || error.chain().any(|cause| {
            cause
                .downcast_ref::<io::Error>()
                .is_some_and(|io| io.kind() == io::ErrorKind::OutOfMemory)
        })
}

/// What a Unix process can take away from itself.
#[cfg(unix)]
mod confine {
    use std::fs;
    use std::os::fd::{BorrowedFd, RawFd};

    use rustix::io::{Errno, FdFlags};
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::ChildHeader;

    /// Descriptors beyond stdio that the process may have open: the standard
    /// library reads how many cores there are.
    const MAX_FILES: u64 = 16;

    /// Closes what was inherited, and allows next to nothing to be opened and
    /// nothing to be written.
    pub(super) fn give_up_files() -> rustix::io::Result<()> {
        close_inherited();
        set(Resource::Core, 0)?;
        set(Resource::Fsize, 0)?;
        set(Resource::Nofile, MAX_FILES)
    }

    /// Sets the limits that the host asks for.
    pub(super) fn limit(header: &ChildHeader) -> rustix::io::Result<()> {
        // macOS refuses to limit address space; there the host's time on the
        // clock and on a core hold, and memory does not.
        #[cfg(not(target_vendor = "apple"))]
        set(Resource::As, header.memory)?;
        // Past the first limit comes a signal that says what happened, past
        // the second one that cannot be caught.
        let hard = getrlimit(Resource::Cpu).maximum;
        let at_most = |seconds: u64| Some(hard.map_or(seconds, |hard| seconds.min(hard)));
        setrlimit(
            Resource::Cpu,
            Rlimit {
                current: at_most(header.cpu_seconds),
                maximum: at_most(header.cpu_seconds.saturating_add(2)),
            },
        )
    }

    /// Limits `resource` to `amount`, or to less where that is the case
    /// already.
    fn set(resource: Resource, amount: u64) -> rustix::io::Result<()> {
        let hard = getrlimit(resource).maximum;
        let amount = Some(hard.map_or(amount, |hard| amount.min(hard)));
        setrlimit(
            resource,
            Rlimit {
                current: amount,
                maximum: amount,
            },
        )
    }

    /// Closes the descriptors that came from the parent beyond stdio. What
    /// this process opened itself closes on the next `exec`, which tells it
    /// from what survived the last one.
    #[allow(
        unsafe_code,
        reason = "descriptors that nobody in this program opened have no owner to drop"
    )]
    fn close_inherited() {
        let Ok(folder) = fs::read_dir("/dev/fd") else {
            return;
        };
        let open: Vec<RawFd> = folder
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|fd| *fd > 2)
            .collect();
        for fd in open {
            // SAFETY: borrowed for one call that asks for the flags; if the
            // number is no longer open, which holds for the folder that was
            // just read, the call says so.
            let flags = unsafe { rustix::io::fcntl_getfd(BorrowedFd::borrow_raw(fd)) };
            match flags {
                Err(Errno::BADF) => {}
                Ok(flags) if flags.contains(FdFlags::CLOEXEC) => {}
                // SAFETY: this is the first thing that the process does, and
                // what it opens is marked to close on `exec`. So this one was
                // inherited, and nothing in this program owns it.
                _ => unsafe { rustix::io::close(fd) },
            }
        }
    }
}
