//! The C compiler for WASI that the examples in C are built with, by the test of
//! their README.

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::debian_packages;
use crate::report::Done;

/// Debian's compiler, its linker, and the C library and builtins for WASI.
const PACKAGES: [&str; 4] = ["clang", "lld", "wasi-libc", "libclang-rt-14-dev-wasm32"];

/// Installs the compiler where it is missing and that is possible. Where it is
/// not, the test that needs it says so and passes.
pub(crate) fn provide() -> Done {
    if env::var_os("RINGFENCE_NO_CLANG").is_some() {
        return Done::Skipped("RINGFENCE_NO_CLANG is set".to_owned());
    }
    if builds_for_wasi() {
        return Done::Passed;
    }
    match debian_packages::install(&PACKAGES) {
        Ok(()) if builds_for_wasi() => Done::Passed,
        Ok(()) => Done::Skipped("the installed `clang` does not build for WASI".to_owned()),
        Err(why) => Done::Skipped(format!(
            "`clang` with a C library for WASI is not there and cannot be installed: {why}"
        )),
    }
}

/// Whether a program can be compiled and linked: clang alone is not enough.
fn builds_for_wasi() -> bool {
    let compiler = Command::new("clang")
        .args(["--target=wasm32-wasi", "-x", "c", "-", "-o", "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut compiler) = compiler else {
        return false;
    };
    if let Some(mut source) = compiler.stdin.take() {
        // A compiler that is not there for it says so with its exit code.
        let _ = source.write_all(b"int main(void) { return 0; }\n");
    }
    compiler.wait().is_ok_and(|status| status.success())
}
