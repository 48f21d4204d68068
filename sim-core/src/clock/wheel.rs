//! A hierarchical timing wheel that sorts a slot by the full key when it is reached.
//!
//! Eleven levels of 64 slots cover all of `u64`: an event stands at the level of the highest
//! Eleven levels of 64 slots cover all of `u64`: an event is at the level of the highest base-64
//! digit in which its time differs from the wheel's position. A slot with few events is not spread
//! over the levels below, but sorted at once into the *front*, a short sorted list that covers the
//! slot's whole span. So the width of a tick adapts to the density of events, and most events move
//! twice: into a slot, and into the front.
//!
//! Slots share one pool of chunks, so that memory grows only with the number of waiting events, and
//! what is written next was read last.
//!
//! A burst into the front's span spills back into finer slots; a burst into one single instant,
//! which no slot can divide, goes to a heap beside the front. Neither is quadratic.

#![expect(clippy::inline_always, reason = "measured: a call would write and read the entry once more")]

use super::chunks::{List, Pool};
use super::order::Key;
use super::queue::{Entry, EventQueue};
use super::time::SimTime;
use std::collections::BinaryHeap;

const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = 11;
/// A slot with at most this many events is sorted whole. The limit is the number of slots of a level:
/// a fuller slot gives each slot below it one event or more on average, so that few are empty.
const SORT_WHOLE: usize = SLOTS;
/// A front with more events than this spills.
const FRONT_MAX: usize = 2 * SORT_WHOLE;

/// The timing wheel.
#[derive(Debug)]
pub struct Wheel<E> {
    /// Sorted descending: the earliest is last.
    front: Vec<Entry<E>>,
    /// Events that do not fit into a front that covers a single instant.
    overflow: BinaryHeap<Entry<E>>,
    /// Times below this belong to the front.
    front_end: u64,
    /// Position: the start of the front's span.
    position: u64,
    /// The time of the last popped event.
    popped: u64,
    slots: Vec<List>,
    /// Where the slots keep their events.
    pool: Pool<E>,
    /// For each level, which slots are occupied.
    occupied: [u64; LEVELS],
    len: usize,
    /// Reused: one chunk of a slot that is being spread.
    scratch: Vec<Entry<E>>,
}

impl<E> Default for Wheel<E> {
    fn default() -> Self {
        Wheel {
            front: Vec::with_capacity(FRONT_MAX + 1),
            overflow: BinaryHeap::new(),
            front_end: 0,
            position: 0,
            popped: 0,
            slots: vec![List::default(); LEVELS * SLOTS],
            pool: Pool::default(),
            occupied: [0; LEVELS],
            len: 0,
            scratch: Vec::new(),
        }
    }
}

const fn digit(time: u64, level: usize) -> usize {
    (time >> (DIGIT_BITS * level as u32)) as usize & (SLOTS - 1)
}

impl<E: Copy + Default> Wheel<E> {
    #[inline(always)]
    fn push_slot(&mut self, entry: Entry<E>) {
        let time = entry.key.at.as_ps();
        debug_assert!(time >= self.position, "an event before the wheel's position");
        let level = ((time ^ self.position) | 1).ilog2() / DIGIT_BITS;
        let slot = digit(time, level as usize);
        self.pool.push(&mut self.slots[level as usize * SLOTS + slot], entry);
        self.occupied[level as usize] |= 1 << slot;
    }

    #[inline(always)]
    fn push_front(&mut self, entry: Entry<E>) {
        // From the earliest end, like insertion sort: fronts are short.
        let mut place = self.front.len();
        self.front.push(entry);
        while place > 0 && self.front[place - 1].key < entry.key {
            self.front[place] = self.front[place - 1];
            place -= 1;
        }
        self.front[place] = entry;
    }

    /// Spills a long front into finer slots before an event at `at` is inserted, so that a burst
    /// does not make each insertion walk the whole front. False if all events are at that one
    /// instant, which no slot can divide.
    #[cold]
    fn spill(&mut self, at: u64) -> bool {
        let earliest = self.front.last().map_or(at, |first| first.key.at.as_ps().min(at));
        if self.front[0].key.at.as_ps() == earliest {
            return false;
        }
        // Nothing is ever pushed before the last popped event. That lies within the front's span,
        // in which no slot is in use, so all levels stay valid.
        self.position = self.position.max(self.popped);
        self.front_end = self.position;
        while let Some(spilled) = self.front.pop() {
            self.push_slot(spilled);
        }
        true
    }

    #[cold]
    fn move_to_overflow(&mut self) {
        self.overflow.extend(self.front.pop());
    }

    /// Brings the next events to the front if it is empty, unless they come after `bound`. True if
    /// it has just done so.
    #[inline(always)]
    pub(crate) fn advance(&mut self, bound: SimTime) -> bool {
        if !self.front.is_empty() {
            return false;
        }
        self.refill(bound.as_ps());
        !self.front.is_empty()
    }

    /// Like [`EventQueue::pop_before`], after [`Wheel::advance`].
    #[inline(always)]
    pub(crate) fn take_before(&mut self, bound: &Key) -> Option<Entry<E>> {
        if !self.overflow.is_empty() && self.overflow_is_next() {
            self.overflow.peek().filter(|entry| entry.key < *bound)?;
            self.len -= 1;
            return self.overflow.pop();
        }
        let first = self.front.last().filter(|entry| entry.key < *bound)?;
        self.popped = first.key.at.as_ps();
        self.len -= 1;
        self.front.pop()
    }

    /// The events in the front, the earliest first.
    pub(crate) fn upcoming(&self) -> impl Iterator<Item = &E> {
        self.front.iter().rev().map(|entry| &entry.event)
    }

    /// Fills an empty front from the next occupied slot, unless that slot begins after `bound`: the
    /// position must never pass an instant at which an event may still be pushed.
    #[inline(never)]
    fn refill(&mut self, bound: u64) {
        let bound = self.overflow.peek().map_or(bound, |spilled| spilled.key.at.as_ps().min(bound));
        while let Some(level) = self.occupied.iter().position(|&slots| slots != 0) {
            let slot = self.occupied[level].trailing_zeros() as usize;
            let shift = DIGIT_BITS * level as u32;
            // Digits above this level are those of the position, digits below are zero.
            let above = self.position.checked_shr(shift + DIGIT_BITS).unwrap_or(0);
            let start = above.checked_shl(shift + DIGIT_BITS).unwrap_or(0) | ((slot as u64) << shift);
            if start > bound {
                return;
            }
            self.position = start;
            self.occupied[level] &= !(1 << slot);
            let mut list = std::mem::take(&mut self.slots[level * SLOTS + slot]);
            if list.len() <= SORT_WHOLE || level == 0 {
                self.front_end = start.saturating_add(1 << shift);
                while self.pool.pop_into(&mut list, &mut self.front) {}
                self.front.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.key));
                return;
            }
            while self.pool.pop_into(&mut list, &mut self.scratch) {
                while let Some(entry) = self.scratch.pop() {
                    self.push_slot(entry);
                }
            }
        }
    }

    #[inline]
    fn overflow_is_next(&self) -> bool {
        match (self.overflow.peek(), self.front.last()) {
            (Some(spilled), Some(first)) => spilled.key < first.key,
            (spilled, None) => spilled.is_some(),
            (None, Some(_)) => false,
        }
    }
}

impl<E: Copy + Default> EventQueue<E> for Wheel<E> {
    #[inline(always)]
    fn push(&mut self, key: Key, event: E) {
        self.len += 1;
        let at = key.at.as_ps();
        let entry = Entry { key, event };
        if at < self.front_end && self.front.len() >= FRONT_MAX && !self.spill(at) {
            self.front.push(entry);
            return self.move_to_overflow();
        }
        if at < self.front_end {
            self.push_front(entry);
        } else {
            self.push_slot(entry);
        }
    }

    #[inline]
    fn pop_before(&mut self, bound: Key) -> Option<Entry<E>> {
        self.advance(bound.at);
        self.take_before(&bound)
    }

    fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::HeapQueue;
    use super::super::{Class, SimDuration, SimTime};
    use super::*;
    use crate::id::ClientId;
    use proptest::prelude::*;

    /// One step of a random history: push events with these delays, then pop some.
    #[derive(Clone, Debug)]
    struct Step {
        ahead: Vec<(u64, u16, u32)>,
        pops: usize,
        bound: Option<u64>,
    }

    fn step() -> impl Strategy<Value = Step> {
        let ahead = prop_oneof![
            4 => 0_u64..4,
            4 => 0_u64..1_000_000_000_000,
            2 => Just(15_000_000_000_000_u64),
            1 => 0_u64..u64::MAX / 100,
        ];
        let bound = prop::option::of(0_u64..2_000_000_000_000);
        (prop::collection::vec((ahead, 0_u16..3, 0_u32..4), 0..80), 0_usize..120, bound)
            .prop_map(|(ahead, pops, bound)| Step { ahead, pops, bound })
    }

    proptest! {
        #[test]
        fn pops_in_the_order_of_a_heap(steps in prop::collection::vec(step(), 1..40)) {
            let mut wheel = Wheel::default();
            let mut heap = HeapQueue::default();
            let (mut now, mut seq) = (Key::new(SimTime::ZERO, 0, Class::Arrival, ClientId::new(0), 0), 0);
            for step in steps {
                for (ahead, rounds, entity) in step.ahead {
                    seq += 1;
                    let at = SimTime::from_ps(now.at.as_ps().saturating_add(ahead));
                    // An event that is caused at this instant belongs to a later round.
                    let round = if at == now.at { now.round() + 1 + rounds } else { 0 };
                    let key = Key::new(at, round, Class::Completion, ClientId::new(entity), seq);
                    wheel.push(key, seq);
                    heap.push(key, seq);
                }
                // Arrivals from beside the queue bound the pops, and then set the time.
                let bound = step.bound.map_or(Key::LAST, |ahead| {
                    Key::new(now.at + SimDuration::from_ps(ahead), 0, Class::Arrival, ClientId::new(0), 0)
                });
                for _ in 0..step.pops {
                    let (ours, oracle) = (wheel.pop_before(bound), heap.pop_before(bound));
                    if oracle.is_none() && bound != Key::LAST {
                        now = now.max(bound);
                    }
                    prop_assert_eq!(ours.map(|e| e.key), oracle.map(|e| e.key));
                    prop_assert_eq!(ours.map(|e| e.event), oracle.map(|e| e.event));
                    now = ours.map_or(now, |entry| entry.key);
                    if now.round() > 60_000 { return Ok(()); }
                }
                prop_assert_eq!(wheel.len(), heap.len());
            }
            while let Some(oracle) = heap.pop() {
                prop_assert_eq!(wheel.pop().map(|e| e.key), Some(oracle.key));
            }
            prop_assert!(wheel.is_empty());
        }
    }

    /// A burst into the instant being handled, and into the span of the front.
    #[test]
    fn bursts_keep_the_order() {
        for spread in [0_u64, 1, 1_000, 1 << 40] {
            let mut wheel = Wheel::default();
            let mut heap = HeapQueue::default();
            for i in 0..20_000_u64 {
                let at = SimTime::from_ps((1 << 41) + (i.wrapping_mul(0x9e37_79b9) % (spread + 1)));
                let key = Key::new(at, 0, Class::Delivery, ClientId::new((i % 7) as u32), i);
                wheel.push(key, i);
                heap.push(key, i);
                if i % 5 == 4 && i < 100 {
                    let bound = Key::new(SimTime::from_ps(1 << 41), 0, Class::Lifecycle, ClientId::new(0), 0);
                    assert!(wheel.pop_before(bound).is_none() && heap.pop_before(bound).is_none());
                }
            }
            while let Some(oracle) = heap.pop() {
                assert_eq!(wheel.pop().unwrap().key, oracle.key);
            }
        }
    }

    /// Bursts in which each event comes before all events pushed just before it, so that the front
    /// spills more than once at one instant.
    #[test]
    fn bursts_that_come_ever_earlier_keep_the_order() {
        for step in [1_u64, 77, 4_099, 1 << 33] {
            let mut wheel = Wheel::default();
            let mut heap = HeapQueue::default();
            let mut seq = 0;
            let mut push = |wheel: &mut Wheel<u64>, heap: &mut HeapQueue<u64>, at: u64| {
                seq += 1;
                let key = Key::new(SimTime::from_ps(at), 0, Class::Delivery, ClientId::new(0), seq);
                wheel.push(key, seq);
                heap.push(key, seq);
            };
            // Few events in one wide slot: the front that holds them covers all that follow.
            for i in 0..6 {
                push(&mut wheel, &mut heap, (1 << 48) + i * 1_000 * step);
            }
            for _ in 0..6 {
                let now = wheel.pop().unwrap();
                assert_eq!(now.key, heap.pop().unwrap().key);
                for i in 0..300 {
                    push(&mut wheel, &mut heap, now.key.at.as_ps() + (301 - i) * step);
                }
            }
            while let Some(oracle) = heap.pop() {
                assert_eq!(wheel.pop().unwrap().key, oracle.key);
            }
        }
    }
}
