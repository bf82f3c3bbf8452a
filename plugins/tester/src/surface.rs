//! What a file offers to others.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use source::SourceFile;
use syn::{
    Attribute, Block, Fields, FnArg, ForeignItem, Generics, ImplItem, Item, ItemImpl, ItemMod,
    ItemTrait, Pat, PatWild, Signature, TraitItem, Type, TypeInfer, Visibility,
};

/// How deep items in the arguments of macros are looked into. Each level reads
/// its tokens again, and whoever wrote the file picks the depth.
const MAX_MACRO_DEPTH: usize = 4;

/// Attributes that change nothing for those who use an item.
const SILENT_ATTRIBUTES: [&str; 13] = [
    "allow",
    "clippy",
    "cold",
    "deny",
    "diagnostic",
    "doc",
    "expect",
    "forbid",
    "inline",
    "must_use",
    "rustfmt",
    "track_caller",
    "warn",
];

/// A public item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PublicItem {
    /// What to call it, for example `fn Parser::next`.
    pub(crate) name: String,
    /// Its signature: tokens with one space between them, without bodies,
    /// names of arguments, private fields, documentation and lints.
    pub(crate) print: String,
}

/// The public items of a file, sorted. An item counts whose own visibility is
/// `pub`, whatever the modules around it are.
pub(crate) fn surface(file: syn::File) -> Vec<PublicItem> {
    let mut surface = Surface {
        items: Vec::new(),
        module: String::new(),
        macro_depth: 0,
    };
    surface.items(file.items);
    surface.items.sort_unstable();
    surface.items
}

/// The name of the first item that only one of the two has.
pub(crate) fn difference<'a>(old: &'a [PublicItem], new: &'a [PublicItem]) -> Option<&'a str> {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => return None,
            (Some(a), Some(b)) if a == b => {
                old.next();
                new.next();
            }
            (Some(a), Some(b)) => return Some(if a < b { &a.name } else { &b.name }),
            (Some(only), None) | (None, Some(only)) => return Some(&only.name),
        }
    }
}

/// Parses a text and gives its public items.
pub(crate) fn surface_of(path: &str, text: &str) -> Result<Vec<PublicItem>, source::ParseProblem> {
    let items = SourceFile::new(path, text).parse().map(surface);
    // Spans remember the text of every file that this thread ever parsed.
    proc_macro2::extra::invalidate_current_thread_spans();
    items
}

struct Surface {
    items: Vec<PublicItem>,
    /// The modules around, each followed by `::`.
    module: String,
    macro_depth: usize,
}

impl Surface {
    fn add(&mut self, kind: &str, name: &str, tokens: impl ToTokens) {
        self.items.push(PublicItem {
            name: format!("{kind} {}{name}", self.module),
            print: tokens.into_token_stream().to_string(),
        });
    }

    fn items(&mut self, items: Vec<Item>) {
        for item in items {
            self.item(item);
        }
    }

    fn item(&mut self, item: Item) {
        match item {
            Item::Const(item) if is_public(&item.vis) => {
                let (attrs, vis, ident, ty) = (lasting(item.attrs), item.vis, item.ident, item.ty);
                self.add(
                    "const",
                    &ident.to_string(),
                    quote!(#(#attrs)* #vis const #ident: #ty),
                );
            }
            Item::Static(item) if is_public(&item.vis) => {
                let (attrs, vis, ident, ty) = (lasting(item.attrs), item.vis, item.ident, item.ty);
                let mutability = item.mutability;
                let tokens = quote!(#(#attrs)* #vis static #mutability #ident: #ty);
                self.add("static", &ident.to_string(), tokens);
            }
            Item::Enum(mut item) if is_public(&item.vis) => {
                clean(&mut item.attrs);
                clean_generics(&mut item.generics);
                item.variants.pop_punct();
                for variant in &mut item.variants {
                    clean(&mut variant.attrs);
                    // Fields of variants have no visibility of their own.
                    clean_fields(&mut variant.fields, |_| false);
                }
                self.add("enum", &item.ident.to_string(), &item);
            }
            Item::Struct(mut item) if is_public(&item.vis) => {
                clean(&mut item.attrs);
                clean_generics(&mut item.generics);
                clean_fields(&mut item.fields, |vis| !is_public(vis));
                self.add("struct", &item.ident.to_string(), &item);
            }
            Item::Union(mut item) if is_public(&item.vis) => {
                clean(&mut item.attrs);
                clean_generics(&mut item.generics);
                let mut fields = Fields::Named(item.fields);
                clean_fields(&mut fields, |vis| !is_public(vis));
                let (attrs, vis, ident, generics) =
                    (item.attrs, item.vis, item.ident, item.generics);
                self.add(
                    "union",
                    &ident.to_string(),
                    quote!(#(#attrs)* #vis union #ident #generics #fields),
                );
            }
            Item::Fn(item) if is_public(&item.vis) => {
                let (attrs, vis, sig) = (lasting(item.attrs), item.vis, signature(item.sig));
                self.add("fn", &sig.ident.to_string(), quote!(#(#attrs)* #vis #sig));
            }
            Item::Trait(item) if is_public(&item.vis) => self.trait_item(item),
            Item::TraitAlias(mut item) if is_public(&item.vis) => {
                clean(&mut item.attrs);
                self.add("trait", &item.ident.to_string(), &item);
            }
            Item::Type(mut item) if is_public(&item.vis) => {
                clean(&mut item.attrs);
                clean_generics(&mut item.generics);
                self.add("type", &item.ident.to_string(), &item);
            }
            Item::Use(mut item) if is_public(&item.vis) => {
                clean(&mut item.attrs);
                self.add("use", &item.tree.to_token_stream().to_string(), &item);
            }
            Item::ExternCrate(mut item) if is_public(&item.vis) => {
                clean(&mut item.attrs);
                self.add("extern crate", &item.ident.to_string(), &item);
            }
            Item::ForeignMod(item) => {
                let abi = item.abi;
                for foreign in item.items {
                    self.foreign(&quote!(#abi), foreign);
                }
            }
            Item::Impl(item) => self.impl_block(item),
            Item::Macro(item) => match item.ident {
                Some(name) => {
                    if item
                        .attrs
                        .iter()
                        .any(|attr| attr.path().is_ident("macro_export"))
                    {
                        let attrs = lasting(item.attrs);
                        self.add("macro", &name.to_string(), quote!(#(#attrs)* #name));
                    }
                }
                None => self.macro_call(&item.mac),
            },
            Item::Mod(item) => self.module(item),
            Item::Verbatim(tokens) => self.opaque("item", tokens),
            _ => {}
        }
    }

    fn module(&mut self, item: ItemMod) {
        let name = item.ident.to_string();
        if is_public(&item.vis) {
            let (attrs, vis, ident) = (lasting(item.attrs), &item.vis, &item.ident);
            self.add("mod", &name, quote!(#(#attrs)* #vis mod #ident));
        }
        if let Some((_, items)) = item.content {
            let around = self.module.len();
            self.module.push_str(&name);
            self.module.push_str("::");
            self.items(items);
            self.module.truncate(around);
        }
    }

    fn trait_item(&mut self, mut item: ItemTrait) {
        clean(&mut item.attrs);
        clean_generics(&mut item.generics);
        for member in &mut item.items {
            match member {
                TraitItem::Const(member) => clean(&mut member.attrs),
                TraitItem::Fn(member) => {
                    clean(&mut member.attrs);
                    member.sig = signature(member.sig.clone());
                    // That there is a default is public, what it does is not.
                    if let Some(block) = &mut member.default {
                        *block = empty(block);
                    }
                }
                TraitItem::Type(member) => clean(&mut member.attrs),
                TraitItem::Macro(member) => {
                    clean(&mut member.attrs);
                    member.mac.tokens = without_docs(member.mac.tokens.clone());
                }
                TraitItem::Verbatim(tokens) => *tokens = without_docs(tokens.clone()),
                _ => {}
            }
        }
        self.add("trait", &item.ident.to_string(), &item);
    }

    fn impl_block(&mut self, mut item: ItemImpl) {
        clean(&mut item.attrs);
        clean_generics(&mut item.generics);
        let members = std::mem::take(&mut item.items);
        let ty = item.self_ty.to_token_stream().to_string();
        if let Some((path, _)) = &item.trait_ {
            // The trait says what its functions look like; the types are chosen here.
            let name = format!("{} for {ty}", path.to_token_stream());
            item.items = members
                .into_iter()
                .filter(|member| matches!(member, ImplItem::Type(_)))
                .collect();
            for member in &mut item.items {
                if let ImplItem::Type(member) = member {
                    clean(&mut member.attrs);
                }
            }
            self.add("impl", &name, &item);
            return;
        }
        let header = item.to_token_stream();
        for member in members {
            match member {
                ImplItem::Const(member) if is_public(&member.vis) => {
                    let (attrs, vis, ident, ty_of) =
                        (lasting(member.attrs), member.vis, member.ident, member.ty);
                    let tokens = quote!(#header #(#attrs)* #vis const #ident: #ty_of);
                    self.add("const", &format!("{ty}::{ident}"), tokens);
                }
                ImplItem::Fn(member) if is_public(&member.vis) => {
                    let (attrs, vis, sig) =
                        (lasting(member.attrs), member.vis, signature(member.sig));
                    let name = format!("{ty}::{}", sig.ident);
                    self.add("fn", &name, quote!(#header #(#attrs)* #vis #sig));
                }
                ImplItem::Type(mut member) if is_public(&member.vis) => {
                    clean(&mut member.attrs);
                    self.add(
                        "type",
                        &format!("{ty}::{}", member.ident),
                        quote!(#header #member),
                    );
                }
                ImplItem::Macro(member) => self.opaque(&ty, member.mac.tokens),
                ImplItem::Verbatim(tokens) => self.opaque(&ty, tokens),
                _ => {}
            }
        }
    }

    fn foreign(&mut self, abi: &TokenStream, item: ForeignItem) {
        match item {
            ForeignItem::Fn(item) if is_public(&item.vis) => {
                let (attrs, vis, sig) = (lasting(item.attrs), item.vis, signature(item.sig));
                self.add(
                    "fn",
                    &sig.ident.to_string(),
                    quote!(#abi #(#attrs)* #vis #sig),
                );
            }
            ForeignItem::Static(mut item) if is_public(&item.vis) => {
                clean(&mut item.attrs);
                self.add("static", &item.ident.to_string(), quote!(#abi #item));
            }
            ForeignItem::Type(mut item) if is_public(&item.vis) => {
                clean(&mut item.attrs);
                self.add("type", &item.ident.to_string(), quote!(#abi #item));
            }
            ForeignItem::Macro(item) => self.opaque("extern", item.mac.tokens),
            ForeignItem::Verbatim(tokens) => self.opaque("extern", tokens),
            _ => {}
        }
    }

    /// Looks into `name! { .. }` where what it holds are items.
    fn macro_call(&mut self, mac: &syn::Macro) {
        if !mentions_pub(mac.tokens.clone()) {
            return;
        }
        if self.macro_depth < MAX_MACRO_DEPTH
            && let Ok(file) = syn::parse2::<syn::File>(mac.tokens.clone())
        {
            self.macro_depth += 1;
            self.items(file.items);
            self.macro_depth -= 1;
            return;
        }
        let name = format!("{}!", mac.path.to_token_stream());
        self.opaque(&name, mac.tokens.clone());
    }

    /// Tokens that nobody but their macro understands. Where they speak of
    /// something public, all of them have to stay.
    fn opaque(&mut self, name: &str, tokens: TokenStream) {
        if mentions_pub(tokens.clone()) {
            self.add("item in", name, without_docs(tokens));
        }
    }
}

fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

fn lasting(mut attrs: Vec<Attribute>) -> Vec<Attribute> {
    clean(&mut attrs);
    attrs
}

fn clean(attrs: &mut Vec<Attribute>) {
    attrs.retain(|attr| {
        let first = attr.path().segments.first();
        !first.is_some_and(|name| SILENT_ATTRIBUTES.iter().any(|silent| name.ident == silent))
    });
}

/// Whether a list ends in a comma means nothing.
fn clean_generics(generics: &mut Generics) {
    generics.params.pop_punct();
    if let Some(clause) = &mut generics.where_clause {
        clause.predicates.pop_punct();
    }
}

fn clean_fields(fields: &mut Fields, is_hidden: impl Fn(&Visibility) -> bool) {
    match fields {
        Fields::Named(fields) => {
            fields.named.pop_punct();
        }
        Fields::Unnamed(fields) => {
            fields.unnamed.pop_punct();
        }
        Fields::Unit => {}
    }
    for field in fields {
        clean(&mut field.attrs);
        if is_hidden(&field.vis) {
            // That it is there matters to those who construct or match.
            field.attrs.clear();
            field.vis = Visibility::Inherited;
            field.ident = field
                .ident
                .take()
                .map(|_| Ident::new("hidden", Span::call_site()));
            field.ty = Type::Infer(TypeInfer {
                attrs: Vec::new(),
                underscore_token: Default::default(),
            });
        }
    }
}

/// The signature without the names of its arguments.
fn signature(mut sig: Signature) -> Signature {
    clean_generics(&mut sig.generics);
    sig.inputs.pop_punct();
    for input in &mut sig.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                receiver.attrs.clear();
                receiver.mutability = None;
            }
            FnArg::Typed(arg) => {
                arg.attrs.clear();
                *arg.pat = Pat::Wild(PatWild {
                    attrs: Vec::new(),
                    underscore_token: Default::default(),
                });
            }
        }
    }
    if let Some(variadic) = &mut sig.variadic {
        variadic.attrs.clear();
        variadic.pat = None;
        variadic.comma = None;
    }
    sig
}

fn empty(block: &Block) -> Block {
    Block {
        brace_token: block.brace_token,
        stmts: Vec::new(),
    }
}

/// Whether `pub` or `macro_export` occurs, at any depth.
fn mentions_pub(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "pub" || ident == "macro_export",
        TokenTree::Group(group) => mentions_pub(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// The tokens without `#[doc = ..]`, which is what `///` becomes.
fn without_docs(tokens: TokenStream) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let is_doc = group.delimiter() == proc_macro2::Delimiter::Bracket
                    && matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
                    && matches!(kept.last(), Some(TokenTree::Punct(hash)) if hash.as_char() == '#');
                if is_doc {
                    kept.pop();
                } else {
                    let inner = without_docs(group.stream());
                    kept.push(TokenTree::Group(proc_macro2::Group::new(
                        group.delimiter(),
                        inner,
                    )));
                }
            }
            other => kept.push(other),
        }
    }
    kept.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<PublicItem> {
        surface_of("a.rs", text).unwrap()
    }

    #[track_caller]
    fn same(old: &str, new: &str) {
        let (old, new) = (of(old), of(new));
        assert!(!old.is_empty());
        assert_eq!(difference(&old, &new), None);
    }

    #[track_caller]
    fn differs(old: &str, new: &str, name: &str) {
        let (old, new) = (of(old), of(new));
        assert_eq!(difference(&old, &new), Some(name));
        assert_eq!(difference(&new, &old), Some(name), "the other way round");
    }

    #[test]
    fn what_nobody_sees_may_change() {
        same(
            "pub fn f(a: u8) { g(a) }",
            "/// Documented.\n#[must_use]\n#[inline] pub fn f(mut b: u8,) { a = 1 }",
        );
        same(
            "pub struct S { pub a: u8, b: u8 }",
            "pub struct S {\n /// A.\n pub a: u8, #[allow(dead_code)] other: Vec<u8>,\n}",
        );
        same(
            "pub trait T { fn f(&self) { a() } }",
            "pub trait T { fn f(&self) { b() } }",
        );
        same("pub const A: u8 = 1;", "pub const A: u8 = 2;");
        same(
            "impl S { pub fn f(self) {} fn g() {} }",
            "impl S { pub fn f(mut self) { loop {} } }",
        );
        same(
            "impl T for S { type A = u8; fn f() {} }",
            "impl T for S { fn f() { g() } type A = u8; }",
        );
        same(
            "pub enum E { A, B(u8) }",
            "pub enum E { #[doc = \"a\"] A, B(u8,), }",
        );
        same(
            "pub mod m { fn f() {} }",
            "pub mod m { fn g() {} pub(crate) fn h() {} }",
        );
        same(
            "cfg_rt! { pub fn f() { a() } }",
            "cfg_rt! { /// F.\n pub fn f() { b() } }",
        );
        same("pub fn a() {} pub fn b() {}", "pub fn b() {} pub fn a() {}");
        same(
            "pub fn f<A,>(_: A) where A: Copy, {}",
            "pub fn f<A>(_: A) where A: Copy {}",
        );
        same(
            "pub union U { pub a: u8, b: u8 }",
            "pub union U { pub a: u8, c: u8, }",
        );
    }

    #[test]
    fn what_others_see_has_to_stay() {
        differs("pub fn f(a: u8) {}", "pub fn f(a: u16) {}", "fn f");
        differs("pub fn f() {}", "pub(crate) fn f() {}", "fn f");
        differs("pub fn f() {}", "pub async fn f() {}", "fn f");
        differs("pub fn f() {}", "#[cfg(unix)] pub fn f() {}", "fn f");
        differs("pub fn f() {}", "", "fn f");
        differs("mod a { pub fn f() {} }", "mod a { fn f() {} }", "fn a::f");
        differs(
            "pub struct S { pub a: u8 }",
            "pub struct S { a: u8 }",
            "struct S",
        );
        differs(
            "pub struct S { pub a: u8 }",
            "pub struct S { pub a: u8, b: u8 }",
            "struct S",
        );
        differs(
            "#[derive(Clone)] pub struct S;",
            "pub struct S;",
            "struct S",
        );
        differs("pub enum E { A, B }", "pub enum E { A }", "enum E");
        differs(
            "pub trait T { fn f() {} }",
            "pub trait T { fn f(); }",
            "trait T",
        );
        differs("pub const A: u8 = 1;", "pub const A: u16 = 1;", "const A");
        differs(
            "pub static A: u8 = 1;",
            "pub static mut A: u8 = 1;",
            "static A",
        );
        differs("pub type A = u8;", "pub type A = u16;", "type A");
        differs("pub use a::b;", "pub use a::c;", "use a :: b");
        differs(
            "impl S { pub fn f(&self) {} }",
            "impl S { pub fn f(&mut self) {} }",
            "fn S::f",
        );
        differs(
            "impl<A> S<A> { pub fn f() {} }",
            "impl<A: Copy> S<A> { pub fn f() {} }",
            "fn S < A >::f",
        );
        differs(
            "impl S { pub const A: u8 = 1; }",
            "impl S { const A: u8 = 1; }",
            "const S::A",
        );
        differs("impl T for S {}", "", "impl T for S");
        differs(
            "impl T for S { type A = u8; }",
            "impl T for S { type A = u16; }",
            "impl T for S",
        );
        differs(
            "extern \"C\" { pub fn f(a: u8); }",
            "extern \"C\" { pub fn f(a: i8); }",
            "fn f",
        );
        differs(
            "#[macro_export] macro_rules! m { () => {} }",
            "macro_rules! m { () => {} }",
            "macro m",
        );
        differs("cfg_rt! { pub mod a; }", "cfg_rt! { mod a; }", "mod a");
        differs("pub extern crate a;", "extern crate a;", "extern crate a");
    }

    #[test]
    fn macros_that_only_they_understand_have_to_stay() {
        same("m! { pub a => 1 }", "m! { /// A.\n pub a => 1 }");
        differs("m! { pub a => 1 }", "m! { pub a => 2 }", "item in m!");
        assert!(of("m! { a => 1 }").is_empty());
        let deep = |body: &str| {
            format!(
                "{}pub fn f() {{ {body} }}{}",
                "m! { ".repeat(8),
                " }".repeat(8)
            )
        };
        differs(&deep("a()"), &deep("b()"), "item in m!");
    }

    #[test]
    fn the_same_item_twice_counts_twice() {
        differs("pub use a::b; pub use a::b;", "pub use a::b;", "use a :: b");
    }

    #[test]
    fn private_files_offer_nothing() {
        assert!(of("fn f() {} struct S { pub a: u8 } pub(crate) const A: u8 = 1;").is_empty());
    }
}
