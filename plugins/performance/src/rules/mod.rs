//! The rules, one file each.

mod async_blocking;
mod chains;
mod clones;
mod collecting;
mod expression;
mod formatting;
mod growing;
mod hints;
mod locks;
mod loops;
mod parameters;
mod regexes;
mod scans;
mod sort_keys;

use hints::Hints;
use lint::{Imports, Report};
use loops::Loop;
use source::{Function, Position, Reading, Scope, SourceFile, Visitor, walk};
use syn::spanned::Spanned;

/// What the rules know of the place they look at.
pub(crate) struct Facts<'a> {
    file: &'a SourceFile,
    imports: Imports,
    /// The functions around the place, the innermost last.
    functions: Vec<FunctionFacts>,
    /// What runs at most once in a while ends here: what a `return` gives, what
    /// an error says, the branch of a loop that leaves it.
    cold_until: Position,
    /// Where a function copies something to change the copy.
    own_copies: Vec<Position>,
}

#[derive(Default)]
struct FunctionFacts {
    hints: Hints,
    loops: Vec<Loop>,
}

impl Facts<'_> {
    /// What is known of the variables of the function around the place.
    fn hints(&self) -> Option<&Hints> {
        self.functions.last().map(|function| &function.hints)
    }

    /// The loops around the place, the outermost first.
    fn loops(&self, scope: &Scope) -> &[Loop] {
        let depth = usize::try_from(scope.loop_depth()).unwrap_or(usize::MAX);
        self.functions.last().map_or(&[], |function| {
            function.loops.get(..depth).unwrap_or(&function.loops)
        })
    }

    /// The innermost loop around the place.
    fn innermost(&self, scope: &Scope) -> Option<&Loop> {
        self.loops(scope).last()
    }

    /// Whether the place is run rarely.
    fn is_cold(&self, place: Position) -> bool {
        place < self.cold_until
    }

    fn cool(&mut self, node: &impl Spanned) {
        self.cold_until = self.cold_until.max(Position::after(node));
    }
}

/// Puts everything that the rules have to say about a file into the report.
pub(crate) fn check(reading: &Reading<'_>, report: &mut Report) {
    // What only developers run may be slow, unless they measure it, and then
    // they know.
    if reading.file.kind().is_test() {
        return;
    }
    let mut rules = Rules {
        facts: Facts {
            file: reading.file,
            imports: Imports::of(reading.syntax),
            functions: Vec::new(),
            cold_until: Position::START,
            own_copies: Vec::new(),
        },
        report,
    };
    walk(reading.file, reading.syntax, &mut rules);
}

/// Asks each rule about each place of one walk.
struct Rules<'a> {
    facts: Facts<'a>,
    report: &'a mut Report,
}

impl Visitor for Rules<'_> {
    fn enter_function(&mut self, function: &Function<'_>, scope: &Scope) {
        // Tests are not looked at, so nothing has to be known of them.
        let mut facts = FunctionFacts::default();
        if !scope.in_test() {
            facts.hints = Hints::of(function.sig, function.block);
            parameters::function(function, scope, self.report);
        }
        self.facts.functions.push(facts);
    }

    fn leave_function(&mut self, _: &Function<'_>, _: &Scope) {
        self.facts.functions.pop();
        if self.facts.functions.is_empty() {
            self.facts.own_copies.clear();
        }
    }

    fn block(&mut self, block: &syn::Block, scope: &Scope) {
        if scope.in_test() {
            return;
        }
        // A branch of a loop that ends with leaving it runs once. The body of
        // a loop that does is no loop.
        if leaves(block) {
            self.facts.cool(block);
        }
        locks::block(block, scope, self.report);
        self.facts.own_copies.extend(clones::own_copies(block));
        clones::block(block, scope, &self.facts, self.report);
        collecting::block(block, scope, self.report);
        growing::block(block, self.report);
    }

    fn expr(&mut self, expr: &syn::Expr, scope: &Scope) {
        if scope.in_test() {
            return;
        }
        if let Some(each) = Loop::of(expr)
            && let Some(function) = self.facts.functions.last_mut()
        {
            function.loops.push(each);
        }
        self.mark_cold(expr);
        async_blocking::expr(expr, scope, &self.facts, self.report);
        chains::expr(expr, scope, &self.facts, self.report);
        clones::expr(expr, scope, &self.facts, self.report);
        collecting::expr(expr, &self.facts, self.report);
        formatting::expr(expr, scope, &self.facts, self.report);
        locks::expr(expr, scope, self.report);
        regexes::expr(expr, scope, &self.facts, self.report);
        scans::expr(expr, scope, &self.facts, self.report);
        sort_keys::expr(expr, &self.facts, self.report);
    }

    fn leave_expr(&mut self, expr: &syn::Expr, scope: &Scope) {
        let is_loop = matches!(
            expr,
            syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_)
        );
        if is_loop
            && !scope.in_test()
            && let Some(function) = self.facts.functions.last_mut()
        {
            function.loops.pop();
        }
    }

    fn macro_call(&mut self, call: &syn::Macro, scope: &Scope) {
        if scope.in_test() {
            return;
        }
        if expression::is_macro(call, LOUD) {
            self.facts.cool(call);
        }
        formatting::macro_call(call, &self.facts, self.report);
    }

    fn path(&mut self, path: &syn::Path, scope: &Scope) {
        if !scope.in_test() {
            parameters::path(path, scope, self.report);
        }
    }
}

/// Macros that end the work, or tell of something out of the ordinary.
const LOUD: &[&str] = &[
    "panic",
    "unreachable",
    "todo",
    "unimplemented",
    "bail",
    "anyhow",
    "ensure",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "error",
    "warn",
];

/// Methods whose arguments are for when something went wrong.
const WHEN_WRONG: &[&str] = &[
    "map_err",
    "ok_or",
    "ok_or_else",
    "with_context",
    "context",
    "wrap_err",
    "wrap_err_with",
    "expect",
    "or_else",
    "unwrap_or_else",
];

impl Rules<'_> {
    fn mark_cold(&mut self, expr: &syn::Expr) {
        use syn::Expr;
        match expr {
            Expr::Return(_) | Expr::Break(_) => self.facts.cool(expr),
            Expr::MethodCall(call) if WHEN_WRONG.iter().any(|name| call.method == name) => {
                self.facts.cool(expr);
            }
            Expr::Call(call)
                if expression::last_segment(&call.func).is_some_and(|name| name == "Err") =>
            {
                self.facts.cool(expr);
            }
            _ => {}
        }
    }
}

/// Whether a block ends with leaving the loop or the function.
fn leaves(block: &syn::Block) -> bool {
    matches!(
        block.stmts.last(),
        Some(syn::Stmt::Expr(
            syn::Expr::Return(_) | syn::Expr::Break(_),
            _
        ))
    )
}

#[cfg(test)]
mod testing {
    //! Runs all rules over a text, so that the test of one rule also sees that
    //! no other one speaks up.

    use lint::Report;
    use ringfence_sdk::Finding;
    use source::{Reading, SourceFile};

    pub(crate) fn findings(text: &str) -> Vec<Finding> {
        let file = SourceFile::new("src/lib.rs", text);
        let syntax = file.parse().unwrap();
        let mut report = Report::default();
        report.enter("src/lib.rs");
        let reading = Reading {
            file: &file,
            syntax: &syntax,
        };
        super::check(&reading, &mut report);
        report.finish(1_000).findings
    }

    /// `rule severity line:column` of each finding.
    pub(crate) fn found(text: &str) -> Vec<String> {
        findings(text)
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

    /// The text after the edit of its only finding; the edited file has to
    /// parse.
    pub(crate) fn fixed(text: &str) -> String {
        let all = findings(text);
        let [finding] = all.as_slice() else {
            panic!("one finding expected: {all:?}");
        };
        let edit = finding.fix.as_ref().expect("a fix");
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        let range = edit.first as usize - 1..edit.last as usize;
        lines.splice(range, [edit.replacement.as_str()]);
        let fixed = lines.concat();
        syn::parse_file(&fixed).unwrap();
        fixed
    }
}
