//! What a function says of the types of its variables.

use std::collections::HashMap;

use syn::visit::{self, Visit};
use syn::{Block, Expr, FnArg, Local, Pat, Signature, Type};

/// A type whose cost is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `Vec<T>`
    Vec,
    /// `[T]` behind a reference
    Slice,
    /// `String`
    String,
    /// `str` behind a reference
    Str,
    /// A hash or tree map or set.
    Map,
}

impl Kind {
    /// Whether a copy of it is a copy of all that is in it.
    pub(super) fn is_collection(self) -> bool {
        matches!(self, Self::Vec | Self::Map)
    }

    /// Whether it is a row of items that can only be searched from its start.
    pub(super) fn is_row(self) -> bool {
        matches!(self, Self::Vec | Self::Slice)
    }
}

/// The kinds of a function's variables by name. A name that stands for
/// variables of two kinds, or of one kind and an unknown one, has none.
#[derive(Clone, Debug, Default)]
pub(super) struct Hints(HashMap<String, Option<Kind>>);

impl Hints {
    pub(super) fn of(signature: &Signature, block: Option<&Block>) -> Self {
        let mut hints = Self::default();
        for input in &signature.inputs {
            if let FnArg::Typed(typed) = input {
                hints.bind(&typed.pat, kind_of_type(&typed.ty));
            }
        }
        if let Some(block) = block {
            hints.visit_block(block);
        }
        hints
    }

    pub(super) fn get(&self, name: &str) -> Option<Kind> {
        self.0.get(name).copied().flatten()
    }

    /// The kind of a variable, also behind `&`.
    pub(super) fn of_expr(&self, expr: &Expr) -> Option<Kind> {
        match super::expression::peeled(expr) {
            Expr::Path(path) => self.get(&path.path.get_ident()?.to_string()),
            _ => None,
        }
    }

    fn bind(&mut self, pat: &Pat, kind: Option<Kind>) {
        match pat {
            Pat::Ident(ident) => {
                self.0
                    .entry(ident.ident.to_string())
                    .and_modify(|known| {
                        if *known != kind {
                            *known = None;
                        }
                    })
                    .or_insert(kind);
            }
            Pat::Type(typed) => self.bind(&typed.pat, kind_of_type(&typed.ty).or(kind)),
            _ => self.visit_pat(pat),
        }
    }
}

impl<'ast> Visit<'ast> for Hints {
    fn visit_local(&mut self, local: &'ast Local) {
        let kind = local
            .init
            .as_ref()
            .and_then(|init| kind_of_value(&init.expr));
        self.bind(&local.pat, kind);
        if let Some(init) = &local.init {
            self.visit_expr(&init.expr);
            if let Some((_, diverge)) = &init.diverge {
                self.visit_expr(diverge);
            }
        }
    }

    fn visit_pat(&mut self, pat: &'ast Pat) {
        match pat {
            Pat::Ident(ident) => self.bind(&Pat::Ident(ident.clone()), None),
            Pat::Type(typed) => self.bind(&typed.pat, kind_of_type(&typed.ty)),
            _ => visit::visit_pat(self, pat),
        }
    }

    // Another function's variables are not this one's.
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

pub(super) fn kind_of_type(ty: &Type) -> Option<Kind> {
    match ty {
        Type::Reference(reference) => match &*reference.elem {
            Type::Slice(_) => Some(Kind::Slice),
            Type::Path(path) if path.path.is_ident("str") => Some(Kind::Str),
            other => kind_of_type(other),
        },
        Type::Paren(inner) => kind_of_type(&inner.elem),
        Type::Path(path) => kind_of_name(&path.path.segments.last()?.ident.to_string()),
        _ => None,
    }
}

fn kind_of_name(name: &str) -> Option<Kind> {
    match name {
        "Vec" => Some(Kind::Vec),
        "String" => Some(Kind::String),
        "HashMap" | "BTreeMap" | "HashSet" | "BTreeSet" => Some(Kind::Map),
        _ => None,
    }
}

/// The kind of what `Vec::new()`, `vec![]`, `format!()`, `"..".to_string()` and
/// `.collect::<Vec<_>>()` make.
fn kind_of_value(expr: &Expr) -> Option<Kind> {
    match expr {
        Expr::Lit(literal) => matches!(literal.lit, syn::Lit::Str(_)).then_some(Kind::Str),
        Expr::Macro(call) if call.mac.path.is_ident("vec") => Some(Kind::Vec),
        Expr::Macro(call) if call.mac.path.is_ident("format") => Some(Kind::String),
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else {
                return None;
            };
            let mut segments = path.path.segments.iter().rev();
            let made = segments.next()?.ident.to_string();
            let of = segments.next()?.ident.to_string();
            matches!(made.as_str(), "new" | "with_capacity" | "from" | "default")
                .then(|| kind_of_name(&of))?
        }
        Expr::MethodCall(call) if call.method == "collect" => {
            match call.turbofish.as_ref()?.args.first()? {
                syn::GenericArgument::Type(ty) => kind_of_type(ty),
                _ => None,
            }
        }
        Expr::MethodCall(call) if call.method == "to_string" => Some(Kind::String),
        Expr::MethodCall(call) if call.method == "to_vec" => Some(Kind::Vec),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_once_is_known() {
        let function: syn::ItemFn = syn::parse_str(
            "fn f(a: &[u8], b: &mut Vec<u8>, c: impl T, d: &str) {
                let e = vec![1];
                let mut g: std::collections::HashMap<_, _> = x.into();
                let h = y.collect::<Vec<_>>();
                let i = String::new();
                let (e2, i) = z;
                for d in e { let c = format!(\"\"); }
            }",
        )
        .unwrap();
        let hints = Hints::of(&function.sig, Some(&function.block));
        for (name, kind) in [
            ("a", Some(Kind::Slice)),
            ("b", Some(Kind::Vec)),
            ("c", None),
            ("d", None),
            ("e", Some(Kind::Vec)),
            ("e2", None),
            ("g", Some(Kind::Map)),
            ("h", Some(Kind::Vec)),
            ("i", None),
            ("z", None),
        ] {
            assert_eq!(hints.get(name), kind, "{name}");
        }
    }
}
