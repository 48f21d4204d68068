//! The blocks of a plain engine, each with its content and its name.

use std::collections::{BTreeMap, VecDeque};

/// The pool: free blocks in the order in which they will be used.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) free: VecDeque<usize>,
    /// What a block holds; a new number whenever it is used.
    pub(crate) content: Vec<u64>,
    /// Its name, and how many hold it.
    pub(crate) names: Vec<Option<(u64, usize)>>,
    pub(crate) holders: Vec<u32>,
    pub(crate) by_name: BTreeMap<(u64, usize), usize>,
    /// The blocks of all groups that a name had last.
    pub(crate) named: BTreeMap<(u64, usize), Vec<usize>>,
    pub(crate) total: usize,
    pub(crate) next: u64,
    pub(crate) peak: u64,
}

impl Pool {
    pub(crate) fn take(&mut self) -> usize {
        let block = self.free.pop_front().expect("checked by the caller");
        self.next += 1;
        self.content[block] = self.next;
        if let Some(name) = self.names[block].take() {
            self.by_name.remove(&name);
        }
        self.holders[block] = 1;
        self.note_peak();
        block
    }

    pub(crate) fn note_peak(&mut self) {
        self.peak = self.peak.max((self.total - self.free.len()) as u64);
    }

    pub(crate) fn give(&mut self, block: usize) {
        self.holders[block] -= 1;
        if self.holders[block] == 0 {
            self.free.push_back(block);
        }
    }

    pub(crate) fn is_there(&self, left: (usize, u64)) -> bool {
        self.content[left.0] == left.1
    }

    /// Takes a block that was found.
    pub(crate) fn hold(&mut self, block: usize) {
        if self.holders[block] == 0 {
            self.free.retain(|&free| free != block);
        }
        self.holders[block] += 1;
        self.note_peak();
    }
}
