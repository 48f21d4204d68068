//! A slab of fixed-size records whose places are reused when they end.

use crate::id::Id;
use std::ops::{Index, IndexMut};

/// A slab. The caller tells a reused place by a serial number in the record.
#[derive(Debug)]
pub(crate) struct Arena<I, T> {
    items: Vec<T>,
    free: Vec<I>,
}

/// No position, no user: where a record has no room for an option.
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

    /// Frees a place.
    #[inline]
    pub(crate) fn remove(&mut self, slot: I) {
        self.free.push(slot);
    }

    /// What is in a place, or was last, if there is one.
    #[inline]
    pub(crate) fn get(&self, slot: I) -> Option<&T> {
        self.items.get(slot.position())
    }

    /// All places, free ones too.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        self.items.iter().enumerate().map(|(position, item)| (I::at(position), item))
    }

    /// Records in use.
    pub(crate) fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }

    /// Most records that were ever in use at once.
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
