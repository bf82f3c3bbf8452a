//! Which program a host starts to compile: itself.

use std::io;
use std::path::PathBuf;

/// The argument that makes a program compile one component, as
/// [`compile_child_main`](super::compile_child_main) does.
pub const COMPILE_ARGUMENT: &str = "compile-component";

/// Whether this process was started to compile one component.
#[must_use]
pub fn is_compile_child() -> bool {
    let mut args = std::env::args_os().skip(1);
    args.next().is_some_and(|arg| arg == COMPILE_ARGUMENT) && args.next().is_none()
}

/// The program that is running, for [`Compilation::ChildProcess`].
///
/// On Linux this is a name that stays good when the file is replaced or
/// deleted while the host runs, so that an upgrade does not mix versions.
///
/// # Errors
/// Those of [`std::env::current_exe`].
///
/// [`Compilation::ChildProcess`]: crate::Compilation::ChildProcess
pub fn own_program() -> io::Result<PathBuf> {
    let this = PathBuf::from("/proc/self/exe");
    if cfg!(target_os = "linux") && this.exists() {
        return Ok(this);
    }
    std::env::current_exe()
}
