//! Requests and attempts: fixed-size records in two slabs.
//!
//! A *request* is what a client asked for; it is counted exactly once. An *attempt* is work on a
//! server for it. Retries make more attempts, and an attempt may go on after its client has gone.

use super::arena::Arena;
use crate::clock::{SimDuration, SimTime};
use crate::id::{AttemptSlot, ClientId, PrefixSlot, RequestSlot, ServerSlot, ServiceId};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Outcome {
    /// The answer came in time.
    Completed = 1,
    /// At its last attempt, a bounded queue was full.
    Rejected = 2,
    /// The client gave up.
    Expired = 3,
    /// At its last attempt, the worker was lost.
    Failed = 4,
}

/// What a client asked for. One cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Request {
    /// Number among the client's requests, from 0.
    pub(crate) number: u64,
    pub(crate) arrived: SimTime,
    pub(crate) service_time: SimDuration,
    pub(crate) client: ClientId,
    /// User of a closed-loop client.
    pub(crate) user: u32,
    pub(crate) prompt_tokens: u32,
    pub(crate) output_tokens: u32,
    /// Names of the prompt's blocks, or [`PrefixSlot::NONE`].
    pub(crate) prefix: PrefixSlot,
    /// The live attempt, or [`AttemptSlot::NONE`] while the client backs off.
    pub(crate) attempt: AttemptSlot,
    /// Attempts made so far.
    pub(crate) tries: u32,
    /// The service of its last attempt; before the first attempt, the service of that one.
    pub(crate) service: ServiceId,
    /// Attempts that were sent again after a loss, without asking the client.
    pub(crate) requeues: u32,
}

/// Where an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// On its way to a replica.
    Sent,
    /// In the host stage of a batching server, or in a batch that waits for its instance.
    Host,
    /// In the queue of a service or replica.
    Waiting,
    /// In service.
    Running,
    /// In service although it was withdrawn: it leaves when the engine next looks.
    Withdrawn,
}

/// Stands for "no region".
pub(crate) const NOWHERE: u16 = u16::MAX;

/// Work on a server for a request. One cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Attempt {
    /// Unique over the run; tells stale events from valid ones.
    pub(crate) serial: u64,
    /// Its service time, where the discipline has one for each attempt.
    pub(crate) size: SimDuration,
    /// Delay from the gateway to the replica.
    pub(crate) hop: SimDuration,
    /// When its wait began: when it was sent, plus all time that is not waiting: the hop once it is
    /// on its way, the front end of an engine, the own work of a batching host.
    pub(crate) sent: SimTime,
    pub(crate) started: SimTime,
    /// Its request, or [`RequestSlot::NONE`] when the client has gone.
    pub(crate) request: RequestSlot,
    pub(crate) service: ServiceId,
    pub(crate) server: ServerSlot,
    /// Neighbours in the queue or batch that holds it.
    pub(crate) prev: AttemptSlot,
    pub(crate) next: AttemptSlot,
    pub(crate) stage: Stage,
    /// The region of its client, or [`NOWHERE`].
    pub(crate) origin: u16,
    /// Whether its first token came while its replica was beyond the validated band.
    pub(crate) beyond_band: bool,
}

impl Attempt {
    /// Notes that it enters service at `at`.
    #[inline]
    pub(crate) fn start(&mut self, at: SimTime) {
        self.stage = Stage::Running;
        self.started = at;
    }
}

/// A first-come queue of attempts, linked through the records themselves: it allocates nothing, and
/// a withdrawn attempt leaves in constant time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fifo {
    head: AttemptSlot,
    tail: AttemptSlot,
    len: u32,
}

impl Default for Fifo {
    fn default() -> Self {
        Fifo { head: AttemptSlot::NONE, tail: AttemptSlot::NONE, len: 0 }
    }
}

impl Fifo {
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    #[inline]
    pub(crate) fn front(&self) -> Option<AttemptSlot> {
        (self.head != AttemptSlot::NONE).then_some(self.head)
    }

    #[inline]
    pub(crate) fn push(&mut self, attempts: &mut Arena<AttemptSlot, Attempt>, index: AttemptSlot) {
        let attempt = &mut attempts[index];
        (attempt.prev, attempt.next) = (self.tail, AttemptSlot::NONE);
        if self.tail == AttemptSlot::NONE {
            self.head = index;
        } else {
            attempts[self.tail].next = index;
        }
        self.tail = index;
        self.len += 1;
    }

    /// The attempt behind `index`.
    #[inline]
    pub(crate) fn after(attempts: &Arena<AttemptSlot, Attempt>, index: AttemptSlot) -> Option<AttemptSlot> {
        let next = attempts[index].next;
        (next != AttemptSlot::NONE).then_some(next)
    }

    /// Puts an attempt at the front.
    pub(crate) fn push_front(&mut self, attempts: &mut Arena<AttemptSlot, Attempt>, index: AttemptSlot) {
        let attempt = &mut attempts[index];
        (attempt.prev, attempt.next) = (AttemptSlot::NONE, self.head);
        if self.head == AttemptSlot::NONE {
            self.tail = index;
        } else {
            attempts[self.head].prev = index;
        }
        self.head = index;
        self.len += 1;
    }

    #[inline]
    pub(crate) fn pop(&mut self, attempts: &mut Arena<AttemptSlot, Attempt>) -> Option<AttemptSlot> {
        let index = self.front()?;
        self.remove(attempts, index);
        Some(index)
    }

    #[inline]
    pub(crate) fn remove(&mut self, attempts: &mut Arena<AttemptSlot, Attempt>, index: AttemptSlot) {
        let Attempt { prev, next, .. } = attempts[index];
        if prev == AttemptSlot::NONE {
            self.head = next;
        } else {
            attempts[prev].next = next;
        }
        if next == AttemptSlot::NONE {
            self.tail = prev;
        } else {
            attempts[next].prev = prev;
        }
        self.len -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_cache_line() {
        assert_eq!((size_of::<Request>(), size_of::<Attempt>()), (64, 64));
    }
}
