//! `const A: &'static str`, whose reference is `'static` anyway.
//!
//! Constants of a trait or an `impl` are left alone: what a reference without
//! a lifetime means there depends on what is around them.

use source::{Scope, SourceFile};
use syn::{Item, Type};

use super::line_mends::{Change, LineMends, MAX_OF_A_RULE, Span};

const RULE: &str = "static-lifetime";

pub(super) fn item(item: &Item, scope: &Scope, file: &SourceFile, mends: &mut LineMends) {
    let (kind, ty) = match item {
        Item::Const(item) => ("const", &item.ty),
        Item::Static(item) => ("static", &item.ty),
        _ => return,
    };
    if scope.in_test() || scope.in_macro() || scope.allows("clippy::redundant_static_lifetimes") {
        return;
    }
    references(ty, kind, file, mends);
}

/// Looks at the references that make up the type, not at those in the types
/// that it names.
fn references(ty: &Type, kind: &str, file: &SourceFile, mends: &mut LineMends) {
    match ty {
        Type::Array(array) => references(&array.elem, kind, file, mends),
        Type::Slice(slice) => references(&slice.elem, kind, file, mends),
        Type::Tuple(tuple) => {
            for ty in &tuple.elems {
                references(ty, kind, file, mends);
            }
        }
        Type::Reference(reference) => {
            // The lifetime of a reference is a bound of the trait object or
            // function behind it.
            let plain = matches!(
                &*reference.elem,
                Type::Array(_)
                    | Type::Path(_)
                    | Type::Reference(_)
                    | Type::Slice(_)
                    | Type::Tuple(_)
            );
            let span = reference
                .lifetime
                .as_ref()
                .filter(|lifetime| plain && lifetime.ident == "static")
                .and_then(Span::of)
                .and_then(|span| span.with_space(file));
            if let Some(span) = span {
                mends.add(Change {
                    rule: RULE,
                    message: format!("a reference in the type of a `{kind}` is `'static` anyway"),
                    span,
                    text: String::new(),
                    relies_on: None,
                    at_most: MAX_OF_A_RULE,
                });
            }
            references(&reference.elem, kind, file, mends);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{found, found_in, mended};

    #[test]
    fn references_are_static_without_the_word() {
        for (before, after) in [
            ("const A: &'static str = \"\";\n", "const A: &str = \"\";\n"),
            (
                "static A: &'static [&'static str] = &[];\n",
                "static A: &[&str] = &[];\n",
            ),
            (
                "static mut A: [(u8, &'static  [u8; 2]); 3] = b();\n",
                "static mut A: [(u8, &[u8; 2]); 3] = b();\n",
            ),
            (
                "fn f() {\n    const A: & 'static mut u8 = b();\n}\n",
                "fn f() {\n    const A: & mut u8 = b();\n}\n",
            ),
            (
                "const A: &'static /* a */ B<&'static str> = C;\n",
                "const A: &/* a */ B<&'static str> = C;\n",
            ),
        ] {
            assert_eq!(mended(before), after);
        }
        assert_eq!(
            found("const A: &'static str = \"\";"),
            ["static-lifetime info 1:11"]
        );
    }

    #[test]
    fn where_the_word_may_count_it_stays() {
        for text in [
            "const A: &str = \"\";",
            "const A: Option<&'static str> = None;",
            "const A: fn(&'static str) -> &'static str = b;",
            "const A: &'static fn(&str) = b;",
            "const A: &'static dyn B = b;",
            "const A: &'static (dyn B + Send) = b;",
            "const A: &'static\n str = b;",
            "struct A; impl A { const A: &'static str = \"\"; }",
            "trait A { const A: &'static str; }",
            "fn f() -> &'static str { \"\" }",
            "type A = &'static str;",
            "c! { const A: &'static str = \"\"; }",
            "macro_rules! m { () => { const A: &'static str = \"\"; } }",
            "#[cfg(test)] const A: &'static str = \"\";",
            "#[allow(clippy::redundant_static_lifetimes)] const A: &'static str = \"\";",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
        assert_eq!(
            found_in("tests/a.rs", "const A: &'static str = \"\";"),
            [""; 0]
        );
    }
}
