//! Files that import each other, by Tarjan's algorithm.

use super::tree::Imports;

/// The strongly connected components of `count` files.
pub(crate) fn circles(count: usize, imports: &Imports) -> Vec<Vec<usize>> {
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
    for &(from, to) in imports.keys() {
        next[from].push(to);
    }
    let mut search =
        Search { next, seen: vec![None; count], low: vec![0; count], stack: Vec::new(), found: Vec::new() };
    let mut clock = 0;
    for file in 0..count {
        if search.seen[file].is_none() {
            search.enter(file, &mut clock);
        }
    }
    search.found
}

struct Search {
    next: Vec<Vec<usize>>,
    /// When a file was first entered.
    seen: Vec<Option<usize>>,
    /// The earliest file on the stack that can be reached from here.
    low: Vec<usize>,
    stack: Vec<usize>,
    found: Vec<Vec<usize>>,
}

impl Search {
    fn enter(&mut self, file: usize, clock: &mut usize) {
        let entered = *clock;
        *clock += 1;
        self.seen[file] = Some(entered);
        self.low[file] = entered;
        self.stack.push(file);
        for to in self.next[file].clone() {
            match self.seen[to] {
                None => {
                    self.enter(to, clock);
                    self.low[file] = self.low[file].min(self.low[to]);
                }
                Some(seen) if self.stack.contains(&to) => self.low[file] = self.low[file].min(seen),
                Some(_) => {}
            }
        }
        if self.low[file] == entered {
            let from = self.stack.iter().position(|&other| other == file).unwrap_or(0);
            self.found.push(self.stack.split_off(from));
        }
    }
}
