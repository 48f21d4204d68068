//! How the attempts of a service reach its servers: a router sends each to a server, or servers
//! with room take them from a broker.

use super::broker::{Broker, Brokers};
use super::rotation::Rotation;
use crate::clock::Stream;
use crate::id::{AttemptSlot, BrokerId};
use crate::ports::Router;
use crate::serving::QueueMode;
use crate::traffic::{Arena, Attempt};

/// Where a new attempt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// To the server at this position of the rotation.
    To(u32),
    /// It waits at the broker.
    Held,
    /// The broker's queue is full.
    Rejected,
}

/// How attempts reach servers.
pub(crate) enum Feed {
    /// A router chooses the server, and attempts wait there; attempts that come while no server is
    /// in rotation wait at a broker.
    Routed(Routing, BrokerId),
    /// All attempts wait at a broker, from which servers with room take them.
    Pull(BrokerId),
}

/// A router and its random stream.
pub(crate) struct Routing {
    router: Box<dyn Router>,
    stream: Stream,
}

impl Routing {
    #[inline]
    fn route(&mut self, rotation: &Rotation) -> u32 {
        // With one server there is nothing to choose, and nothing to draw.
        if rotation.len() == 1 {
            return 0;
        }
        let chosen = self.router.route(rotation.outstanding(), &mut self.stream);
        (chosen as u32).min(rotation.len() - 1)
    }
}

impl Feed {
    /// The feed of a service, with a broker of its own.
    pub(crate) fn new(mode: QueueMode, router: Box<dyn Router>, stream: Stream, brokers: &mut Brokers) -> Self {
        match mode {
            QueueMode::PerReplica { gateway, .. } => {
                Feed::Routed(Routing { router, stream }, brokers.push(Broker::new(gateway)))
            }
            QueueMode::Shared { capacity } => Feed::Pull(brokers.push(Broker::new(capacity))),
        }
    }

    /// The broker for attempts that no server holds.
    #[inline]
    pub(crate) fn broker(&self) -> BrokerId {
        match self {
            Feed::Routed(_, broker) | Feed::Pull(broker) => *broker,
        }
    }

    /// Finds a place for a new attempt; `room` is the number of attempts that a server serves at
    /// once.
    #[inline]
    pub(crate) fn send(
        &mut self,
        rotation: &Rotation,
        room: u32,
        brokers: &mut Brokers,
        attempts: &mut Arena<AttemptSlot, Attempt>,
        index: AttemptSlot,
    ) -> Sent {
        let broker = match self {
            Feed::Routed(routing, _) if !rotation.is_empty() => return Sent::To(routing.route(rotation)),
            Feed::Routed(_, broker) => &mut brokers[*broker],
            Feed::Pull(broker) => {
                let broker = &mut brokers[*broker];
                match rotation.with_room(room) {
                    // Attempts that wait already go first.
                    Some(position) if broker.is_empty() => return Sent::To(position),
                    _ => broker,
                }
            }
        };
        if broker.offer(attempts, index) { Sent::Held } else { Sent::Rejected }
    }

    /// The next attempt that leaves the broker, and the position of its server; `None` if no server
    /// can take it.
    #[inline]
    pub(crate) fn release(
        &mut self,
        rotation: &Rotation,
        room: u32,
        brokers: &mut Brokers,
        attempts: &mut Arena<AttemptSlot, Attempt>,
    ) -> Option<(AttemptSlot, u32)> {
        let broker = &mut brokers[self.broker()];
        if broker.is_empty() || rotation.is_empty() {
            return None;
        }
        let position = match self {
            Feed::Routed(routing, _) => routing.route(rotation),
            Feed::Pull(_) => rotation.with_room(room)?,
        };
        broker.pull(attempts).map(|index| (index, position))
    }
}
