//! Diagnostics as plain text: line, column, a picture of the place, the hint.

use std::fmt::Write;

use super::{Diagnostic, TextSpan};
use crate::clean_text;

/// How many characters of a line are shown.
const WIDTH: usize = 100;

/// How many characters stand before a place that is far along its line.
const LEAD: usize = 40;

/// Writes diagnostics as plain text, each with the line it is about.
///
/// `text` is the text of the file; what could forge a line or colour a
/// terminal is shown as an escape.
///
/// ```
/// use ringfence_flow::{WorkflowFile, render_diagnostics};
/// let text = "version: 1\nname: hello\ntasks:\n  a: { rol: reviewer }\n";
/// let errors = WorkflowFile::parse("hello.yaml", text).unwrap_err();
/// let shown = render_diagnostics("hello.yaml", text, &errors);
/// assert!(shown.contains("hello.yaml:4:8"));
/// assert!(shown.contains("did you mean `role`?"));
/// ```
#[must_use]
pub fn render(source_name: &str, text: &str, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let clean = |text: &str| clean_text(text, 2_000);
        let Diagnostic { span, .. } = diagnostic;
        let last_line = diagnostic
            .related
            .iter()
            .map(|related| related.span.line)
            .fold(span.line, u32::max);
        let gutter = last_line.to_string().len();
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "error[{}]: {}",
            diagnostic.code,
            clean(&diagnostic.message)
        );
        let _ = writeln!(
            out,
            "{:gutter$}--> {}:{}:{}",
            "",
            clean(source_name),
            span.line,
            span.column
        );
        picture(
            &mut out,
            text,
            *span,
            &clean(&diagnostic.label),
            gutter,
            '^',
        );
        for related in &diagnostic.related {
            picture(
                &mut out,
                text,
                related.span,
                &clean(&related.label),
                gutter,
                '-',
            );
        }
        if let Some(hint) = &diagnostic.hint {
            let indent = format!("\n{:width$}", "", width = gutter + 9);
            let _ = writeln!(
                out,
                "{:gutter$} = hint: {}",
                "",
                clean(hint).replace('\n', &indent)
            );
        }
    }
    out
}

/// The line of a place, with a mark below it.
fn picture(out: &mut String, text: &str, span: TextSpan, label: &str, gutter: usize, mark: char) {
    let line_start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let first = span.column as usize - 1;
    let skip = if first + LEAD > WIDTH {
        first - LEAD
    } else {
        0
    };
    let length = text[span.range()]
        .lines()
        .next()
        .map_or(0, |shown| shown.chars().count());
    let (mut shown, mut before, mut marked) = (String::new(), 0, 0);
    if skip > 0 {
        shown.push_str("...");
        before += 3;
    }
    for (index, c) in line.chars().enumerate().skip(skip).take(WIDTH) {
        let piece = match c {
            '\t' => "    ".to_owned(),
            c => clean_text(c.encode_utf8(&mut [0; 4]), 16),
        };
        let width = piece.chars().count();
        if index < first {
            before += width;
        } else if index < first + length {
            marked += width;
        }
        shown.push_str(&piece);
    }
    if line.chars().count() > skip + WIDTH {
        shown.push_str("...");
    }
    let underline = mark.to_string().repeat(marked.max(1));
    let below = format!("{:before$}{underline} {label}", "");
    let _ = writeln!(out, "{:gutter$} |", "");
    let row = format!("{:>gutter$} | {shown}", span.line);
    let _ = writeln!(out, "{}", row.trim_end());
    let _ = writeln!(out, "{:gutter$} | {}", "", below.trim_end());
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;

    fn shown(text: &str, part: &str) -> String {
        let at = text.find(part).unwrap();
        let span = Source::new(text).span(at..at + part.len());
        let diagnostic = Diagnostic::new("code", "message", span).labelled("label");
        render("f.yaml", text, &[diagnostic.hinting("one\ntwo".to_owned())])
    }

    #[test]
    fn the_place_is_underlined() {
        assert_eq!(
            shown("a: 1\nb: wrong # c\n", "wrong"),
            "error[code]: message\n --> f.yaml:2:4\n  |\n2 | b: wrong # c\n  |    ^^^^^ label\n  = hint: one\n          two\n"
        );
    }

    #[test]
    fn tabs_escapes_and_wide_lines_keep_the_mark_in_place() {
        let long = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        for text in ["\tX\n", "a\u{1b}[31m X", "\u{202e}X", "\u{feff}äöX", &long] {
            let shown = shown(text, "X");
            let lines: Vec<_> = shown.lines().collect();
            let column = |line: &str, c| line.chars().position(|found| found == c).unwrap();
            assert_eq!(column(lines[3], 'X'), column(lines[4], '^'), "{shown}");
            assert!(lines[3].chars().count() < 160);
            assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'));
        }
    }

    #[test]
    fn a_place_at_the_end_has_a_mark() {
        let text = "a\n";
        let span = Source::new(text).span(2..2);
        let shown = render("f", text, &[Diagnostic::new("c", "m", span)]);
        assert!(shown.contains("2 |\n  | ^\n"), "{shown}");
    }
}
