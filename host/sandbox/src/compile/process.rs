//! The parent's side: starts the process that compiles, and tells how it ended.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use ringfence_flow::clean_text;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, Command};

use super::child::ChildError;
use super::compatibility::Compatibility;
use super::limits::{ChildHeader, CompileLimits};
use super::{Compiled, ComponentFacts};
use crate::refusal::{RefusalReason, show_path};
use crate::source_lines::{MAX_LEN, SourceLines};

/// What is kept of a child's stderr. The child prints one message, with the
/// names in a component at most; a compiler that has gone mad prints anything.
const MAX_STDERR: u64 = 512 << 10;

/// The longest part of a message from the child that is shown, in bytes.
const MAX_SHOWN: usize = 600;

/// What the standard library and the compiler say last when memory runs out
/// where they cannot go on. The limit is on the child's own address space, so
/// that whatever fails for memory fails for it.
const OUT_OF_MEMORY: [&str; 2] = [
    "memory allocation of ",
    "out of memory (failed to allocate ",
];

/// What is accepted of what a component asks for and offers, as JSON.
const MAX_INTERFACE: usize = 512 << 10;

/// Has a child process look at `component` and compile it into code that is
/// `compatible`.
pub(super) async fn compile(
    program: &Path,
    args: &[String],
    component: &[u8],
    compatible: Compatibility,
    limits: &CompileLimits,
) -> Result<Compiled, RefusalReason> {
    let unavailable = |what: &str, error: &io::Error| RefusalReason::CompilerUnavailable {
        message: format!("{what} {}: {error}", show_path(program)),
    };
    let mut child = Command::new(program)
        .args(args)
        .env_clear()
        .current_dir(if cfg!(unix) { "/" } else { "." })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| unavailable("cannot start", &e))?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(RefusalReason::CompilerUnavailable {
            message: "its pipes are missing".to_owned(),
        });
    };
    let max_output = limits
        .code
        .as_u64()
        .saturating_add((Compatibility::LEN + 4 + MAX_INTERFACE + 4 + MAX_LEN) as u64);
    let talk = async {
        let code = async {
            read_up_to(stdout, max_output)
                .await
                .map_err(|e| unavailable("cannot read from", &e))?
                .ok_or(RefusalReason::CompiledTooLarge { limit: limits.code })
        };
        let errors = async {
            // What it says is of use only if there is little of it.
            Ok(read_up_to(stderr, MAX_STDERR)
                .await
                .ok()
                .flatten()
                .unwrap_or_default())
        };
        let sent = async {
            send(stdin, ChildHeader::from(limits), component).await;
            Ok(())
        };
        // The first that fails ends the others, and dropping the child kills
        // it.
        let (code, errors, ()) = tokio::try_join!(code, errors, sent)?;
        let status = child.wait().await;
        let status = status.map_err(|e| unavailable("cannot wait for", &e))?;
        if status.success() {
            take(code, compatible)
        } else {
            Err(failure(status, &errors, limits))
        }
    };
    match tokio::time::timeout(limits.wall, talk).await {
        Ok(result) => result,
        Err(_) => Err(RefusalReason::CompileTimedOut { limit: limits.wall }),
    }
}

/// Sends the limits and the component. That the child does not read on says
/// nothing: its exit does.
async fn send(mut stdin: ChildStdin, header: ChildHeader, component: &[u8]) {
    let sent = async {
        stdin.write_all(&header.encode()).await?;
        stdin.write_all(component).await?;
        stdin.shutdown().await
    };
    if let Err(error) = sent.await {
        tracing::debug!(%error, "the compiling process did not take the whole component");
    }
}

/// All that comes from `source`, `None` if it is more than `limit` bytes.
async fn read_up_to(source: impl AsyncRead + Unpin, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut source = source.take(limit.saturating_add(1));
    source.read_to_end(&mut bytes).await?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// Checks that the child was of the same version, and takes apart what it gave.
fn take(mut output: Vec<u8>, compatible: Compatibility) -> Result<Compiled, RefusalReason> {
    let (rest, facts) = split(&output, compatible).ok_or_else(|| {
        let message = "the program that compiles is of another version than the host, \
                       or is no compiler";
        RefusalReason::CompilerUnavailable {
            message: message.to_owned(),
        }
    })?;
    output.drain(..output.len() - rest);
    Ok(Compiled {
        facts,
        code: output,
    })
}

/// The length of the code, which comes last, and what comes before it.
fn split(output: &[u8], compatible: Compatibility) -> Option<(usize, ComponentFacts)> {
    let rest = output.strip_prefix(compatible.as_bytes())?;
    let (interface, rest) = split_part(rest)?;
    let (lines, code) = split_part(rest)?;
    if interface.len() > MAX_INTERFACE {
        return None;
    }
    let facts = ComponentFacts {
        interface: serde_json::from_slice(interface).ok()?,
        lines: SourceLines::from_bytes(lines)?,
    };
    Some((code.len(), facts))
}

/// What comes after its length, and the rest.
fn split_part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)
}

fn failure(status: ExitStatus, errors: &[u8], limits: &CompileLimits) -> RefusalReason {
    let said = String::from_utf8_lossy(errors);
    let memory = RefusalReason::CompileOutOfMemory {
        limit: limits.memory,
    };
    let message = clean_text(said.trim(), MAX_SHOWN);
    if OUT_OF_MEMORY.iter().any(|words| message.contains(words)) {
        return memory;
    }
    if let Some(code) = status.code() {
        return match serde_json::from_str::<ChildError>(&said) {
            Ok(ChildError::Unfit(unfit)) => unfit.into(),
            Ok(ChildError::Invalid(message)) => RefusalReason::InvalidComponent {
                message: clean_text(&message, MAX_SHOWN),
            },
            Ok(ChildError::OutOfMemory) => memory,
            Ok(ChildError::Internal(message)) => RefusalReason::CompilerUnavailable {
                message: clean_text(&message, MAX_SHOWN),
            },
            Err(_) => RefusalReason::CompilerCrashed {
                how: with_message(&format!("exit code {code}"), &message),
            },
        };
    }
    match signal(status) {
        Some(SIGXCPU) => RefusalReason::CompileTooMuchTime { limit: limits.cpu },
        Some(number) => RefusalReason::CompilerCrashed {
            how: with_message(&format!("signal {number}"), &message),
        },
        None => RefusalReason::CompilerCrashed { how: message },
    }
}

fn with_message(what: &str, message: &str) -> String {
    if message.is_empty() {
        what.to_owned()
    } else {
        format!("{what}, {message}")
    }
}

#[cfg(unix)]
const SIGXCPU: i32 = rustix::process::Signal::XCPU.as_raw();
#[cfg(not(unix))]
const SIGXCPU: i32 = 24;

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}
