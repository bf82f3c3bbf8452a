//! What expressions are, as several rules ask it.

use syn::{Expr, ExprMethodCall, Lit};

/// The expression without parentheses, references, `?`, `.await` and casts.
pub(super) fn peeled(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => peeled(&inner.expr),
        Expr::Group(inner) => peeled(&inner.expr),
        Expr::Reference(inner) => peeled(&inner.expr),
        Expr::Try(inner) => peeled(&inner.expr),
        Expr::Await(inner) => peeled(&inner.base),
        Expr::Cast(inner) => peeled(&inner.expr),
        _ => expr,
    }
}

/// The string that the expression is, also behind `.into()` and the like.
pub(super) fn text_of(expr: &Expr) -> Option<String> {
    match peeled(expr) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        Expr::MethodCall(call)
            if ["into", "to_string", "to_owned", "as_ref", "as_str"]
                .iter()
                .any(|name| call.method == name) =>
        {
            text_of(&call.receiver)
        }
        Expr::Call(call) if call.args.len() == 1 && last_segment(&call.func)? == "from" => {
            text_of(&call.args[0])
        }
        _ => None,
    }
}

/// Whether the value is fixed when the program is built: a literal, a constant,
/// or `env!`, `concat!` and `include_str!`.
pub(super) fn is_fixed(expr: &Expr) -> bool {
    match peeled(expr) {
        Expr::Lit(_) => true,
        Expr::Path(path) => path.path.segments.last().is_some_and(|segment| {
            let name = segment.ident.to_string();
            name.len() > 1 && name.chars().all(|c| !c.is_lowercase())
        }),
        Expr::Macro(call) => call.mac.path.segments.last().is_some_and(|segment| {
            ["env", "concat", "include_str", "stringify"]
                .iter()
                .any(|name| segment.ident == name)
        }),
        Expr::Array(array) => array.elems.iter().all(is_fixed),
        Expr::MethodCall(call) => call.args.is_empty() && is_fixed(&call.receiver),
        _ => text_of(expr).is_some(),
    }
}

/// The last part of the path that the expression is.
pub(super) fn last_segment(expr: &Expr) -> Option<String> {
    match peeled(expr) {
        Expr::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    }
}

/// The calls of a chain, the last one first: `a.b(1).c()` gives `c()`, `b(1)`.
pub(super) fn chain(last: &ExprMethodCall) -> impl Iterator<Item = &ExprMethodCall> {
    std::iter::successors(Some(last), |call| match peeled(&call.receiver) {
        Expr::MethodCall(before) => Some(before),
        _ => None,
    })
}

/// What a chain of calls begins with.
pub(super) fn root(last: &ExprMethodCall) -> &Expr {
    let first = chain(last).last().unwrap_or(last);
    peeled(&first.receiver)
}

/// Whether the expression is the literal `true`, or `false`.
pub(super) fn is_bool(expr: &Expr, value: bool) -> bool {
    matches!(peeled(expr), Expr::Lit(literal)
        if matches!(&literal.lit, Lit::Bool(found) if found.value == value))
}
