//! The rules, one file each.

mod archive_paths;
mod certificates;
mod commands;
mod cryptography;
mod dangerous_calls;
mod expression;
mod permissions;
mod secrets;
mod sql;
mod static_mut;
mod temporary_files;
mod text_direction;
mod undocumented_unsafe;

use lint::{Imports, Report};
use ringfence_sdk::Severity;
use source::{Comments, Function, Position, Reading, Scope, SourceFile, Visitor, walk};

/// What the rules know of the file they look at.
pub(crate) struct Facts<'a> {
    file: &'a SourceFile,
    comments: Comments,
    imports: Imports,
    /// The first and last line of each item that only tests build.
    tests: Vec<(u32, u32)>,
}

impl Facts<'_> {
    /// Whether the place is test code.
    fn in_test(&self, place: Position) -> bool {
        self.file.kind().is_test()
            || self
                .tests
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&place.line))
    }

    /// `severity`, and at most low where only tests are concerned.
    fn milder_in_tests(&self, place: Position, severity: Severity) -> Severity {
        if self.in_test(place) {
            severity.min(Severity::Low)
        } else {
            severity
        }
    }

    /// Whether a comment that belongs to the code on `line` speaks of safety.
    ///
    /// The comment may stand above the statement that the line is part of, or
    /// above a block of lines that are all unsafe.
    fn says_why_safe(&self, line: u32) -> bool {
        let mut line = line;
        // A statement of more lines than that is not one that a comment far
        // above it explains.
        for _ in 0..12 {
            if self.comments.mentions(line, "safety") {
                return true;
            }
            let Some(above) = line.checked_sub(1).and_then(|above| self.file.line(above)) else {
                return false;
            };
            let code = above.trim_end();
            let ends = code.is_empty() || code.ends_with([';', '{', '}', ',']);
            if ends && !(code.contains("unsafe") && code.ends_with([';', ','])) {
                return false;
            }
            line -= 1;
        }
        false
    }
}

/// Puts everything that the rules have to say about a file into the report.
pub(crate) fn check(reading: &Reading<'_>, report: &mut Report) {
    let mut facts = Facts {
        file: reading.file,
        comments: reading.file.comments(),
        imports: Imports::of(reading.syntax),
        tests: Vec::new(),
    };
    let mut rules = Rules {
        facts: &facts,
        report,
        tests: Vec::new(),
    };
    walk(reading.file, reading.syntax, &mut rules);
    facts.tests = rules.tests;
    secrets::check(&facts, report);
    text_direction::check(&facts, report);
}

/// Asks each rule about each place of one walk.
struct Rules<'a> {
    facts: &'a Facts<'a>,
    report: &'a mut Report,
    tests: Vec<(u32, u32)>,
}

impl Visitor for Rules<'_> {
    fn item(&mut self, item: &syn::Item, scope: &Scope) {
        if scope.in_test() && !scope.file_kind().is_test() {
            let first = Position::of(item).line;
            let is_inside = self.tests.last().is_some_and(|(_, last)| *last > first);
            if !is_inside {
                self.tests.push((first, Position::after(item).line));
            }
            return;
        }
        undocumented_unsafe::item(item, scope, self.facts, self.report);
        static_mut::item(item, scope, self.facts, self.report);
        certificates::item(item, scope, self.report);
    }

    fn enter_function(&mut self, function: &Function<'_>, scope: &Scope) {
        if !scope.in_test() {
            undocumented_unsafe::function(function, scope, self.facts, self.report);
        }
    }

    fn expr(&mut self, expr: &syn::Expr, scope: &Scope) {
        if scope.in_test() {
            return;
        }
        undocumented_unsafe::expr(expr, scope, self.facts, self.report);
        dangerous_calls::expr(expr, scope, self.facts, self.report);
        commands::expr(expr, scope, self.facts, self.report);
        certificates::expr(expr, self.report);
        cryptography::expr(expr, scope, self.facts, self.report);
        permissions::expr(expr, self.report);
        temporary_files::expr(expr, self.report);
        archive_paths::expr(expr, self.facts, self.report);
    }

    fn macro_call(&mut self, call: &syn::Macro, scope: &Scope) {
        if !scope.in_test() {
            sql::macro_call(call, self.report);
        }
    }
}

#[cfg(test)]
mod testing {
    //! Runs all rules over a text, so that the test of one rule also sees that
    //! no other one speaks up.

    use lint::Report;
    use ringfence_sdk::Finding;
    use source::{Reading, SourceFile};

    pub(crate) fn findings(path: &str, text: &str) -> Vec<Finding> {
        let file = SourceFile::new(path, text);
        let syntax = file.parse().unwrap();
        let mut report = Report::default();
        report.enter(path);
        let reading = Reading {
            file: &file,
            syntax: &syntax,
        };
        super::check(&reading, &mut report);
        report.finish(1_000).findings
    }

    /// `rule severity line:column` of each finding.
    pub(crate) fn found_in(path: &str, text: &str) -> Vec<String> {
        findings(path, text)
            .iter()
            .map(|finding| {
                let place = finding.location.as_ref().unwrap();
                format!(
                    "{} {} {}:{}",
                    finding.rule, finding.severity, place.line, place.column
                )
            })
            .collect()
    }

    pub(crate) fn found(text: &str) -> Vec<String> {
        found_in("src/lib.rs", text)
    }

    /// The rules that a function with this body breaks.
    pub(crate) fn rules_in(body: &str) -> Vec<String> {
        findings("src/lib.rs", &format!("fn f() {{\n{body}\n}}\n"))
            .into_iter()
            .map(|finding| finding.rule)
            .collect()
    }
}
