//! Strongly connected components: the circles among operations that depend on each other.

use std::collections::HashMap;

/// Edges from a node to those that depend on it.
pub(super) type Graph = HashMap<u32, Vec<u32>>;

/// All components of more than one node (Tarjan's algorithm, without recursion).
pub(super) fn circles(graph: &Graph) -> Vec<Vec<u32>> {
    let mut roots: Vec<u32> = graph.keys().copied().collect();
    roots.sort_unstable();
    let mut search = Search::default();
    for root in roots {
        if !search.index.contains_key(&root) {
            search.from(root, graph);
        }
    }
    search.found
}

#[derive(Default)]
struct Search {
    index: HashMap<u32, u32>,
    low: HashMap<u32, u32>,
    on_stack: HashMap<u32, bool>,
    stack: Vec<u32>,
    found: Vec<Vec<u32>>,
}

impl Search {
    fn enter(&mut self, node: u32) {
        let index = self.index.len() as u32;
        self.index.insert(node, index);
        self.low.insert(node, index);
        self.on_stack.insert(node, true);
        self.stack.push(node);
    }

    fn lower(&mut self, node: u32, to: u32) {
        let low = self.low.get_mut(&node).expect("a node on the path was entered");
        *low = (*low).min(to);
    }

    fn from(&mut self, root: u32, graph: &Graph) {
        // The path from the root: each node and how many of its edges were followed.
        let mut path = vec![(root, 0)];
        self.enter(root);
        while let Some((node, followed)) = path.last_mut() {
            let node = *node;
            let next = graph.get(&node).and_then(|edges| edges.get(*followed)).copied();
            *followed += 1;
            match next {
                Some(next) if !self.index.contains_key(&next) => {
                    self.enter(next);
                    path.push((next, 0));
                }
                Some(next) => {
                    if self.on_stack.get(&next) == Some(&true) {
                        self.lower(node, self.index[&next]);
                    }
                }
                None => {
                    path.pop();
                    if let Some((parent, _)) = path.last() {
                        self.lower(*parent, self.low[&node]);
                    }
                    if self.low[&node] == self.index[&node] {
                        self.leave(node);
                    }
                }
            }
        }
    }

    fn leave(&mut self, root: u32) {
        let mut component = Vec::new();
        while let Some(node) = self.stack.pop() {
            self.on_stack.insert(node, false);
            component.push(node);
            if node == root {
                break;
            }
        }
        if component.len() > 1 {
            self.found.push(component);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_and_a_chain_is_not() {
        let chain = Graph::from([(1, vec![2]), (2, vec![3])]);
        assert!(circles(&chain).is_empty());

        let two =
            Graph::from([(1, vec![2]), (2, vec![3, 1]), (4, vec![5]), (5, vec![6]), (6, vec![4])]);
        let mut found = circles(&two);
        found.iter_mut().for_each(|circle| circle.sort_unstable());
        found.sort_unstable();
        assert_eq!(found, [vec![1, 2], vec![4, 5, 6]]);
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let graph: Graph = (0..200_000).map(|node| (node, vec![node + 1])).collect();
        assert!(circles(&graph).is_empty());
    }
}
