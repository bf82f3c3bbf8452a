//! Programs as agents: the two of `examples/commands`, built and called as its
//! README says, and how each of their exit codes comes out.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed; one that cannot run says so"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{Ended, built, ringfence, root};

/// A copy of the examples, to build in.
fn examples() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("examples/commands"), folder.path());
    // Where cargo puts it; xtask has built it, for whichever toolchain there is.
    let release = folder.path().join("rust/target/wasm32-wasip2/release");
    fs::create_dir_all(&release).unwrap();
    fs::copy(built("examples", "links"), release.join("links.wasm")).unwrap();
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        match path.file_name().unwrap().to_str().unwrap() {
            // What a person may have built there.
            "target" | "plugins" => {}
            _ if path.is_dir() => copy(&path, &to),
            _ => drop(fs::copy(&path, &to).unwrap()),
        }
    }
}

/// Whether C can be built for WASI; says so where it cannot.
fn has_clang() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("empty.c");
    fs::write(&source, "int main(void) { return 0; }").unwrap();
    let built = Command::new("clang")
        .arg("--target=wasm32-wasi")
        .arg("-o")
        .arg(folder.path().join("empty.wasm"))
        .arg(&source)
        .output();
    let has = built.is_ok_and(|output| output.status.success());
    if !has {
        println!(
            "skipped the program in C: install clang, lld, wasi-libc and libclang-rt-14-dev-wasm32"
        );
    }
    has
}

/// A command of the README, and what it is said to print.
struct Shown {
    command: String,
    printed: Vec<String>,
}

fn shown_in(readme: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    let mut is_console = false;
    for line in readme.lines() {
        match line.strip_prefix("$ ") {
            Some(command) if is_console => all.push(Shown {
                command: command.to_owned(),
                printed: Vec::new(),
            }),
            _ if line.starts_with("```") => is_console = line == "```console",
            _ if is_console => all.last_mut().unwrap().printed.push(line.to_owned()),
            _ => {}
        }
    }
    all
}

/// Runs a line in a shell that finds this `ringfence`.
fn shell(folder: &Path, line: &str) -> Ended {
    let own = Path::new(env!("CARGO_BIN_EXE_ringfence")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    // The environment of the command, for whatever the shell starts.
    let prepared = ringfence(folder);
    let variables = prepared
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    Command::new("sh")
        .args(["-c", line])
        .current_dir(folder)
        .env_clear()
        .envs(variables)
        .env("PATH", format!("{}:{path}", own.display()))
        .output()
        .unwrap()
        .into()
}

#[test]
fn each_command_of_the_readme_does_what_it_says() {
    let folder = examples();
    let has_clang = has_clang();
    let readme = fs::read_to_string(folder.path().join("README.md")).unwrap();
    let shown = shown_in(&readme);
    assert!(shown.len() > 8, "the commands are found");
    for Shown { command, printed } in shown {
        // `xtask` has run it.
        let is_cargo = command.starts_with("cargo build --release --target wasm32-wasip2");
        if is_cargo || (!has_clang && command.contains("tidy")) {
            continue;
        }
        let ended = shell(folder.path(), &command).expect(0);
        let said = ended.stdout + &ended.stderr;
        for line in printed {
            let is_missing = !has_clang && line.contains("tidiness");
            assert!(
                is_missing || said.contains(&line),
                "{command}: {line}\n{said}"
            );
        }
    }
}

/// The two programs, and a folder of documents for them.
struct Programs {
    folder: tempfile::TempDir,
    names: Vec<&'static str>,
}

impl Programs {
    fn built() -> Self {
        let folder = examples();
        fs::create_dir_all(folder.path().join("docs")).unwrap();
        let mut names = vec!["links"];
        let mut lines =
            vec!["mkdir plugins && cp rust/target/wasm32-wasip2/release/links.wasm plugins/"];
        if has_clang() {
            names.push("tidy");
            lines.push("clang --target=wasm32-wasi -O2 -g1 -o tidy.wasm c/tidy.c c/json.c");
            lines.push("ringfence componentize tidy.wasm -o plugins/tidy.wasm");
        }
        for line in lines {
            shell(folder.path(), line).expect(0);
        }
        Self { folder, names }
    }

    fn docs(&self) -> PathBuf {
        self.folder.path().join("docs")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.docs().join(name), text).unwrap();
    }

    /// Calls one, and says how it ended.
    fn call(&self, name: &str, input: &str, mounts: &[&str]) -> (Ended, Value) {
        let mut command = ringfence(self.folder.path());
        command.args(["agents", "call", name, "--format", "json", "--input", input]);
        for mount in mounts {
            command.args(["--mount", mount]);
        }
        let ended: Ended = command.output().unwrap().into();
        let result = ended.json()["result"].clone();
        (ended, result)
    }
}

const DOCS: &[&str] = &["docs=docs"];

/// The input of a task for either, with `rest` in it.
fn input(rest: &str) -> String {
    format!(r#"{{"mount": "docs"{rest}}}"#)
}

#[test]
fn each_exit_code_is_an_outcome() {
    let programs = Programs::built();
    for name in &programs.names {
        let call = |rest: &str, mounts| programs.call(name, &input(rest), mounts);

        // 0, without findings and with some.
        programs.write("a.md", "# A\n\n[itself](a.md)\n");
        let (ended, result) = call("", DOCS);
        ended.expect(0);
        assert_eq!(result["completed"]["value"]["files"], 1, "{result}");
        assert_eq!(result["completed"]["findings"], serde_json::json!([]));
        let (ended, _) = call(r#", "gate": true"#, DOCS);
        ended.expect(0);

        programs.write("b.md", "[nobody](nobody.md) \n");
        let (ended, result) = call("", DOCS);
        ended.expect(0);
        let findings = result["completed"]["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{result}");
        assert_eq!(findings[0]["location"]["path"], "b.md", "{result}");

        // 3: the same is a rejection where it is a gate.
        let (ended, result) = call(r#", "gate": true"#, DOCS);
        ended.expect(3);
        assert_eq!(result["rejected"]["findings"][0]["location"]["line"], 1);
        assert!(result["rejected"]["reason"].is_string(), "{result}");

        // 66: no folder was granted.
        let (ended, result) = call("", &[]);
        ended.expect(1);
        assert_eq!(result["failed"]["code"], "permanent", "{result}");
        let message = result["failed"]["message"].as_str().unwrap();
        assert!(message.contains("exited with 66: "), "{message}");

        // 1: a file that is gone when it is read.
        #[cfg(unix)]
        {
            let gone = programs.docs().join("gone.md");
            std::os::unix::fs::symlink("nowhere.md", &gone).unwrap();
            let (ended, result) = call("", DOCS);
            ended.expect(1);
            assert_eq!(result["failed"]["code"], "transient", "{result}");
            let message = result["failed"]["message"].as_str().unwrap();
            assert!(message.contains("exited with 1: "), "{message}");
            assert!(message.contains("gone.md was there"), "{message}");
            fs::remove_file(gone).unwrap();
        }
        fs::remove_file(programs.docs().join("b.md")).unwrap();
    }
    // 65: an input of no use.
    let (ended, result) = programs.call("links", "[]", DOCS);
    ended.expect(1);
    assert_eq!(result["failed"]["code"], "permanent", "{result}");
    let message = result["failed"]["message"].as_str().unwrap();
    assert!(
        message.contains("exited with 65: the input names no mount"),
        "{message}"
    );
}

#[test]
fn what_comes_in_and_goes_out_is_bounded() {
    let programs = Programs::built();
    programs.write("a.md", "fine\n");

    // What it writes has the budget of an output.
    let link = format!("[x]({}.md)\n", "gone".repeat(500));
    programs.write("b.md", &link.repeat(1_000));
    let (ended, result) = programs.call("links", &input(""), DOCS);
    ended.expect(1);
    assert_eq!(result["failed"]["code"], "output-too-large", "{result}");
    fs::remove_file(programs.docs().join("b.md")).unwrap();

    // A large task arrives whole; one that does not fit into its memory is told.
    let config = programs.folder.path().join("ringfence.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        format!("{text}\n[budgets.default]\nmemory = \"8MiB\"\n"),
    )
    .unwrap();
    let with = |bytes: usize| input(&format!(r#", "more": "{}""#, "x".repeat(bytes)));
    for name in &programs.names {
        for (bytes, code) in [(1 << 20, 0), (10 << 20, 1)] {
            fs::write(programs.folder.path().join("input.json"), with(bytes)).unwrap();
            let (ended, result) = programs.call(name, "@input.json", DOCS);
            ended.expect(code);
            if code == 0 {
                assert_eq!(result["completed"]["value"]["files"], 1, "{result}");
            } else {
                assert_eq!(result["failed"]["code"], "invalid-input", "{result}");
                let message = result["failed"]["message"].as_str().unwrap();
                assert!(message.contains("memory"), "{message}");
            }
        }
    }
}

#[test]
fn what_is_no_program_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("empty.wasm", b"");
    write("text.wasm", b"int main(void)");
    write("library.wasm", b"\0asm\x01\0\0\0");
    fs::copy(
        built("guests", "echo"),
        folder.path().join("component.wasm"),
    )
    .unwrap();
    let mut said = Vec::new();
    for name in ["empty", "text", "library", "component"] {
        let file = format!("{name}.wasm");
        let ended = shell(
            folder.path(),
            &format!("ringfence componentize {file} -o out.wasm"),
        )
        .expect(4);
        assert_eq!(ended.stdout, "");
        said.push(ended.stderr);
    }
    let missing = shell(folder.path(), "ringfence componentize no.wasm -o out.wasm").expect(6);
    said.push(missing.stderr);
    assert!(!folder.path().join("out.wasm").exists());
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn the_refusal_of_a_module_is_answered_by_typing_its_hint() {
    if !has_clang() {
        return;
    }
    let folder = examples();
    let at = folder.path();
    fs::create_dir(at.join("plugins")).unwrap();
    shell(
        at,
        "clang --target=wasm32-wasi -O2 -o plugins/tidy.wasm c/tidy.c c/json.c",
    )
    .expect(0);
    let listing = shell(at, "ringfence agents list --format json")
        .expect(0)
        .json();
    let refusal = &listing["refused"][0];
    assert_eq!(refusal["code"], "core-module", "{refusal}");
    let hint = refusal["hint"].as_str().unwrap();
    let command = hint.split('`').nth(1).unwrap();
    assert!(command.starts_with("ringfence componentize "), "{hint}");
    let made = shell(at, &format!("{command} --format json"))
        .expect(0)
        .json();
    assert_eq!(made["kind"], "command", "{made}");
    let listing = shell(at, "ringfence agents list --format json")
        .expect(0)
        .json();
    assert_eq!(listing["agents"][0]["profile"]["name"], "tidy", "{listing}");
}
