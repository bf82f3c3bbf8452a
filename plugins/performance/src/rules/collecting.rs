//! Collections that are made only to be gone through once, or counted: the
//! iterator that fills them does that without the memory.
//!
//! Some such collections are needed: they end a borrow before what is borrowed
//! changes, or make things happen first (threads that are all started before
//! the first is joined). Where that could be, nothing is said.

use lint::Report;
use ringfence_sdk::Severity;
use source::{LineEdit, Position, Scope};
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprMethodCall, GenericArgument, Pat, Stmt, Type};

use super::Facts;
use super::expression::{Mentions, chain, each_ident, root_of_chain};
use super::loops::is_assigning;

const RULE: &str = "collect-then-iterate";

/// Methods that end an iterator with a value that borrows nothing of it.
const ENDING: &[&str] = &[
    "sum", "count", "product", "any", "all", "fold", "for_each", "position", "min", "max",
];

/// Methods that go on with an iterator item by item, whatever kind it is.
const GOING_ON: &[&str] = &[
    "map",
    "filter",
    "filter_map",
    "enumerate",
    "take",
    "skip",
    "take_while",
    "skip_while",
    "inspect",
    "flat_map",
    "chain",
    "zip",
];

pub(super) fn expr(expr: &Expr, facts: &Facts<'_>, report: &mut Report) {
    let Expr::MethodCall(last) = expr else { return };
    let calls: Vec<_> = chain(last).collect();
    match last.method.to_string().as_str() {
        "len" | "is_empty" if last.args.is_empty() => counted(last, facts, report),
        name if ENDING.contains(&name) => gone_through(&calls, report),
        _ => {}
    }
}

/// `.collect::<Vec<_>>().len()`
fn counted(last: &ExprMethodCall, facts: &Facts<'_>, report: &mut Report) {
    let Expr::MethodCall(collect) = &*last.receiver else {
        return;
    };
    if !collects_vec(collect) || !is_plain(collect) {
        return;
    }
    let (instead, text) = if last.method == "len" {
        ("`count()`", ".count()")
    } else {
        ("`next().is_none()`", ".next().is_none()")
    };
    let message = format!(
        "collects into a `Vec` only to ask for `{}()`; {instead} needs no memory",
        last.method
    );
    // With `Vec<_>` the type of the items is known without the `Vec`.
    let edit = is_inferred(collect)
        .then(|| {
            LineEdit::within(
                facts.file,
                Position::of(&collect.dot_token),
                Position::at(last.paren_token.span.close().end()),
                text,
            )
        })
        .flatten()
        .filter(|edit| edit.first == edit.last);
    report.add_with_fix(
        RULE,
        Severity::Low,
        Position::of(&collect.method),
        message,
        edit,
    );
}

/// `.collect::<Vec<_>>().into_iter().map(..).sum()`
fn gone_through(calls: &[&ExprMethodCall], report: &mut Report) {
    let Some(at) = calls.iter().position(|call| collects_vec(call)) else {
        return;
    };
    let Some(iter) = at.checked_sub(1).map(|next| calls[next]) else {
        return;
    };
    let goes_through =
        iter.args.is_empty() && (iter.method == "into_iter" || iter.method == "iter");
    if at < 2 || !goes_through || !is_plain(calls[at]) {
        return;
    }
    let between = &calls[1..at - 1];
    let only_on = between
        .iter()
        .all(|call| GOING_ON.iter().any(|name| call.method == name));
    // What follows must not touch what is still borrowed then.
    let mut effects = Effects::default();
    calls[..at - 1]
        .iter()
        .flat_map(|call| &call.args)
        .for_each(|argument| effects.visit_expr(argument));
    if only_on && !effects.found {
        let message = format!(
            "collects into a `Vec` only to go through it with `{}()` again; go on with the \
             iterator",
            iter.method
        );
        report.add(
            RULE,
            Severity::Low,
            Position::of(&calls[at].method),
            message,
        );
    }
}

/// `let v: Vec<_> = iter.collect(); for x in v { .. }`, where `v` is not used
/// again and the loop touches nothing that the iterator is made of.
pub(super) fn block(block: &Block, scope: &Scope, report: &mut Report) {
    // A `Vec` may be there so that no iterator lives across an `.await`.
    if scope.in_async() {
        return;
    }
    for (index, pair) in block.stmts.windows(2).enumerate() {
        let (Stmt::Local(local), Stmt::Expr(Expr::ForLoop(each), _)) = (&pair[0], &pair[1]) else {
            continue;
        };
        let Some(init) = &local.init else { continue };
        let (name, is_vec) = match &local.pat {
            Pat::Ident(name) => (name, false),
            Pat::Type(typed) => match &*typed.pat {
                Pat::Ident(name) => (name, is_vec_type(&typed.ty)),
                _ => continue,
            },
            _ => continue,
        };
        let (Expr::MethodCall(collect), Expr::Path(over)) = (&*init.expr, &*each.expr) else {
            continue;
        };
        let is_collect = collect.method == "collect" && (is_vec || collects_vec(collect));
        if !is_collect || !over.path.is_ident(&name.ident) || !is_plain(collect) {
            continue;
        }
        let variable = name.ident.to_string();
        let is_used_again = Mentions::in_block(&variable, &each.body)
            || block.stmts[index + 2..].iter().any(|later| {
                let mut mentions = Mentions::of(&variable);
                mentions.visit_stmt(later);
                mentions.found
            });
        if is_used_again || shares_names(collect, &each.body) {
            continue;
        }
        let message = format!(
            "`{variable}` is collected only for the loop below to go through it once; let the \
             loop go through the iterator"
        );
        report.add(RULE, Severity::Low, Position::of(&collect.method), message);
    }
}

/// Whether the body names anything that the iterator is made of.
fn shares_names(collect: &ExprMethodCall, body: &Block) -> bool {
    #[derive(Default)]
    struct Names {
        used: Vec<String>,
        /// What closures on the way call their arguments.
        own: Vec<String>,
    }
    impl<'ast> Visit<'ast> for Names {
        fn visit_path(&mut self, path: &'ast syn::Path) {
            self.used.extend(path.get_ident().map(ToString::to_string));
        }

        fn visit_pat_ident(&mut self, pat: &'ast syn::PatIdent) {
            self.own.push(pat.ident.to_string());
        }
    }
    let mut names = Names::default();
    names.visit_expr(&collect.receiver);
    names
        .used
        .iter()
        .any(|name| !names.own.contains(name) && Mentions::in_block(name, body))
}

/// Whether nothing but the collection comes of the iterator: it begins with a
/// plain place, not with a call that may take a lock or borrow, and no closure
/// on the way does anything.
fn is_plain(collect: &ExprMethodCall) -> bool {
    let root = root_of_chain(collect);
    let is_place = matches!(root, Expr::Path(_) | Expr::Field(_) | Expr::Range(_));
    let mut effects = Effects::default();
    chain(collect)
        .flat_map(|call| &call.args)
        .for_each(|argument| effects.visit_expr(argument));
    let is_lazy = chain(collect).skip(1).all(|call| {
        let name = call.method.to_string();
        !name.starts_with("par_")
            && !name.contains("lock")
            && !name.contains("borrow")
            && !matches!(
                name.as_str(),
                "drain" | "into_par_iter" | "read" | "write" | "unwrap"
            )
    });
    let begins = chain(collect)
        .last()
        .is_some_and(|first| first.method != "collect");
    is_place && is_lazy && begins && !effects.found
}

/// Whether the code does something besides giving a value.
#[derive(Default)]
struct Effects {
    found: bool,
}

impl<'ast> Visit<'ast> for Effects {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        self.found |= matches!(
            expr,
            Expr::Assign(_)
                | Expr::Await(_)
                | Expr::Try(_)
                | Expr::Return(_)
                | Expr::Call(_)
                | Expr::Unsafe(_)
        );
        if let Expr::Reference(reference) = expr {
            self.found |= reference.mutability.is_some();
        }
        if let Expr::MethodCall(call) = expr {
            self.found |= !is_quiet(&call.method.to_string());
        }
        if let Expr::Binary(binary) = expr {
            self.found |= is_assigning(&binary.op);
        }
        visit::visit_expr(self, expr);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let mut is_format = false;
        if let Some(last) = call.path.segments.last() {
            is_format = last.ident == "format" || last.ident == "matches";
        }
        self.found |= !is_format;
        each_ident(call.tokens.clone(), &mut |ident| {
            self.found |= ident == "await";
        });
    }
}

/// Methods that look at a value and do nothing else.
fn is_quiet(name: &str) -> bool {
    name.starts_with("is_")
        || name.starts_with("as_")
        || name.starts_with("to_")
        || matches!(
            name,
            "clone"
                | "cloned"
                | "copied"
                | "len"
                | "trim"
                | "starts_with"
                | "ends_with"
                | "abs"
                | "min"
                | "max"
                | "contains"
                | "eq"
                | "cmp"
                | "unwrap_or"
                | "unwrap_or_default"
                | "first"
                | "last"
                | "get"
                | "iter"
                | "chars"
                | "bytes"
                | "ok"
                | "parse"
                | "deref"
        )
}

/// `collect::<Vec<..>>()`
fn collects_vec(call: &ExprMethodCall) -> bool {
    call.method == "collect"
        && call.turbofish.as_ref().is_some_and(|types| {
            matches!(types.args.first(), Some(GenericArgument::Type(ty)) if is_vec_type(ty))
        })
}

/// `collect::<Vec<_>>()`
fn is_inferred(call: &ExprMethodCall) -> bool {
    let Some(GenericArgument::Type(Type::Path(path))) =
        call.turbofish.as_ref().and_then(|types| types.args.first())
    else {
        return false;
    };
    path.path
        .segments
        .last()
        .is_some_and(|last| match &last.arguments {
            syn::PathArguments::AngleBracketed(items) => {
                matches!(
                    items.args.first(),
                    Some(GenericArgument::Type(Type::Infer(_)))
                )
            }
            _ => false,
        })
}

fn is_vec_type(ty: &Type) -> bool {
    matches!(ty, Type::Path(path)
        if path.path.segments.last().is_some_and(|last| last.ident == "Vec"))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, found};

    #[test]
    fn collections_for_nothing_are_found() {
        let text = "\
fn f(xs: &[u8]) {
    let a = xs.iter().map(|x| x + 1).collect::<Vec<u8>>().len();
    let b = xs.iter().collect::<Vec<_>>().into_iter().map(|x| x + 1).sum();
    let c: Vec<_> = xs.iter().filter(|x| **x > 1).collect();
    for x in c {
        g(x);
    }
}
";
        assert_eq!(
            found(text),
            [
                "collect-then-iterate low 2:38",
                "collect-then-iterate low 3:23",
                "collect-then-iterate low 4:51",
            ]
        );
    }

    #[test]
    fn collections_that_are_needed_are_not() {
        let text = "\
fn f(xs: &mut Vec<u8>) {
    let a = xs.iter().map(|x| spawn(x)).collect::<Vec<_>>().into_iter().map(|t| t.join()).sum();
    let b: Vec<_> = xs.iter().copied().collect();
    for x in b {
        xs.push(x);
    }
    let c: Vec<_> = m.lock().iter().collect();
    for x in c {
        g(x);
    }
    let d: Vec<_> = xs.iter().collect();
    for x in d {
        g(x);
    }
    h(d.len());
    let e = xs.iter().collect::<Vec<_>>().into_iter().rev().count();
    let i = xs.iter().collect::<Vec<_>>().into_iter().map(|x| x + 1);
    let j = xs.iter().collect::<HashSet<_>>().len();
}
";
        assert_eq!(found(text), [""; 0]);
    }

    #[test]
    fn counting_is_mended() {
        let text = "fn f(xs: &[u8]) -> usize {\n    xs.iter().filter(|x| **x > 1).collect::<Vec<_>>().len() + 1\n}\n";
        assert_eq!(
            fixed(text),
            "fn f(xs: &[u8]) -> usize {\n    xs.iter().filter(|x| **x > 1).count() + 1\n}\n"
        );
        let text = "fn f(xs: &[u8]) -> bool {\n    !xs.iter().filter(|x| **x > 1).collect::<Vec<_>>().is_empty()\n}\n";
        assert!(fixed(text).contains("    !xs.iter().filter(|x| **x > 1).next().is_none()\n"));
    }
}
