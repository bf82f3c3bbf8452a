//! Collections that grow one by one to a size that is known before: each time
//! they are full, all of them moves. `with_capacity`, or `collect`, makes room
//! once.

use lint::Report;
use ringfence_sdk::Severity;
use source::Position;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprForLoop, Local, Pat, Stmt};

use super::expression::{is_call, last_segment, peeled};

const RULE: &str = "grows-without-capacity";

pub(super) fn block(block: &Block, report: &mut Report) {
    for pair in block.stmts.windows(2) {
        let (Stmt::Local(local), Stmt::Expr(Expr::ForLoop(each), _)) = (&pair[0], &pair[1]) else {
            continue;
        };
        let Some(name) = new_vec(local) else { continue };
        if has_length(&each.expr) && pushes_each_time(each, &name) {
            let message = format!(
                "`{name}` grows to the length of what the loop goes through; make room with \
                 `Vec::with_capacity`, or `collect` the items"
            );
            report.add(RULE, Severity::Info, Position::of(&local.pat), message);
        }
    }
}

/// The variable of `let mut v = Vec::new();`.
fn new_vec(local: &Local) -> Option<String> {
    let pat = match &local.pat {
        Pat::Type(typed) => &*typed.pat,
        pat => pat,
    };
    let Pat::Ident(name) = pat else { return None };
    let is_new = match &*local.init.as_ref()?.expr {
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else {
                return None;
            };
            let is_vec = path
                .path
                .segments
                .iter()
                .any(|segment| segment.ident == "Vec");
            is_vec && last_segment(&call.func)? == "new"
        }
        Expr::Macro(call) => call.mac.path.is_ident("vec") && call.mac.tokens.is_empty(),
        _ => false,
    };
    is_new.then(|| name.ident.to_string())
}

/// Whether the length of what is gone through can be asked for: `&xs`,
/// `xs.iter()`, `0..n`.
fn has_length(over: &Expr) -> bool {
    match over {
        Expr::Reference(inner) => matches!(peeled(&inner.expr), Expr::Path(_) | Expr::Field(_)),
        Expr::MethodCall(call) => {
            let through = match &*call.receiver {
                Expr::MethodCall(before) if is_call(call, "enumerate", 0) => before,
                _ => call,
            };
            is_call(through, "iter", 0)
                && matches!(peeled(&through.receiver), Expr::Path(_) | Expr::Field(_))
        }
        Expr::Paren(inner) => has_length(&inner.expr),
        Expr::Range(range) => range.end.is_some(),
        _ => false,
    }
}

/// Whether each pass pushes, with no way around it.
fn pushes_each_time(each: &ExprForLoop, name: &str) -> bool {
    #[derive(Default)]
    struct Leaves(bool);
    impl<'ast> Visit<'ast> for Leaves {
        fn visit_expr(&mut self, expr: &'ast Expr) {
            self.0 |= matches!(
                expr,
                Expr::Break(_) | Expr::Continue(_) | Expr::Return(_) | Expr::Try(_)
            );
            visit::visit_expr(self, expr);
        }
    }
    let mut leaves = Leaves::default();
    leaves.visit_block(&each.body);
    let pushes = each.body.stmts.iter().any(|stmt| {
        matches!(stmt, Stmt::Expr(Expr::MethodCall(call), _)
            if is_call(call, "push", 1)
                && matches!(&*call.receiver, Expr::Path(path) if path.path.is_ident(name)))
    });
    pushes && !leaves.0
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found;

    #[test]
    fn a_known_length_is_made_room_for() {
        let text = "\
fn f(xs: &[u8], n: usize) {
    let mut a = Vec::new();
    for x in xs.iter().enumerate() {
        a.push(x);
    }
    let mut b: Vec<usize> = vec![];
    for i in 0..n {
        b.push(i);
    }
}
";
        assert_eq!(
            found(text),
            [
                "grows-without-capacity info 2:9",
                "grows-without-capacity info 6:9"
            ]
        );
    }

    #[test]
    fn an_unknown_length_is_not() {
        let text = "\
fn f(xs: &[u8]) -> Option<()> {
    let mut a = Vec::new();
    for x in xs {
        if *x > 1 { a.push(x); }
    }
    let mut b = Vec::new();
    for x in &xs {
        b.push(x?);
    }
    let mut c = Vec::with_capacity(9);
    for x in &xs {
        c.push(x);
    }
    let mut d = Vec::new();
    for x in walk() {
        d.push(x);
    }
}
";
        assert_eq!(found(text), [""; 0]);
    }
}
