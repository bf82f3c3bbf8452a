//! The rules, one file each.

mod branches;
mod debug_print;
mod debug_print_fix;
mod documentation;
mod length;
mod needless_return;
mod panics;
mod prints;

use std::collections::BTreeSet;

use lint::Report;
use source::{Comments, Function, Reading, Scope, SourceFile, Visitor, walk};

/// What the rules know of the file they look at.
pub(crate) struct Facts<'a> {
    file: &'a SourceFile,
    comments: Comments,
    /// The names of the types and traits that the file itself makes public.
    public_types: BTreeSet<String>,
}

/// Looks at one file with all rules.
pub(crate) fn check(reading: &Reading<'_>, report: &mut Report) {
    let facts = Facts {
        file: reading.file,
        comments: reading.file.comments(),
        public_types: documentation::public_types(reading.syntax),
    };
    let mut review = Review {
        facts,
        report,
        panics: panics::Panics::default(),
        documentation: documentation::Documentation::default(),
    };
    walk(reading.file, reading.syntax, &mut review);
}

struct Review<'a> {
    facts: Facts<'a>,
    report: &'a mut Report,
    panics: panics::Panics,
    documentation: documentation::Documentation,
}

impl Visitor for Review<'_> {
    fn item(&mut self, item: &syn::Item, scope: &Scope) {
        self.documentation
            .item(item, scope, &self.facts, self.report);
    }

    fn impl_item(&mut self, item: &syn::ImplItem, scope: &Scope) {
        self.documentation.impl_item(item, scope, self.report);
    }

    fn trait_item(&mut self, item: &syn::TraitItem, scope: &Scope) {
        self.documentation.trait_item(item, scope, self.report);
    }

    fn enter_function(&mut self, function: &Function<'_>, scope: &Scope) {
        self.panics.enter(function);
        length::function(function, scope, &self.facts, self.report);
        branches::function(function, scope, self.report);
        needless_return::function(function, scope, &self.facts, self.report);
    }

    fn leave_function(&mut self, _: &Function<'_>, _: &Scope) {
        self.panics.leave();
    }

    fn block(&mut self, block: &syn::Block, scope: &Scope) {
        debug_print::block(block, scope, &self.facts, self.report);
    }

    fn expr(&mut self, expr: &syn::Expr, scope: &Scope) {
        self.panics.expr(expr, scope, self.report);
        debug_print::expr(expr, scope, &self.facts, self.report);
    }

    fn macro_call(&mut self, call: &syn::Macro, scope: &Scope) {
        self.panics.macro_call(call, scope, self.report);
        prints::macro_call(call, scope, self.report);
    }
}

#[cfg(test)]
mod testing {
    //! What the rules find in a text.

    use lint::Report;
    use ringfence_sdk::Finding;
    use source::{Reading, SourceFile};

    pub(crate) fn findings_in(path: &str, text: &str) -> Vec<Finding> {
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

    /// `rule severity line:column` of what is found.
    pub(crate) fn found_in(path: &str, text: &str) -> Vec<String> {
        findings_in(path, text)
            .into_iter()
            .map(|f| {
                let place = f.location.unwrap();
                format!("{} {} {}:{}", f.rule, f.severity, place.line, place.column)
            })
            .collect()
    }

    pub(crate) fn found(text: &str) -> Vec<String> {
        found_in("src/a.rs", text)
    }

    /// The text after the fixes of all findings.
    pub(crate) fn mended(text: &str) -> String {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        for finding in findings_in("src/a.rs", text).iter().rev() {
            if let Some(fix) = &finding.fix {
                let range =
                    usize::try_from(fix.first - 1).unwrap()..usize::try_from(fix.last).unwrap();
                lines.splice(range, [fix.replacement.clone()]);
            }
        }
        lines.concat()
    }
}
