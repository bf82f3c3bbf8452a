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
mod tests;
