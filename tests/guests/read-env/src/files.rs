//! Files outside of what is mounted.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::Try;

pub(crate) fn tries(mount: Option<&Path>) -> Vec<Try> {
    let mut tries: Vec<Try> = ["/", ".", "..", "/proc", "/etc"]
        .into_iter()
        .map(|path| Try::new(format!("list {path}"), fs::read_dir(path)))
        .collect();
    tries.push(Try::new("read /etc/passwd", fs::read("/etc/passwd")));
    tries.push(Try::new("write /probe.txt", fs::write("/probe.txt", "x")));
    if let Some(mount) = mount {
        tries.extend(in_mount(mount));
    }
    tries
}

fn in_mount(mount: &Path) -> Vec<Try> {
    let inside = mount.join("probe.txt");
    let link = mount.join("probe-link");
    vec![
        Try::new("list the mount", fs::read_dir(mount)),
        Try::new("write in the mount", fs::write(&inside, "x")),
        Try::new("remove in the mount", fs::remove_file(&inside)),
        Try::new(
            "hear that nothing is there to read",
            fails(fs::File::open(mount.join("none")), ErrorKind::NotFound),
        ),
        Try::new(
            "hear that nothing may be written, there or not",
            fails(
                fs::OpenOptions::new().write(true).open(mount.join("none")),
                ErrorKind::PermissionDenied,
            ),
        ),
        Try::new(
            "make a folder in the mount",
            fs::create_dir(mount.join("probe")),
        ),
        Try::new("read above the mount", fs::read_dir(mount.join(".."))),
        Try::new(
            "read far above the mount",
            fs::read(mount.join("../../../../../../etc/passwd")),
        ),
        Try::new(
            "read an absolute path below the mount",
            fs::read(format!("{}//etc/passwd", mount.display())),
        ),
        Try::new("follow the link `escape`", fs::read(mount.join("escape"))),
        Try::new("make a link out of the mount", make_link(&link)),
        Try::new(
            "rename out of the mount",
            fs::rename(mount.join("a.txt"), "/a.txt"),
        ),
    ]
}

/// Whether it failed like this.
fn fails(result: io::Result<fs::File>, kind: ErrorKind) -> Result<(), String> {
    match result {
        Err(error) if error.kind() == kind => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

#[cfg(target_family = "wasm")]
fn make_link(link: &Path) -> Result<(), String> {
    use wasip2::filesystem::preopens::get_directories;

    let link = link
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let (folder, _) = get_directories()
        .into_iter()
        .next()
        .ok_or("nothing is mounted")?;
    folder
        .symlink_at("/etc/passwd", link)
        .map_err(|error| error.to_string())
}

#[cfg(not(target_family = "wasm"))]
fn make_link(_: &Path) -> Result<(), String> {
    Err("only in the sandbox".to_owned())
}
