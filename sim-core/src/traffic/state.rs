//! Clients, what each sends next, and the records of live requests and attempts.

use super::arena::Arena;
use super::client::ClientState;
use super::config::{ClientConfig, Traffic};
use super::prefixes::Prefixes;
use super::request::{Attempt, Request};
use crate::clock::{Class, Key, Seed};
use crate::id::{AttemptSlot, ClientId, PrefixSlot, RequestSlot, Table};
use crate::ports::{Arrival, SourceError};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

/// Clients and their requests.
#[derive(Default)]
pub(crate) struct TrafficState {
    pub(crate) clients: Table<ClientId, ClientState>,
    pub(crate) requests: Arena<RequestSlot, Request>,
    pub(crate) attempts: Arena<AttemptSlot, Attempt>,
    /// Names of the blocks of prompts.
    pub(crate) prefixes: Prefixes,
    /// The key of the next arrival of each open-loop client.
    arrivals: BinaryHeap<Reverse<(Key, ClientId)>>,
    /// That arrival, and the names of its prompt's blocks.
    next: Table<ClientId, (Arrival, PrefixSlot)>,
    serial: u64,
}

impl TrafficState {
    /// Clients that have not sent anything yet.
    pub(crate) fn new(clients: Vec<ClientConfig>, seed: Seed) -> Self {
        let clients: Table<ClientId, ClientState> =
            clients.into_iter().map(|config| ClientState::new(config, seed)).collect();
        TrafficState {
            next: clients.ids().map(|_| (Arrival::default(), PrefixSlot::NONE)).collect(),
            clients,
            ..TrafficState::default()
        }
    }

    /// The key of the earliest arrival.
    #[inline]
    pub(crate) fn next_arrival(&self) -> Key {
        self.arrivals.peek().map_or(Key::LAST, |Reverse((key, _))| *key)
    }

    /// Reads the first arrival of a client; closed-loop clients have none.
    ///
    /// # Errors
    /// If its source refuses a row.
    pub(crate) fn open(&mut self, client: ClientId) -> Result<(), SourceError> {
        if let Some(key) = self.pull(client)? {
            self.arrivals.push(Reverse((key, client)));
        }
        Ok(())
    }

    /// The earliest arrival, its client, and the names of its prompt's blocks.
    #[inline]
    pub(crate) fn earliest(&self) -> Option<(ClientId, Arrival, PrefixSlot)> {
        let &Reverse((_, client)) = self.arrivals.peek()?;
        let (arrival, prefix) = self.next[client];
        Some((client, arrival, prefix))
    }

    /// Replaces the earliest arrival, which must be this client's, by the client's next one.
    ///
    /// # Errors
    /// If its source refuses a row.
    #[inline]
    pub(crate) fn pull_after(&mut self, client: ClientId) -> Result<(), SourceError> {
        let next = self.pull(client)?;
        // The heap is repaired once, not twice.
        if let Some(mut earliest) = self.arrivals.peek_mut() {
            match next {
                Some(key) => *earliest = Reverse((key, client)),
                None => drop(PeekMut::pop(earliest)),
            }
        }
        Ok(())
    }

    /// Reads a client's next arrival, and returns its key.
    #[inline]
    fn pull(&mut self, client: ClientId) -> Result<Option<Key>, SourceError> {
        let state = &mut self.clients[client];
        let Traffic::Open(source) = &mut state.config.traffic else { return Ok(None) };
        let Some(arrival) = source.next_arrival()? else { return Ok(None) };
        state.pulled += 1;
        self.next[client] = (arrival, self.prefixes.insert(source.prefix(), state.key));
        Ok(Some(Key::new(arrival.at, 0, Class::Arrival, client, state.pulled)))
    }

    /// The serial of a new attempt.
    #[inline]
    pub(crate) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }
}
