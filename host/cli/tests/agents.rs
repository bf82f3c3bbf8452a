//! `ringfence agents`, over a folder that holds good plugins and each kind of
//! bad one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::fs;

use support::{built, plugins, run};

/// Three good plugins and each kind of bad one.
fn mixed() -> tempfile::TempDir {
    let folder = plugins(&[
        "echo",
        "fail",
        "reject",
        "other-world",
        "other-version",
        "twin-a",
        "twin-b",
        "describe-bad-schema",
        "describe-empty",
        "describe-long-name",
        "describe-many-roles",
        "describe-no-role",
        "describe-spin",
        "describe-trap",
        "start-trap",
        "cat-command",
    ]);
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("empty.wasm", b"");
    write("text.wasm", b"this is no WebAssembly");
    write("core.wasm", b"\0asm\x01\0\0\0");
    let echo = fs::read(built("guests", "echo")).unwrap();
    write("truncated.wasm", &echo[..echo.len() / 2]);
    write("notes.txt", b"not a plugin, and not looked at");
    fs::create_dir(folder.path().join("folder.wasm")).unwrap();
    let giant = fs::File::create(folder.path().join("giant.wasm")).unwrap();
    giant.set_len((64 << 20) + 1).unwrap();
    folder
}

#[test]
fn each_bad_plugin_is_refused_with_its_reason_and_the_others_load() {
    let folder = mixed();
    let at = folder.path().display().to_string();
    let listing = run(
        folder.path(),
        &["--plugins", &at, "agents", "list", "--format", "json"],
    )
    .expect(0)
    .json();
    let names: Vec<_> = listing["agents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|agent| agent["profile"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["echo", "fail", "reject"]);
    let refused: BTreeMap<_, _> = listing["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refusal| {
            // The names of functions are those of the toolchain that built the
            // guests.
            let text = |key: &str| {
                let text = refusal[key].as_str().unwrap().replace(&at, "PLUGINS");
                let lines = text.lines().filter(|line| !line.starts_with("  in "));
                lines.collect::<Vec<_>>().join("\n")
            };
            let file = text("path").replace("PLUGINS/", "");
            (
                file,
                format!(
                    "{}: {}\nhint: {}",
                    text("code"),
                    text("message"),
                    text("hint")
                ),
            )
        })
        .collect();
    insta::assert_yaml_snapshot!(refused);
}

#[test]
fn the_list_for_people_shows_both() {
    let folder = mixed();
    let at = folder.path().display().to_string();
    let ended = run(folder.path(), &["--plugins", &at, "agents", "list"]).expect(0);
    for shown in ["echo", "fail", "reject", "refused:", "hint:"] {
        assert!(ended.stdout.contains(shown), "{shown}: {}", ended.stdout);
    }
    assert!(
        !ended.stdout.contains('\x1b'),
        "no colour where there is no terminal"
    );
}

#[test]
fn inspect_shows_asked_beside_granted() {
    let folder = plugins(&["echo"]);
    fs::write(
        folder.path().join("ringfence.toml"),
        "schema = 1\nplugins = [\".\"]\n[agents.echo]\nmounts = [\"src\", \"out:rw\"]\ninstances = 2\n",
    )
    .unwrap();
    let ended = run(folder.path(), &["agents", "inspect", "echo"]).expect(0);
    for shown in [
        "ringfence:agent",
        "mount src",
        "mount out:rw",
        "2 at once",
        "fuel",
    ] {
        assert!(ended.stdout.contains(shown), "{shown}: {}", ended.stdout);
    }
    let json = run(
        folder.path(),
        &["agents", "inspect", "echo", "--format", "json"],
    )
    .expect(0)
    .json();
    assert_eq!(json["profile"]["instances"], 2);
    assert_eq!(json["component"]["contract"], "ringfence:agent@0.1.0");
}

#[test]
fn call_gives_an_agent_one_task() {
    let folder = plugins(&["echo", "fail"]);
    let at = folder.path().display().to_string();
    let call = |args: &[&str]| {
        let mut all = vec!["--plugins", &at, "agents", "call"];
        all.extend(args);
        run(folder.path(), &all)
    };
    let ended = call(&["echo", "--input", r#"{"x": [1, 2]}"#, "--format", "json"]).expect(0);
    let json = ended.json();
    assert!(
        json["result"]["completed"]["value"]
            .to_string()
            .contains(r#""x":[1,2]"#),
        "{json}"
    );
    assert!(json["usage"]["fuel"].as_u64().unwrap() > 0);
    let ended = call(&["fail", "--input", r#"{"kind": "permanent"}"#]).expect(1);
    assert!(ended.stderr.contains("permanent"), "{}", ended.stderr);
    let ended = call(&["echo", "--input", "{nope"]).expect(2);
    assert!(ended.stderr.contains("hint:"), "{}", ended.stderr);
    let ended = call(&["echo", "--role", "poet"]).expect(2);
    assert!(ended.stderr.contains("--role echo"), "{}", ended.stderr);
    let ended = call(&["echo", "--mount", "src=."]).expect(2);
    assert!(
        ended.stderr.contains("mounts = [\"src\"]"),
        "{}",
        ended.stderr
    );
}
