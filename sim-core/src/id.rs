//! Typed ids and the tables that they index.
//!
//! An id is a position in one table of the world, fixed for the whole run, so two tables cannot be mixed
//! up. What comes and goes is different: pods, nodes, requests and attempts. Their *serials* count what
//! was ever made and are never reused, so order, draws, digests and names go by them; where such a thing
//! is kept (its *slot*) is a matter of storage alone, and is taken again when it has ended.

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
            /// No such thing, where a record has no room for an option.
            pub const NONE: Self = $name(u32::MAX);

            /// The id of that number.
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
    /// A node that ever was.
    NodeId,
    /// A route.
    RouteId,
    /// A cell of a route.
    CellId,
    /// Where attempts wait that are with no server.
    BrokerId,
    /// A source of faults.
    SourceId,
    /// What several pods ask for alike.
    DemandId,
    /// Where a pod is kept.
    PodSlot,
    /// Where a server is kept.
    ServerSlot,
    /// Where the clock of GPUs is kept that several servers share.
    ClockSlot,
    /// Where a unit is kept.
    UnitSlot,
    /// Where a request is kept.
    RequestSlot,
    /// Where an attempt is kept, and what an engine knows of it.
    AttemptSlot,
    /// Where the names of a prompt's blocks are kept.
    PrefixSlot,
}

macro_rules! live_ids {
    ($($(#[$doc:meta])* $name:ident in $slot:ident),+ $(,)?) => { $(
        $(#[$doc])*
        /// It orders by age: its serial is unique over the run, and its slot is where it is kept while it lives.
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
            /// No such thing.
            pub const NONE: Self = $name { serial: u32::MAX, slot: $slot::NONE };

            /// The thing of that serial, kept in that slot.
            pub const fn new(serial: u32, slot: $slot) -> Self {
                $name { serial, slot }
            }

            /// How many were made before it.
            pub const fn serial(self) -> u32 {
                self.serial
            }

            /// Where it is kept.
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

/// What comes and goes: a serial that is never reused, and a slot that is.
pub trait LiveId: Copy + Ord + fmt::Debug {
    /// Where such things are kept.
    type Slot: Id;
    /// The thing of that serial in that slot.
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
    /// What is placed as one: a pod, or several that share their GPUs.
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
    /// Adds an item and says its id.
    pub fn push(&mut self, item: T) -> I {
        self.items.push(item);
        I::at(self.items.len() - 1)
    }

    /// How many there are.
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

    /// All items, to change.
    pub fn values_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }

    /// Makes room for an id, with what `make` makes where there was none.
    pub fn reach(&mut self, id: I, make: impl FnMut() -> T) {
        if self.items.len() <= id.position() {
            self.items.resize_with(id.position() + 1, make);
        }
    }

    /// The item of an id, if it is one of this table.
    pub fn get(&self, id: I) -> Option<&T> {
        self.items.get(id.position())
    }

    /// The item of an id, to change, if it is one of this table.
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

/// Things that come and go. What has ended is dropped, and its slot is taken by who comes next, so memory
/// grows with what is live at once.
#[derive(Clone, Debug)]
pub struct Slab<I: LiveId, T> {
    items: Vec<T>,
    /// By slot: the serial of who is there, or was last.
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
    /// Adds what `make` makes of its id.
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

    /// Takes a thing out.
    pub fn remove(&mut self, id: I) -> T {
        debug_assert!(self.holds(id), "{id:?} is taken out twice");
        let slot = id.parts().1;
        self.free.push(slot);
        self.serials[slot.position()] = u32::MAX;
        std::mem::take(&mut self.items[slot.position()])
    }

    /// Whether a thing has not been taken out.
    #[inline]
    pub fn holds(&self, id: I) -> bool {
        let (serial, slot) = id.parts();
        self.serials.get(slot.position()) == Some(&serial)
    }

    /// Who is in a slot.
    #[inline]
    pub fn id_in(&self, slot: I::Slot) -> I {
        I::of(self.serials[slot.position()], slot)
    }

    /// Who lives, by slot.
    pub fn ids(&self) -> impl Iterator<Item = I> {
        let slots = self.serials.iter().enumerate().filter(|(_, serial)| **serial != u32::MAX);
        slots.map(|(slot, &serial)| I::of(serial, I::Slot::at(slot)))
    }

    /// The most that ever lived at once.
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
    /// Who is in a slot; for records that have no room for a serial, and know that it lives.
    #[inline]
    pub fn at(&self, slot: I::Slot) -> &T {
        &self.items[slot.position()]
    }

    /// Who is in a slot, or was last, if it is one of this table.
    #[inline]
    pub fn get(&self, slot: I::Slot) -> Option<&T> {
        self.items.get(slot.position())
    }

    /// As [`Slab::at`], to change.
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
