//! Public items without documentation.
//!
//! One file shows what the word `pub` says, not what the crate hands out, so
//! this rule keeps to what is likely to be seen: items that are `pub` all the
//! way to the top of their file, and whose file's module is, methods of types that the same file makes
//! public, and what public traits ask for. Programs have no such readers.
//! Fields and variants are left to the compiler's `missing_docs`.

use std::collections::BTreeSet;

use lint::Report;
use ringfence_sdk::Severity;
use source::{FileKind, Position, Scope, SourceFile};
use syn::spanned::Spanned;
use syn::{Attribute, ImplItem, Item, Meta, TraitItem, Visibility};

use super::Facts;

/// The names of the types that the file makes public.
pub(super) fn public_types(file: &syn::File) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect(&file.items, &mut names);
    names
}

fn collect(items: &[Item], names: &mut BTreeSet<String>) {
    for item in items {
        if let Item::Mod(module) = item {
            if is_public(&module.vis)
                && let Some((_, items)) = &module.content
            {
                collect(items, names);
            }
            continue;
        }
        let (vis, attrs, ident) = match item {
            Item::Struct(item) => (&item.vis, &item.attrs, &item.ident),
            Item::Enum(item) => (&item.vis, &item.attrs, &item.ident),
            Item::Union(item) => (&item.vis, &item.attrs, &item.ident),
            _ => continue,
        };
        if is_public(vis) && !is_hidden(attrs) {
            names.insert(ident.to_string());
        }
    }
}

/// The rule, and where it stands.
#[derive(Default)]
pub(super) struct Documentation {
    /// How deep the walk is in inline modules, and whether each is public.
    modules: Vec<bool>,
    /// Whether the `impl` or trait around the place is one to document.
    members: bool,
    /// Whether the file is a module that nobody outside of the crate sees.
    private: bool,
}

impl Documentation {
    pub(super) fn of(file: &SourceFile) -> Self {
        Self {
            private: file.is_private(),
            ..Self::default()
        }
    }

    pub(super) fn item(
        &mut self,
        item: &Item,
        scope: &Scope,
        facts: &Facts<'_>,
        report: &mut Report,
    ) {
        let depth = usize::try_from(scope.module_depth()).unwrap_or(usize::MAX);
        self.members = false;
        if let Item::Mod(module) = item {
            // The depth is that within the module itself.
            self.modules.truncate(depth.saturating_sub(1));
            let seen = is_public(&module.vis) && !is_hidden(&module.attrs);
            if seen && module.content.is_some() {
                self.check(&module.attrs, "module", &module.ident, scope, report);
            }
            self.modules.push(seen);
            return;
        }
        self.modules.truncate(depth);
        if let Item::Impl(item) = item {
            self.members = item.trait_.is_none()
                && !is_hidden(&item.attrs)
                && type_name(&item.self_ty).is_some_and(|name| facts.public_types.contains(&name));
            return;
        }
        let Some((vis, attrs, kind, name)) = parts(item) else {
            return;
        };
        if is_public(vis) && !is_hidden(attrs) {
            self.check(attrs, kind, name, scope, report);
            self.members = matches!(item, Item::Trait(_));
        }
    }

    pub(super) fn impl_item(&self, item: &ImplItem, scope: &Scope, report: &mut Report) {
        let (vis, attrs, kind, name) = match item {
            ImplItem::Fn(item) => (&item.vis, &item.attrs, "method", &item.sig.ident),
            ImplItem::Const(item) => (&item.vis, &item.attrs, "constant", &item.ident),
            _ => return,
        };
        if self.members && is_public(vis) && !is_hidden(attrs) {
            self.check(attrs, kind, name, scope, report);
        }
    }

    pub(super) fn trait_item(&self, item: &TraitItem, scope: &Scope, report: &mut Report) {
        let (attrs, kind, name) = match item {
            TraitItem::Fn(item) => (&item.attrs, "method", &item.sig.ident),
            TraitItem::Const(item) => (&item.attrs, "constant", &item.ident),
            TraitItem::Type(item) => (&item.attrs, "type", &item.ident),
            _ => return,
        };
        if self.members && !is_hidden(attrs) {
            self.check(attrs, kind, name, scope, report);
        }
    }

    fn check(
        &self,
        attrs: &[Attribute],
        kind: &str,
        name: &(impl Spanned + ToString),
        scope: &Scope,
        report: &mut Report,
    ) {
        let unseen = self.private
            || scope.file_kind() != FileKind::Library
            || scope.in_test()
            || scope.function().is_some()
            || self.modules.contains(&false)
            || scope.allows("missing_docs");
        if !unseen && !is_documented(attrs) {
            let message = format!(
                "the public {kind} `{}` has no documentation",
                name.to_string()
            );
            report.add("missing-docs", Severity::Low, Position::of(name), message);
        }
    }
}

fn parts(item: &Item) -> Option<(&Visibility, &[Attribute], &'static str, &syn::Ident)> {
    Some(match item {
        Item::Const(item) => (&item.vis, &item.attrs, "constant", &item.ident),
        Item::Enum(item) => (&item.vis, &item.attrs, "enum", &item.ident),
        Item::Fn(item) => (&item.vis, &item.attrs, "function", &item.sig.ident),
        Item::Static(item) => (&item.vis, &item.attrs, "static", &item.ident),
        Item::Struct(item) => (&item.vis, &item.attrs, "struct", &item.ident),
        Item::Trait(item) => (&item.vis, &item.attrs, "trait", &item.ident),
        Item::TraitAlias(item) => (&item.vis, &item.attrs, "trait", &item.ident),
        Item::Type(item) => (&item.vis, &item.attrs, "type", &item.ident),
        Item::Union(item) => (&item.vis, &item.attrs, "union", &item.ident),
        _ => return None,
    })
}

fn type_name(ty: &syn::Type) -> Option<String> {
    match ty {
        syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    }
}

fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

fn is_documented(attrs: &[Attribute]) -> bool {
    attrs
        .iter()
        .any(|attribute| attribute.path().is_ident("doc") || mentions(attribute, "doc"))
}

fn is_hidden(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attribute| {
        attribute.path().is_ident("doc")
            && matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string() == "hidden")
    })
}

/// Whether a `cfg_attr` brings the attribute in.
fn mentions(attribute: &Attribute, name: &str) -> bool {
    attribute.path().is_ident("cfg_attr")
        && matches!(
            &attribute.meta,
            Meta::List(list) if list.tokens.clone().into_iter().any(|token| token.to_string() == name)
        )
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{found, found_in};

    #[test]
    fn public_items_without_documentation_are_found() {
        assert_eq!(
            found(
                "pub fn a() {}\npub struct B;\npub mod c {\n  pub enum D {}\n}\n\
                 impl B {\n  pub fn e() {}\n  pub const F: u8 = 1;\n}\n\
                 /// G.\npub trait G {\n  fn h();\n  type I;\n}\n"
            ),
            [
                "missing-docs low 1:8",
                "missing-docs low 2:12",
                "missing-docs low 3:9",
                "missing-docs low 4:12",
                "missing-docs low 7:10",
                "missing-docs low 8:13",
                "missing-docs low 12:6",
                "missing-docs low 13:8",
            ]
        );
    }

    #[test]
    fn what_nobody_sees_needs_none() {
        for text in [
            "fn a() {}\npub(crate) fn b() {}\npub(super) struct C;",
            "/// A.\npub fn a() { pub fn b() {} }",
            "mod a { pub fn b() {} pub mod c { pub fn d() {} } }",
            "#[doc(hidden)] pub mod a { pub fn b() {} }",
            "struct A; impl A { pub fn b() {} }",
            "impl Elsewhere { pub fn b() {} }",
            "/// A.\npub struct A; impl B for A { fn b() {} } impl A { fn c() {} }",
            "trait A { fn b(); }",
            "#[doc(hidden)] pub fn a() {}",
            "#[doc = include_str!(\"a.md\")] pub fn a() {}",
            "#[cfg_attr(feature = \"x\", doc = \"y\")] pub fn a() {}",
            "/** A. */ pub fn a() {}",
            "#![allow(missing_docs)] pub fn a() {}",
            "#[cfg(test)] pub mod a { pub fn b() {} }",
            "pub mod a; pub use b::c;",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
        for path in ["src/main.rs", "tests/a.rs", "examples/a.rs", "build.rs"] {
            assert_eq!(found_in(path, "pub fn a() {}"), [""; 0], "{path}");
        }
    }

    #[test]
    fn a_private_module_ends_where_it_ends() {
        let text = "mod a { pub fn b() {} }\npub fn c() {}\n/// D.\npub mod d { pub fn e() {} }\n";
        assert_eq!(
            found(text),
            ["missing-docs low 2:8", "missing-docs low 4:20"]
        );
    }
}
