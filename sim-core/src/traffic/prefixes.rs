//! Names of the blocks of prompts: an arena beside requests and attempts, whose entries are freed
//! with them. Lists are reused with their memory, so that traffic with names allocates only while
//! it grows.

use crate::id::{PrefixSlot, Table};
use crate::ports::Prefix;

/// Lists of block names by index.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    lists: Table<PrefixSlot, List>,
    free: Vec<PrefixSlot>,
}

#[derive(Debug, Default)]
struct List {
    block_tokens: u32,
    hashes: Vec<u64>,
}

impl Prefixes {
    /// Stores a list; returns [`PrefixSlot::NONE`] for an empty one. Names of different clients
    /// never agree, since each workload numbers them by itself: `client` is the number of the
    /// client's name.
    #[inline]
    pub(crate) fn insert(&mut self, prefix: Prefix<'_>, client: u64) -> PrefixSlot {
        if prefix.hashes.is_empty() || prefix.block_tokens == 0 {
            return PrefixSlot::NONE;
        }
        let index = self.place();
        let list = &mut self.lists[index];
        list.block_tokens = prefix.block_tokens;
        list.hashes.extend(prefix.hashes.iter().map(|hash| hash ^ client));
        index
    }

    /// Stores a copy of a list.
    #[inline]
    pub(crate) fn copy(&mut self, index: PrefixSlot) -> PrefixSlot {
        if index == PrefixSlot::NONE {
            return PrefixSlot::NONE;
        }
        let copy = self.place();
        let mut list = std::mem::take(&mut self.lists[copy]);
        let from = &self.lists[index];
        list.block_tokens = from.block_tokens;
        list.hashes.extend_from_slice(&from.hashes);
        self.lists[copy] = list;
        copy
    }

    fn place(&mut self) -> PrefixSlot {
        self.free.pop().unwrap_or_else(|| self.lists.push(List::default()))
    }

    /// Frees a list, unless `index` is [`PrefixSlot::NONE`].
    #[inline]
    pub(crate) fn remove(&mut self, index: PrefixSlot) {
        if index != PrefixSlot::NONE {
            self.lists[index].hashes.clear();
            self.free.push(index);
        }
    }

    /// The list at `index`; empty for [`PrefixSlot::NONE`].
    #[inline]
    pub(crate) fn get(&self, index: PrefixSlot) -> Prefix<'_> {
        match self.lists.get(index) {
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
        assert_eq!(
            (all.insert(Prefix::default(), 0), all.copy(PrefixSlot::NONE), all.lists.len()),
            (PrefixSlot::NONE, PrefixSlot::NONE, 2)
        );
        assert_eq!(all.get(PrefixSlot::NONE), Prefix::default());
    }
}
