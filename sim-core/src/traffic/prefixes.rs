//! Names of the blocks of prompts: a second arena beside requests and attempts, freed with them.
//! Lists are reused with their room, so that traffic with names allocates only while it grows.

use super::arena::NONE;
use crate::ports::Prefix;

/// Lists of block names by index.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    lists: Vec<List>,
    free: Vec<u32>,
}

#[derive(Debug, Default)]
struct List {
    block_tokens: u32,
    hashes: Vec<u64>,
}

impl Prefixes {
    /// Stores a list; [`NONE`] for an empty one. Names of different clients never agree, since
    /// their workloads count each for itself: `client` is the number of the client's name.
    #[inline]
    pub(crate) fn insert(&mut self, prefix: Prefix<'_>, client: u64) -> u32 {
        if prefix.hashes.is_empty() || prefix.block_tokens == 0 {
            return NONE;
        }
        let index = self.place();
        let list = &mut self.lists[index as usize];
        list.block_tokens = prefix.block_tokens;
        list.hashes.extend(prefix.hashes.iter().map(|hash| hash ^ client));
        index
    }

    /// A second list of what is in one.
    #[inline]
    pub(crate) fn copy(&mut self, index: u32) -> u32 {
        if index == NONE {
            return NONE;
        }
        let copy = self.place();
        let mut list = std::mem::take(&mut self.lists[copy as usize]);
        let from = &self.lists[index as usize];
        list.block_tokens = from.block_tokens;
        list.hashes.extend_from_slice(&from.hashes);
        self.lists[copy as usize] = list;
        copy
    }

    fn place(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.lists.push(List::default());
            (self.lists.len() - 1) as u32
        })
    }

    /// Frees a list, if it is one.
    #[inline]
    pub(crate) fn remove(&mut self, index: u32) {
        if index != NONE {
            self.lists[index as usize].hashes.clear();
            self.free.push(index);
        }
    }

    /// The list at `index`; empty for [`NONE`].
    #[inline]
    pub(crate) fn get(&self, index: u32) -> Prefix<'_> {
        match self.lists.get(index as usize) {
            Some(list) => Prefix { block_tokens: list.block_tokens, hashes: &list.hashes },
            None => Prefix::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_kept_copied_and_reused() {
        let mut all = Prefixes::default();
        let first = all.insert(Prefix { block_tokens: 16, hashes: &[1, 2, 3] }, 0);
        let second = all.copy(first);
        all.remove(first);
        let third = all.insert(Prefix { block_tokens: 512, hashes: &[9] }, 0);
        assert_eq!(third, first);
        assert_eq!(all.get(second), Prefix { block_tokens: 16, hashes: &[1, 2, 3] });
        assert_eq!(all.get(third), Prefix { block_tokens: 512, hashes: &[9] });
        assert_eq!((all.insert(Prefix::default(), 0), all.copy(NONE), all.lists.len()), (NONE, NONE, 2));
        assert_eq!(all.get(NONE), Prefix::default());
    }
}
