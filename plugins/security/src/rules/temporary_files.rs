//! Files in `/tmp` whose name can be told before: another user puts a link
//! there first, and this program writes where the link points. `tempfile` makes
//! names that cannot be guessed and opens them with `O_EXCL`.

use lint::Report;
use ringfence_sdk::Severity;
use source::Position;
use syn::{Expr, Lit};

use super::expression::{last_segment, peeled, text_of};

const RULE: &str = "predictable-temporary-file";

pub(super) fn expr(expr: &Expr, report: &mut Report) {
    let Expr::Call(call) = expr else { return };
    let Expr::Path(path) = &*call.func else {
        return;
    };
    let mut names = path.path.segments.iter().rev().map(|s| s.ident.to_string());
    let writes = match (names.next().as_deref(), names.next().as_deref()) {
        (Some("create"), Some("File"))
        | (Some("write" | "create_dir" | "copy" | "rename"), Some("fs")) => true,
        _ => return,
    };
    if writes && let Some(target) = call.args.iter().find(|arg| is_temporary(arg)) {
        report.add(
            RULE,
            Severity::Medium,
            Position::of(target),
            "another user can put a link at this place in the shared temporary folder first; use \
             the `tempfile` crate, whose names cannot be guessed",
        );
    }
}

/// `"/tmp/x"`, `format!("/tmp/{x}")`, `env::temp_dir().join("x")`.
fn is_temporary(expr: &Expr) -> bool {
    let starts = |text: &str| text.starts_with("/tmp/") || text.starts_with("/var/tmp/");
    match peeled(expr) {
        Expr::MethodCall(join) if join.method == "join" => {
            let shared = matches!(peeled(&join.receiver), Expr::Call(call)
                if last_segment(&call.func).is_some_and(|name| name == "temp_dir"));
            shared
                && join
                    .args
                    .first()
                    .is_some_and(|name| text_of(name).is_some())
        }
        Expr::Macro(call) if call.mac.path.is_ident("format") => {
            let first = call.mac.tokens.clone().into_iter().next();
            let template = first.map(|first| syn::parse2::<Lit>(first.into()));
            matches!(template, Some(Ok(Lit::Str(text))) if starts(&text.value()))
        }
        other => text_of(other).is_some_and(|text| starts(&text)),
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::rules_in;

    #[test]
    fn names_that_can_be_guessed_are_found() {
        for body in [
            "std::fs::write(\"/tmp/state\", b);",
            "File::create(format!(\"/tmp/app-{}\", std::process::id()));",
            "fs::write(std::env::temp_dir().join(\"state\"), b);",
        ] {
            assert_eq!(rules_in(body), ["predictable-temporary-file"], "{body}");
        }
    }

    #[test]
    fn other_places_and_reads_are_not() {
        for body in [
            "std::fs::write(dir.path().join(\"x\"), b);",
            "std::fs::read(\"/tmp/state\");",
            "File::create(\"/var/lib/app/state\");",
            "File::create(format!(\"{dir}/tmp/x\"));",
        ] {
            assert_eq!(rules_in(body), [""; 0], "{body}");
        }
    }
}
