//! What this system cannot protect the host from.

/// The protections that hold on Linux and are missing on the system that this
/// was built for, a sentence each, for an operator to read. Empty on Linux.
///
/// What keeps an agent in its sandbox (memory, fuel, time, grants) is the same
/// everywhere and never listed here.
#[must_use]
pub const fn missing_protections() -> &'static [&'static str] {
    MISSING
}

#[cfg(all(unix, not(target_vendor = "apple")))]
const MISSING: &[&str] = &[];

#[cfg(all(unix, target_vendor = "apple"))]
const MISSING: &[&str] = &[
    "the process that compiles an agent has no limit of memory, because macOS does not limit address space; its time is limited",
];

#[cfg(not(unix))]
const MISSING: &[&str] = &[
    "the process that compiles an agent is limited by time on the clock alone, not by memory or by time on a core",
    "the process that compiles an agent may open and write files",
    "nobody checks who else may write the compile cache, and whoever can write there can run code in this host",
    "the time that an attempt takes on a core is not measured and reported as zero; its limits of fuel and time hold",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_misses_nothing_and_other_systems_say_what() {
        let missing = missing_protections();
        assert_eq!(
            missing.is_empty(),
            cfg!(all(unix, not(target_vendor = "apple")))
        );
        for sentence in missing {
            assert!(sentence.starts_with(char::is_lowercase), "{sentence}");
            assert!(!sentence.ends_with('.'), "{sentence}");
        }
    }
}
