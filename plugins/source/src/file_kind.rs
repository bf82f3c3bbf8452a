//! What a file is for, told from where it stands.

/// What a file is for, as cargo lays packages out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// Part of a library: what its users can be surprised by.
    Library,
    /// The root or a part of a program: `main.rs`, or below `src/bin/`.
    Binary,
    /// An example.
    Example,
    /// Tests: below `tests/`, or named `tests.rs`, `test.rs` or `*_test(s).rs`.
    Test,
    /// Benchmarks: below `benches/`.
    Bench,
    /// A build script.
    BuildScript,
}

impl FileKind {
    /// What the file at `path` is for; `path` has `/` between its parts.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut parts = folders.split('/');
        if parts.clone().any(|part| matches!(part, "tests" | "test")) || is_test_name(name) {
            Self::Test
        } else if parts
            .clone()
            .any(|part| matches!(part, "benches" | "bench"))
        {
            Self::Bench
        } else if parts.clone().any(|part| part == "examples") {
            Self::Example
        } else if name == "build.rs" {
            Self::BuildScript
        } else if name == "main.rs" || parts.any(|part| part == "bin") {
            Self::Binary
        } else {
            Self::Library
        }
    }

    /// Whether all of the file only runs for whoever develops it: tests,
    /// benchmarks and examples.
    #[must_use]
    pub fn is_test(self) -> bool {
        matches!(self, Self::Example | Self::Test | Self::Bench)
    }
}

fn is_test_name(name: &str) -> bool {
    let stem = name.strip_suffix(".rs").unwrap_or(name);
    matches!(stem, "tests" | "test") || stem.ends_with("_test") || stem.ends_with("_tests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_what_a_file_is_for() {
        for (path, kind) in [
            ("src/lib.rs", FileKind::Library),
            ("lib.rs", FileKind::Library),
            ("src/testing.rs", FileKind::Library),
            ("src/main.rs", FileKind::Binary),
            ("main.rs", FileKind::Binary),
            ("src/bin/tool.rs", FileKind::Binary),
            ("build.rs", FileKind::BuildScript),
            ("tests/a.rs", FileKind::Test),
            ("a/src/b/tests/mod.rs", FileKind::Test),
            ("src/b/tests.rs", FileKind::Test),
            ("src/b_test.rs", FileKind::Test),
            ("examples/hello/main.rs", FileKind::Example),
            ("benches/speed.rs", FileKind::Bench),
        ] {
            assert_eq!(FileKind::of(path), kind, "{path}");
        }
    }
}
