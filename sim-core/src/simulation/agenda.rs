//! What will happen: the event payload and the queue that holds it, with the instant and round
//! being handled.

use crate::clock::{Class, Entry, EventQueue, Key, SimTime, Wheel};

/// What happens. Eight bytes; who it concerns in time order stands in its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A slot finishes its attempt; the key's sequence is the attempt's serial.
    SlotDone { attempt: u32 },
    /// The next attempt of a shared group ends, if the generation is still right.
    ShareDone { replica: u32 },
    /// The host stage of an attempt of a batching server ends.
    HostDone { attempt: u32 },
    /// The oldest attempt of a batching server has waited for as long as it may.
    BatchDelay { replica: u32 },
    /// A batch ends.
    BatchDone { instance: u16, replica: u32 },
    /// A token-level engine's leap ends, if the generation is still right.
    EngineStep { replica: u32 },
    /// An attempt reaches the replica that it was routed to.
    Deliver { attempt: u32 },
    /// A client's earliest deadline may have come.
    Deadline { client: u32 },
    /// A client's earliest per-attempt deadline may have come.
    AttemptDeadline { client: u32 },
    /// A request's back-off ends; the key's entity is its client, its sequence the request's number.
    Retry { request: u32 },
    /// A closed-loop user has thought.
    UserReady { client: u16, user: u32 },
    /// A source's next fault happens.
    Fault { source: u32 },
    /// A reclaimed node's notice is over.
    Reclaimed { node: u32 },
    /// A service whose capacity a policy buys looks at the market.
    Market { service: u32 },
    /// A node has booted.
    NodeReady { node: u32 },
    /// A node has been empty for its pool's idle time, if the generation is still right.
    NodeIdle { node: u32 },
    /// A start-up stage of a replica ends.
    StageDone { replica: u32 },
    /// Transfers over links end, or are shared out anew, if the generation is still right.
    Transfers,
    /// A draining replica's time is up.
    DrainEnd { replica: u32 },
    /// A signal's exporter refreshes its value.
    Collect { signal: u32 },
    /// A sampling window opens.
    WindowOpen { signal: u32 },
    /// A signal is scraped.
    Scrape { signal: u32 },
    /// An adapter or a recording rule evaluates a signal.
    Evaluate { signal: u32 },
    /// A cell of a route is probed.
    Probe { route: u16, cell: u16 },
    /// A request waits and nobody serves: a controller that wanted to know runs.
    Poke { controller: u32 },
    /// A controller runs; the key's sequence is its generation.
    Control { controller: u32 },
    /// The plain node autoscaler looks.
    NodeScan,
    /// A node autoscaler of the port looks; the key's sequence says for which reason.
    NodeLook,
    /// Open orders of nodes are tried again.
    NodeOrders,
    /// A row of the series is due.
    Series,
    /// The warm-up ends: from here on requests are measured.
    WarmedUp,
}

/// The queue, and where in time and order the simulation stands.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    queue: Wheel<Event>,
    now: SimTime,
    round: u16,
    /// What is handled now.
    current: Option<Key>,
    /// The last event that was taken out, to see in tests that no two have the same key.
    #[cfg(debug_assertions)]
    last: Option<Key>,
}

impl Agenda {
    #[inline]
    pub(crate) fn now(&self) -> SimTime {
        self.now
    }

    /// Enters an instant: what is scheduled for it from here on belongs to the next round.
    #[inline]
    pub(crate) fn enter(&mut self, key: Key) {
        self.now = key.at;
        self.round = key.round();
        self.current = Some(key);
    }

    /// The last instant whose engine steps of `replica` come before what is handled now: this one
    /// or the picosecond before.
    #[inline]
    pub(crate) fn last_step_of(&self, replica: u32) -> SimTime {
        let after = self.current.is_some_and(|key| key > Key::new(self.now, 0, Class::Completion, replica, u64::MAX));
        if after { self.now } else { SimTime::from_ps(self.now.as_ps().saturating_sub(1)) }
    }

    /// Schedules `event` of `entity` at `at`, which is not in the past.
    #[inline]
    pub(crate) fn schedule(&mut self, at: SimTime, class: Class, entity: u32, seq: u64, event: Event) {
        debug_assert!(at >= self.now, "{event:?} in the past");
        let round = if at == self.now { self.round.saturating_add(1) } else { 0 };
        self.queue.push(Key::new(at, round, class, entity, seq), event);
    }

    /// The next event, if it comes before `bound`.
    #[inline]
    pub(crate) fn pop_before(&mut self, bound: Key) -> Option<Entry<Event>> {
        let entry = self.queue.pop_before(bound);
        #[cfg(debug_assertions)]
        if let Some(entry) = &entry {
            // Of two equal keys the order would be the queue's, not the world's.
            assert!(self.last != Some(entry.key), "two events with one key: {entry:?}");
            self.last = Some(entry.key);
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_small() {
        assert_eq!(size_of::<Event>(), 8);
        assert_eq!(size_of::<Entry<Event>>(), 32);
    }
}
