//! What is test code.

use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// Whether one of the attributes makes a function a test or a benchmark:
/// `#[test]`, `#[tokio::test]`, `#[bench]`, `#[rstest]` and the like.
#[must_use]
pub fn has_test_attribute(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().segments.last().is_some_and(|segment| {
            let name = segment.ident.to_string();
            matches!(
                name.as_str(),
                "test" | "bench" | "rstest" | "test_case" | "quickcheck" | "proptest" | "divan"
            ) || name.ends_with("_test")
        })
    })
}

/// Whether the attributes keep an item out of every build but that of tests:
/// `#[cfg(test)]`, alone or within `all(..)`; the attributes of
/// [`has_test_attribute`] do so too.
#[must_use]
pub fn is_test_only(attributes: &[Attribute]) -> bool {
    has_test_attribute(attributes)
        || attributes.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<Meta>()
                    .is_ok_and(|predicate| needs_test(&predicate))
        })
}

/// Whether the predicate holds in no build but that of tests.
fn needs_test(predicate: &Meta) -> bool {
    let needs = |all: bool, list: &syn::MetaList| {
        list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|parts| {
                if all {
                    parts.iter().any(needs_test)
                } else {
                    !parts.is_empty() && parts.iter().all(needs_test)
                }
            })
    };
    match predicate {
        Meta::Path(path) => [
            "test", "doctest", "bench", "loom", "miri", "fuzzing", "kani",
        ]
        .iter()
        .any(|name| path.is_ident(name)),
        Meta::List(list) if list.path.is_ident("all") => needs(true, list),
        Meta::List(list) if list.path.is_ident("any") => needs(false, list),
        Meta::List(_) | Meta::NameValue(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(text: &str) -> Vec<Attribute> {
        syn::parse_str::<syn::ItemFn>(&format!("{text} fn f() {{}}"))
            .unwrap()
            .attrs
    }

    #[test]
    fn what_only_tests_build_is_test_code() {
        for yes in [
            "#[test]",
            "#[tokio::test(flavor = \"multi_thread\")]",
            "#[wasm_bindgen_test]",
            "#[cfg(test)]",
            "#[cfg(all(test, unix))]",
            "#[cfg(any(test, doctest))]",
            "#[cfg(all(unix, any(test, miri)))]",
        ] {
            assert!(is_test_only(&attributes(yes)), "{yes}");
        }
        for no in [
            "",
            "#[inline]",
            "#[cfg(unix)]",
            "#[cfg(not(test))]",
            "#[cfg(any(test, feature = \"x\"))]",
            "#[cfg(feature = \"test\")]",
            "#[cfg(any())]",
            "#[cfg_attr(test, inline)]",
        ] {
            assert!(!is_test_only(&attributes(no)), "{no}");
        }
    }
}
