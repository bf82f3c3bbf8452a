//! Goes through a parsed file and says where it is.

use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, Expr, Ident, ImplItem, Item, Lit, Macro, Path, Safety, Signature, Stmt,
    TraitItem, Visibility,
};

use crate::attributes::{
    expr_attributes, impl_item_attributes, item_attributes, trait_item_attributes,
};
use crate::lints::allowed;
use crate::macros::MacroBody;
use crate::scope::{FunctionFrame, Surroundings};
use crate::test_code::{has_test_attribute, is_test_only};
use crate::{Scope, SourceFile};

/// Where a function stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FunctionKind {
    /// In a module or another function.
    Free,
    /// In an `impl Type`.
    Inherent,
    /// In an `impl Trait for Type`.
    TraitImpl,
    /// In the definition of a trait.
    Trait,
}

/// A function or method.
#[derive(Clone, Copy, Debug)]
pub struct Function<'a> {
    /// Where it stands.
    pub kind: FunctionKind,
    /// Its attributes.
    pub attrs: &'a [Attribute],
    /// Its visibility; `None` in the definition of a trait, where it is that of
    /// the trait.
    pub vis: Option<&'a Visibility>,
    /// Its signature.
    pub sig: &'a Signature,
    /// Its body; `None` where a trait only asks for it.
    pub block: Option<&'a Block>,
}

impl Function<'_> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Ident {
        &self.sig.ident
    }

    /// Whether it is visible wherever what it stands in is: `pub`.
    #[must_use]
    pub fn is_pub(&self) -> bool {
        matches!(self.vis, Some(Visibility::Public(_)))
    }
}

/// Is told what a walk meets, in the order of the file. Each method does
/// nothing unless it is written.
///
/// The scope is that of the node itself: its own `#[allow]` and `#[cfg(test)]`
/// count. Nodes of a macro's arguments live shorter than those of the file, so
/// a visitor takes from a node what it needs and does not keep the node.
pub trait Visitor {
    /// An item, whether in a module, a function or a macro call.
    fn item(&mut self, item: &Item, scope: &Scope) {
        let _ = (item, scope);
    }

    /// An item of an `impl`.
    fn impl_item(&mut self, item: &ImplItem, scope: &Scope) {
        let _ = (item, scope);
    }

    /// An item of a trait's definition.
    fn trait_item(&mut self, item: &TraitItem, scope: &Scope) {
        let _ = (item, scope);
    }

    /// A function or method, before its body; the scope is that of its body.
    fn enter_function(&mut self, function: &Function<'_>, scope: &Scope) {
        let _ = (function, scope);
    }

    /// The same function, after its body.
    fn leave_function(&mut self, function: &Function<'_>, scope: &Scope) {
        let _ = (function, scope);
    }

    /// A block: a function's, a branch's, a loop's or one on its own.
    fn block(&mut self, block: &Block, scope: &Scope) {
        let _ = (block, scope);
    }

    /// A statement.
    fn stmt(&mut self, stmt: &Stmt, scope: &Scope) {
        let _ = (stmt, scope);
    }

    /// An expression, before the expressions in it.
    fn expr(&mut self, expr: &Expr, scope: &Scope) {
        let _ = (expr, scope);
    }

    /// The same expression, after the expressions in it.
    fn leave_expr(&mut self, expr: &Expr, scope: &Scope) {
        let _ = (expr, scope);
    }

    /// A literal, whether in an expression or a pattern. Attributes and doc
    /// comments are not visited.
    fn literal(&mut self, literal: &Lit, scope: &Scope) {
        let _ = (literal, scope);
    }

    /// A path, whether to a value, a type, a trait, a pattern or a macro.
    fn path(&mut self, path: &Path, scope: &Scope) {
        let _ = (path, scope);
    }

    /// A macro call, before what can be read of its arguments.
    fn macro_call(&mut self, call: &Macro, scope: &Scope) {
        let _ = (call, scope);
    }
}

/// Tells `visitor` of all there is in `syntax`, the tree of `file`.
pub fn walk(file: &SourceFile, syntax: &syn::File, visitor: &mut impl Visitor) {
    let mut scope = Scope::of(file.kind());
    scope.now.test |= is_test_only(&syntax.attrs);
    allowed(&syntax.attrs, &mut scope.lints);
    Walker { visitor, scope }.visit_file(syntax);
}

struct Walker<'v, V> {
    visitor: &'v mut V,
    scope: Scope,
}

impl<V: Visitor> Walker<'_, V> {
    /// Runs `inner` with other surroundings and puts the present ones back.
    fn within(&mut self, now: Surroundings, inner: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.scope.now, now);
        inner(self);
        self.scope.now = before;
    }

    /// Runs `inner` with the lints that `attributes` switch off.
    fn allowing(&mut self, attributes: &[Attribute], inner: impl FnOnce(&mut Self)) {
        let before = self.scope.lints.len();
        allowed(attributes, &mut self.scope.lints);
        inner(self);
        self.scope.lints.truncate(before);
    }

    fn named(&mut self, name: Option<String>, inner: impl FnOnce(&mut Self)) {
        let before = self.scope.names.len();
        self.scope.names.extend(name);
        inner(self);
        self.scope.names.truncate(before);
    }

    fn function(&mut self, function: &Function<'_>) {
        let now = Surroundings {
            test: self.scope.now.test || has_test_attribute(function.attrs),
            is_async: function.sig.asyncness.is_some(),
            is_unsafe: matches!(function.sig.safety, Safety::Unsafe(_)),
            is_constant: false,
            loops: 0,
            closures: 0,
            ..self.scope.now
        };
        let name = function.sig.ident.to_string();
        self.scope.functions.push(FunctionFrame {
            name: name.clone(),
            is_const: function.sig.constness.is_some(),
        });
        self.named(Some(name), |this| {
            this.within(now, |this| {
                this.visitor.enter_function(function, &this.scope);
                this.visit_signature(function.sig);
                if let Some(block) = function.block {
                    this.visit_block(block);
                }
                this.visitor.leave_function(function, &this.scope);
            });
        });
        self.scope.functions.pop();
    }

    /// The surroundings of an item of an `impl` or a trait.
    fn member(&self, attributes: &[Attribute], is_constant: bool) -> Surroundings {
        Surroundings {
            test: self.scope.now.test || is_test_only(attributes),
            is_constant: self.scope.now.is_constant || is_constant,
            ..self.scope.now
        }
    }

    fn macro_body(&mut self, body: MacroBody) {
        let now = Surroundings {
            macros: self.scope.now.macros + 1,
            ..self.scope.now
        };
        self.within(now, |this| match body {
            MacroBody::Exprs(exprs) => exprs.iter().for_each(|expr| this.visit_expr(expr)),
            MacroBody::Stmts(stmts) => stmts.iter().for_each(|stmt| this.visit_stmt(stmt)),
            MacroBody::Items(items) => items.iter().for_each(|item| this.visit_item(item)),
            MacroBody::Opaque => {}
        });
    }

    fn looping(&mut self, inner: impl FnOnce(&mut Self)) {
        let now = Surroundings {
            loops: self.scope.now.loops + 1,
            ..self.scope.now
        };
        self.within(now, inner);
    }

    fn parts_of(&mut self, expr: &Expr) {
        match expr {
            Expr::ForLoop(each) => {
                self.visit_expr(&each.expr);
                self.looping(|this| {
                    this.visit_pat(&each.pat);
                    this.visit_block(&each.body);
                });
            }
            Expr::While(_) | Expr::Loop(_) => self.looping(|this| visit::visit_expr(this, expr)),
            Expr::Closure(closure) => {
                let now = Surroundings {
                    is_async: closure.asyncness.is_some(),
                    closures: self.scope.now.closures + 1,
                    ..self.scope.now
                };
                self.within(now, |this| visit::visit_expr(this, expr));
            }
            Expr::Async(_) => {
                let now = Surroundings {
                    is_async: true,
                    ..self.scope.now
                };
                self.within(now, |this| visit::visit_expr(this, expr));
            }
            Expr::Const(_) => {
                let now = Surroundings {
                    is_constant: true,
                    ..self.scope.now
                };
                self.within(now, |this| visit::visit_expr(this, expr));
            }
            Expr::Unsafe(_) => {
                let now = Surroundings {
                    is_unsafe: true,
                    ..self.scope.now
                };
                self.within(now, |this| visit::visit_expr(this, expr));
            }
            _ => visit::visit_expr(self, expr),
        }
    }
}

impl<'ast, V: Visitor> Visit<'ast> for Walker<'_, V> {
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = item_attributes(item);
        let now = Surroundings {
            test: self.scope.now.test || is_test_only(attributes),
            macros: self.scope.now.macros,
            trait_impl: matches!(item, Item::Impl(item) if item.trait_.is_some()),
            in_trait: matches!(item, Item::Trait(_)),
            is_constant: matches!(item, Item::Const(_) | Item::Static(_)),
            modules: self.scope.now.modules + u32::from(matches!(item, Item::Mod(_))),
            ..Surroundings::default()
        };
        self.allowing(attributes, |this| {
            this.within(now, |this| {
                this.visitor.item(item, &this.scope);
                this.named(item_name(item), |this| visit::visit_item(this, item));
            });
        });
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&Function {
            kind: FunctionKind::Free,
            attrs: &item.attrs,
            vis: Some(&item.vis),
            sig: &item.sig,
            block: Some(&item.block),
        });
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = impl_item_attributes(item);
        let now = self.member(attributes, matches!(item, ImplItem::Const(_)));
        self.allowing(attributes, |this| {
            this.within(now, |this| {
                this.visitor.impl_item(item, &this.scope);
                visit::visit_impl_item(this, item);
            });
        });
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        let kind = if self.scope.now.trait_impl {
            FunctionKind::TraitImpl
        } else {
            FunctionKind::Inherent
        };
        self.function(&Function {
            kind,
            attrs: &item.attrs,
            vis: Some(&item.vis),
            sig: &item.sig,
            block: Some(&item.block),
        });
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let attributes = trait_item_attributes(item);
        let now = self.member(attributes, matches!(item, TraitItem::Const(_)));
        self.allowing(attributes, |this| {
            this.within(now, |this| {
                this.visitor.trait_item(item, &this.scope);
                visit::visit_trait_item(this, item);
            });
        });
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.function(&Function {
            kind: FunctionKind::Trait,
            attrs: &item.attrs,
            vis: None,
            sig: &item.sig,
            block: item.default.as_ref(),
        });
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.visitor.block(block, &self.scope);
        visit::visit_block(self, block);
    }

    fn visit_stmt(&mut self, stmt: &'ast Stmt) {
        let attributes = match stmt {
            Stmt::Local(local) => local.attrs.as_slice(),
            Stmt::Macro(call) => &call.attrs,
            _ => &[],
        };
        self.allowing(attributes, |this| {
            this.visitor.stmt(stmt, &this.scope);
            visit::visit_stmt(this, stmt);
        });
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.allowing(&arm.attrs, |this| visit::visit_arm(this, arm));
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        let before = self.scope.lints.len();
        allowed(expr_attributes(expr), &mut self.scope.lints);
        self.visitor.expr(expr, &self.scope);
        self.parts_of(expr);
        self.visitor.leave_expr(expr, &self.scope);
        self.scope.lints.truncate(before);
    }

    fn visit_lit(&mut self, literal: &'ast Lit) {
        self.visitor.literal(literal, &self.scope);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.visitor.path(path, &self.scope);
        visit::visit_path(self, path);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        self.visitor.macro_call(&item.mac, &self.scope);
        self.visit_path(&item.mac.path);
        if item.ident.is_none() {
            self.macro_body(MacroBody::of_item(&item.mac));
        }
    }

    fn visit_impl_item_macro(&mut self, item: &'ast syn::ImplItemMacro) {
        self.visitor.macro_call(&item.mac, &self.scope);
        self.visit_path(&item.mac.path);
    }

    fn visit_trait_item_macro(&mut self, item: &'ast syn::TraitItemMacro) {
        self.visitor.macro_call(&item.mac, &self.scope);
        self.visit_path(&item.mac.path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visitor.macro_call(call, &self.scope);
        self.visit_path(&call.path);
        self.macro_body(MacroBody::of_expression(call));
    }
}

fn item_name(item: &Item) -> Option<String> {
    match item {
        Item::Mod(item) => Some(item.ident.to_string()),
        Item::Trait(item) => Some(item.ident.to_string()),
        Item::Impl(item) => match &*item.self_ty {
            syn::Type::Path(path) => path
                .path
                .segments
                .last()
                .map(|segment| segment.ident.to_string()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes down where the walk meets calls of functions named `m...`.
    #[derive(Default)]
    struct Marks(Vec<String>);

    impl Visitor for Marks {
        fn expr(&mut self, expr: &Expr, scope: &Scope) {
            let Expr::Call(call) = expr else { return };
            let Expr::Path(path) = &*call.func else {
                return;
            };
            let Some(name) = path.path.get_ident().map(ToString::to_string) else {
                return;
            };
            if !name.starts_with('m') {
                return;
            }
            let mut mark = format!("{name} {}", scope.path());
            for (holds, word) in [
                (scope.in_test(), " test"),
                (scope.in_async(), " async"),
                (scope.in_unsafe(), " unsafe"),
                (scope.in_macro(), " macro"),
                (scope.in_constant(), " constant"),
                (scope.in_trait(), " trait"),
                (scope.in_trait_impl(), " trait-impl"),
                (scope.in_const_fn(), " const-fn"),
                (scope.allows("clippy::x"), " allowed"),
            ] {
                if holds {
                    mark.push_str(word);
                }
            }
            for (count, word) in [
                (scope.loop_depth(), "loops"),
                (scope.closure_depth(), "closures"),
            ] {
                if count > 0 {
                    mark.push_str(&format!(" {word}={count}"));
                }
            }
            self.0.push(mark);
        }
    }

    fn marks_in(path: &str, text: &str) -> Vec<String> {
        let file = SourceFile::new(path, text);
        let mut marks = Marks::default();
        walk(&file, &file.parse().unwrap(), &mut marks);
        marks.0
    }

    fn marks(text: &str) -> Vec<String> {
        marks_in("src/a.rs", text)
    }

    #[test]
    fn loops_count_within_their_function() {
        assert_eq!(
            marks(
                "fn f() { for x in m1() { m2(); while m3() { m4(); fn g() { m5(); } } }
                 loop { a(|| m6()) } m7() }"
            ),
            [
                "m1 f",
                "m2 f loops=1",
                "m3 f loops=2",
                "m4 f loops=2",
                "m5 f::g",
                "m6 f loops=1 closures=1",
                "m7 f",
            ]
        );
    }

    #[test]
    fn a_closure_in_a_future_is_no_part_of_it() {
        assert_eq!(
            marks(
                "async fn f() { m1(); run(|| m2()); run(async || m3()); fn g() { m4(); } }
                 fn h() { m5(); async { m6() }; unsafe { m7(); run(|| m8()); fn i() { m9() } } }
                 unsafe fn j() { m10() }"
            ),
            [
                "m1 f async",
                "m2 f closures=1",
                "m3 f async closures=1",
                "m4 f::g",
                "m5 h",
                "m6 h async",
                "m7 h unsafe",
                "m8 h unsafe closures=1",
                "m9 h::i",
                "m10 j unsafe",
            ]
        );
    }

    #[test]
    fn test_code_is_known() {
        let text = "fn f() { m1() } #[cfg(test)] mod t { fn g() { m2() } } #[test] fn h() { m3() }
                    impl T { #[cfg(test)] fn i() { m4() } fn j() { m5() } }";
        assert_eq!(
            marks(text),
            [
                "m1 f",
                "m2 t::g test",
                "m3 h test",
                "m4 T::i test",
                "m5 T::j"
            ]
        );
        assert!(
            marks_in("tests/a.rs", text)
                .iter()
                .all(|m| m.contains(" test"))
        );
        assert_eq!(marks("#![cfg(test)] fn f() { m() }"), ["m f test"]);
    }

    #[test]
    fn members_know_what_they_belong_to() {
        assert_eq!(
            marks(
                "impl A for B { fn f() { m1() } const X: u8 = m2(); }
                 trait A { fn f() { m3() } const Y: u8 = m4(); }
                 const fn g() { m5(); const { m6() } } static Z: u8 = m7();"
            ),
            [
                "m1 B::f trait-impl",
                "m2 B constant trait-impl",
                "m3 A::f trait",
                "m4 A constant trait",
                "m5 g const-fn",
                "m6 g constant const-fn",
                "m7  constant",
            ]
        );
    }

    #[test]
    fn lints_are_allowed_where_an_attribute_says_so() {
        assert_eq!(
            marks(
                "#[allow(clippy::x)] fn f() { m1() } fn g() { #[expect(clippy::x)] let a = m2();
                 #[allow(clippy::x)] { m3() } m4(); match a { #[allow(clippy::x)] b => m5() } }
                 impl T { #[allow(clippy::x)] fn h() { m6() } }"
            ),
            [
                "m1 f allowed",
                "m2 g allowed",
                "m3 g allowed",
                "m4 g",
                "m5 g allowed",
                "m6 T::h allowed",
            ]
        );
        assert_eq!(
            marks("#![allow(clippy::x)] fn f() { m() }"),
            ["m f allowed"]
        );
    }

    #[test]
    fn the_arguments_of_macros_are_looked_at() {
        assert_eq!(
            marks(
                "fn f() { println!(\"{}\", m1()); vec![m2(); m3()]; a!(b!(m4())); c! { let d = m5(); m6() }
                 quote!(m7()); }
                 cfg_x! { fn g() { m8() } } macro_rules! h { () => { m9() } }"
            ),
            [
                "m1 f macro",
                "m2 f macro",
                "m3 f macro",
                "m4 f macro",
                "m5 f macro",
                "m6 f macro",
                "m8 g macro",
            ]
        );
    }
}
