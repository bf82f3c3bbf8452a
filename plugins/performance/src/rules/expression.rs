//! What expressions are, as several rules ask it.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Expr, ExprMethodCall, Member};

/// The expression without parentheses and references.
pub(super) fn peeled(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => peeled(&inner.expr),
        Expr::Group(inner) => peeled(&inner.expr),
        Expr::Reference(inner) => peeled(&inner.expr),
        _ => expr,
    }
}

/// The variable that a place begins with: `a` of `a`, `a.b.0` and `&a`.
pub(super) fn root_of_place(expr: &Expr) -> Option<String> {
    match peeled(expr) {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        Expr::Field(field) => root_of_place(&field.base),
        _ => None,
    }
}

/// A place as it is written: `a.b.0`.
pub(super) fn place_text(expr: &Expr) -> Option<String> {
    match peeled(expr) {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        Expr::Field(field) => {
            let base = place_text(&field.base)?;
            Some(match &field.member {
                Member::Named(name) => format!("{base}.{name}"),
                Member::Unnamed(index) => format!("{base}.{}", index.index),
            })
        }
        _ => None,
    }
}

/// The calls of a chain, the last one first: `a.b(1).c()` gives `c()`, `b(1)`.
pub(super) fn chain(last: &ExprMethodCall) -> impl Iterator<Item = &ExprMethodCall> {
    std::iter::successors(Some(last), |call| match &*call.receiver {
        Expr::MethodCall(before) => Some(before),
        _ => None,
    })
}

/// What a chain of calls begins with.
pub(super) fn root_of_chain(last: &ExprMethodCall) -> &Expr {
    let first = chain(last).last().unwrap_or(last);
    peeled(&first.receiver)
}

/// Whether the call has this name and number of arguments.
pub(super) fn is_call(call: &ExprMethodCall, name: &str, args: usize) -> bool {
    call.args.len() == args && call.method == name
}

/// The last part of the path that the expression is.
pub(super) fn last_segment(expr: &Expr) -> Option<String> {
    match peeled(expr) {
        Expr::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    }
}

/// Whether the last part of the macro's path is one of these names.
pub(super) fn is_macro(call: &syn::Macro, names: &[&str]) -> bool {
    call.path
        .segments
        .last()
        .is_some_and(|last| names.iter().any(|name| last.ident == name))
}

/// Calls `each` for every identifier below, those within macros included.
pub(super) fn each_ident(tokens: TokenStream, each: &mut impl FnMut(&Ident)) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => each(&ident),
            TokenTree::Group(group) => each_ident(group.stream(), each),
            // `format!("{name}")` names a variable within the text.
            TokenTree::Literal(literal) => {
                for name in captured(&literal.to_string()) {
                    each(&Ident::new(name, literal.span()));
                }
            }
            TokenTree::Punct(_) => {}
        }
    }
}

/// The variables that a format string names: `{a}`, `{b:?}`.
pub(super) fn captured(text: &str) -> impl Iterator<Item = &str> {
    text.split('{')
        .skip(1)
        .filter_map(|part| part.split(['}', ':']).next())
        .filter(|name| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && *name != "_"
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
}

/// Whether `name` occurs in the expressions and statements visited.
pub(super) struct Mentions<'n> {
    name: &'n str,
    pub(super) found: bool,
}

impl<'n> Mentions<'n> {
    pub(super) fn of(name: &'n str) -> Self {
        Self { name, found: false }
    }

    /// Whether the block names the variable.
    pub(super) fn in_block(name: &'n str, block: &syn::Block) -> bool {
        let mut mentions = Self::of(name);
        mentions.visit_block(block);
        mentions.found
    }
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_ident(&mut self, ident: &'ast Ident) {
        self.found |= ident == self.name;
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        each_ident(call.tokens.clone(), &mut |ident| {
            self.found |= ident == self.name;
        });
        visit::visit_macro(self, call);
    }
}
