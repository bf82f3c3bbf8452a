//! The error that host functions and hooks raise when a budget is broken.

use ringfence_flow::BudgetKind;

/// A budget was broken. It ends the attempt: the guest does not see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the budget of {0} is broken")]
pub(crate) struct BudgetBroken(pub(crate) BudgetKind);

/// A guest asked a host function for something that no grant or budget could
/// allow, and for which the interface has no error of its own. It ends the
/// attempt as a trap.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misuse(pub(crate) String);
