//! Paths from archives joined to a folder as they are: an entry called
//! `../../.ssh/authorized_keys` lands outside of it. `zip` has `enclosed_name`
//! and `tar` has `unpack_in`, which check.

use lint::Report;
use ringfence_sdk::Severity;
use source::Position;
use syn::{Expr, ExprMethodCall};

use super::Facts;
use super::expression::peeled;

const RULE: &str = "archive-path-unchecked";

/// Names that people give to an entry of an archive.
const ENTRIES: &[&str] = &["entry", "file", "zip_file", "archive_entry", "item", "f"];

pub(super) fn expr(expr: &Expr, facts: &Facts<'_>, report: &mut Report) {
    let Expr::MethodCall(join) = expr else { return };
    if join.method != "join" || join.args.len() != 1 {
        return;
    }
    let Some(Expr::MethodCall(name)) = join.args.first().map(peeled) else {
        return;
    };
    let from_zip = name.method == "name" && facts.imports.mentions("zip");
    let from_tar = name.method == "path" && facts.imports.mentions("tar");
    if (from_zip || from_tar) && is_entry(name) {
        let advice = if from_zip {
            "enclosed_name"
        } else {
            "unpack_in"
        };
        let message = format!(
            "an entry's path with `..` in it leaves the folder that it is joined to; use \
             `{advice}`, which checks"
        );
        report.add(RULE, Severity::High, Position::of(&join.method), message);
    }
}

fn is_entry(call: &ExprMethodCall) -> bool {
    call.args.is_empty()
        && matches!(peeled(&call.receiver), Expr::Path(path)
            if path.path.get_ident().is_some_and(|name| ENTRIES.iter().any(|e| name == e)))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found;

    #[test]
    fn entries_are_checked_before_they_are_joined() {
        let text = "use zip::ZipArchive;\nfn f() { out.join(file.name()); out.join(file.enclosed_name()?); }\n";
        assert_eq!(found(text), ["archive-path-unchecked high 2:14"]);
        let text =
            "use tar::Archive;\nfn f() { out.join(entry.path()?); entry.unpack_in(out)?; }\n";
        assert_eq!(found(text), ["archive-path-unchecked high 2:14"]);
    }

    #[test]
    fn other_entries_are_not_archives() {
        let text =
            "use walkdir::WalkDir;\nfn f() { out.join(entry.path()); out.join(file.name()); }\n";
        assert_eq!(found(text), [""; 0]);
    }
}
