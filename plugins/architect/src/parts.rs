//! What a file offers and what it uses.

use std::collections::BTreeMap;

use source::{Function, FunctionKind, Reading, Scope, Visitor, walk};
use syn::{Item, UseTree, Visibility};

use crate::layout::{Layout, Place};

/// What one file offers and uses.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Parts {
    /// Items and methods that are `pub` and no tests.
    pub(crate) public_items: u64,
    /// The modules it uses outside of its tests, each with how often.
    pub(crate) uses: BTreeMap<String, u32>,
}

/// Looks through a file that holds the module `place`.
pub(crate) fn parts(reading: &Reading<'_>, place: &Place, layout: &Layout) -> Parts {
    let mut collect = Collect {
        place,
        layout,
        parts: Parts::default(),
    };
    walk(reading.file, reading.syntax, &mut collect);
    collect.parts
}

struct Collect<'a> {
    place: &'a Place,
    layout: &'a Layout,
    parts: Parts,
}

impl Collect<'_> {
    fn uses(&mut self, scope: &Scope, path: &[String]) {
        if scope.in_test() && !scope.file_kind().is_test() {
            return;
        }
        let target = self.layout.resolve(self.place, scope.module_depth(), path);
        if let Some(target) = target {
            *self.parts.uses.entry(target.to_owned()).or_insert(0) += 1;
        }
    }

    fn tree(&mut self, scope: &Scope, tree: &UseTree, path: &mut Vec<String>) {
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.tree(scope, &part.tree, path);
                path.pop();
            }
            UseTree::Name(name) => self.leaf(scope, &name.ident, path),
            UseTree::Rename(rename) => self.leaf(scope, &rename.ident, path),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(scope, tree, path);
                }
            }
            _ => self.uses(scope, path),
        }
    }

    fn leaf(&mut self, scope: &Scope, name: &syn::Ident, path: &mut Vec<String>) {
        path.push(name.to_string());
        self.uses(scope, path);
        path.pop();
    }
}

impl Visitor for Collect<'_> {
    fn item(&mut self, item: &Item, scope: &Scope) {
        if let Item::Use(item) = item {
            self.tree(scope, &item.tree, &mut Vec::new());
        } else if is_public(item) && !scope.in_test() && scope.function().is_none() {
            self.parts.public_items += 1;
        }
    }

    fn enter_function(&mut self, function: &Function<'_>, scope: &Scope) {
        if function.kind == FunctionKind::Inherent && function.is_pub() && !scope.in_test() {
            self.parts.public_items += 1;
        }
    }

    fn path(&mut self, path: &syn::Path, scope: &Scope) {
        // A name alone was brought in by a `use`.
        if path.segments.len() > 1 {
            let parts: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
            self.uses(scope, &parts);
        }
    }
}

fn is_public(item: &Item) -> bool {
    let vis = match item {
        Item::Const(item) => &item.vis,
        Item::Enum(item) => &item.vis,
        Item::Fn(item) => &item.vis,
        Item::Mod(item) => &item.vis,
        Item::Static(item) => &item.vis,
        Item::Struct(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::TraitAlias(item) => &item.vis,
        Item::Type(item) => &item.vis,
        Item::Union(item) => &item.vis,
        _ => return false,
    };
    matches!(vis, Visibility::Public(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Packages;
    use source::SourceFile;

    fn of(text: &str) -> Parts {
        let paths = ["src/lib.rs", "src/a.rs", "src/b.rs", "src/b/c.rs"].map(str::to_owned);
        let layout = Layout::of(&paths, &Packages::new());
        let file = SourceFile::new("src/a.rs", text);
        let syntax = file.parse().unwrap();
        let reading = Reading {
            file: &file,
            syntax: &syntax,
        };
        parts(&reading, layout.place("src/a.rs").unwrap(), &layout)
    }

    #[test]
    fn imports_and_paths_count_and_tests_do_not() {
        let parts = of("use crate::{b::{self, c::X}, Y};
             use super::b::*;
             fn f() -> crate::b::Z { crate::b::c::g(); println!(\"{}\", crate::b::h()) }
             #[cfg(test)] mod tests { use super::*; use crate::b::c; }
             mod inline { use super::super::b::W; }");
        let uses: Vec<_> = parts.uses.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        assert_eq!(uses, [("crate", 1), ("crate::b", 5), ("crate::b::c", 2)]);
    }

    #[test]
    fn public_items_are_counted() {
        let parts = of(
            "pub fn a() { pub fn no() {} } pub struct B; pub(crate) struct No;
             impl B { pub fn c() {} fn no() {} } pub mod d { pub const E: u8 = 1; }
             pub use b::c; #[cfg(test)] pub fn no() {} pub trait F { fn no(); }",
        );
        assert_eq!(parts.public_items, 6);
    }
}
