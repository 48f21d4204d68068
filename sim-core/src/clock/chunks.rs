//! Lists of events that share one pool of chunks.
//!
//! A wheel has hundreds of slots, and each may hold many events for a moment. If each slot had its
//! own buffer, memory would grow to the sum of all that they ever held, and would be out of the
//! cache when it is used again. Here a list is a chain of chunks, and the chunk that was emptied
//! last is filled next.

use super::order::Key;
use super::queue::Entry;

/// Entries of a chunk.
const CHUNK: usize = 16;
/// Stands for "no chunk".
const NONE: u32 = u32::MAX;

/// A list: its last chunk and its number of entries. All earlier chunks are full.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct List {
    last: u32,
    len: u32,
}

impl List {
    pub(super) fn len(self) -> usize {
        self.len as usize
    }
}

/// The chunks of all lists.
#[derive(Debug)]
pub(super) struct Pool<E> {
    entries: Vec<Entry<E>>,
    /// For each chunk: the one before it in its list; for a free chunk, the next free one.
    links: Vec<u32>,
    free: u32,
}

impl<E> Default for Pool<E> {
    fn default() -> Self {
        Pool { entries: Vec::new(), links: Vec::new(), free: NONE }
    }
}

impl<E: Copy + Default> Pool<E> {
    #[expect(clippy::inline_always, reason = "measured: as in the wheel, which calls it")]
    #[inline(always)]
    pub(super) fn push(&mut self, list: &mut List, entry: Entry<E>) {
        let at = list.len as usize % CHUNK;
        if at == 0 {
            self.extend(list);
        }
        self.entries[list.last as usize * CHUNK + at] = entry;
        list.len += 1;
    }

    /// Moves out the entries of a list's last chunk; false if the list is empty.
    #[inline]
    pub(super) fn pop_into(&mut self, list: &mut List, into: &mut Vec<Entry<E>>) -> bool {
        let Some(before) = list.len.checked_sub(1) else { return false };
        let (emptied, start) = (list.last as usize, list.last as usize * CHUNK);
        let filled = before as usize % CHUNK + 1;
        into.extend_from_slice(&self.entries[start..start + filled]);
        list.len -= filled as u32;
        list.last = std::mem::replace(&mut self.links[emptied], self.free);
        self.free = emptied as u32;
        true
    }

    /// Adds a chunk to a list whose chunks are all full.
    #[inline]
    fn extend(&mut self, list: &mut List) {
        if self.free == NONE {
            self.grow();
        }
        let taken = self.free;
        self.free = std::mem::replace(&mut self.links[taken as usize], list.last);
        list.last = taken;
    }

    #[cold]
    fn grow(&mut self) {
        self.free = self.links.len() as u32;
        self.links.push(NONE);
        let blank = Entry { key: Key::LAST, event: E::default() };
        self.entries.resize(self.entries.len() + CHUNK, blank);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_give_back_their_own_and_the_pool_does_not_grow_for_what_was_emptied() {
        let mut pool: Pool<u64> = Pool::default();
        let mut lists = [List::default(); 3];
        for round in 0..4 {
            for event in 0..120 {
                pool.push(&mut lists[event as usize % 3], Entry { key: Key::LAST, event: event + round });
            }
            for (list, first) in lists.iter_mut().zip(0..) {
                assert_eq!(list.len(), 40);
                let mut entries = Vec::new();
                while pool.pop_into(list, &mut entries) {}
                let mut events: Vec<u64> = entries.iter().map(|entry| entry.event).collect();
                events.sort_unstable();
                assert_eq!(events, (0..40).map(|n| n * 3 + first + round).collect::<Vec<_>>());
            }
        }
        assert_eq!(pool.entries.len(), 9 * CHUNK);
    }
}
