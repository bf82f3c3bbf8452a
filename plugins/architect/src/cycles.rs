//! Groups of modules that use each other in a circle.

/// The groups of two or more nodes that all lead to one another, each sorted;
/// sorted by their first node. `edges[a]` are the nodes that `a` leads to.
///
/// Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972)
/// with a stack of its own, because trees are as deep as their authors like.
pub(crate) fn cycles(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut search = Search {
        edges,
        order: vec![None; edges.len()],
        low: vec![0; edges.len()],
        open: vec![false; edges.len()],
        path: Vec::new(),
        next: 0,
        groups: Vec::new(),
    };
    for node in 0..edges.len() {
        if search.order[node].is_none() {
            search.from(node);
        }
    }
    search.groups.sort_unstable();
    search.groups
}

struct Search<'a> {
    edges: &'a [Vec<usize>],
    /// When each node was met.
    order: Vec<Option<usize>>,
    /// The earliest node that each leads back to.
    low: Vec<usize>,
    /// Which nodes are in `path`.
    open: Vec<bool>,
    path: Vec<usize>,
    next: usize,
    groups: Vec<Vec<usize>>,
}

impl Search<'_> {
    fn from(&mut self, start: usize) {
        let mut calls = vec![(start, 0)];
        self.enter(start);
        while let Some((node, edge)) = calls.last_mut() {
            let node = *node;
            if let Some(target) = self.edges[node].get(*edge).copied() {
                *edge += 1;
                match self.order[target] {
                    None => {
                        self.enter(target);
                        calls.push((target, 0));
                    }
                    Some(met) if self.open[target] => self.low[node] = self.low[node].min(met),
                    Some(_) => {}
                }
                continue;
            }
            calls.pop();
            if let Some((caller, _)) = calls.last() {
                self.low[*caller] = self.low[*caller].min(self.low[node]);
            }
            if self.order[node] == Some(self.low[node]) {
                self.close(node);
            }
        }
    }

    fn enter(&mut self, node: usize) {
        self.order[node] = Some(self.next);
        self.low[node] = self.next;
        self.next += 1;
        self.open[node] = true;
        self.path.push(node);
    }

    fn close(&mut self, node: usize) {
        let from = self.path.iter().rposition(|n| *n == node).unwrap_or(0);
        let mut group = self.path.split_off(from);
        for node in &group {
            self.open[*node] = false;
        }
        if group.len() > 1 {
            group.sort_unstable();
            self.groups.push(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_circles_are_found() {
        assert_eq!(cycles(&[]), [[0; 0]; 0]);
        assert_eq!(cycles(&[vec![1], vec![2], vec![]]), [[0; 0]; 0]);
        assert_eq!(cycles(&[vec![0]]), [[0; 0]; 0], "itself");
        assert_eq!(
            cycles(&[vec![1], vec![0, 2], vec![3], vec![4], vec![2]]),
            [vec![0, 1], vec![2, 3, 4]]
        );
    }

    #[test]
    fn a_long_chain_does_not_recurse() {
        let count = 200_000;
        let edges: Vec<_> = (0..count).map(|node| vec![(node + 1) % count]).collect();
        assert_eq!(cycles(&edges)[0].len(), count);
    }

    proptest! {
        #[test]
        fn two_nodes_are_in_a_group_if_each_leads_to_the_other(
            count in 1_usize..9,
            pairs in prop::collection::vec((0_usize..9, 0_usize..9), 0..25),
        ) {
            let mut edges = vec![Vec::new(); count];
            let mut leads = vec![vec![false; count]; count];
            for (from, to) in pairs {
                edges[from % count].push(to % count);
                leads[from % count][to % count] = true;
            }
            for via in 0..count {
                for from in 0..count {
                    for to in 0..count {
                        leads[from][to] |= leads[from][via] && leads[via][to];
                    }
                }
            }
            let groups = cycles(&edges);
            for (a, from_a) in leads.iter().enumerate() {
                for (b, from_b) in leads.iter().enumerate() {
                    let together = groups.iter().any(|g| g.contains(&a) && g.contains(&b));
                    if a != b {
                        prop_assert_eq!(together, from_a[b] && from_b[a]);
                    }
                }
            }
        }
    }
}
