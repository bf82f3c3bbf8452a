//! A source file's path as its reader knows it: not as the disk of whoever built
//! the component does.

/// Where registries and checkouts of cargo are, on any disk.
const PACKAGES: [(&str, usize); 2] = [("/registry/src/", 1), ("/git/checkouts/", 0)];

/// How many parts of a path are shown that is below no folder that is known.
const SHOWN_PARTS: usize = 3;

/// A path, shortened.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SourcePath {
    /// What is shown of it.
    pub(super) text: String,
    /// Whether it is of Rust's standard library.
    pub(super) is_std: bool,
}

impl SourcePath {
    /// `path`, relative to where its package is: below one of `folders`, in which
    /// compilers were started, or in a registry.
    pub(super) fn new(path: &str, folders: &[String]) -> Self {
        let path = path.replace('\\', "/");
        if let Some(text) = in_std(&path) {
            return Self { text, is_std: true };
        }
        // Those who build libraries for others say that the path is of no disk.
        let path = path
            .split_once("://")
            .map_or(path.as_str(), |(_, rest)| rest);
        let text = in_package(path)
            .or_else(|| below(path, folders))
            .unwrap_or_else(|| last_parts(path));
        Self {
            text,
            is_std: false,
        }
    }
}

fn in_std(path: &str) -> Option<String> {
    let rest = match path.strip_prefix("/rustc/") {
        Some(rest) => rest.split_once('/')?.1,
        None => path.split_once("/lib/rustlib/src/rust/")?.1,
    };
    Some(rest.to_owned())
}

fn in_package(path: &str) -> Option<String> {
    PACKAGES.iter().find_map(|(place, skipped)| {
        let mut rest = path.split_once(place)?.1;
        for _ in 0..*skipped {
            rest = rest.split_once('/')?.1;
        }
        Some(rest.to_owned())
    })
}

/// Below the longest of the folders that holds it.
fn below(path: &str, folders: &[String]) -> Option<String> {
    let rest = |folder: &String| path.strip_prefix(folder.as_str())?.strip_prefix('/');
    let rest = folders
        .iter()
        .filter_map(rest)
        .min_by_key(|rest| rest.len())?;
    Some(rest.to_owned())
}

fn last_parts(path: &str) -> String {
    let is_absolute = path.starts_with('/') || path.get(1..3) == Some(":/");
    if !is_absolute {
        return path.to_owned();
    }
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts[parts.len().saturating_sub(SHOWN_PARTS)..].join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_nothing_of_its_authors_disk() {
        let folders = [
            "/home/ada/agent".to_owned(),
            "/home/ada".to_owned(),
            "C:/work".to_owned(),
        ];
        for (path, shown) in [
            ("/home/ada/agent/src/lib.rs", "src/lib.rs"),
            ("/home/ada/other/src/lib.rs", "other/src/lib.rs"),
            ("/home/adam/other/src/lib.rs", "other/src/lib.rs"),
            (r"C:\work\src\lib.rs", "src/lib.rs"),
            (r"D:\ada\x\y\src\lib.rs", "y/src/lib.rs"),
            (
                "/home/ada/.cargo/registry/src/index.crates.io-19/serde-1.0.2/src/de.rs",
                "serde-1.0.2/src/de.rs",
            ),
            (
                "/home/ada/.cargo/git/checkouts/tool-12/ab/src/lib.rs",
                "tool-12/ab/src/lib.rs",
            ),
            ("src/main.c", "src/main.c"),
            (
                "wasisdk://v30.0/src/wasi-libc/sources/posix.c",
                "v30.0/src/wasi-libc/sources/posix.c",
            ),
            ("../shared/json.c", "../shared/json.c"),
            ("", ""),
        ] {
            let found = SourcePath::new(path, &folders);
            assert_eq!(
                (found.text.as_str(), found.is_std),
                (shown, false),
                "{path}"
            );
        }
    }

    #[test]
    fn the_standard_library_is_told_apart() {
        for path in [
            "/rustc/5980/library/core/src/option.rs",
            "/opt/rust/lib/rustlib/src/rust/library/core/src/option.rs",
        ] {
            let found = SourcePath::new(path, &[]);
            assert_eq!(found.text, "library/core/src/option.rs");
            assert!(found.is_std);
        }
        assert!(!SourcePath::new("library/mine.rs", &[]).is_std);
    }
}
