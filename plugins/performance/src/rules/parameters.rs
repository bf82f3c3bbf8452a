//! References to what is itself a reference to the data: `&String`, `&Vec<T>`,
//! `Box<Vec<T>>`. Each use goes through two pointers, and callers who have a
//! `&str` or a slice have to make a `String` or a `Vec` first.
//!
//! Clippy's names for it are `ptr_arg` and `box_collection`.

use lint::Report;
use ringfence_sdk::Severity;
use source::{Function, FunctionKind, Position, Scope};
use syn::{FnArg, GenericArgument, PathArguments, ReturnType, Type};

const BORROWED: &str = "reference-to-owned";
const BOXED: &str = "boxed-collection";

pub(super) fn function(function: &Function<'_>, scope: &Scope, report: &mut Report) {
    let is_free = matches!(function.kind, FunctionKind::Free | FunctionKind::Inherent);
    if !is_free || scope.allows("clippy::ptr_arg") || is_for_serde(function) {
        return;
    }
    for input in &function.sig.inputs {
        let FnArg::Typed(input) = input else { continue };
        let Type::Reference(reference) = &*input.ty else {
            continue;
        };
        if reference.mutability.is_some() {
            continue;
        }
        if let Some((owned, better)) = better_type(&reference.elem) {
            let message = format!(
                "`&{owned}` is a reference to a reference; `{better}` takes the same and more"
            );
            report.add(BORROWED, Severity::Low, Position::of(&input.ty), message);
        }
    }
}

/// Functions that serde calls take what its derive gives them.
fn is_for_serde(function: &Function<'_>) -> bool {
    let generics = &function.sig.generics;
    let is_serializer = generics.type_params().any(|parameter| {
        parameter.bounds.iter().any(|bound| {
            matches!(bound, syn::TypeParamBound::Trait(bound)
                if bound.path.segments.last().is_some_and(|last| last.ident == "Serializer"))
        })
    });
    let gives_bool = matches!(&function.sig.output, ReturnType::Type(_, ty)
        if matches!(&**ty, Type::Path(path) if path.path.is_ident("bool")));
    is_serializer || (gives_bool && function.sig.inputs.len() == 1)
}

fn better_type(ty: &Type) -> Option<(&'static str, &'static str)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    match last.ident.to_string().as_str() {
        "String" if path.path.segments.len() == 1 => Some(("String", "&str")),
        "PathBuf" => Some(("PathBuf", "&Path")),
        "Vec" if matches!(last.arguments, PathArguments::AngleBracketed(_)) => {
            Some(("Vec<_>", "&[_]"))
        }
        _ => None,
    }
}

/// `Box<Vec<T>>`, wherever a type may stand.
pub(super) fn path(path: &syn::Path, scope: &Scope, report: &mut Report) {
    let Some(last) = path.segments.last() else {
        return;
    };
    if last.ident != "Box" || scope.in_trait_impl() || scope.allows("clippy::box_collection") {
        return;
    }
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return;
    };
    let Some(GenericArgument::Type(Type::Path(inner))) = arguments.args.first() else {
        return;
    };
    let Some(inner) = inner.path.segments.last() else {
        return;
    };
    let name = inner.ident.to_string();
    if matches!(
        name.as_str(),
        "Vec" | "String" | "HashMap" | "BTreeMap" | "HashSet" | "VecDeque"
    ) {
        let message = format!(
            "`{name}` keeps its items on the heap already; the `Box` around it is a second \
             allocation"
        );
        report.add(BOXED, Severity::Low, Position::of(&last.ident), message);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found;

    #[test]
    fn double_references_are_found() {
        let text = "\
fn f(a: &String, b: &'static Vec<u8>, c: &std::path::PathBuf) {}
struct S { x: Box<Vec<u8>> }
impl S { fn g(&self, a: &Vec<u8>) -> bool { true } }
";
        assert_eq!(
            found(text),
            [
                "reference-to-owned low 1:9",
                "reference-to-owned low 1:21",
                "reference-to-owned low 1:42",
                "boxed-collection low 2:15",
                "reference-to-owned low 3:25",
            ]
        );
    }

    #[test]
    fn what_others_ask_for_is_not() {
        let text = "\
fn f(a: &mut Vec<u8>, b: &str, c: &[u8], d: Vec<u8>, e: Box<[u8]>) {}
fn is_none(v: &Vec<u8>) -> bool { true }
fn ser<S: serde::Serializer>(v: &Vec<u8>, s: S) {}
impl T for X { fn g(&self, a: &Vec<u8>) {} }
#[allow(clippy::ptr_arg)]
fn h(a: &String) {}
";
        assert_eq!(found(text), [""; 0]);
    }
}
