//! Commands put together at run time.
//!
//! Text that reaches a shell is code: a file called `x; rm -rf ~` runs it. Pass
//! each argument on its own, without a shell. A program whose name comes from a
//! variable runs whatever whoever sets the variable likes; that is sometimes the
//! point, so it weighs less.

use lint::Report;
use ringfence_sdk::Severity;
use source::{FileKind, Position, Scope};
use syn::{Expr, ExprCall, ExprMethodCall};

use super::Facts;
use super::expression::{chain, is_fixed, peeled, root, text_of};

const SHELL: &str = "shell-command-from-variable";
const PROGRAM: &str = "program-from-variable";

/// Programs that run their arguments as code, with the options that say so.
const SHELLS: &[(&str, &[&str])] = &[
    ("sh", &["-c"]),
    ("bash", &["-c", "-lc", "-ic"]),
    ("zsh", &["-c"]),
    ("dash", &["-c"]),
    ("fish", &["-c"]),
    ("ksh", &["-c"]),
    ("cmd", &["/c", "/C", "/k"]),
    ("cmd.exe", &["/c", "/C", "/k"]),
    ("powershell", &["-Command", "-command", "-c"]),
    ("pwsh", &["-Command", "-command", "-c"]),
    ("python", &["-c"]),
    ("python3", &["-c"]),
    ("perl", &["-e"]),
    ("ruby", &["-e"]),
    ("node", &["-e"]),
];

pub(super) fn expr(expr: &Expr, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    match expr {
        Expr::Call(call) => program(call, scope, facts, report),
        Expr::MethodCall(call) if call.method == "arg" || call.method == "args" => {
            shell(call, facts, report);
        }
        _ => {}
    }
}

fn program(call: &ExprCall, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    // A build script runs what cargo tells it to.
    if scope.file_kind() == FileKind::BuildScript || !is_command(call, facts) {
        return;
    }
    let Some(name) = call.args.first().map(peeled) else {
        return;
    };
    let Expr::Path(path) = name else { return };
    let Some(ident) = path.path.get_ident().map(ToString::to_string) else {
        return;
    };
    if is_fixed(name) || is_chosen_by_caller(&ident) {
        return;
    }
    let message = format!(
        "runs whatever program `{ident}` names; choose it from a fixed list, or make sure that \
         only the user of this machine can set it"
    );
    report.add(PROGRAM, Severity::Info, Position::of(name), message);
}

/// Names that say that running what the caller names is the point.
fn is_chosen_by_caller(name: &str) -> bool {
    [
        "cargo", "rustc", "exe", "bin", "binary", "current", "editor", "pager", "browser", "shell",
    ]
    .iter()
    .any(|word| name.split('_').any(|part| part == *word))
}

fn shell(call: &ExprMethodCall, facts: &Facts<'_>, report: &mut Report) {
    let Expr::Call(command) = root(call) else {
        return;
    };
    if !is_command(command, facts) {
        return;
    }
    let Some(program) = command.args.first().and_then(text_of) else {
        return;
    };
    let program = program.rsplit(['/', '\\']).next().unwrap_or(&program);
    let Some((_, options)) = SHELLS.iter().find(|(name, _)| *name == program) else {
        return;
    };
    let is_option = |expr: &Expr| text_of(expr).is_some_and(|text| options.contains(&&*text));
    let code = if call.method == "args" {
        // `.args(["-c", code])`
        let Some(Expr::Array(list)) = call.args.first().map(peeled) else {
            return;
        };
        let Some(at) = list.elems.iter().position(is_option) else {
            return;
        };
        list.elems.iter().nth(at + 1)
    } else {
        // `.arg("-c").arg(code)`
        let before = chain(call).nth(1);
        let follows = before.is_some_and(|before| {
            before.method == "arg" && before.args.first().is_some_and(is_option)
        });
        if !follows {
            return;
        }
        call.args.first()
    };
    let Some(code) = code else { return };
    if is_fixed(code) {
        return;
    }
    let message = format!(
        "code for `{program}` is put together at run time: text in it can run anything; run the \
         program itself and pass each argument on its own"
    );
    report.add(SHELL, Severity::High, Position::of(code), message);
}

/// Whether the call is `Command::new` of the standard library or of an async
/// runtime.
fn is_command(call: &ExprCall, facts: &Facts<'_>) -> bool {
    let Expr::Path(function) = &*call.func else {
        return false;
    };
    let path = facts.imports.resolve(&function.path);
    let Some(command) = path.strip_suffix("::new") else {
        return false;
    };
    matches!(
        command,
        "std::process::Command"
            | "process::Command"
            | "tokio::process::Command"
            | "async_process::Command"
            | "async_std::process::Command"
            | "smol::process::Command"
    ) || command == "Command"
        && (facts.imports.has_glob("std::process") || facts.imports.has_glob("tokio::process"))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found;

    #[test]
    fn shells_get_no_text_from_variables() {
        let text = "\
use std::process::Command;
fn f(path: &str, args: &[String]) {
    Command::new(\"sh\").arg(\"-c\").arg(format!(\"ls {path}\"));
    Command::new(\"/bin/bash\").args([\"-c\", path]).status();
    tokio::process::Command::new(\"cmd\").args(&[\"/C\", &path]);
    Command::new(\"sh\").arg(\"-c\").arg(\"ls *.rs\").arg(path);
    Command::new(\"sh\").arg(path);
    Command::new(\"ls\").arg(\"-c\").arg(path);
    Command::new(\"sh\").args([\"-c\", SCRIPT, \"--\", path]);
}
";
        assert_eq!(
            found(text),
            [
                "shell-command-from-variable high 3:38",
                "shell-command-from-variable high 4:43",
                "shell-command-from-variable high 5:54",
            ]
        );
    }

    #[test]
    fn programs_have_fixed_names() {
        let text = "\
use std::process;
fn f(tool: &str, cargo: &str) {
    process::Command::new(tool);
    process::Command::new(\"git\");
    process::Command::new(GIT);
    process::Command::new(cargo);
    process::Command::new(std::env::current_exe()?);
    process::Command::new(env!(\"CARGO_BIN_EXE_x\"));
}
";
        assert_eq!(found(text), ["program-from-variable info 3:27"]);
    }

    #[test]
    fn other_commands_are_no_programs() {
        assert_eq!(
            found("use clap::Command;\nfn f(name: &str) { Command::new(name); }\n"),
            [""; 0]
        );
    }
}
