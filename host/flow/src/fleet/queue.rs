//! Which waiting ticket is the most urgent.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Ticket;
use crate::{Priority, Timestamp};

/// The place of a ticket in its line: the least goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Urgency {
    not_emergency: bool,
    due: Timestamp,
    ticket: Ticket,
}

impl Urgency {
    pub(super) fn new(priority: Priority, submitted: Timestamp, ticket: Ticket) -> Self {
        let origin = Timestamp::default();
        Self {
            not_emergency: priority != Priority::Emergency,
            due: origin.after(submitted.since(origin.after(priority.head_start()))),
            ticket,
        }
    }

    pub(super) fn ticket(&self) -> Ticket {
        self.ticket
    }
}

/// The waiting tickets that the same agents may serve.
#[derive(Debug, Default)]
pub(super) struct Line(BinaryHeap<Reverse<Urgency>>);

impl Line {
    pub(super) fn push(&mut self, urgency: Urgency) {
        self.0.push(Reverse(urgency));
    }

    pub(super) fn peek(&self) -> Option<Urgency> {
        self.0.peek().map(|Reverse(urgency)| *urgency)
    }

    pub(super) fn pop(&mut self) -> Option<Urgency> {
        self.0.pop().map(|Reverse(urgency)| urgency)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn order(tickets: &[(Priority, u64)]) -> Vec<usize> {
        let mut line = Line::default();
        for (index, (priority, submitted)) in tickets.iter().enumerate() {
            let at = Timestamp::from_unix(Duration::from_secs(1_000 + submitted));
            line.push(Urgency::new(*priority, at, Ticket(index as u64)));
        }
        std::iter::from_fn(|| line.pop())
            .map(|urgency| urgency.ticket().0 as usize)
            .collect()
    }

    #[test]
    fn of_those_submitted_together_the_more_urgent_goes_first() {
        let tickets: Vec<_> = Priority::ALL.into_iter().map(|p| (p, 0)).collect();
        assert_eq!(order(&tickets), [4, 3, 2, 1, 0]);
    }

    #[test]
    fn of_equal_priority_the_first_goes_first() {
        let normal = Priority::Normal;
        assert_eq!(order(&[(normal, 5), (normal, 0), (normal, 5)]), [1, 0, 2]);
    }

    #[test]
    fn waiting_gains_on_priority() {
        use Priority::{Critical, Low};
        assert_eq!(order(&[(Low, 0), (Critical, 119)]), [1, 0]);
        assert_eq!(order(&[(Low, 0), (Critical, 121)]), [0, 1]);
    }

    #[test]
    fn nothing_gains_on_an_emergency() {
        use Priority::{Emergency, Low};
        assert_eq!(order(&[(Low, 0), (Emergency, 1_000_000)]), [1, 0]);
    }
}
