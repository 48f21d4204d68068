//! The one total order of events: `(time, round, class, entity, sequence)`.
//!
//! It never depends on the order of insertion, so a component that schedules fewer events (such as
//! an engine that leaps) changes no tie. What an event causes at its own instant is handled after
//! it, whatever the class: its *round* is one more than that of its cause.

use super::{Entity, SimTime};
use std::cmp::Ordering;

/// Which of several events of one instant and one round comes first, with the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// Outages, reclaims and prices: everything else at t finds that they have happened.
    Outage = 0,
    /// Node and replica life cycle: everything else at t finds the capacity that comes or goes at
    /// t.
    Lifecycle = 1,
    /// Completions and engine steps: a slot that frees at t can take what arrives at t.
    Completion = 2,
    /// Time-outs: work that ends exactly at its deadline is still in time.
    Timeout = 3,
    /// Deliveries to replicas: they were sent before anything that arrives now.
    Delivery = 4,
    /// Arrivals of new requests.
    Arrival = 5,
    /// Retries: fresh requests go first, as in a first-come queue.
    Retry = 6,
    /// Scrapes see everything that happened up to and at t.
    Scrape = 7,
    /// Controllers come after the scrapes of the same instant, since both fall on multiples of 15
    /// s: they see the sample taken at that instant.
    Controller = 8,
    /// Node autoscalers see the replicas that controllers have just asked for.
    NodeAutoscaler = 9,
    /// Series and other records describe the instant when everything else is done.
    Housekeeping = 10,
}

/// Where an event stands in the total order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// When.
    pub at: SimTime,
    /// Round, class and entity, packed so that they compare as one number.
    rank: u64,
    /// Sequence of the entity: attempt serial, generation, or count.
    pub seq: u64,
}

impl Key {
    const CLASS_BITS: u32 = 8;

    /// After every event.
    pub const LAST: Key = Key { at: SimTime::MAX, rank: u64::MAX, seq: u64::MAX };

    /// The key of an event of `entity` at `at`, in `round`.
    #[inline]
    pub fn new(at: SimTime, round: u16, class: Class, entity: impl Into<Entity>, seq: u64) -> Self {
        let rank = (u64::from(round) << (Entity::BITS + Self::CLASS_BITS))
            | ((class as u64) << Entity::BITS)
            | entity.into().code();
        Key { at, rank, seq }
    }

    /// Length of the chain of causes at this instant.
    #[inline]
    pub fn round(&self) -> u16 {
        (self.rank >> (Entity::BITS + Self::CLASS_BITS)) as u16
    }

    /// The number of the entity whose event it is.
    #[inline]
    pub fn number(&self) -> u32 {
        self.rank as u32
    }

    /// Whether it comes before another key; nearly always the times decide.
    #[inline]
    fn is_before(&self, other: &Key) -> bool {
        if self.at != other.at {
            return self.at < other.at;
        }
        (self.rank, self.seq) < (other.rank, other.seq)
    }
}

impl Ord for Key {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at).then_with(|| (self.rank, self.seq).cmp(&(other.rank, other.seq)))
    }
}

impl PartialOrd for Key {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    #[inline]
    fn lt(&self, other: &Self) -> bool {
        self.is_before(other)
    }

    #[inline]
    fn gt(&self, other: &Self) -> bool {
        other.is_before(self)
    }
}
