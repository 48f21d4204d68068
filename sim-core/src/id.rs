//! Typed ids and the tables that they index.
//!
//! The id of something fixed for the whole run is a position in a table of its own, so ids of two
//! tables cannot be mixed up. Pods, nodes, requests and attempts come and go. Their *serials*
//! number everything that was ever made and are never reused: order, draws, digests and names use
//! serials. Their *slots* say where they are stored, and are reused after they have ended.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A position in a table.
pub trait Id: Copy + Ord + fmt::Debug {
    /// The id of a position.
    fn at(position: usize) -> Self;
    /// Its position.
    fn position(self) -> usize;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// Stands for "none" where a record has no room for an option.
            pub const NONE: Self = $name(u32::MAX);

            /// The id with that number.
            pub const fn new(number: u32) -> Self {
                $name(number)
            }

            /// Its number.
            pub const fn get(self) -> u32 {
                self.0
            }
        }

        impl Id for $name {
            #[inline]
            fn at(position: usize) -> Self {
                $name(position as u32)
            }
            #[inline]
            fn position(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )+ };
}

ids! {
    /// A service.
    ServiceId,
    /// A client.
    ClientId,
    /// A controller.
    ControllerId,
    /// A signal of a controller.
    SignalIndex,
    /// A region.
    RegionId,
    /// A zone of a region.
    ZoneId,
    /// A pool of nodes.
    PoolId,
    /// A node, numbered over the whole run.
    NodeId,
    /// A route.
    RouteId,
    /// A cell of a route.
    CellId,
    /// A broker: a queue for attempts that no server holds.
    BrokerId,
    /// A source of faults.
    SourceId,
    /// A demand: what several pods ask for in the same way.
    DemandId,
    /// The slot of a pod.
    PodSlot,
    /// The slot of a server.
    ServerSlot,
    /// The slot of a clock of shared GPUs.
    ClockSlot,
    /// The slot of a unit.
    UnitSlot,
    /// The slot of a request.
    RequestSlot,
    /// The slot of an attempt, and of what an engine knows of it.
    AttemptSlot,
    /// The slot of a list of block names of a prompt.
    PrefixSlot,
}

macro_rules! live_ids {
    ($($(#[$doc:meta])* $name:ident in $slot:ident),+ $(,)?) => { $(
        $(#[$doc])*
        /// Ids are ordered by age: the serial is unique over the run, the slot says where it is
        /// stored while it lives.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            serial: u32,
            slot: $slot,
        }

        impl Default for $name {
            fn default() -> Self {
                $name::NONE
            }
        }

        impl $name {
            /// Stands for "none".
            pub const NONE: Self = $name { serial: u32::MAX, slot: $slot::NONE };

            /// The id with that serial and slot.
            pub const fn new(serial: u32, slot: $slot) -> Self {
                $name { serial, slot }
            }

            /// How many were made before it.
            pub const fn serial(self) -> u32 {
                self.serial
            }

            /// Where it is stored.
            pub const fn slot(self) -> $slot {
                self.slot
            }
        }

        impl LiveId for $name {
            type Slot = $slot;
            fn of(serial: u32, slot: $slot) -> Self {
                $name { serial, slot }
            }
            #[inline]
            fn parts(self) -> (u32, $slot) {
                (self.serial, self.slot)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.serial)
            }
        }
    )+ };
}

/// An id of something that comes and goes: a serial that is never reused, and a slot that is.
pub trait LiveId: Copy + Ord + fmt::Debug {
    /// The type of its slots.
    type Slot: Id;
    /// The id with that serial and slot.
    fn of(serial: u32, slot: Self::Slot) -> Self;
    /// Its serial and its slot.
    fn parts(self) -> (u32, Self::Slot);
}

live_ids! {
    /// A pod.
    PodId in PodSlot,
    /// A server: the process that serves one model in a pod.
    ServerId in ServerSlot,
    /// The clock of GPUs that several servers share.
    ClockId in ClockSlot,
    /// What is placed as one: a pod, or several pods that share GPUs.
    UnitId in UnitSlot,
}

/// A list of `T` that is indexed by its own id.
#[derive(Clone, Debug)]
pub struct Table<I, T> {
    items: Vec<T>,
    id: PhantomData<I>,
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Table { items: Vec::new(), id: PhantomData }
    }
}

impl<I: Id, T> Table<I, T> {
    /// Adds an item and returns its id.
    pub fn push(&mut self, item: T) -> I {
        self.items.push(item);
        I::at(self.items.len() - 1)
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// All ids.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.items.len()).map(I::at)
    }

    /// All items with their ids.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.items.iter().enumerate().map(|(position, item)| (I::at(position), item))
    }

    /// All items.
    pub fn values(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// All items, mutable.
    pub fn values_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }

    /// Fills the table up to an id with items from `make`.
    pub fn reach(&mut self, id: I, make: impl FnMut() -> T) {
        if self.items.len() <= id.position() {
            self.items.resize_with(id.position() + 1, make);
        }
    }

    /// The item of an id, if the table has it.
    pub fn get(&self, id: I) -> Option<&T> {
        self.items.get(id.position())
    }

    /// The item of an id, mutable, if the table has it.
    pub fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.items.get_mut(id.position())
    }
}

impl<I: Id, T> FromIterator<T> for Table<I, T> {
    fn from_iter<A: IntoIterator<Item = T>>(items: A) -> Self {
        Table { items: items.into_iter().collect(), id: PhantomData }
    }
}

impl<I: Id, T> Index<I> for Table<I, T> {
    type Output = T;
    #[inline]
    fn index(&self, id: I) -> &T {
        &self.items[id.position()]
    }
}

impl<I: Id, T> IndexMut<I> for Table<I, T> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.position()]
    }
}

/// Items that come and go. An item that has ended is dropped and its slot is reused, so memory
/// grows with the number that live at once.
#[derive(Clone, Debug)]
pub struct Slab<I: LiveId, T> {
    items: Vec<T>,
    /// For each slot, the serial of the item in it, or of the last one.
    serials: Vec<u32>,
    free: Vec<I::Slot>,
    made: u32,
}

impl<I: LiveId, T> Default for Slab<I, T> {
    fn default() -> Self {
        Slab { items: Vec::new(), serials: Vec::new(), free: Vec::new(), made: 0 }
    }
}

impl<I: LiveId, T: Default> Slab<I, T> {
    /// Adds an item, which `make` makes for its id.
    pub fn insert(&mut self, make: impl FnOnce(I) -> T) -> I {
        let slot = self.free.pop().unwrap_or_else(|| I::Slot::at(self.items.len()));
        let id = I::of(self.made, slot);
        self.made += 1;
        let item = make(id);
        if slot.position() < self.items.len() {
            self.items[slot.position()] = item;
            self.serials[slot.position()] = self.made - 1;
        } else {
            self.items.push(item);
            self.serials.push(self.made - 1);
        }
        id
    }

    /// Takes an item out.
    pub fn remove(&mut self, id: I) -> T {
        debug_assert!(self.holds(id), "{id:?} is taken out twice");
        let slot = id.parts().1;
        self.free.push(slot);
        self.serials[slot.position()] = u32::MAX;
        std::mem::take(&mut self.items[slot.position()])
    }

    /// Whether an item has not been taken out.
    #[inline]
    pub fn holds(&self, id: I) -> bool {
        let (serial, slot) = id.parts();
        self.serials.get(slot.position()) == Some(&serial)
    }

    /// The id of the item in a slot.
    #[inline]
    pub fn id_in(&self, slot: I::Slot) -> I {
        I::of(self.serials[slot.position()], slot)
    }

    /// The ids of all live items, by slot.
    pub fn ids(&self) -> impl Iterator<Item = I> {
        let slots = self.serials.iter().enumerate().filter(|(_, serial)| **serial != u32::MAX);
        slots.map(|(slot, &serial)| I::of(serial, I::Slot::at(slot)))
    }

    /// The most items that lived at once.
    pub fn peak(&self) -> usize {
        self.items.len()
    }
}

impl<I: LiveId, T> Index<I> for Slab<I, T> {
    type Output = T;
    #[inline]
    fn index(&self, id: I) -> &T {
        &self.items[id.parts().1.position()]
    }
}

impl<I: LiveId, T> IndexMut<I> for Slab<I, T> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.parts().1.position()]
    }
}

impl<I: LiveId, T> Slab<I, T> {
    /// The item in a slot; for records that have no room for a serial, and know that the item
    /// lives.
    #[inline]
    pub fn at(&self, slot: I::Slot) -> &T {
        &self.items[slot.position()]
    }

    /// The item in a slot, or the last one, if the slot exists.
    #[inline]
    pub fn get(&self, slot: I::Slot) -> Option<&T> {
        self.items.get(slot.position())
    }

    /// Like [`Slab::at`], mutable.
    #[inline]
    pub fn at_mut(&mut self, slot: I::Slot) -> &mut T {
        &mut self.items[slot.position()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_knows_its_items_by_their_ids() {
        let mut table: Table<PoolId, &str> = ["a", "b"].into_iter().collect();
        let c = table.push("c");
        table[PoolId::new(0)] = "A";
        assert_eq!((c, table[c], table[PoolId::new(0)], table.get(PoolId::new(3))), (PoolId::new(2), "c", "A", None));
        assert_eq!(table.ids().map(PoolId::get).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(format!("{c:?}"), "PoolId(2)");
    }

    #[test]
    fn slots_are_reused_and_serials_are_not() {
        let mut slab: Slab<PodId, String> = Slab::default();
        let [a, b] = ["a", "b"].map(|name| slab.insert(|_| name.into()));
        assert_eq!((slab.remove(a), slab.holds(a)), ("a".into(), false));
        let c = slab.insert(|_| "c".into());
        assert_eq!((c.slot(), c.serial(), slab.peak()), (a.slot(), 2, 2));
        assert!(b < c && !slab.holds(a) && slab.id_in(c.slot()) == c, "the older one is first, wherever it is kept");
        assert_eq!((slab[b].as_str(), slab.at(c.slot()).as_str()), ("b", "c"));
    }
}
