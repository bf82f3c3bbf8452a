//! `format!("{}", x)`, which can say `format!("{x}")`.
//!
//! Only where all arguments are plain names, so that a call is never half one
//! and half the other. Within the arguments of another macro a name in a text
//! may mean another variable than the name itself, so these are left alone, and
//! so are `panic!` and `assert!`: before edition 2021 a text on its own is no
//! format string there.

use source::{Scope, SourceFile};
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Expr, Ident, LitStr, Macro, Token};

use super::line_mends::{Change, LineMends, MAX_OF_A_RULE, Span};

const RULE: &str = "format-arguments";

pub(super) fn macro_call(call: &Macro, scope: &Scope, file: &SourceFile, mends: &mut LineMends) {
    if scope.in_test() || scope.in_macro() || scope.allows("clippy::uninlined_format_args") {
        return;
    }
    let Some((name, has_target)) = formatting(call) else {
        return;
    };
    if let Some((span, text)) = mended(call, has_target, file) {
        mends.add(Change {
            rule: RULE,
            message: format!("the arguments of this `{name}!` can stand in its text: `{{name}}`"),
            span,
            text,
            relies_on: Some(name),
            at_most: MAX_OF_A_RULE,
        });
    }
}

/// The name of the macro, if it is one that formats, and whether it is told
/// first where to write.
fn formatting(call: &Macro) -> Option<(String, bool)> {
    let mut segments = call.path.segments.iter().rev();
    let name = segments.next()?.ident.to_string();
    let has_target = match name.as_str() {
        "format" | "print" | "println" | "eprint" | "eprintln" => false,
        "write" | "writeln" => true,
        _ => return None,
    };
    let standard = segments.next().is_none_or(|segment| {
        segment.ident == "std" || segment.ident == "alloc" || segment.ident == "core"
    });
    (standard && segments.next().is_none()).then_some((name, has_target))
}

/// What stands from the text to the last argument, and what it becomes.
fn mended(call: &Macro, has_target: bool, file: &SourceFile) -> Option<(Span, String)> {
    Span::of(call)?;
    let arguments = Arguments::of(call, has_target)?;
    let literal = Span::of(&arguments.text)?;
    let span = literal.up_to(arguments.end)?;
    let source = literal.text(file)?;
    // White space and commas go; a comment would go with them.
    let between = span.text(file)?.get(source.len()..)?;
    if between.contains(['/', '*']) {
        return None;
    }
    Some((span, inlined(source, &arguments.names)?))
}

/// What a formatting macro is given.
struct Arguments {
    text: LitStr,
    names: Vec<String>,
    /// The last argument, or the comma behind it.
    end: Span,
}

impl Arguments {
    /// `None` unless there is a text and at least one argument, and all of them
    /// are plain names.
    fn of(call: &Macro, has_target: bool) -> Option<Self> {
        let parse = |input: ParseStream<'_>| {
            if has_target {
                input.parse::<Expr>()?;
                input.parse::<Token![,]>()?;
            }
            let text: LitStr = input.parse()?;
            let mut names = Vec::new();
            let mut end = text.span();
            while !input.is_empty() {
                end = input.parse::<Token![,]>()?.span();
                if !input.is_empty() {
                    let name: Ident = input.parse()?;
                    end = name.span();
                    names.push(name.to_string());
                }
            }
            Ok((text, names, end))
        };
        let (text, names, end) = parse.parse2(call.tokens.clone()).ok()?;
        let plain = |name: &String| {
            name.bytes()
                .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
        };
        if names.is_empty() || !names.iter().all(plain) || !text.suffix().is_empty() {
            return None;
        }
        Some(Self {
            text,
            names,
            end: Span::of(&end)?,
        })
    }
}

/// The literal with `names` in its empty places. `None` unless each place that
/// counts takes one of them, in order.
fn inlined(literal: &str, names: &[String]) -> Option<String> {
    // A brace may be written `\x7b`, and `\u{7b}` has braces that are none.
    if !literal.starts_with('r') && (literal.contains("\\x") || literal.contains("\\u")) {
        return None;
    }
    let mut names = names.iter();
    let mut out = String::with_capacity(literal.len() + 16);
    let mut rest = literal;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        out.push_str(before);
        if let Some(doubled) = ["{{", "}}"].iter().find(|both| brace.starts_with(**both)) {
            out.push_str(doubled);
            rest = &brace[2..];
            continue;
        }
        let (place, behind) = brace.strip_prefix('{')?.split_once('}')?;
        let (name, how) = place
            .split_once(':')
            .map_or((place, ""), |(name, _)| (name, &place[name.len()..]));
        if how.contains(['$', '*', '{']) {
            return None;
        }
        out.push('{');
        if name.is_empty() {
            out.push_str(names.next()?);
        } else if name.starts_with(|c: char| c == '_' || c.is_alphabetic()) {
            out.push_str(name);
        } else {
            return None;
        }
        out.push_str(how);
        out.push('}');
        rest = behind;
    }
    out.push_str(rest);
    names.next().is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{found, found_in, mended};

    fn mend(call: &str) -> String {
        let text = mended(&format!("fn f() {{\n    a({call});\n}}\n"));
        let line = text.lines().nth(1).unwrap();
        line["    a(".len()..line.len() - 2].to_owned()
    }

    #[test]
    fn plain_names_are_written_into_the_text() {
        for (before, after) in [
            (r#"format!("{}", x)"#, r#"format!("{x}")"#),
            (
                r#"format!("{:?} {:>8.3}", x, A_B)"#,
                r#"format!("{x:?} {A_B:>8.3}")"#,
            ),
            (r#"format!("{{{}}} }}", x,)"#, r#"format!("{{{x}}} }}")"#),
            (
                r#"format!("ä\n\"{:#?}\\", x)"#,
                r#"format!("ä\n\"{x:#?}\\")"#,
            ),
            (r##"format!(r#"\x"{}""#, x)"##, r##"format!(r#"\x"{x}""#)"##),
            (r#"format!("{y} {}", x)"#, r#"format!("{y} {x}")"#),
            (r#"format!("{} {}", x, x)"#, r#"format!("{x} {x}")"#),
            (r#"std::format!["{:02x}", x]"#, r#"std::format!["{x:02x}"]"#),
            (r#"write!(g(a, b), "{}", x)?"#, r#"write!(g(a, b), "{x}")?"#),
            (
                r#"writeln!(&mut w, "{} // {}" , x , y )"#,
                r#"writeln!(&mut w, "{x} // {y}" )"#,
            ),
        ] {
            assert_eq!(mend(before), after, "{before}");
        }
    }

    #[test]
    fn prints_of_a_program_are_mended() {
        for name in ["print", "println", "eprint", "eprintln"] {
            let text = format!("fn f() {{\n    {name}!(\"{{}}\", x);\n}}\n");
            assert_eq!(
                found_in("src/main.rs", &text),
                [format!("format-arguments info 2:{}", name.len() + 7)]
            );
        }
    }

    #[test]
    fn what_is_not_certain_is_left_alone() {
        for call in [
            r#"format!("x")"#,
            r#"format!("{x}")"#,
            r#"format!("{}", x.y)"#,
            r#"format!("{}", &x)"#,
            r#"format!("{}", a::B)"#,
            r#"format!("{} {}", x, y.z)"#,
            r#"format!("{}", self)"#,
            r#"format!("{}", r#type)"#,
            r#"format!("{}", größe)"#,
            r#"format!("{y}", y = x)"#,
            r#"format!("{} {y}", x, y = z)"#,
            r#"format!("{0}", x)"#,
            r#"format!("{0:?} {}", x, y)"#,
            r#"format!("{:1$}", x, y)"#,
            r#"format!("{:w$}", x)"#,
            r#"format!("{:.*}", x, y)"#,
            r#"format!("{ }", x)"#,
            r#"format!("{:}>5}", x)"#,
            r#"format!("{} {}", x)"#,
            r#"format!("{}", x, y)"#,
            r#"format!("\u{7b}{}", x)"#,
            r#"format!("\x7b{}", x)"#,
            r#"format!(concat!("{}", "a"), x)"#,
            r#"format!("{}", x /* why */,)"#,
            r#"format!("{}", true)"#,
            r#"format!("{}", /* why */ x)"#,
            "format!(\"{}\",\n x)",
            "format!(\"a\n{}\", x)",
            r#"write!("{}", x)"#,
            r#"assert!(a, "{}", x)"#,
            r#"c!(format!("{}", x))"#,
            r#"log::format!("{}", x)"#,
            r#"a::std::format!("{}", x)"#,
            r#"quote!(format!("{}", x))"#,
        ] {
            assert_eq!(
                found(&format!("fn f() {{ a({call}); }}\n")),
                [""; 0],
                "{call}"
            );
        }
        for text in [
            "macro_rules! m { ($x:ident) => { format!(\"{}\", $x) } }",
            "c! { fn f() { a(format!(\"{}\", x)); } }",
            "#[test] fn f() { a(format!(\"{}\", x)); }",
            "#[allow(clippy::uninlined_format_args)] fn f() { a(format!(\"{}\", x)); }",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
