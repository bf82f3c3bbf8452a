//! Small changes within lines, gathered so that each line is mended once.
//!
//! A fix replaces whole lines, and of two fixes of one line only one can be
//! applied. So all changes of a line make one edit, and each of their findings
//! carries it.

use std::collections::{BTreeMap, BTreeSet};

use lint::Report;
use ringfence_sdk::Severity;
use source::{LineEdit, Position, SourceFile};
use syn::spanned::Spanned;
use syn::{Item, UseTree};

/// The longest line that is mended, in bytes. Each finding repeats its line, and
/// the author of the file picks how long that is.
const MAX_LINE: usize = 1_000;

/// So many changes of one rule on one line are still written by hand.
pub(super) const MAX_OF_A_RULE: usize = 8;

/// The width up to which rustfmt leaves a line alone.
const MAX_WIDTH: usize = 100;

/// Crates whose names mean what the standard library means by them.
const STANDARD: [&str; 3] = ["alloc", "core", "std"];

/// A text within one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    line: u32,
    from: u32,
    to: u32,
}

impl Span {
    /// From `from` up to `to` (exclusive), if that is one line.
    pub(super) fn between(from: Position, to: Position) -> Option<Self> {
        (from.line == to.line && from.column <= to.column).then_some(Self {
            line: from.line,
            from: from.column,
            to: to.column,
        })
    }

    pub(super) fn of(node: &impl Spanned) -> Option<Self> {
        Self::between(Position::of(node), Position::after(node))
    }

    /// From where this begins up to where `other` ends, if that is one line.
    pub(super) fn up_to(self, other: Self) -> Option<Self> {
        (self.line == other.line && self.from <= other.to).then_some(Self {
            to: other.to,
            ..self
        })
    }

    /// What stands there; `None` in a line that is not mended anyway.
    pub(super) fn text(self, file: &SourceFile) -> Option<&str> {
        let line = mendable(file, self.line)?;
        line.get(byte_of(line, self.from)?..byte_of(line, self.to)?)
    }

    /// The same with the white space behind it, if code follows on the line.
    pub(super) fn with_space(self, file: &SourceFile) -> Option<Self> {
        let line = mendable(file, self.line)?;
        let rest = line.get(byte_of(line, self.to)?..)?;
        let space = rest.chars().take_while(|c| c.is_whitespace()).count();
        let more = !rest.trim_start().is_empty();
        more.then_some(Self {
            to: self.to.checked_add(u32::try_from(space).ok()?)?,
            ..self
        })
    }
}

/// A change that a rule asks for.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) rule: &'static str,
    pub(super) message: String,
    /// What is replaced.
    pub(super) span: Span,
    /// What stands there afterwards.
    pub(super) text: String,
    /// A name that the change takes for the standard library's.
    pub(super) relies_on: Option<String>,
    /// With more changes of the rule on the line than this, none is made.
    pub(super) at_most: usize,
}

/// The changes of one file.
#[derive(Clone, Debug, Default)]
pub(super) struct LineMends {
    changes: Vec<Change>,
    /// What the file gives a meaning of its own.
    own: BTreeSet<String>,
}

impl LineMends {
    pub(super) fn add(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Takes note of the name that an item gives a meaning.
    pub(super) fn item(&mut self, item: &Item) {
        let name = match item {
            Item::Use(item) => return self.imported(&item.tree, false),
            Item::Macro(item) => item.ident.as_ref(),
            Item::Enum(item) => Some(&item.ident),
            Item::Mod(item) => Some(&item.ident),
            Item::Struct(item) => Some(&item.ident),
            Item::Trait(item) => Some(&item.ident),
            Item::Type(item) => Some(&item.ident),
            Item::Union(item) => Some(&item.ident),
            _ => None,
        };
        self.own.extend(name.map(ToString::to_string));
    }

    fn imported(&mut self, tree: &UseTree, standard: bool) {
        match tree {
            UseTree::Path(path) => {
                let standard = standard || STANDARD.iter().any(|name| path.ident == name);
                self.imported(&path.tree, standard);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.imported(tree, standard);
                }
            }
            UseTree::Name(name) if !standard => {
                self.own.insert(name.ident.to_string());
            }
            UseTree::Rename(renamed) => {
                self.own.insert(renamed.rename.to_string());
            }
            _ => {}
        }
    }

    /// Reports a finding for each change, with the edit of its whole line.
    pub(super) fn report(self, file: &SourceFile, report: &mut Report) {
        let Self { mut changes, own } = self;
        changes.retain(|change| {
            let known = change.relies_on.as_ref();
            known.is_none_or(|name| !own.contains(name))
                && mendable(file, change.span.line).is_some()
        });
        changes.sort_by_key(|change| change.span);
        for line in changes.chunk_by(|a, b| a.span.line == b.span.line) {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for change in line {
                *counts.entry(change.rule).or_default() += 1;
            }
            let kept: Vec<&Change> = line
                .iter()
                .filter(|change| counts[change.rule] <= change.at_most)
                .collect();
            let edit = edit(&kept, file);
            for change in kept {
                report.add_with_fix(
                    change.rule,
                    Severity::Info,
                    Position {
                        line: change.span.line,
                        column: change.span.from,
                    },
                    change.message.as_str(),
                    edit.clone(),
                );
            }
        }
    }
}

/// The edit that makes all changes of one line, which are in order. `None` if
/// they get in each other's way, or rustfmt would break the new line.
fn edit(changes: &[&Change], file: &SourceFile) -> Option<LineEdit> {
    let number = changes.first()?.span.line;
    let line = mendable(file, number)?;
    let mut new = String::with_capacity(line.len());
    let mut done = 0;
    for change in changes {
        let from = byte_of(line, change.span.from)?;
        new.push_str(line.get(done..from)?);
        new.push_str(&change.text);
        done = byte_of(line, change.span.to)?;
    }
    new.push_str(line.get(done..)?);
    let width = new.chars().count();
    if width > MAX_WIDTH && width > line.chars().count() {
        return None;
    }
    new.push_str(file.line_break(number));
    Some(LineEdit {
        first: number,
        last: number,
        replacement: new,
    })
}

fn mendable(file: &SourceFile, line: u32) -> Option<&str> {
    file.line(line).filter(|text| text.len() <= MAX_LINE)
}

/// The byte at which the column begins; the column after the last one is the
/// line's end.
fn byte_of(line: &str, column: u32) -> Option<usize> {
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    line.char_indices()
        .map(|(byte, _)| byte)
        .chain([line.len()])
        .nth(column)
}

#[cfg(test)]
mod tests {
    use super::MAX_LINE;
    use crate::rules::testing::{findings_in, found, mended};

    #[test]
    fn all_findings_of_a_line_carry_one_edit() {
        let text =
            "fn f() {\n    ä(\"ö\", std::u32::MAX, 1000000, format!(\"{}ü\", x));\r\n    g();\n}\n";
        let after =
            "fn f() {\n    ä(\"ö\", u32::MAX, 1_000_000, format!(\"{x}ü\"));\r\n    g();\n}\n";
        let findings = findings_in("src/a.rs", text);
        let rules: Vec<_> = findings.iter().map(|f| &*f.rule).collect();
        assert_eq!(
            rules,
            ["numeric-constant", "digits-not-grouped", "format-arguments"]
        );
        assert!(findings[0].fix.is_some());
        assert!(findings.iter().all(|f| f.fix == findings[0].fix));
        assert_eq!(mended(text), after);
    }

    #[test]
    fn names_of_the_files_own_are_no_standard_ones() {
        let code = "fn f() { a(format!(\"{}\", x), std::u32::MAX) }\n";
        assert_eq!(found(code).len(), 2);
        for (head, left) in [
            ("macro_rules! format { () => {} }\n", 1),
            ("use a::{b, c::format};\n", 1),
            ("use a::b as u32;\n", 1),
            ("use std::f32 as u32;\n", 1),
            ("mod u32 {}\n", 1),
            ("use alloc::format;\nuse std::{u32, u64};\n", 2),
        ] {
            assert_eq!(found(&format!("{head}{code}")).len(), left, "{head}");
            assert_eq!(found(&format!("{code}{head}")).len(), left, "{head}");
        }
    }

    #[test]
    fn a_line_that_would_be_too_wide_is_not_mended() {
        let text = |width: usize| {
            let name = "a".repeat(width - "fn f() { (1000000) }".len());
            format!("fn f() {{ {name}(1000000) }}\n")
        };
        assert!(findings_in("src/a.rs", &text(98))[0].fix.is_some());
        assert!(findings_in("src/a.rs", &text(99))[0].fix.is_none());
    }

    #[test]
    fn long_lines_are_left_alone() {
        let text = |bytes: usize| {
            let code = "fn f() { g(std::u8::MAX) } //";
            format!("{code}{}\n", "-".repeat(bytes - code.len()))
        };
        assert_eq!(found(&text(MAX_LINE)).len(), 1);
        assert_eq!(found(&text(MAX_LINE + 1)), [""; 0]);
    }
}
