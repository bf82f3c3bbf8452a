//! What the process that compiles takes away from itself.

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
pub(crate) use linux::has_landlock;
#[cfg(target_os = "linux")]
pub(crate) use linux::has_seccomp;
#[cfg(target_os = "linux")]
pub(super) use linux::{give_up_surroundings, give_up_system_calls};

use std::fs;
use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::{Errno, FdFlags};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::limits::ChildHeader;

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
