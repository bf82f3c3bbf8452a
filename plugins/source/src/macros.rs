//! What stands in the braces of a macro call, where it is Rust.

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser as _};
use syn::{Block, Expr, File, Item, Macro, Stmt, Token};

/// The body of a macro call as far as it can be read.
#[derive(Clone, Debug)]
pub enum MacroBody {
    /// Expressions, separated by commas or semicolons: `vec![a; n]`,
    /// `println!("{}", a)`.
    Exprs(Vec<Expr>),
    /// Statements: `block! { let a = b; c }`.
    Stmts(Vec<Stmt>),
    /// Items: `cfg_unix! { pub fn f() {} }`.
    Items(Vec<Item>),
    /// Something else, or nothing that runs where it stands.
    Opaque,
}

impl MacroBody {
    /// The body of a macro that is called where an expression or a statement
    /// may stand.
    #[must_use]
    pub fn of_expression(call: &Macro) -> Self {
        let name = name(call);
        if is_quoting(&name) || call.tokens.is_empty() {
            return Self::Opaque;
        }
        let (mut exprs, complete) = exprs(call.tokens.clone());
        if is_matching(&name) {
            exprs.truncate(1);
            return Self::Exprs(exprs);
        }
        if complete {
            return Self::Exprs(exprs);
        }
        match Block::parse_within.parse2(call.tokens.clone()) {
            Ok(stmts) if !stmts.is_empty() => Self::Stmts(stmts),
            _ => Self::Opaque,
        }
    }

    /// The body of a macro that is called where an item may stand.
    #[must_use]
    pub fn of_item(call: &Macro) -> Self {
        if is_quoting(&name(call)) || call.tokens.is_empty() {
            return Self::Opaque;
        }
        match syn::parse2::<File>(call.tokens.clone()) {
            Ok(file) if !file.items.is_empty() => Self::Items(file.items),
            _ => Self::Opaque,
        }
    }
}

/// The last part of the macro's path.
fn name(call: &Macro) -> String {
    call.path
        .segments
        .last()
        .map(|segment| segment.ident.to_string())
        .unwrap_or_default()
}

/// Whether the body is data for whoever calls the macro, not code that runs.
fn is_quoting(name: &str) -> bool {
    name.starts_with("quote")
        || name.starts_with("parse_quote")
        || matches!(
            name,
            "macro_rules"
                | "stringify"
                | "concat"
                | "env"
                | "option_env"
                | "compile_error"
                | "include"
                | "include_str"
                | "include_bytes"
                | "asm"
                | "global_asm"
                | "cfg"
        )
}

/// Macros of the standard library whose second argument is a pattern.
fn is_matching(name: &str) -> bool {
    matches!(name, "matches" | "assert_matches" | "debug_assert_matches")
}

/// The expressions up to the first thing that is none, and whether they are all.
fn exprs(tokens: TokenStream) -> (Vec<Expr>, bool) {
    let mut exprs = Vec::new();
    let parse = |input: ParseStream<'_>| {
        while !input.is_empty() {
            exprs.push(input.parse()?);
            if !input.is_empty() && input.parse::<Option<Token![,]>>()?.is_none() {
                input.parse::<Token![;]>()?;
            }
        }
        Ok(())
    };
    let complete = parse.parse2(tokens).is_ok();
    (exprs, complete)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> MacroBody {
        MacroBody::of_expression(&syn::parse_str(text).unwrap())
    }

    fn items(text: &str) -> MacroBody {
        MacroBody::of_item(&syn::parse_str(text).unwrap())
    }

    #[test]
    fn expressions_are_read_however_they_are_separated() {
        for (text, count) in [
            ("vec![a.unwrap(); 3]", 2),
            ("vec![a, b,]", 2),
            ("println!(\"{x} {}\", f(a)?, x = g())", 3),
            ("assert!(a < b, \"{}\", c)", 3),
            ("matches!(f(x), Some(1..) | None if y)", 1),
            ("dbg!()", 0),
        ] {
            match body(text) {
                MacroBody::Exprs(exprs) => assert_eq!(exprs.len(), count, "{text}"),
                MacroBody::Opaque => assert_eq!(count, 0, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn statements_and_items_are_read() {
        assert!(matches!(
            body("trace! { if a { b() } while c {} d() }"),
            MacroBody::Stmts(stmts) if stmts.len() == 3
        ));
        assert!(matches!(
            items("cfg_rt! { pub mod a; /// b\n pub fn b() {} }"),
            MacroBody::Items(items) if items.len() == 2
        ));
    }

    #[test]
    fn what_is_no_rust_or_does_not_run_here_is_opaque() {
        for text in [
            "json!({ \"a\": 1 })",
            "select! { a = b => {} }",
            "quote! { #a.unwrap() }",
            "stringify!(a.unwrap())",
        ] {
            assert!(matches!(body(text), MacroBody::Opaque), "{text}");
        }
        assert!(matches!(
            items("bitflags! { struct A: u8 { const B = 1; } }"),
            MacroBody::Opaque
        ));
        assert!(matches!(
            items("macro_rules! { () => {} }"),
            MacroBody::Opaque
        ));
    }
}
