//! Building components: the standard agents, and the guests of the tests.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::error::Error;
use crate::process;
use crate::project::Project;
use crate::wasm::Toolchain;

/// Builds the standard agents to `target/plugins`.
pub(crate) fn build_plugins(project: &Project, toolchain: &Toolchain) -> Result<(), Error> {
    build(project, toolchain, "plugins", "target/plugins")
}

/// Builds the guests of the tests to `target/guests`, and some of them once more,
/// with the lines of their source, to `target/guests/lines`.
pub(crate) fn build_test_guests(project: &Project, toolchain: &Toolchain) -> Result<(), Error> {
    build(project, toolchain, "tests/guests", "target/guests")?;
    let lines = "tests/guests-with-lines";
    build(project, toolchain, lines, "target/guests/lines")
}

/// Builds the examples that are written in Rust to `target/examples`.
pub(crate) fn build_examples(project: &Project, toolchain: &Toolchain) -> Result<(), Error> {
    build(
        project,
        toolchain,
        "examples/commands/rust",
        "target/examples",
    )
}

/// Builds the agent in Rust of `workflows/real-estate.yaml` to
/// `target/real-estate/rust`.
pub(crate) fn build_estate(project: &Project, toolchain: &Toolchain) -> Result<(), Error> {
    let workspace = "workflows/real-estate/agents/listings";
    build(project, toolchain, workspace, "target/real-estate/rust")
}

/// Builds a workspace and copies its components, named after their packages,
/// to `destination`, which then holds no other component.
///
/// # Errors
/// When a package does not build. The others are built and copied all the
/// same, so that whoever waits for one of them need not wait for all.
fn build(
    project: &Project,
    toolchain: &Toolchain,
    workspace: &str,
    destination: &str,
) -> Result<(), Error> {
    // One folder for all workspaces, so that what they share is built once.
    let target = project.path("target/wasm");
    let mut command = toolchain.cargo("build", &project.path(workspace));
    command
        .args(["--release", "--workspace", "--keep-going"])
        .arg("--target-dir")
        .arg(target)
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit());
    let output = command.output().map_err(process::not_started(&command))?;
    let components = components(&String::from_utf8_lossy(&output.stdout));

    let folder = project.path(destination);
    let mut changed = deliver(&components, &folder)?;
    process::check(&command, output.status)?;
    changed += remove_others(&components, &folder)?;
    println!(
        "{destination}: {} components, {changed} changed",
        components.len()
    );
    Ok(())
}

/// The components that cargo says it built, by package name.
fn components(messages: &str) -> BTreeMap<String, PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter_map(|message| {
            let file = message["filenames"]
                .as_array()?
                .iter()
                .filter_map(Value::as_str)
                .find(|file| file.ends_with(".wasm"))?;
            let name = message["target"]["name"].as_str()?;
            Some((name.replace('_', "-"), file.into()))
        })
        .collect()
}

/// Copies `components` to `folder`. A copy that would change nothing is left
/// out, so that whoever watches the files sees only real changes. Gives the
/// number of files that changed.
fn deliver(components: &BTreeMap<String, PathBuf>, folder: &Path) -> Result<usize, Error> {
    fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
    let mut changed = 0;
    for (name, built) in components {
        let content = fs::read(built).map_err(Error::file("read", built))?;
        let to = folder.join(name).with_extension("wasm");
        match fs::read(&to) {
            Ok(old) if old == content => continue,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::file("read", &to)(error)),
        }
        // A reader sees the old file or the new one, never a part.
        let new = to.with_extension("wasm.new");
        fs::write(&new, content).map_err(Error::file("write", &new))?;
        fs::rename(&new, &to).map_err(Error::file("write", &to))?;
        changed += 1;
    }
    Ok(changed)
}

/// Removes every component from `folder` that is not among `components`.
fn remove_others(components: &BTreeMap<String, PathBuf>, folder: &Path) -> Result<usize, Error> {
    let mut removed = 0;
    for entry in fs::read_dir(folder).map_err(Error::file("read", folder))? {
        let path = entry.map_err(Error::file("read", folder))?.path();
        let is_component = path.extension().is_some_and(|ending| ending == "wasm");
        let is_built = path
            .file_stem()
            .and_then(|name| name.to_str())
            .is_some_and(|name| components.contains_key(name));
        if is_component && !is_built {
            fs::remove_file(&path).map_err(Error::file("remove", &path))?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_named_after_their_packages() {
        let messages = r#"
{"reason":"compiler-artifact","target":{"name":"quality_gate"},"filenames":["/t/quality_gate.wasm","/t/libquality_gate.rlib"]}
{"reason":"compiler-artifact","target":{"name":"cat-command"},"filenames":["/t/cat-command.wasm"]}
{"reason":"compiler-artifact","target":{"name":"serde"},"filenames":["/t/libserde.rlib"]}
{"reason":"build-finished","success":true}
no json"#;
        let found = components(messages);
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            ["cat-command", "quality-gate"]
        );
        assert_eq!(found["quality-gate"], Path::new("/t/quality_gate.wasm"));
    }

    #[test]
    fn only_what_changed_is_copied_and_what_is_stale_goes() {
        let folder = tempfile::tempdir().unwrap();
        let built = folder.path().join("built");
        let to = folder.path().join("plugins");
        fs::create_dir_all(&to).unwrap();
        fs::write(to.join("gone.wasm"), "old").unwrap();
        fs::write(to.join("notes.txt"), "mine").unwrap();
        fs::write(&built, "one").unwrap();
        let components = BTreeMap::from([("agent".to_owned(), built.clone())]);

        assert_eq!(deliver(&components, &to).unwrap(), 1);
        assert_eq!(remove_others(&components, &to).unwrap(), 1);
        assert_eq!(deliver(&components, &to).unwrap(), 0, "nothing to do");
        assert_eq!(fs::read(to.join("agent.wasm")).unwrap(), b"one");
        assert!(!to.join("gone.wasm").exists());
        assert!(to.join("notes.txt").exists(), "no component, not ours");

        fs::write(&built, "two").unwrap();
        assert_eq!(deliver(&components, &to).unwrap(), 1);
        assert_eq!(fs::read(to.join("agent.wasm")).unwrap(), b"two");
    }
}
