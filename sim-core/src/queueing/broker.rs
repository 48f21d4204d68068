//! A broker: attempts that wait for a server, first come first served.

use crate::id::{AttemptSlot, BrokerId, Table};
use crate::traffic::{Arena, Attempt, Fifo, Stage};

/// All brokers of a run.
pub(crate) type Brokers = Table<BrokerId, Broker>;

/// A queue in front of servers.
#[derive(Debug)]
pub(crate) struct Broker {
    waiting: Fifo,
    /// Most attempts that wait.
    capacity: u32,
}

impl Broker {
    /// An empty queue for at most `capacity` attempts.
    pub(crate) fn new(capacity: u32) -> Self {
        Broker { waiting: Fifo::default(), capacity }
    }

    /// How many attempts wait.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.waiting.len()
    }

    /// Whether no attempt waits.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.len() == 0
    }

    /// Lets an attempt wait; false if the queue is full.
    pub(crate) fn offer(&mut self, attempts: &mut Arena<AttemptSlot, Attempt>, index: AttemptSlot) -> bool {
        let takes = self.waiting.len() < self.capacity;
        if takes {
            attempts[index].stage = Stage::Waiting;
            self.waiting.push(attempts, index);
        }
        takes
    }

    /// Takes the attempt that has waited longest.
    #[inline]
    pub(crate) fn pull(&mut self, attempts: &mut Arena<AttemptSlot, Attempt>) -> Option<AttemptSlot> {
        self.waiting.pop(attempts)
    }

    /// Takes out a waiting attempt.
    pub(crate) fn withdraw(&mut self, attempts: &mut Arena<AttemptSlot, Attempt>, index: AttemptSlot) {
        self.waiting.remove(attempts, index);
    }
}
