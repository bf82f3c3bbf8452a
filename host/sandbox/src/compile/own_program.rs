//! Which program a host starts to compile: itself.

use std::io;
use std::path::PathBuf;

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
