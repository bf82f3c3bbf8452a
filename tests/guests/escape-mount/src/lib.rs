//! Tries to leave its mounts by every path there is, while somebody may be
//! changing what lies there.

use std::fs;
use std::path::Path;

use ringfence_sdk::prelude::*;

struct EscapeMount;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    /// A mount with something outside beside it.
    mount: String,
    /// Another mount.
    other: String,
    /// How often it reads what may be swapped in between; it tries nothing else
    /// then.
    #[serde(default)]
    times: u32,
}

/// What came of one try.
#[derive(Serialize)]
struct Try {
    what: &'static str,
    allowed: bool,
    says: String,
}

#[derive(Serialize)]
struct Report {
    tries: Vec<Try>,
    /// How often it read something in the folder that is swapped.
    read: u32,
    /// What it read there, each text once, and the names of other files.
    seen: Vec<String>,
}

impl Agent for EscapeMount {
    type Input = Input;
    type Output = Report;

    fn describe() -> Description {
        Description::new(
            "escape-mount",
            env!("CARGO_PKG_VERSION"),
            "tries to leave its mounts by every path there is",
        )
        .role("test")
        .role("escape-mount")
    }

    fn execute(input: Input, cx: &Context) -> Result<Outcome<Report>, Failure> {
        let (mount, other) = (cx.mount(&input.mount), cx.mount(&input.other));
        let mut report = Report {
            tries: match input.times {
                0 => tries(&mount, &other),
                _ => Vec::new(),
            },
            read: 0,
            seen: Vec::new(),
        };
        for _ in 0..input.times {
            if let Ok(text) = fs::read_to_string(mount.join("swap/secret")) {
                report.read += 1;
                if !report.seen.contains(&text) {
                    report.seen.push(text);
                }
            }
            for entry in fs::read_dir(mount.join("swap")).into_iter().flatten() {
                let Ok(entry) = entry else { continue };
                let name = entry.file_name().to_string_lossy().into_owned();
                if !["secret", "planted"].contains(&&*name) && !report.seen.contains(&name) {
                    report.seen.push(name);
                }
            }
            // What it makes there must not end up outside either.
            let _ = fs::write(mount.join("swap/planted"), "planted");
        }
        Ok(Outcome::completed(report))
    }
}

fn tries(mount: &Path, other: &Path) -> Vec<Try> {
    let long = format!("{}a", "../".repeat(20_000));
    vec![
        attempt("climb out", fs::read(mount.join("../outside/secret"))),
        attempt(
            "climb out through a folder",
            fs::read(mount.join("folder/../../outside/secret")),
        ),
        attempt("climb very far", fs::read(mount.join(long))),
        attempt("read what a link names", fs::read(mount.join("link"))),
        attempt(
            "read what an absolute link names",
            fs::read(mount.join("absolute")),
        ),
        attempt(
            "read through a link to a folder",
            fs::read(mount.join("door/secret")),
        ),
        attempt(
            "write through a link to a folder",
            fs::write(mount.join("door/planted"), "x"),
        ),
        attempt("write through a link", fs::write(mount.join("link"), "x")),
        attempt("follow links in a ring", fs::read(mount.join("ring"))),
        attempt("list outside", fs::read_dir(mount.join("door"))),
        attempt("open a file as a folder", fs::read_dir(mount.join("a.txt"))),
        attempt("list a file", list_file(mount, "a.txt")),
        attempt(
            "read a device",
            fs::read(mount.join("zero")).map(|bytes| bytes.len()),
        ),
        attempt("a path with a zero in it", fs::read(mount.join("a\0b"))),
        attempt(
            "make a link to outside",
            make_link(mount, "../outside/secret", "made"),
        ),
        attempt(
            "make a link to everything",
            make_link(mount, "/", "made-absolute"),
        ),
        attempt(
            "make a hard link of a link's end",
            fs::hard_link(mount.join("door/secret"), mount.join("hard")),
        ),
        attempt(
            "make a hard link out of the mount",
            fs::hard_link(mount.join("a.txt"), mount.join("../outside/hard")),
        ),
        attempt(
            "make a hard link across mounts",
            fs::hard_link(other.join("b.txt"), mount.join("hard")),
        ),
        attempt(
            "rename out of the mount",
            fs::rename(mount.join("a.txt"), mount.join("../outside/renamed")),
        ),
        attempt(
            "rename through a link",
            fs::rename(mount.join("a.txt"), mount.join("door/renamed")),
        ),
        attempt(
            "rename into the mount from outside",
            fs::rename(mount.join("../outside/secret"), mount.join("stolen")),
        ),
        attempt(
            "rename across mounts",
            fs::rename(mount.join("a.txt"), other.join("renamed")),
        ),
        attempt(
            "move a link",
            fs::rename(mount.join("link"), mount.join("folder/moved")),
        ),
        attempt(
            "multiply a link",
            fs::hard_link(mount.join("link"), mount.join("again")),
        ),
        attempt("open a pipe", fs::read(mount.join("pipe"))),
        attempt("remove outside", fs::remove_file(mount.join("door/secret"))),
        attempt("remove the mount", fs::remove_dir_all(mount)),
        attempt(
            "write to the other mount",
            fs::write(other.join("b.txt"), "x"),
        ),
        attempt("make a file in an open folder", make_in_open(other)),
        attempt(
            "remove in the other mount",
            fs::remove_file(other.join("b.txt")),
        ),
    ]
}

fn attempt<T, E: std::fmt::Display>(what: &'static str, result: Result<T, E>) -> Try {
    Try {
        what,
        allowed: result.is_ok(),
        says: result
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default(),
    }
}

#[cfg(target_family = "wasm")]
fn root(mount: &Path) -> Result<wasip2::filesystem::types::Descriptor, String> {
    wasip2::filesystem::preopens::get_directories()
        .into_iter()
        .find(|(_, path)| Path::new(path) == mount)
        .map(|(folder, _)| folder)
        .ok_or("the mount is not there".to_owned())
}

/// Lists what was opened as a file.
#[cfg(target_family = "wasm")]
fn list_file(mount: &Path, name: &str) -> Result<(), String> {
    use wasip2::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};

    let (follow, how, flags) = (
        PathFlags::empty(),
        OpenFlags::empty(),
        DescriptorFlags::READ,
    );
    let file = root(mount)?.open_at(follow, name, how, flags);
    let file = file.map_err(|error| format!("the file cannot be opened: {error}"))?;
    let listing = file.read_directory();
    listing.map(drop).map_err(|error| error.name().to_owned())
}

#[cfg(not(target_family = "wasm"))]
fn list_file(_: &Path, _: &str) -> Result<(), String> {
    Err("only in the sandbox".to_owned())
}

#[cfg(target_family = "wasm")]
fn make_link(mount: &Path, target: &str, name: &str) -> Result<(), String> {
    root(mount)?
        .symlink_at(target, name)
        .map_err(|error| error.to_string())
}

/// Makes a file below a folder that was opened to be read, and not below a root.
#[cfg(target_family = "wasm")]
fn make_in_open(mount: &Path) -> Result<(), String> {
    use wasip2::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};

    let open = |folder: &wasip2::filesystem::types::Descriptor, path, how, flags| {
        folder.open_at(PathFlags::empty(), path, how, flags)
    };
    let folder = open(
        &root(mount)?,
        ".",
        OpenFlags::DIRECTORY,
        DescriptorFlags::READ,
    )
    .map_err(|error| format!("the folder cannot be opened: {error}"))?;
    open(&folder, "made", OpenFlags::CREATE, DescriptorFlags::READ)
        .map(drop)
        .map_err(|error| error.name().to_owned())
}

#[cfg(not(target_family = "wasm"))]
fn make_link(_: &Path, _: &str, _: &str) -> Result<(), String> {
    Err("only in the sandbox".to_owned())
}

#[cfg(not(target_family = "wasm"))]
fn make_in_open(_: &Path) -> Result<(), String> {
    Err("only in the sandbox".to_owned())
}

ringfence_sdk::register!(EscapeMount);
