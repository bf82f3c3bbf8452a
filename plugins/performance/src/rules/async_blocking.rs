//! Calls that block the thread, in async code: while one waits, every other
//! task of that thread waits too. Async runtimes have counterparts, and
//! `spawn_blocking` runs the rest on threads of their own.

use lint::Report;
use ringfence_sdk::Severity;
use source::{Position, Scope};
use syn::{Expr, ExprMethodCall};

use super::Facts;
use super::expression::{is_call, root_of_chain};

const RULE: &str = "blocking-in-async";

pub(super) fn expr(expr: &Expr, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    if !scope.in_async() {
        return;
    }
    match expr {
        Expr::Call(call) => {
            let Expr::Path(function) = &*call.func else {
                return;
            };
            let path = facts.imports.resolve(&function.path);
            if let Some((severity, advice)) = blocking(&path) {
                let message = format!("`{path}` blocks the thread in async code; {advice}");
                report.add(RULE, severity, Position::of(function), message);
            }
        }
        Expr::MethodCall(call) => method(call, facts, report),
        _ => {}
    }
}

fn blocking(path: &str) -> Option<(Severity, &'static str)> {
    const FILES: &str = "use the runtime's `fs`, or `spawn_blocking` around several calls";
    const NET: &str = "use the runtime's `net`";
    Some(match path {
        "std::thread::sleep" | "thread::sleep" => {
            (Severity::High, "use the runtime's `sleep(..).await`")
        }
        "futures::executor::block_on"
        | "tokio::runtime::Handle::block_on"
        | "pollster::block_on" => (Severity::High, "`.await` the future instead"),
        "std::net::TcpStream::connect" | "std::net::TcpStream::connect_timeout" => {
            (Severity::Medium, NET)
        }
        "std::fs::File::open" | "std::fs::File::create" => (Severity::Medium, FILES),
        "std::io::stdin" => (
            Severity::Low,
            "use the runtime's `stdin`, or a thread that reads",
        ),
        _ if path.starts_with("reqwest::blocking::") => {
            (Severity::High, "use the async client of `reqwest`")
        }
        _ => {
            let function = path.strip_prefix("std::fs::")?;
            let blocks = matches!(
                function,
                "read"
                    | "read_to_string"
                    | "read_dir"
                    | "write"
                    | "copy"
                    | "rename"
                    | "remove_file"
                    | "remove_dir"
                    | "remove_dir_all"
                    | "create_dir"
                    | "create_dir_all"
                    | "metadata"
                    | "symlink_metadata"
                    | "canonicalize"
                    | "hard_link"
                    | "set_permissions"
            );
            blocks.then_some((Severity::Medium, FILES))?
        }
    })
}

fn method(call: &ExprMethodCall, facts: &Facts<'_>, report: &mut Report) {
    let place = Position::of(&call.method);
    if is_call(call, "block_on", 1) {
        report.add(
            RULE,
            Severity::High,
            place,
            "`block_on` in async code stops the thread, and panics in some runtimes; `.await` the \
             future instead",
        );
        return;
    }
    let waits = ["output", "status"]
        .iter()
        .any(|name| is_call(call, name, 0));
    if waits
        && let Expr::Call(command) = root_of_chain(call)
        && let Expr::Path(function) = &*command.func
        && facts.imports.resolve(&function.path) == "std::process::Command::new"
    {
        let message = format!(
            "`{}` of `std::process::Command` blocks the thread in async code; use the runtime's \
             `process::Command`",
            call.method
        );
        report.add(RULE, Severity::Medium, place, message);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found;

    #[test]
    fn blocking_calls_are_found_where_they_block() {
        let text = "\
use std::{fs, process::Command, thread};
async fn f(h: Handle) {
    thread::sleep(d);
    let x = fs::read_to_string(\"x\");
    h.block_on(g());
    Command::new(\"ls\").arg(\"-l\").output();
    tokio::spawn(async move { std::fs::remove_file(p) });
}
";
        assert_eq!(
            found(text),
            [
                "blocking-in-async high 3:5",
                "blocking-in-async medium 4:13",
                "blocking-in-async high 5:7",
                "blocking-in-async medium 6:34",
                "blocking-in-async medium 7:31",
            ]
        );
    }

    #[test]
    fn other_threads_and_async_counterparts_do_not_block() {
        let text = "\
use tokio::{fs, process::Command};
fn f() { std::thread::sleep(d); }
async fn g() {
    fs::read(\"x\").await;
    Command::new(\"ls\").output().await;
    tokio::time::sleep(d).await;
    tokio::task::spawn_blocking(|| std::fs::read(\"x\")).await;
    fn inner() { std::fs::read(\"x\"); }
}
";
        assert_eq!(found(text), [""; 0]);
    }
}
