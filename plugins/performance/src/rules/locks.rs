//! A lock of a thread held over an `.await`: whoever wants it in the meantime
//! blocks its thread, and if that is the thread that the holder has to go on
//! with, both wait for ever. Drop the guard first, or take an async lock.
//!
//! Clippy's names for it are `await_holding_lock` and
//! `await_holding_refcell_ref`.

use lint::Report;
use ringfence_sdk::Severity;
use source::{Position, Scope};
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprMethodCall, Pat, Stmt};

use super::expression::{chain, each_ident, last_segment, peeled, root_of_chain};

const RULE: &str = "lock-across-await";

pub(super) fn block(block: &Block, scope: &Scope, report: &mut Report) {
    if !scope.in_async() || scope.allows("clippy::await_holding_lock") {
        return;
    }
    for (index, stmt) in block.stmts.iter().enumerate() {
        let Stmt::Local(local) = stmt else { continue };
        let Pat::Ident(guard) = &local.pat else {
            continue;
        };
        let Some(method) = local.init.as_ref().and_then(|init| guard_of(&init.expr)) else {
            continue;
        };
        let mut life = Life {
            guard: guard.ident.to_string(),
            end: None,
        };
        for later in &block.stmts[index + 1..] {
            if life.end.is_none() {
                life.visit_stmt(later);
            }
        }
        if let Some(End::Await(place)) = life.end {
            let message = format!(
                "`{}` holds a lock across the `.await` in line {}; drop it before, or use an \
                 async lock",
                guard.ident, place.line
            );
            report.add(
                RULE,
                severity(method),
                Position::of(method_name(method)),
                message,
            );
        }
    }
}

/// The temporaries of a `match`, `if let`, `while let` or `for` live as long as
/// its body.
pub(super) fn expr(expr: &Expr, scope: &Scope, report: &mut Report) {
    if !scope.in_async() || scope.allows("clippy::await_holding_lock") {
        return;
    }
    let mut awaits = Life {
        guard: String::new(),
        end: None,
    };
    let held = match expr {
        Expr::Match(choice) => {
            choice.arms.iter().for_each(|arm| awaits.visit_arm(arm));
            held_in(&choice.expr)
        }
        Expr::If(branch) => {
            awaits.visit_block(&branch.then_branch);
            let Expr::Let(condition) = &*branch.cond else {
                return;
            };
            held_in(&condition.expr)
        }
        Expr::While(each) => {
            awaits.visit_block(&each.body);
            let Expr::Let(condition) = &*each.cond else {
                return;
            };
            held_in(&condition.expr)
        }
        Expr::ForLoop(each) => {
            awaits.visit_block(&each.body);
            held_in(&each.expr)
        }
        _ => return,
    };
    if let (Some(method), Some(End::Await(place))) = (held, awaits.end) {
        let message = format!(
            "the lock taken here lives until the end of the statement, across the `.await` in \
             line {}; take what is needed out in a `let` before",
            place.line
        );
        report.add(
            RULE,
            severity(method),
            Position::of(method_name(method)),
            message,
        );
    }
}

fn method_name(call: &ExprMethodCall) -> &syn::Ident {
    &call.method
}

fn severity(method: &ExprMethodCall) -> Severity {
    // A `RefCell` panics, which shows; a lock stops the program.
    if method.method == "borrow_mut" {
        Severity::Medium
    } else {
        Severity::High
    }
}

/// The call that takes the lock, where the expression is the guard itself:
/// `m.lock()`, `m.lock().unwrap()`, `m.read()?`.
fn guard_of(expr: &Expr) -> Option<&ExprMethodCall> {
    match peeled(expr) {
        Expr::Try(inner) => {
            let Expr::MethodCall(call) = &*inner.expr else {
                return None;
            };
            takes_lock(call, true).then_some(call)
        }
        Expr::MethodCall(call) => {
            if takes_lock(call, false) {
                return Some(call);
            }
            let unwraps = ["unwrap", "expect", "unwrap_or_else"]
                .iter()
                .any(|name| call.method == name);
            match &*call.receiver {
                Expr::MethodCall(inner) if unwraps && takes_lock(inner, true) => Some(inner),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether the call takes a lock. `read` and `write` are too common to tell
/// unless what they give is unwrapped, as only that of locks is: the others
/// take arguments.
fn takes_lock(call: &ExprMethodCall, is_unwrapped: bool) -> bool {
    if !call.args.is_empty() {
        return false;
    }
    // The standard streams' locks are for lines that must not mix.
    let is_stream = matches!(root_of_chain(call), Expr::Call(root)
        if last_segment(&root.func).is_some_and(|name| name.starts_with("std")));
    match call.method.to_string().as_str() {
        "lock" => !is_stream,
        "read" | "write" => is_unwrapped,
        "borrow_mut" => !is_unwrapped,
        _ => false,
    }
}

/// The lock whose guard is a temporary of the expression, not behind an
/// `.await`.
fn held_in(expr: &Expr) -> Option<&ExprMethodCall> {
    let last = match peeled(expr) {
        Expr::MethodCall(call) => call,
        Expr::Try(inner) => return held_in(&inner.expr),
        Expr::Field(field) => return held_in(&field.base),
        Expr::Unary(unary) => return held_in(&unary.expr),
        Expr::Index(index) => return held_in(&index.expr),
        _ => return None,
    };
    let calls: Vec<_> = chain(last).collect();
    calls.iter().enumerate().find_map(|(index, call)| {
        let next = index.checked_sub(1).map(|before| calls[before]);
        let is_unwrapped = next.is_some_and(|next| {
            ["unwrap", "expect", "unwrap_or_else"]
                .iter()
                .any(|name| next.method == name)
        });
        let is_lock = call.method == "lock" && takes_lock(call, true)
            || is_unwrapped && takes_lock(call, true);
        is_lock.then_some(*call)
    })
}

enum End {
    Await(Position),
    Dropped,
}

/// Follows a guard to whichever comes first: an `.await`, or its end.
struct Life {
    guard: String,
    end: Option<End>,
}

impl<'ast> Visit<'ast> for Life {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        if self.end.is_some() {
            return;
        }
        match expr {
            // What these do is not done here.
            Expr::Async(_) | Expr::Closure(_) => {}
            Expr::Await(waiting) => {
                self.visit_expr(&waiting.base);
                if self.end.is_none() {
                    self.end = Some(End::Await(Position::of(&waiting.await_token)));
                }
            }
            // `drop(guard)`, and anything else that it is given to.
            Expr::Call(call) => {
                visit::visit_expr_call(self, call);
                let gives = call.args.iter().any(|arg| self.is_guard(arg));
                if gives && self.end.is_none() {
                    self.end = Some(End::Dropped);
                }
            }
            Expr::MethodCall(call) => {
                visit::visit_expr_method_call(self, call);
                if call.args.iter().any(|arg| self.is_guard(arg)) && self.end.is_none() {
                    self.end = Some(End::Dropped);
                }
            }
            Expr::Assign(assign) if self.is_guard(&assign.left) => self.end = Some(End::Dropped),
            _ => visit::visit_expr(self, expr),
        }
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {}

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let place = Position::of(&call.path);
        if self.end.is_some() {
            return;
        }
        if super::expression::is_macro(call, &["select", "join", "try_join"]) {
            self.end = Some(End::Await(place));
            return;
        }
        let mut waits = false;
        each_ident(call.tokens.clone(), &mut |ident| waits |= ident == "await");
        if waits {
            self.end = Some(End::Await(place));
        }
    }
}

impl Life {
    /// Whether the expression is the guard, by value.
    fn is_guard(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Path(path) if path.path.is_ident(&self.guard))
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found;

    #[test]
    fn guards_that_live_across_an_await_are_found() {
        let text = "\
async fn f(m: &Mutex<u8>, c: &RefCell<u8>) {
    let a = m.lock().unwrap();
    g(*a).await;
    { let b = m.read()?; if x { g(1).await } }
    let d = c.borrow_mut();
    tokio::select! { _ = g(1) => {} }
}
fn h() { async { let e = m.lock(); println!(\"{}\", g(1).await); }; }
async fn i(m: M) {
    if let Some(x) = m.lock().unwrap().pop() { g(x).await; }
    match *m.write().unwrap() { 1 => g(1).await, _ => {} }
    for x in m.lock().iter() { g(x).await; }
}
";
        assert_eq!(
            found(text),
            [
                "lock-across-await high 2:15",
                "lock-across-await high 4:17",
                "lock-across-await medium 5:15",
                "lock-across-await high 8:28",
                "lock-across-await high 10:24",
                "lock-across-await high 11:14",
                "lock-across-await high 12:16",
            ]
        );
    }

    #[test]
    fn guards_that_end_before_are_fine() {
        let text = "\
async fn f(m: &Mutex<u8>) {
    let a = m.lock().await;
    g(1).await;
    let b = m.lock().unwrap();
    drop(b);
    g(1).await;
    let c = *m.lock().unwrap();
    g(c).await;
    { let d = m.lock().unwrap(); d.push(1); }
    let n = file.read(&mut buf).await;
    let out = std::io::stdout().lock();
    g(n).await;
    let e = m.lock().unwrap();
    tokio::spawn(async { g(1).await });
}
async fn h(m: &Mutex<u8>) {
    let first = m.lock().unwrap().pop();
    if let Some(x) = first { g(x).await; }
    if m.lock().unwrap().is_empty() { g(1).await; }
}
fn not_async(m: &Mutex<u8>) { let a = m.lock().unwrap(); a.push(1); }
";
        assert_eq!(found(text), [""; 0]);
    }
}
