//! Which lints attributes switch off.

use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// Adds the lints that `#[allow(..)]` and `#[expect(..)]` in `attributes` name,
/// for example `clippy::unwrap_used`. What hangs on a `cfg_attr` does not count:
/// whether it applies is not known here.
pub(crate) fn allowed(attributes: &[Attribute], lints: &mut Vec<String>) {
    for attribute in attributes {
        let path = attribute.path();
        if !path.is_ident("allow") && !path.is_ident("expect") {
            continue;
        }
        let Meta::List(list) = &attribute.meta else {
            continue;
        };
        let Ok(metas) = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
        else {
            continue;
        };
        lints.extend(metas.iter().filter_map(|meta| match meta {
            Meta::Path(path) => Some(lint_name(path)),
            _ => None,
        }));
    }
}

fn lint_name(path: &syn::Path) -> String {
    let mut name = String::new();
    for segment in &path.segments {
        if !name.is_empty() {
            name.push_str("::");
        }
        name.push_str(&segment.ident.to_string());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allow_and_expect_switch_lints_off() {
        let item: syn::ItemFn = syn::parse_str(
            "#[allow(dead_code, clippy::unwrap_used, reason = \"why\")] #[expect(clippy::panic)]
             #[warn(clippy::todo)] #[cfg_attr(test, allow(clippy::dbg_macro))] #[allow]
             #[allow(1 + 1)] fn f() {}",
        )
        .unwrap();
        let mut lints = Vec::new();
        allowed(&item.attrs, &mut lints);
        assert_eq!(lints, ["dead_code", "clippy::unwrap_used", "clippy::panic"]);
    }
}
