//! No agent may write what the host itself trusts, whatever it is granted.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;

use support::{Ended, plugins, ringfence};

const CONFIG: &str = "schema = 1
plugins = [\"plugins\"]
[agents.echo]
mounts = [\"out:rw\", \"src\"]
";

/// A folder with plugins, a configuration, a cache and a folder for work.
fn stage() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let built = plugins(&["echo"]);
    for name in ["plugins", "work", "work/inner"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let (from, to) = (built.path().join("echo.wasm"), "plugins/echo.wasm");
    fs::copy(from, folder.path().join(to)).unwrap();
    fs::write(folder.path().join("ringfence.toml"), CONFIG).unwrap();
    folder
}

fn call(folder: &tempfile::TempDir, mount: &str) -> Ended {
    ringfence(folder.path())
        .args(["--journal", "work/runs.sqlite"])
        .args(["agents", "call", "echo", "--mount", mount])
        .output()
        .unwrap()
        .into()
}

#[test]
fn a_mount_that_may_be_written_is_apart_from_what_the_host_trusts() {
    let folder = stage();
    for (mount, says) in [
        ("out=.", "the plugins folder"),
        ("out=plugins", "the plugins folder"),
        ("out=work", "the journal"),
    ] {
        let ended = call(&folder, mount).expect(4);
        let expected = format!("the mount `out` may be written, and {says}");
        assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
        assert!(ended.stderr.contains("hint: mount a folder of its own"));
    }
    call(&folder, "out=work/inner").expect(0);
    fs::create_dir_all(folder.path().join("work/runs.sqlite.d/deep")).unwrap();
    call(&folder, "out=work/runs.sqlite.d/deep").expect(4);
    call(&folder, "src=.").expect(0);
}
