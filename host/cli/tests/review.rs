//! The standard agents review a source tree, from the command line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Ended, root, run};

/// The crate with planted faults.
fn faulty() -> PathBuf {
    root().join("host/cli/fixtures/faulty")
}

fn review(source: &Path, out: &Path, more: &[&str]) -> Ended {
    let mount = format!("src={}", source.display());
    let report = |ending: &str| out.join(format!("report.{ending}")).display().to_string();
    let (html, md, sarif) = (report("html"), report("md"), report("sarif"));
    let artifacts = out.display().to_string();
    let mut args = vec![
        "run",
        "workflows/review.yaml",
        "--no-journal",
        "--mount",
        &mount,
        "--report",
        &html,
        "--report",
        &md,
        "--report",
        &sarif,
        "--artifacts",
        &artifacts,
    ];
    args.extend(more);
    run(&root(), &args)
}

/// Checks what holds of a review of any tree, and gives the SARIF.
fn check(source: &Path, out: &Path, ended: &Ended) -> serde_json::Value {
    assert!(matches!(ended.code, Some(0 | 3)), "{ended:#?}");
    assert!(
        !ended.stdout.contains("failed:"),
        "no attempt is lost: {}",
        ended.stdout
    );
    for report in ["report.html", "report.md"] {
        assert!(
            fs::metadata(out.join(report)).unwrap().len() > 500,
            "{report}"
        );
    }
    let sarif: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("report.sarif")).unwrap()).unwrap();
    let schema = root().join("host/report/tests/sarif-schema-2.1.0.json");
    // The published pattern for languages has a bracket too many.
    let schema = fs::read_to_string(schema)
        .unwrap()
        .replace("{2}]?$", "{2}?$");
    let schema = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&sarif)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let patch = out.join("fixes.patch");
    if patch.exists() {
        git_applies(source, &patch);
    }
    sarif
}

/// `git apply --check` takes the patch in a copy of the tree.
fn git_applies(source: &Path, patch: &Path) {
    let copy = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .arg("-r")
        .arg(source)
        .arg(copy.path().join("tree"))
        .status();
    assert!(copied.unwrap().success());
    let tree = copy.path().join("tree");
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(&tree).args(args);
        command.output().unwrap()
    };
    git(&["init", "--quiet"]);
    let checked = git(&["apply", "--check", &patch.display().to_string()]);
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}

/// The line of the planted crate that holds `text`, counted from 1.
fn line_of(text: &str) -> u64 {
    let source = fs::read_to_string(faulty().join("src/lib.rs")).unwrap();
    let at = source.lines().position(|line| line.contains(text));
    at.unwrap_or_else(|| panic!("no line has {text}")) as u64 + 1
}

#[test]
fn planted_faults_are_found_and_mended() {
    let out = tempfile::tempdir().unwrap();
    let ended = review(&faulty(), out.path(), &["--input", "fail_at=critical"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let sarif = check(&faulty(), out.path(), &ended);
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let lines: Vec<_> = results
        .iter()
        .filter_map(|result| {
            let place = &result["locations"][0]["physicalLocation"];
            (place["artifactLocation"]["uri"] == "src/lib.rs")
                .then(|| place["region"]["startLine"].as_u64().unwrap())
        })
        .collect();
    for fault in [
        "dbg!(text)",
        "unsafe {",
        "known.contains",
        "1250000",
        "format!(",
    ] {
        assert!(lines.contains(&line_of(fault)), "{fault}: {results:#?}");
    }
    let patch = fs::read_to_string(out.path().join("fixes.patch")).unwrap();
    for mended in [
        "-    dbg!(text);",
        "+            out.push(format!(\"{name} of {count}\"));",
    ] {
        assert!(patch.contains(mended), "{mended}: {patch}");
    }
}

#[test]
fn a_threshold_that_is_not_met_rejects() {
    let out = tempfile::tempdir().unwrap();
    let ended = review(&faulty(), out.path(), &["--input", "fail_at=low"]);
    assert_eq!(ended.code, Some(3), "{ended:#?}");
    check(&faulty(), out.path(), &ended);
}

#[test]
fn a_clean_tree_and_an_empty_one_are_approved() {
    let source = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let ended = review(source.path(), out.path(), &[]).expect(0);
    check(source.path(), out.path(), &ended);
    fs::write(source.path().join("lib.rs"), "//! Nothing to see.\n").unwrap();
    let ended = review(source.path(), out.path(), &[]).expect(0);
    check(source.path(), out.path(), &ended);
    assert!(!out.path().join("fixes.patch").exists(), "nothing to mend");
}

#[test]
fn this_host_is_reviewed() {
    let out = tempfile::tempdir().unwrap();
    let source = root().join("host");
    let ended = review(&source, out.path(), &[]);
    check(&source, out.path(), &ended);
}

/// The sources of a crate in cargo's registry folder.
fn registry(name: &str) -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map_or_else(
        || Path::new(&std::env::var_os("HOME").unwrap()).join(".cargo"),
        Into::into,
    );
    let sources = fs::read_dir(home.join("registry/src")).unwrap();
    let crates = sources.flat_map(|index| fs::read_dir(index.unwrap().path()).unwrap());
    let is_it = |path: &Path| {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        file.strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut found: Vec<_> = crates
        .map(|entry| entry.unwrap().path())
        .filter(|p| is_it(p))
        .collect();
    found.sort();
    found
        .pop()
        .unwrap_or_else(|| panic!("`{name}` is a dependency, so its sources are there"))
}

#[test]
fn crates_from_the_registry_are_reviewed_unchanged() {
    for name in ["petgraph", "tokio", "syn"] {
        let source = registry(name);
        let out = tempfile::tempdir().unwrap();
        let ended = review(&source, out.path(), &[]);
        let sarif = check(&source, out.path(), &ended);
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        assert!(!results.is_empty(), "{name}");
    }
}
