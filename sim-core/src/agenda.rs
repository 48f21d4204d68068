//! What will happen: the events of all parts, and the queue that holds them, with the instant and round
//! that is handled.
//!
//! An event knows ids only, so any part may plan one without knowing the others; who handles it is the
//! loop's matter.

use crate::clock::{Class, Entity, EventQueue, Key, SimTime, Wheel};
use crate::id::{
    AttemptSlot, CellId, ControllerId, NodeId, PodSlot, RequestSlot, ServerId, ServerSlot, ServiceId, SignalIndex,
    SourceId,
};

/// What happens. Eight bytes: of a thing that may have ended, only the slot; its serial stands in the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Event {
    /// A slot finishes its attempt; the key's sequence is the attempt's serial.
    SlotDone { attempt: AttemptSlot },
    /// The next attempt of a shared group ends, if the generation is still right.
    ShareDone { server: ServerSlot },
    /// The host stage of an attempt of a batching server ends.
    HostDone { attempt: AttemptSlot },
    /// The oldest attempt of a batching server has waited for as long as it may.
    BatchDelay { server: ServerSlot },
    /// A batch ends.
    BatchDone { instance: u16, server: ServerSlot },
    /// A token-level engine's leap ends, if the generation is still right.
    EngineStep { server: ServerSlot },
    /// An attempt reaches the server that it was routed to.
    Deliver { attempt: AttemptSlot },
    /// A client's earliest deadline may have come.
    Deadline,
    /// A client's earliest per-attempt deadline may have come.
    AttemptDeadline,
    /// A request's back-off ends; the key's entity is its client, its sequence the request's number.
    Retry { request: RequestSlot },
    /// A closed-loop user of a client has thought.
    UserReady { user: u32 },
    /// A source's next fault happens.
    Fault { source: SourceId },
    /// A reclaimed node's notice is over.
    Reclaimed { node: NodeId },
    /// A service whose capacity a policy buys looks at the market.
    Capacity { service: ServiceId },
    /// A node has booted.
    NodeReady { node: NodeId },
    /// A node has been empty for its pool's idle time, if the generation is still right.
    NodeIdle { node: NodeId },
    /// A start-up stage of a pod ends.
    StageDone { pod: PodSlot },
    /// Transfers over links end, or are shared out anew, if the generation is still right.
    Transfers,
    /// A draining pod's time is up.
    DrainEnd { pod: PodSlot },
    /// A signal's exporter refreshes its value.
    Collect { signal: SignalIndex },
    /// A sampling window opens.
    WindowOpen { signal: SignalIndex },
    /// A signal is scraped.
    Scrape { signal: SignalIndex },
    /// An adapter or a recording rule evaluates a signal.
    Evaluate { signal: SignalIndex },
    /// A cell of a route is probed.
    Probe { cell: CellId },
    /// A request waits and nobody serves: a controller that wanted to know runs.
    Poke { controller: ControllerId },
    /// A controller runs; the key's sequence is its generation.
    Control { controller: ControllerId },
    /// The plain node autoscaler looks.
    NodeScan,
    /// A node autoscaler of the port looks; the key's sequence says for which reason.
    NodeLook,
    /// Open orders of nodes are tried again.
    NodeOrders,
    /// A row of the series is due.
    #[default]
    Series,
    /// The warm-up ends: from here on requests are measured.
    WarmedUp,
}

/// The queue, and where in time and order the simulation stands.
#[derive(Debug)]
pub(crate) struct Agenda {
    queue: Wheel<Event>,
    /// What is handled now; before the first event, the start of the run.
    current: Key,
    /// The last event that was taken out, to see in tests that no two have the same key.
    #[cfg(debug_assertions)]
    last: Option<Key>,
}

impl Default for Agenda {
    fn default() -> Self {
        Agenda {
            queue: Wheel::default(),
            current: Key::new(SimTime::ZERO, 0, Class::Outage, Entity::Run, 0),
            #[cfg(debug_assertions)]
            last: None,
        }
    }
}

impl Agenda {
    #[inline]
    pub(crate) fn now(&self) -> SimTime {
        self.current.at
    }

    /// Enters an instant: what is scheduled for it from here on belongs to the next round.
    #[inline]
    pub(crate) fn enter(&mut self, key: Key) {
        self.current = key;
    }

    /// The last instant whose engine steps of `server` come before what is handled now: this one
    /// or the picosecond before.
    #[inline]
    pub(crate) fn last_step_of(&self, server: ServerId) -> SimTime {
        let now = self.now();
        let after = self.current > Key::new(now, 0, Class::Completion, server, u64::MAX);
        if after { now } else { SimTime::from_ps(now.as_ps().saturating_sub(1)) }
    }

    /// Schedules `event` of `entity` at `at`, which is not in the past.
    #[inline]
    pub(crate) fn schedule(&mut self, at: SimTime, class: Class, entity: impl Into<Entity>, seq: u64, event: Event) {
        debug_assert!(at >= self.now(), "{event:?} in the past");
        let round = if at == self.now() { self.current.round().saturating_add(1) } else { 0 };
        self.queue.push(Key::new(at, round, class, entity, seq), event);
    }

    /// Looks ahead to the next few events if none are, and not beyond `bound`. True if it has just done so.
    #[inline]
    pub(crate) fn advance(&mut self, bound: &Key) -> bool {
        self.queue.advance(bound.at)
    }

    /// The next few events in order, as far as [`Agenda::advance`] has looked ahead.
    pub(crate) fn upcoming(&self) -> impl Iterator<Item = &Event> {
        self.queue.upcoming()
    }

    /// Enters the instant of the next event, if it comes before `bound`; after [`Agenda::advance`] to that.
    #[inline]
    pub(crate) fn enter_next(&mut self, bound: &Key) -> Option<(Key, Event)> {
        let entry = self.queue.take_before(bound)?;
        #[cfg(debug_assertions)]
        {
            // Of two equal keys the order would be the queue's, not the world's.
            assert!(self.last != Some(entry.key), "two events with one key: {entry:?}");
            self.last = Some(entry.key);
        }
        self.enter(entry.key);
        Some((entry.key, entry.event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_small() {
        assert_eq!(size_of::<Event>(), 8);
        assert_eq!(size_of::<crate::clock::Entry<Event>>(), 32);
    }
}
