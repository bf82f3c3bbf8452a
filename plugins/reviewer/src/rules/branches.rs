//! Functions with too many ways through them.
//!
//! The measure is cognitive complexity (G. Ann Campbell, SonarSource, 2018):
//!
//! - `if`, `match`, `for`, `while` and `loop` cost 1 each, and 1 more for each
//!   of these and for each closure that they stand in;
//! - `else` and `else if` cost 1 and nothing for what they stand in;
//! - a row of equal `&&` or `||` costs 1;
//! - `break` and `continue` to a label cost 1.
//!
//! The arms of a `match` are free, for they are read one at a time, and so is
//! `let ... else`. Functions within a function are measured on their own. More
//! than 25 is too much, the limit of `clippy::cognitive_complexity`.

use lint::Report;
use ringfence_sdk::Severity;
use source::{Function, Position, Scope};
use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, ExprBinary, ExprIf, Item};

const TOO_MUCH: u32 = 25;
const FAR_TOO_MUCH: u32 = 50;

pub(super) fn function(function: &Function<'_>, scope: &Scope, report: &mut Report) {
    let Some(block) = function.block else {
        return;
    };
    if scope.in_test() || scope.in_macro() || scope.allows("clippy::cognitive_complexity") {
        return;
    }
    let complexity = complexity(block);
    if complexity > TOO_MUCH {
        let severity = if complexity > FAR_TOO_MUCH {
            Severity::Medium
        } else {
            Severity::Low
        };
        let message = format!(
            "`{}` has a cognitive complexity of {complexity}; more than {TOO_MUCH} is hard to \
             follow: return early, or move a branch into a function of its own",
            function.name()
        );
        report.add(
            "function-too-branchy",
            severity,
            Position::of(function.name()),
            message,
        );
    }
}

fn complexity(block: &Block) -> u32 {
    let mut measure = Measure::default();
    measure.visit_block(block);
    measure.cost
}

#[derive(Default)]
struct Measure {
    cost: u32,
    nesting: u32,
}

impl Measure {
    fn nested(&mut self, inner: impl FnOnce(&mut Self)) {
        self.nesting += 1;
        inner(self);
        self.nesting -= 1;
    }

    fn branch(&mut self, node: &ExprIf) {
        self.visit_expr(&node.cond);
        self.nested(|this| this.visit_block(&node.then_branch));
        let Some((_, otherwise)) = &node.else_branch else {
            return;
        };
        self.cost += 1;
        match &**otherwise {
            Expr::If(next) => self.branch(next),
            other => self.nested(|this| this.visit_expr(other)),
        }
    }
}

impl<'ast> Visit<'ast> for Measure {
    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::If(node) => {
                self.cost += 1 + self.nesting;
                self.branch(node);
            }
            Expr::Match(node) => {
                self.cost += 1 + self.nesting;
                self.visit_expr(&node.expr);
                self.nested(|this| node.arms.iter().for_each(|arm| this.visit_arm(arm)));
            }
            Expr::ForLoop(_) | Expr::While(_) | Expr::Loop(_) => {
                self.cost += 1 + self.nesting;
                self.nested(|this| visit::visit_expr(this, expr));
            }
            Expr::Closure(_) => self.nested(|this| visit::visit_expr(this, expr)),
            Expr::Break(node) if node.label.is_some() => {
                self.cost += 1;
                visit::visit_expr(self, expr);
            }
            Expr::Continue(node) if node.label.is_some() => self.cost += 1,
            Expr::Binary(node) => {
                // The operator is written once for a row of equal ones: where
                // the row begins, on its left, is no other one of it.
                if is_logical(&node.op) && !continues(node) {
                    self.cost += 1;
                }
                visit::visit_expr(self, expr);
            }
            _ => visit::visit_expr(self, expr),
        }
    }
}

fn is_logical(op: &BinOp) -> bool {
    matches!(op, BinOp::And(_) | BinOp::Or(_))
}

fn continues(node: &ExprBinary) -> bool {
    matches!(&*node.left, Expr::Binary(left) if same(&left.op, &node.op))
}

fn same(a: &BinOp, b: &BinOp) -> bool {
    matches!(
        (a, b),
        (BinOp::And(_), BinOp::And(_)) | (BinOp::Or(_), BinOp::Or(_))
    )
}

#[cfg(test)]
mod tests {
    use super::{FAR_TOO_MUCH, TOO_MUCH, complexity};
    use crate::rules::testing::found;

    fn cost(body: &str) -> u32 {
        complexity(&syn::parse_str(&format!("{{ {body} }}")).unwrap())
    }

    #[test]
    fn each_construct_costs_what_the_formula_says() {
        for (body, expected) in [
            ("a(); b?;", 0),
            ("if a {}", 1),
            ("if a {} else {}", 2),
            ("if a {} else if b {} else {}", 3),
            ("match a { b => c, d => e, _ => f }", 1),
            ("for a in b { if c {} }", 3),
            ("while a { loop { if b {} } }", 6),
            ("if a { if b {} else {} }", 4),
            ("a(|| if b {})", 2),
            ("a && b && c", 1),
            ("a && b || c", 2),
            ("if a && b {}", 2),
            ("let Some(a) = b else { return };", 0),
            ("'a: loop { break 'a; }", 2),
            ("loop { break; }", 1),
            ("fn f() { if a {} }", 0),
            ("match a { b => if c {} }", 3),
        ] {
            assert_eq!(cost(body), expected, "{body}");
        }
    }

    #[test]
    fn the_limits_are_kept_and_broken() {
        let function = |cost: u32| {
            let count = usize::try_from(cost).unwrap();
            format!("fn f() {{ {} }}", "if a {} ".repeat(count))
        };
        assert_eq!(found(&function(TOO_MUCH)), [""; 0]);
        assert_eq!(
            found(&function(TOO_MUCH + 1)),
            ["function-too-branchy low 1:4"]
        );
        assert_eq!(
            found(&function(FAR_TOO_MUCH + 1)),
            ["function-too-branchy medium 1:4"]
        );
        assert_eq!(found(&format!("#[test] {}", function(99))), [""; 0]);
        let allowed = format!("#[allow(clippy::cognitive_complexity)] {}", function(99));
        assert_eq!(found(&allowed), [""; 0]);
    }
}
