//! `unsafe` without a word on why it is sound.
//!
//! The compiler takes the author's word here. A `// SAFETY:` comment on a block
//! or `impl` says which rules hold and why; a `# Safety` section on an `unsafe
//! fn` or trait says what its callers owe. Without them nobody can review the
//! code, and the next change breaks a rule that nobody knew.
//!
//! Clippy's names for it are `undocumented_unsafe_blocks` and
//! `missing_safety_doc`; allowing these silences the rule.

use lint::Report;
use ringfence_sdk::Severity;
use source::{Function, FunctionKind, Position, Scope};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Item, Meta, Safety, Visibility};

use super::Facts;

const RULE: &str = "unsafe-without-comment";

pub(super) fn expr(expr: &Expr, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    let Expr::Unsafe(block) = expr else { return };
    if scope.allows("clippy::undocumented_unsafe_blocks") {
        return;
    }
    let place = Position::of(&block.unsafe_token);
    let inside = block
        .block
        .stmts
        .first()
        .map(|stmt| Position::of(stmt).line);
    let explained = facts.says_why_safe(place.line)
        || inside.is_some_and(|line| facts.comments.mentions(line, "safety"));
    if !explained {
        report.add(
            RULE,
            Severity::Medium,
            place,
            "`unsafe` block without a `// SAFETY:` comment; say above it which rules hold and why",
        );
    }
}

pub(super) fn item(item: &Item, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    let (token, message) = match item {
        Item::Impl(item) => {
            if scope.allows("clippy::undocumented_unsafe_blocks") {
                return;
            }
            let Some(token) = item.unsafety else { return };
            let message = "`unsafe impl` without a `// SAFETY:` comment; say above it why the \
                           type keeps the trait's promise";
            (token, message)
        }
        Item::Trait(item) => {
            if scope.allows("clippy::missing_safety_doc") || has_safety_docs(&item.attrs) {
                return;
            }
            let Some(token) = item.unsafety else { return };
            let message = "`unsafe trait` without a `# Safety` section; say what whoever \
                           implements it promises";
            (token, message)
        }
        _ => return,
    };
    let place = Position::at(token.span().start());
    if !facts.says_why_safe(place.line) {
        report.add(RULE, Severity::Medium, place, message);
    }
}

pub(super) fn function(
    function: &Function<'_>,
    scope: &Scope,
    facts: &Facts<'_>,
    report: &mut Report,
) {
    let Safety::Unsafe(token) = &function.sig.safety else {
        return;
    };
    // What an implementation asks for is said where the trait is.
    if function.kind == FunctionKind::TraitImpl
        || scope.allows("clippy::missing_safety_doc")
        || has_safety_docs(function.attrs)
    {
        return;
    }
    let place = Position::of(token);
    if facts.says_why_safe(place.line) {
        return;
    }
    let name = function.name();
    // Who calls a function of this crate can read it; who calls a public one may
    // not.
    let severity = match function.vis {
        Some(Visibility::Public(_)) | None => Severity::Medium,
        Some(_) => Severity::Low,
    };
    let message =
        format!("`unsafe fn {name}` without a `# Safety` section; say what its callers must keep");
    report.add(RULE, severity, place, message);
}

fn has_safety_docs(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::NameValue(doc) = &attribute.meta else {
            return false;
        };
        let Expr::Lit(text) = &doc.value else {
            // `#[doc = include_str!(..)]`: who writes that has written something.
            return doc.path.is_ident("doc");
        };
        doc.path.is_ident("doc")
            && matches!(&text.lit, syn::Lit::Str(text) if text.value().to_lowercase().contains("safety"))
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found;

    #[test]
    fn unsafe_wants_a_reason() {
        let text = "\
fn f(p: *const u8) -> u8 {
    let a = unsafe { *p };
    cfg_x! { let b = unsafe { *p }; }
    a
}
unsafe impl Send for T {}
unsafe trait U {}
pub unsafe fn g() {}
unsafe fn h() {}
";
        assert_eq!(
            found(text),
            [
                "unsafe-without-comment medium 2:13",
                "unsafe-without-comment medium 3:22",
                "unsafe-without-comment medium 6:1",
                "unsafe-without-comment medium 7:1",
                "unsafe-without-comment medium 8:5",
                "unsafe-without-comment low 9:1",
            ]
        );
    }

    #[test]
    fn a_reason_may_stand_where_people_put_it() {
        let text = "\
fn f(p: *const u8) -> u8 {
    // SAFETY: `p` is valid.
    let a = unsafe { *p };
    let b = unsafe { *p };
    // SAFETY: as above.
    let c =
        foo(
            a, unsafe { *p });
    unsafe {
        // Safety: as above.
        *p
    };
    match a {
        // SAFETY: as above.
        1 => unsafe { *p },
        _ => 0, // done
    }
}
// SAFETY: `T` has no pointers.
#[cfg(unix)]
unsafe impl Send for T {}
/// Docs.
///
/// # Safety
/// Promise.
pub unsafe fn g() {}
impl U for T { unsafe fn h(&self) {} }
extern \"C\" { fn i(); }
type F = unsafe fn();
";
        assert_eq!(found(text), [""; 0]);
    }

    #[test]
    fn tests_and_allowed_code_are_left_alone() {
        let text = "\
#[cfg(test)]
mod tests { fn f(p: *const u8) -> u8 { unsafe { *p } } }
#[allow(clippy::undocumented_unsafe_blocks)]
fn f(p: *const u8) -> u8 { unsafe { *p } }
#[expect(clippy::missing_safety_doc)]
pub unsafe fn g() {}
";
        assert_eq!(found(text), [""; 0]);
    }

    #[test]
    fn a_comment_further_up_explains_nothing() {
        let text = "\
fn f(p: *const u8) -> u8 {
    // SAFETY: about this one only.
    let a = unsafe { *p };

    let b = unsafe { *p };
    let c = 1;
    unsafe { *p }
}
";
        assert_eq!(
            found(text),
            [
                "unsafe-without-comment medium 5:13",
                "unsafe-without-comment medium 7:5"
            ]
        );
    }
}
