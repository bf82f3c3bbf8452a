//! `static mut`: any two accesses from two threads are a data race, and the
//! compiler checks none of them. Atomics, locks and `OnceLock` do the same work
//! and cannot go wrong this way.

use lint::Report;
use ringfence_sdk::Severity;
use source::{Position, Scope};
use syn::{Item, StaticMutability};

use super::Facts;

pub(super) fn item(item: &Item, scope: &Scope, facts: &Facts<'_>, report: &mut Report) {
    if let Item::Static(item) = item
        && let StaticMutability::Mut(token) = &item.mutability
        && !scope.allows("static_mut_refs")
        && !facts.says_why_safe(Position::of(token).line)
    {
        let message = format!(
            "`static mut {}` can be raced for; an atomic, a `Mutex` or a `OnceLock` cannot",
            item.ident
        );
        report.add("static-mut", Severity::Medium, Position::of(token), message);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::found;

    #[test]
    fn only_mutable_statics_count() {
        let text = "static mut A: u8 = 0;\nstatic B: u8 = 0;\n#[allow(static_mut_refs)]\nstatic mut C: u8 = 0;\n// SAFETY: one thread.\nstatic mut D: u8 = 0;\n";
        assert_eq!(found(text), ["static-mut medium 1:8"]);
    }
}
