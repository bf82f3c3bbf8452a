//! What the body of a loop declares and changes.

use std::collections::HashSet;

use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ExprForLoop, Pat};

use super::expression::{each_ident, peeled, root_of_place};

/// Methods of collections and strings that leave them as they are. Any other
/// call on a variable may change it.
const READING: &[&str] = &[
    "as_bytes",
    "as_deref",
    "as_path",
    "as_ref",
    "as_slice",
    "as_str",
    "borrow",
    "bytes",
    "char_indices",
    "chars",
    "clone",
    "cloned",
    "cmp",
    "contains",
    "contains_key",
    "display",
    "ends_with",
    "eq",
    "eq_ignore_ascii_case",
    "file_name",
    "find",
    "first",
    "get",
    "is_empty",
    "is_none",
    "is_some",
    "iter",
    "join",
    "keys",
    "last",
    "len",
    "lines",
    "parse",
    "position",
    "split",
    "starts_with",
    "strip_prefix",
    "strip_suffix",
    "to_ascii_lowercase",
    "to_lowercase",
    "to_owned",
    "to_path_buf",
    "to_string",
    "to_uppercase",
    "to_vec",
    "trim",
    "values",
];

/// A loop around the place that a rule looks at.
#[derive(Clone, Debug, Default)]
pub(super) struct Loop {
    /// The variables that it declares on each pass.
    declared: HashSet<String>,
    /// The variables that a pass may change, or give away.
    changed: HashSet<String>,
    /// What it goes through, where it is a `for` loop.
    pub(super) over: Option<Expr>,
}

impl Loop {
    /// The loop that the expression is.
    pub(super) fn of(expr: &Expr) -> Option<Self> {
        let mut facts = Self::default();
        match expr {
            Expr::ForLoop(ExprForLoop {
                pat, body, expr, ..
            }) => {
                facts.visit_pat(pat);
                facts.visit_block(body);
                facts.over = Some((**expr).clone());
            }
            Expr::While(each) => {
                facts.visit_expr(&each.cond);
                facts.visit_block(&each.body);
            }
            Expr::Loop(each) => facts.visit_block(&each.body),
            _ => return None,
        }
        Some(facts)
    }

    /// Whether the place has the same value on each pass: its variable is
    /// declared outside and nothing in the loop can change it. `self` can change
    /// whenever a method is called.
    pub(super) fn keeps(&self, place: &Expr) -> bool {
        root_of_place(place).is_some_and(|name| self.keeps_name(&name))
    }

    /// The same for a variable.
    pub(super) fn keeps_name(&self, name: &str) -> bool {
        name != "self" && !self.declared.contains(name) && !self.changed.contains(name)
    }

    /// Whether the variable is declared outside.
    pub(super) fn declares(&self, name: &str) -> bool {
        self.declared.contains(name)
    }

    fn change(&mut self, place: &Expr) {
        let mut place = peeled(place);
        loop {
            place = match place {
                Expr::Index(index) => peeled(&index.expr),
                Expr::Unary(unary) => peeled(&unary.expr),
                Expr::Field(field) => peeled(&field.base),
                Expr::Path(path) => {
                    if let Some(name) = path.path.get_ident() {
                        self.changed.insert(name.to_string());
                    }
                    return;
                }
                _ => return,
            };
        }
    }
}

impl<'ast> Visit<'ast> for Loop {
    fn visit_pat(&mut self, pat: &'ast Pat) {
        if let Pat::Ident(ident) = pat {
            self.declared.insert(ident.ident.to_string());
        }
        visit::visit_pat(self, pat);
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::Assign(assign) => self.change(&assign.left),
            Expr::Binary(binary) if is_assigning(&binary.op) => self.change(&binary.left),
            Expr::Reference(reference) if reference.mutability.is_some() => {
                self.change(&reference.expr);
            }
            Expr::RawAddr(address) => self.change(&address.expr),
            Expr::MethodCall(call) if !READING.iter().any(|name| call.method == name) => {
                self.change(&call.receiver);
            }
            _ => {}
        }
        visit::visit_expr(self, expr);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        // `write!(out, ..)` and macros of one's own can change what they name;
        // those that print and format cannot.
        const READING_MACROS: &[&str] = &[
            "format",
            "print",
            "println",
            "eprint",
            "eprintln",
            "panic",
            "assert",
            "assert_eq",
            "assert_ne",
            "debug_assert",
            "debug_assert_eq",
            "trace",
            "debug",
            "info",
            "warn",
            "error",
            "matches",
            "vec",
            "bail",
            "anyhow",
            "ensure",
        ];
        if !super::expression::is_macro(call, READING_MACROS) {
            each_ident(call.tokens.clone(), &mut |ident| {
                self.changed.insert(ident.to_string());
            });
        }
    }
}

/// Whether the operator is `+=` or another of that kind.
pub(super) fn is_assigning(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pass_may_change_is_not_kept() {
        let each: Expr = syn::parse_str(
            "for (i, x) in a.iter() {
                let y = x; b += 1; c.push(y); d[i] = 2; e.f = 3; g(&mut h); write!(k, \"{l}\");
                println!(\"{m}\"); n.len(); *o = 1; if let Some(p) = q {}
            }",
        )
        .unwrap();
        let facts = Loop::of(&each).unwrap();
        let keeps = |name: &str| facts.keeps(&syn::parse_str(name).unwrap());
        for name in ["a", "g", "m", "n", "q", "z", "a.b", "&a"] {
            assert!(keeps(name), "{name}");
        }
        for name in [
            "i", "x", "y", "b", "c", "d", "e", "e.f", "h", "k", "l", "o", "p", "self", "f()",
        ] {
            assert!(!keeps(name), "{name}");
        }
    }
}
