//! What will happen: the events of all parts, their queue, and the instant and round that is
//! handled now.
//!
//! An event contains only ids, so any part can plan one without knowing the others; the loop
//! decides which part handles it.

use crate::clock::{Class, Entity, EventQueue, Key, SimTime, Wheel};
use crate::id::{
    AttemptSlot, CellId, ControllerId, NodeId, PodSlot, RequestSlot, ServerId, ServerSlot, ServiceId, SignalIndex,
    SourceId,
};

/// An event. Eight bytes: for something that may have ended, the event holds only the slot; the
/// serial is in the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Event {
    /// A slot finishes its attempt; the key's sequence is the attempt's serial.
    SlotDone { attempt: AttemptSlot },
    /// The next attempt of a processor-sharing server ends, if the generation is still right.
    ShareDone { server: ServerSlot },
    /// The host stage of an attempt of a batching server ends.
    HostDone { attempt: AttemptSlot },
    /// The oldest attempt of a batching server has waited for the maximum delay.
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
    /// A closed-loop user of a client has finished thinking; without a user, the client may send a
    /// request that it held back.
    UserReady { user: u32 },
    /// A source's next fault is due.
    Fault { source: SourceId },
    /// The notice of a reclaimed node ends.
    Reclaimed { node: NodeId },
    /// The capacity policy of a service looks.
    Capacity { service: ServiceId },
    /// A node has booted.
    NodeReady { node: NodeId },
    /// A node has been empty for its pool's idle time, if the generation is still right.
    NodeIdle { node: NodeId },
    /// A start-up stage of a pod ends.
    StageDone { pod: PodSlot },
    /// Transfers over links end, or their shares are recomputed, if the generation is still right.
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
    /// A request waits while no replica serves: a controller that wants to know runs.
    Poke { controller: ControllerId },
    /// A controller runs; the key's sequence is its generation.
    Control { controller: ControllerId },
    /// The plain node autoscaler looks.
    NodeScan,
    /// A node autoscaler behind the port looks; the key's sequence tells the reason.
    NodeLook,
    /// Open orders of nodes are tried again.
    NodeOrders,
    /// A row of the series is due.
    #[default]
    Series,
    /// The warm-up ends: from here on, requests are measured.
    WarmedUp,
}

/// The event queue, and the place in the order that the simulation has reached.
#[derive(Debug)]
pub(crate) struct Agenda {
    queue: Wheel<Event>,
    /// The key of the present event; before the first event, the start of the run.
    current: Key,
    /// The key of the last event, to check in tests that no two events have the same key.
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

    /// Moves to a key: events scheduled at this instant from now on belong to the next round.
    #[inline]
    pub(crate) fn enter(&mut self, key: Key) {
        self.current = key;
    }

    /// The last instant whose engine steps of `server` come before the present event: now, or the
    /// picosecond before.
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

    /// Looks ahead to the next few events, unless some are known already, and not beyond `bound`.
    /// True if it has just done so.
    #[inline]
    pub(crate) fn advance(&mut self, bound: &Key) -> bool {
        self.queue.advance(bound.at)
    }

    /// The next few events in order, as far as [`Agenda::advance`] has looked ahead.
    pub(crate) fn upcoming(&self) -> impl Iterator<Item = &Event> {
        self.queue.upcoming()
    }

    /// Moves to the next event, if it comes before `bound`; call [`Agenda::advance`] first.
    #[inline]
    pub(crate) fn enter_next(&mut self, bound: &Key) -> Option<(Key, Event)> {
        let entry = self.queue.take_before(bound)?;
        #[cfg(debug_assertions)]
        {
            // With two equal keys the order would depend on the queue, not on the world.
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
