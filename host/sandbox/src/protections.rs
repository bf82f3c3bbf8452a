//! What this system cannot protect the host from.

/// The protections that hold on a current Linux and are missing on this system,
/// a sentence each, for an operator to read.
///
/// What keeps an agent in its sandbox (memory, fuel, time, grants) is the same
/// everywhere and never listed here.
#[must_use]
pub fn missing_protections() -> Vec<&'static str> {
    #[cfg(target_os = "linux")]
    let kernel = missing_in_this_kernel();
    #[cfg(not(target_os = "linux"))]
    let kernel = [];
    MISSING.iter().copied().chain(kernel).collect()
}

#[cfg(target_os = "linux")]
fn missing_in_this_kernel() -> impl Iterator<Item = &'static str> {
    use crate::compile::{has_landlock, has_seccomp};
    let landlock = (!has_landlock()).then_some(
        "the process that compiles an agent may read files and use the network, because this kernel has no Landlock",
    );
    let seccomp = (!has_seccomp()).then_some(
        "the process that compiles an agent may use all system calls, because they cannot be filtered here",
    );
    landlock.into_iter().chain(seccomp)
}

#[cfg(target_os = "linux")]
const MISSING: &[&str] = &[];

#[cfg(all(unix, not(target_os = "linux")))]
const MISSING: &[&str] = &[
    "the process that compiles an agent may read files and use the network, because only Linux has Landlock and seccomp",
    #[cfg(target_vendor = "apple")]
    "the process that compiles an agent has no limit of memory, because macOS does not limit address space; its time is limited",
];

#[cfg(not(unix))]
const MISSING: &[&str] = &[
    "the process that compiles an agent is limited by time on the clock alone, not by memory or by time on a core",
    "the process that compiles an agent may open and write files and use the network",
    "nobody checks who else may write the compile cache, and whoever can write there can run code in this host",
    "the time that an attempt takes on a core is not measured and reported as zero; its limits of fuel and time hold",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_systems_say_what_they_miss() {
        let missing = missing_protections();
        assert!(!missing.is_empty() || cfg!(target_os = "linux"));
        for sentence in missing {
            assert!(sentence.starts_with(char::is_lowercase), "{sentence}");
            assert!(!sentence.ends_with('.'), "{sentence}");
        }
    }
}
