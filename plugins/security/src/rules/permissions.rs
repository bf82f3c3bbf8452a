//! Files that everyone on the machine may write: another user's process can
//! then change what this one reads next.
//!
//! Modes given when a file is opened pass through the umask, so only those that
//! are set afterwards count.

use lint::Report;
use ringfence_sdk::Severity;
use source::Position;
use syn::{Expr, Lit};

use super::expression::{last_segment, peeled};

const RULE: &str = "world-writable";

/// Others may write.
const OTHERS_WRITE: u32 = 0o002;
/// Only a file's owner may delete it from the folder: `/tmp` is like that.
const STICKY: u32 = 0o1000;

pub(super) fn expr(expr: &Expr, report: &mut Report) {
    let (name, mode) = match expr {
        Expr::MethodCall(call) if call.method == "set_mode" && call.args.len() == 1 => {
            ("set_mode".to_owned(), call.args.first())
        }
        Expr::Call(call) => {
            let Some(name) = last_segment(&call.func) else {
                return;
            };
            match (name.as_str(), call.args.len()) {
                ("from_mode", 1) => (name, call.args.first()),
                ("chmod" | "fchmod", 2) => (name, call.args.last()),
                ("fchmodat", _) => (name, call.args.iter().nth(2)),
                _ => return,
            }
        }
        _ => return,
    };
    let Some(mode) = mode.and_then(octal) else {
        return;
    };
    if mode & OTHERS_WRITE != 0 && mode & STICKY == 0 {
        let message = format!(
            "`{name}` with {mode:#o} lets every user of the machine write; take the last digit's \
             2 away, as in {:#o}",
            mode & !0o022
        );
        report.add(RULE, Severity::Medium, Position::of(expr), message);
    }
}

/// The number that a literal gives, also inside of `Mode::from_bits_truncate`.
fn octal(expr: &Expr) -> Option<u32> {
    match peeled(expr) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
        Expr::Call(call) if call.args.len() == 1 => octal(call.args.first()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::rules_in;

    #[test]
    fn everyone_may_write() {
        for body in [
            "permissions.set_mode(0o777);",
            "fs::set_permissions(p, Permissions::from_mode(0o666));",
            "libc::chmod(p, 0o722);",
            "fchmod(fd, Mode::from_bits_truncate(0o777));",
        ] {
            assert_eq!(rules_in(body), ["world-writable"], "{body}");
        }
    }

    #[test]
    fn only_some_may_write() {
        for body in [
            "permissions.set_mode(0o755);",
            "permissions.set_mode(0o1777);",
            "permissions.set_mode(mode);",
            "OpenOptions::new().mode(0o666);",
        ] {
            assert_eq!(rules_in(body), [""; 0], "{body}");
        }
    }
}
