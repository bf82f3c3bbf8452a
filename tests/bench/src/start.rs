//! How long it takes until there is something: a host with many plugins, and
//! the first result of a process.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ringfence_sandbox::{Sandbox, SandboxConfig, engine_for};
use wasmtime::component::Component;

use crate::result::{Aim, Row, Unit, cores};
use crate::rig::{guest, runtime};
use crate::stats::compare;

const PLUGINS: usize = 100;
const ROUNDS: usize = 15;
const PROCESSES: usize = 25;

pub(crate) fn measure(program: &Path) -> Vec<Row> {
    let mut rows = many_plugins();
    rows.extend(first_result(program));
    rows
}

/// What the guest that is made many calls itself.
const NAME: &[u8] = b"one-of-many-agents-with-number-000";

/// Writes so many plugins with names of their own to `folder`.
pub(crate) fn write_plugins(folder: &Path, count: usize) {
    let mut bytes = std::fs::read(guest("one-of-many")).unwrap();
    let mut places = bytes.windows(NAME.len()).enumerate();
    let at = places.find(|(_, part)| *part == NAME).unwrap().0 + NAME.len() - 3;
    for number in 0..count {
        let digits = format!("{number:03}");
        bytes[at..at + 3].copy_from_slice(digits.as_bytes());
        std::fs::write(folder.join(digits).with_extension("wasm"), &bytes).unwrap();
    }
}

/// A host's sandbox with all that is in `plugins`.
pub(crate) async fn load(plugins: &Path, cache: &Path) -> Sandbox {
    let config = SandboxConfig {
        plugins: vec![plugins.to_owned()],
        cache_dir: Some(cache.to_owned()),
        ..SandboxConfig::default()
    };
    let loading = Sandbox::load(config, &()).await.unwrap();
    assert!(loading.refused.is_empty(), "{}", loading.refused[0]);
    loading.sandbox
}

/// Starts so many times with many plugins, compiled before.
pub(crate) fn take(times: u32) {
    let folder = tempfile::tempdir().unwrap();
    let (plugins, cache) = (folder.path().join("plugins"), folder.path().join("cache"));
    std::fs::create_dir(&plugins).unwrap();
    write_plugins(&plugins, PLUGINS);
    let runtime = runtime(cores());
    for _ in 0..=times {
        drop(runtime.block_on(load(&plugins, &cache)));
    }
}

fn many_plugins() -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["plugins", "code"] {
        std::fs::create_dir(at(name)).unwrap();
    }
    write_plugins(&at("plugins"), PLUGINS);
    let runtime = runtime(cores());
    let host = || runtime.block_on(load(&at("plugins"), &at("cache")));
    assert_eq!(host().loaded().len(), PLUGINS);
    let code = compiled(&at("plugins"), &at("code"));
    let comparison = compare(
        ROUNDS,
        1,
        || drop(host()),
        || {
            let engine = engine_for(68).unwrap();
            let components = code.iter().map(|path| map(&engine, path));
            drop(components.collect::<Vec<_>>());
        },
    );
    vec![
        Row::against(
            "start with 100 plugins, compiled before",
            "an engine, and their compiled code mapped",
            comparison,
        )
        .aims(Aim::AtMost(2.0)),
        Row::value("the same, for itself", Unit::Seconds, comparison.ours).aims(Aim::AtMost(0.1)),
    ]
}

/// Compiles all plugins of a folder to files of another one.
fn compiled(plugins: &Path, folder: &Path) -> Vec<PathBuf> {
    let engine = engine_for(1).unwrap();
    let entries = std::fs::read_dir(plugins).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let code = engine
                .precompile_component(&std::fs::read(entry.path()).unwrap())
                .unwrap();
            let path = folder.join(entry.file_name());
            std::fs::write(&path, code).unwrap();
            path
        })
        .collect()
}

#[allow(unsafe_code, reason = "mapping compiled code is what is measured")]
fn map(engine: &wasmtime::Engine, path: &Path) -> Component {
    // SAFETY: the code was compiled by this process a moment ago.
    unsafe { Component::deserialize_file(engine, path) }.unwrap()
}

fn first_result(program: &Path) -> Vec<Row> {
    let program = std::path::absolute(program).unwrap();
    assert!(program.is_file(), "{} is not built", program.display());
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("plugins")).unwrap();
    std::fs::copy(guest("echo"), at("plugins/echo.wasm")).unwrap();
    let text = "version: 1\nname: one\ntasks:\n  only: { role: echo, input: 7 }\n";
    std::fs::write(at("one.yaml"), text).unwrap();
    let ours = |flags: &[&str]| {
        let mut command = Command::new(&program);
        command
            .current_dir(folder.path())
            .args(["run", "one.yaml", "--plugins", "plugins", "--quiet"])
            .args(flags)
            .env("XDG_CACHE_HOME", at("cache"))
            .env("XDG_STATE_HOME", at("state"))
            .env("XDG_RUNTIME_DIR", at("run"));
        end(&mut command);
    };
    let nothing = || end(&mut Command::new("true"));
    [
        ("`ringfence run` of one task, the whole process", &[][..]),
        ("the same without a journal", &["--no-journal"][..]),
    ]
    .into_iter()
    .flat_map(|(what, flags)| {
        let comparison = compare(PROCESSES, 1, || ours(flags), nothing);
        [
            Row::against(what, "the process `true`", comparison),
            Row::value("the same, for itself", Unit::Seconds, comparison.ours)
                .aims(Aim::AtMost(0.03)),
        ]
    })
    .collect()
}

/// Runs a program to its end, which is a good one.
fn end(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{:?}: {said}",
        command.get_program()
    );
}
