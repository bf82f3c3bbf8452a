//! Copies that nobody needs: a value is cloned, looked at and thrown away, on
//! each pass of a loop or just to be borrowed.

use lint::Report;
use ringfence_sdk::Severity;
use source::{Position, Scope};
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprMethodCall, Pat, Stmt};

use super::Facts;
use super::expression::{each_ident, peeled, place_text, root_of_place};
use super::hints::Kind;

const IN_LOOP: &str = "clone-in-loop";
const BORROWED: &str = "clone-then-borrow";

/// Methods that make a value of their own out of a borrowed one.
const COPYING: &[&str] = &["clone", "to_string", "to_owned", "to_vec"];

/// Methods that only look at a collection or string.
const LOOKING: &[&str] = &[
    "as_bytes",
    "as_str",
    "as_slice",
    "bytes",
    "chars",
    "char_indices",
    "contains",
    "contains_key",
    "ends_with",
    "find",
    "first",
    "get",
    "is_empty",
    "iter",
    "keys",
    "last",
    "len",
    "lines",
    "parse",
    "split",
    "starts_with",
    "trim",
    "values",
];

fn copy(expr: &Expr) -> Option<&ExprMethodCall> {
    match expr {
        Expr::MethodCall(call)
            if call.args.is_empty() && COPYING.iter().any(|name| call.method == name) =>
        {
            Some(call)
        }
        _ => None,
    }
}

pub(super) fn expr(expr: &Expr, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    match expr {
        Expr::Call(call) => {
            for argument in &call.args {
                borrowed(argument, &call.args, None, facts, report);
            }
        }
        Expr::MethodCall(call) => {
            for argument in &call.args {
                borrowed(argument, &call.args, Some(&call.receiver), facts, report);
            }
            looked_at(call, facts, report);
            whole_collection(call, scope, facts, report);
        }
        _ => {}
    }
}

/// `f(&x.clone())`, where `f(&x)` does.
fn borrowed<'a>(
    argument: &Expr,
    arguments: impl IntoIterator<Item = &'a Expr>,
    receiver: Option<&Expr>,
    facts: &Facts<'_>,
    report: &mut Report,
) {
    let Expr::Reference(reference) = argument else {
        return;
    };
    let Some(copied) = copy(&reference.expr) else {
        return;
    };
    // A text is often made out of what is none, and then there is no other way.
    if reference.mutability.is_some() || copied.method == "to_string" {
        return;
    }
    let Some(place) = place_text(&copied.receiver) else {
        return;
    };
    let Some(root) = root_of_place(&copied.receiver) else {
        return;
    };
    // `self.f(&self.x.clone())` and `f(&mut a, &a.b.clone())` end a borrow.
    let is_root = |other: &Expr| {
        let mut names = super::expression::Mentions::of(&root);
        names.visit_expr(other);
        names.found
    };
    let shares = receiver.is_some_and(is_root)
        || arguments
            .into_iter()
            .any(|other| !std::ptr::eq(other, argument) && is_root(other));
    if root == "self" || shares || facts.hints().and_then(|h| h.get(&root)).is_none() {
        return;
    }
    let message = format!("`{place}` is copied only to be borrowed; `&{place}` does as well");
    report.add(
        BORROWED,
        Severity::Low,
        Position::of(&copied.method),
        message,
    );
}

/// `x.clone().len()`, where `x.len()` does.
fn looked_at(call: &ExprMethodCall, facts: &Facts<'_>, report: &mut Report) {
    let Some(copied) = copy(&call.receiver) else {
        return;
    };
    let is_known = facts
        .hints()
        .and_then(|hints| hints.of_expr(&copied.receiver))
        .is_some();
    let looks = [
        "len",
        "is_empty",
        "contains",
        "starts_with",
        "ends_with",
        "contains_key",
    ]
    .iter()
    .any(|name| call.method == name);
    if is_known
        && looks
        && let Some(place) = place_text(&copied.receiver)
    {
        let message = format!(
            "`{place}` is copied only to be looked at; `{place}.{}` does as well",
            call.method
        );
        report.add(
            BORROWED,
            Severity::Low,
            Position::of(&copied.method),
            message,
        );
    }
}

/// All of a collection copied on each pass of a loop that does not change it.
fn whole_collection(call: &ExprMethodCall, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    if !(call.args.is_empty() && (call.method == "clone" || call.method == "to_vec")) {
        return;
    }
    let Some(innermost) = facts.innermost(scope) else {
        return;
    };
    let place = Position::of(&call.method);
    let kind = facts
        .hints()
        .and_then(|hints| hints.of_expr(&call.receiver));
    if kind.is_some_and(Kind::is_collection)
        && matches!(peeled(&call.receiver), Expr::Path(_))
        && innermost.keeps(&call.receiver)
        && !facts.own_copies.contains(&place)
        && !facts.is_cold(place)
        && let Some(name) = place_text(&call.receiver)
    {
        let message = format!(
            "all of `{name}` is copied on each pass, though no pass changes it; borrow it, or \
             share it in an `Arc`"
        );
        report.add(IN_LOOP, Severity::Low, place, message);
    }
}

/// Where a block copies something to change the copy: `let mut y = x.clone();`.
pub(super) fn own_copies(block: &Block) -> impl Iterator<Item = Position> + '_ {
    block.stmts.iter().filter_map(|stmt| {
        let Stmt::Local(local) = stmt else {
            return None;
        };
        let pat = match &local.pat {
            Pat::Type(typed) => &*typed.pat,
            pat => pat,
        };
        let copied = copy(&local.init.as_ref()?.expr)?;
        matches!(pat, Pat::Ident(name) if name.mutability.is_some())
            .then(|| Position::of(&copied.method))
    })
}

/// `let y = x.clone();` in a loop that leaves `x` alone and only looks at `y`.
pub(super) fn block(block: &Block, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    let Some(innermost) = facts.innermost(scope) else {
        return;
    };
    for (index, stmt) in block.stmts.iter().enumerate() {
        let Stmt::Local(local) = stmt else { continue };
        let Pat::Ident(name) = &local.pat else {
            continue;
        };
        let Some(copied) = local.init.as_ref().and_then(|init| copy(&init.expr)) else {
            continue;
        };
        let kind = facts
            .hints()
            .and_then(|hints| hints.of_expr(&copied.receiver));
        let is_costly = kind.is_some();
        let place = Position::of(&copied.method);
        if name.mutability.is_some()
            || !is_costly
            || kind.is_some_and(Kind::is_collection)
            || !innermost.keeps(&copied.receiver)
            || facts.is_cold(place)
        {
            continue;
        }
        let mut uses = Uses {
            name: name.ident.to_string(),
            given_away: false,
        };
        block.stmts[index + 1..]
            .iter()
            .for_each(|later| uses.visit_stmt(later));
        if !uses.given_away
            && let Some(original) = place_text(&copied.receiver)
        {
            let message = format!(
                "`{}` is a copy of `{original}` on each pass and is only looked at; borrow \
                 `{original}`, or copy it once before the loop",
                name.ident
            );
            report.add(IN_LOOP, Severity::Medium, place, message);
        }
    }
}

/// Whether a variable is used in a way other than by reference.
struct Uses {
    name: String,
    given_away: bool,
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        let is_it =
            |expr: &Expr| matches!(expr, Expr::Path(path) if path.path.is_ident(&self.name));
        match expr {
            Expr::Reference(reference)
                if reference.mutability.is_none() && is_it(&reference.expr) => {}
            Expr::MethodCall(call)
                if is_it(&call.receiver) && LOOKING.iter().any(|name| call.method == name) =>
            {
                call.args
                    .iter()
                    .for_each(|argument| self.visit_expr(argument));
            }
            Expr::Path(_) if is_it(expr) => self.given_away = true,
            Expr::Closure(_) | Expr::Async(_) => {
                let mut mentions = super::expression::Mentions::of(&self.name);
                mentions.visit_expr(expr);
                self.given_away |= mentions.found;
            }
            _ => visit::visit_expr(self, expr),
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        // Those that print take references; others may take anything.
        let prints = super::expression::is_macro(
            call,
            &[
                "format", "print", "println", "eprint", "eprintln", "write", "writeln",
            ],
        );
        if !prints {
            each_ident(call.tokens.clone(), &mut |ident| {
                self.given_away |= ident == self.name.as_str();
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found;

    #[test]
    fn needless_copies_are_found() {
        let text = "\
fn f(names: &Vec<String>, name: String, items: Vec<u8>) {
    for i in 0..9 {
        let copy = name.clone();
        g(&copy, copy.len());
        h(items.clone());
    }
    g(&name.clone(), 1);
    if items.to_vec().is_empty() {}
}
";
        let found = found(text);
        assert_eq!(
            found[1..],
            [
                "clone-in-loop medium 3:25",
                "clone-in-loop low 5:17",
                "clone-then-borrow low 7:13",
                "clone-then-borrow low 8:14",
            ]
        );
    }

    #[test]
    fn copies_that_are_needed_are_not() {
        let text = "\
fn f(name: String, mut items: Vec<u8>, fixed: Vec<u8>, arc: Arc<X>, s: &mut S) {
    for i in 0..9 {
        let copy = name.clone();
        out.push(copy);
        h(items.clone());
        let mut changed = fixed.clone();
        items.push(i);
        let shared = arc.clone();
        shared.len();
        let own = name.clone();
        spawn(move || own.len());
        return Err(items.to_vec());
    }
    s.g(&s.name.clone());
    g(&arc.clone());
    g(&name.to_string());
    k(&mut name.clone());
}
";
        assert_eq!(found(text), [""; 0]);
    }
}
