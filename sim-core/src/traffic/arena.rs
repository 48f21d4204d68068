//! A slab of fixed-size records whose slots are reused when a record ends.

use crate::id::Id;
use std::ops::{Index, IndexMut};

/// A slab. The caller recognises a reused slot by a serial number in the record.
#[derive(Debug)]
pub(crate) struct Arena<I, T> {
    items: Vec<T>,
    free: Vec<I>,
}

/// Stands for "no position" or "no user" where a record has no room for an option.
pub(crate) const NONE: u32 = u32::MAX;

impl<I, T> Default for Arena<I, T> {
    fn default() -> Self {
        Arena { items: Vec::new(), free: Vec::new() }
    }
}

impl<I: Id, T> Arena<I, T> {
    /// Stores a record.
    #[inline]
    pub(crate) fn insert(&mut self, item: T) -> I {
        if let Some(slot) = self.free.pop() {
            self.items[slot.position()] = item;
            return slot;
        }
        self.items.push(item);
        I::at(self.items.len() - 1)
    }

    /// Frees a slot.
    #[inline]
    pub(crate) fn remove(&mut self, slot: I) {
        self.free.push(slot);
    }

    /// The record in a slot, or the last one there, if the slot exists.
    #[inline]
    pub(crate) fn get(&self, slot: I) -> Option<&T> {
        self.items.get(slot.position())
    }

    /// All slots, including free ones.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        self.items.iter().enumerate().map(|(position, item)| (I::at(position), item))
    }

    /// Records in use.
    pub(crate) fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }

    /// Most records in use at once.
    pub(crate) fn peak(&self) -> usize {
        self.items.len()
    }
}

impl<I: Id, T> Index<I> for Arena<I, T> {
    type Output = T;
    #[inline]
    fn index(&self, slot: I) -> &T {
        &self.items[slot.position()]
    }
}

impl<I: Id, T> IndexMut<I> for Arena<I, T> {
    #[inline]
    fn index_mut(&mut self, slot: I) -> &mut T {
        &mut self.items[slot.position()]
    }
}
