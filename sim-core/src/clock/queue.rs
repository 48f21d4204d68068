//! The event queue behind a small trait, and a binary heap that tests compare it with.

use super::order::Key;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A waiting event: its place in the order, and what it is.
#[derive(Clone, Copy, Debug)]
pub struct Entry<E> {
    /// Place in the total order.
    pub key: Key,
    /// Payload: small and `Copy`.
    pub event: E,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    /// Reversed, since the standard heap pops the largest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

/// A queue that pops by the total order of [`Key`].
///
/// Keys pushed must not be earlier than the last one popped.
pub trait EventQueue<E: Copy> {
    /// Adds an event.
    fn push(&mut self, key: Key, event: E);
    /// Removes and returns the earliest event, if it comes before `bound`. If there is none, events
    /// pushed later must not be earlier than `bound`.
    fn pop_before(&mut self, bound: Key) -> Option<Entry<E>>;
    /// Removes and returns the earliest event.
    fn pop(&mut self) -> Option<Entry<E>> {
        self.pop_before(Key::LAST)
    }
    /// How many events wait.
    fn len(&self) -> usize;
    /// Whether no event waits.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The plain implementation: slower, and obviously right.
#[derive(Debug)]
pub struct HeapQueue<E>(BinaryHeap<Entry<E>>);

impl<E> Default for HeapQueue<E> {
    fn default() -> Self {
        HeapQueue(BinaryHeap::new())
    }
}

impl<E: Copy> EventQueue<E> for HeapQueue<E> {
    fn push(&mut self, key: Key, event: E) {
        self.0.push(Entry { key, event });
    }

    fn pop_before(&mut self, bound: Key) -> Option<Entry<E>> {
        self.0.peek().filter(|entry| entry.key < bound)?;
        self.0.pop()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}
