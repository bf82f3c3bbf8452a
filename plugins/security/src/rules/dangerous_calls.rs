//! Calls that step around a check of the language: what they are given has to
//! be right to the bit, or anything can happen.
//!
//! A `// SAFETY:` comment says that somebody has thought about it. It makes the
//! conversions between types milder, and the rest is not reported at all: then
//! the comment is what there is to review.

use lint::Report;
use ringfence_sdk::Severity;
use source::{Position, Scope};
use syn::{Expr, ExprMethodCall, ExprPath, PathArguments};

use super::Facts;
use super::expression::last_segment;

const TRANSMUTE: &str = "transmute";
const UNINITIALISED: &str = "uninitialised-memory";
const UNCHECKED: &str = "unchecked-call";

struct Danger {
    name: &'static str,
    /// The part of the path before the name, one of these.
    parents: &'static [&'static str],
    rule: &'static str,
    severity: Severity,
    advice: &'static str,
}

const FUNCTIONS: &[Danger] = &[
    Danger {
        name: "transmute",
        parents: &["mem", "intrinsics", ""],
        rule: TRANSMUTE,
        severity: Severity::Medium,
        advice: "reads the bits of one type as another; `as`, `from_bits`, `from_ne_bytes` or a \
                 pointer cast say more and check more",
    },
    Danger {
        name: "transmute_copy",
        parents: &["mem", ""],
        rule: TRANSMUTE,
        severity: Severity::Medium,
        advice: "reads the bits of one type as another and does not even compare their sizes",
    },
    Danger {
        name: "uninitialized",
        parents: &["mem"],
        rule: UNINITIALISED,
        severity: Severity::High,
        advice: "is undefined behaviour for almost every type; use `MaybeUninit`",
    },
    Danger {
        name: "zeroed",
        parents: &["mem"],
        rule: UNINITIALISED,
        severity: Severity::Low,
        advice: "is undefined behaviour for references, boxes and function pointers; give the \
                 type a `Default` or use `MaybeUninit::zeroed`",
    },
    Danger {
        name: "from_utf8_unchecked",
        parents: &["str", "String"],
        rule: UNCHECKED,
        severity: Severity::Low,
        advice: "is undefined behaviour if the bytes are no UTF-8; `from_utf8` checks at a few \
                 GB/s",
    },
    Danger {
        name: "from_raw_parts",
        parents: &["slice", "Vec", "String", "ptr", ""],
        rule: UNCHECKED,
        severity: Severity::Low,
        advice: "trusts the pointer, the length and the lifetime that it is given",
    },
    Danger {
        name: "from_raw_parts_mut",
        parents: &["slice", "ptr", ""],
        rule: UNCHECKED,
        severity: Severity::Low,
        advice: "trusts the pointer, the length, the lifetime and that nobody else looks",
    },
    Danger {
        name: "unreachable_unchecked",
        parents: &["hint", ""],
        rule: UNCHECKED,
        severity: Severity::Low,
        advice: "is undefined behaviour if it is reached after all; `unreachable!` costs a jump",
    },
];

/// Methods, which count only inside of `unsafe`: safe methods share their names
/// (`File::set_len`).
const METHODS: &[(&str, usize, &str)] = &[
    (
        "get_unchecked",
        1,
        "reads out of bounds if the index is wrong",
    ),
    (
        "get_unchecked_mut",
        1,
        "writes out of bounds if the index is wrong",
    ),
    (
        "assume_init",
        0,
        "of memory that was never written is undefined behaviour for almost every type",
    ),
    ("set_len", 1, "makes whatever is there part of the vector"),
    (
        "unwrap_unchecked",
        0,
        "is undefined behaviour if there is nothing to unwrap",
    ),
    (
        "from_utf8_unchecked",
        1,
        "is undefined behaviour if the bytes are no UTF-8",
    ),
];

pub(super) fn expr(expr: &Expr, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    if !scope.in_unsafe() {
        return;
    }
    match expr {
        Expr::Call(call) => {
            if let Expr::Path(path) = &*call.func {
                function(path, scope, facts, report);
            }
        }
        Expr::MethodCall(call) => method(call, facts, report),
        _ => {}
    }
}

fn function(call: &ExprPath, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    let mut segments = call.path.segments.iter().rev();
    let Some(last) = segments.next() else { return };
    let parent = segments
        .next()
        .map(|parent| parent.ident.to_string())
        .unwrap_or_default();
    let Some(danger) = FUNCTIONS
        .iter()
        .find(|danger| last.ident == danger.name && danger.parents.contains(&parent.as_str()))
    else {
        return;
    };
    let place = Position::of(last);
    let is_explained = facts.says_why_safe(place.line);
    let severity = match danger.rule {
        // Spelling both types out makes sure that a change of either is seen.
        TRANSMUTE if is_explained => Severity::Info,
        TRANSMUTE if !matches!(last.arguments, PathArguments::None) => Severity::Low,
        _ if is_explained && danger.severity < Severity::High => return,
        _ => danger.severity,
    };
    if danger.rule == TRANSMUTE && scope.allows("clippy::missing_transmute_annotations") {
        return;
    }
    let message = format!("`{}` {}", danger.name, danger.advice);
    report.add(danger.rule, severity, place, message);
}

fn method(call: &ExprMethodCall, facts: &Facts<'_>, report: &mut Report) {
    let Some((name, _, advice)) = METHODS
        .iter()
        .find(|(name, args, _)| call.method == name && call.args.len() == *args)
    else {
        return;
    };
    let place = Position::of(&call.method);
    if *name == "assume_init" {
        if is_never_written(call) {
            report.add(
                UNINITIALISED,
                Severity::High,
                place,
                format!("`{name}` {advice}"),
            );
        }
    } else if !facts.says_why_safe(place.line) {
        report.add(
            UNCHECKED,
            Severity::Low,
            place,
            format!("`{name}` {advice}"),
        );
    }
}

/// `MaybeUninit::uninit().assume_init()`. Where the type is spelt out it may be
/// an array of `MaybeUninit`, for which this is right.
fn is_never_written(call: &ExprMethodCall) -> bool {
    let Expr::Call(make) = &*call.receiver else {
        return false;
    };
    let Expr::Path(path) = &*make.func else {
        return false;
    };
    let is_spelt_out = path
        .path
        .segments
        .iter()
        .any(|segment| !matches!(segment.arguments, PathArguments::None));
    !is_spelt_out && last_segment(&make.func).is_some_and(|name| name == "uninit")
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::rules_in;

    fn without_comment(call: &str) -> Vec<String> {
        let mut rules = rules_in(&format!("unsafe {{ {call} }}"));
        rules.retain(|rule| rule != "unsafe-without-comment");
        rules
    }

    #[test]
    fn dangerous_calls_are_found() {
        for (call, rule) in [
            ("std::mem::transmute(x)", "transmute"),
            ("mem::transmute::<A, B>(x)", "transmute"),
            ("transmute_copy(&x)", "transmute"),
            ("mem::uninitialized::<T>()", "uninitialised-memory"),
            ("std::mem::zeroed::<T>()", "uninitialised-memory"),
            (
                "MaybeUninit::uninit().assume_init()",
                "uninitialised-memory",
            ),
            ("slice::from_raw_parts(p, n)", "unchecked-call"),
            ("v.get_unchecked(i)", "unchecked-call"),
            ("v.set_len(n)", "unchecked-call"),
            ("str::from_utf8_unchecked(b)", "unchecked-call"),
        ] {
            assert_eq!(without_comment(call), [rule], "{call}");
        }
    }

    #[test]
    fn what_only_shares_a_name_is_not() {
        for call in [
            "self.transmute(x)",
            "Matrix::transmute(x)",
            "slots.zeroed()",
            "Header::from_raw_parts(p)",
            "MaybeUninit::<[MaybeUninit<u8>; 4]>::uninit().assume_init()",
            "v.get_unchecked(a, b)",
            "written.assume_init()",
        ] {
            assert_eq!(without_comment(call), [""; 0], "{call}");
        }
        assert_eq!(rules_in("file.set_len(10);"), [""; 0]);
    }

    #[test]
    fn a_comment_makes_them_milder_or_silent() {
        let body = "// SAFETY: checked above.\nunsafe { v.get_unchecked(i) }";
        assert_eq!(rules_in(body), [""; 0]);
        let body = "// SAFETY: same layout.\nunsafe { mem::transmute(x) }";
        assert_eq!(rules_in(body), ["transmute"]);
        let body = "// SAFETY: it never is.\nunsafe { mem::uninitialized() }";
        assert_eq!(rules_in(body), ["uninitialised-memory"]);
    }
}
