//! Finds the links of Markdown files that lead nowhere.
//!
//! A plain program, without a line of an SDK: the task is a JSON document on
//! stdin, the outcome one on stdout, and the exit code says which of them it is.
//!
//! The task's input is `{"mount": "docs"}`; with `"gate": true` dead links are a
//! rejection, which sends the work back to whoever wrote it.

mod links;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use links::{Link, links};
use serde_json::{Value, json};

/// `sysexits.h`: the input is wrong.
const EX_DATAERR: u8 = 65;
/// `sysexits.h`: an input file does not exist.
const EX_NOINPUT: u8 = 66;
/// Not of `sysexits.h`: trying again may help.
const TRANSIENT: u8 = 1;
/// What a gate rejects with.
const REJECTED: u8 = 3;

/// Why there is no outcome.
struct Failure {
    code: u8,
    message: String,
}

fn main() {
    match run() {
        Ok((code, outcome)) => {
            println!("{outcome}");
            exit(code);
        }
        Err(Failure { code, message }) => {
            eprintln!("{message}");
            exit(code);
        }
    }
}

fn run() -> Result<(u8, Value), Failure> {
    let task = task()?;
    let input = &task["input"];
    let mount = input["mount"].as_str().ok_or_else(|| Failure {
        code: EX_DATAERR,
        message: "the input names no mount: write {\"mount\": \"docs\"}".to_owned(),
    })?;
    let root = Path::new("/").join(mount);
    let (mut files, mut checked, mut findings) = (0, 0, Vec::new());
    for file in markdown_files(&root)? {
        let text = fs::read_to_string(&file).map_err(|error| Failure {
            code: TRANSIENT,
            message: format!("{} was there and cannot be read: {error}", file.display()),
        })?;
        files += 1;
        for link in links(&text) {
            checked += 1;
            if !leads_somewhere(&file, &link) {
                findings.push(finding(&root, &file, &link));
            }
        }
    }
    if input["gate"] == true && !findings.is_empty() {
        let reason = format!("{} of {checked} links lead nowhere", findings.len());
        return Ok((REJECTED, json!({"reason": reason, "findings": findings})));
    }
    let value = json!({"files": files, "links": checked, "dead": findings.len()});
    Ok((0, json!({"value": value, "findings": findings})))
}

fn task() -> Result<Value, Failure> {
    let mut text = String::new();
    let read = io::stdin().read_to_string(&mut text);
    read.map_err(|error| Failure {
        code: TRANSIENT,
        message: format!("the task on stdin cannot be read: {error}"),
    })?;
    serde_json::from_str(&text).map_err(|error| Failure {
        code: EX_DATAERR,
        message: format!("the task on stdin is no JSON: {error}"),
    })
}

/// All Markdown files below `root`, in the order of their paths.
fn markdown_files(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| Failure {
            code: EX_NOINPUT,
            message: format!("{} is no folder that I may read: {error}", folder.display()),
        })?;
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn leads_somewhere(file: &Path, link: &Link<'_>) -> bool {
    match link.file() {
        Some(target) => file
            .parent()
            .is_some_and(|folder| folder.join(target).exists()),
        None => true,
    }
}

fn finding(root: &Path, file: &Path, link: &Link<'_>) -> Value {
    let path = file.strip_prefix(root).unwrap_or(file);
    json!({
        "rule": "dead-link",
        "severity": "medium",
        "message": format!("the link to `{}` leads nowhere", link.target),
        "location": {"path": path, "line": link.line, "column": link.column},
    })
}

/// Ends with `code`.
fn exit(code: u8) -> ! {
    #[cfg(target_os = "wasi")]
    wasip2::cli::exit::exit_with_code(code);
    std::process::exit(code.into())
}
