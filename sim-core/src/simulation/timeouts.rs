//! Clients that give up a request, or one attempt that they may retry; and what happens to the work
//! left behind.

use super::bench::bench;
use super::requests::{CANCELLED, is_live};
use super::{Event, Simulation};
use crate::clock::Class;
use crate::id::{AttemptSlot, ClientId, RequestSlot, ServerSlot};
use crate::traffic::{Attempt, Outcome, Stage};

impl Simulation {
    /// Ends a client's requests whose time is up.
    pub(super) fn deadline(&mut self, client: ClientId) {
        let now = self.agenda.now();
        while let Some((index, number)) = self.traffic.clients[client].deadlines.due(now) {
            if is_live(&self.traffic.requests[index], client, number) {
                let attempt = self.traffic.requests[index].attempt;
                self.settle_attempt(attempt);
                self.end(index, Outcome::Expired);
                if attempt != AttemptSlot::NONE {
                    self.abandon(attempt, client);
                }
            }
        }
        let requests = &self.traffic.requests;
        let live = |index, number| is_live(&requests[index], client, number);
        if let Some(at) = self.traffic.clients[client].deadlines.next(live) {
            self.agenda.schedule(at, Class::Timeout, client, 0, Event::Deadline);
        }
    }

    /// Gives up a client's attempts whose time is up; they may be retried.
    pub(super) fn attempt_deadline(&mut self, client: ClientId) {
        let now = self.agenda.now();
        while let Some((index, serial)) = self.traffic.clients[client].attempt_deadlines.due(now) {
            let Attempt { serial: found, request, .. } = self.traffic.attempts[index];
            if found == serial && request < CANCELLED {
                self.settle_attempt(index);
                self.abandon(index, client);
                self.try_again(request, Outcome::Expired);
            }
        }
        let attempts = &self.traffic.attempts;
        let live = |index: AttemptSlot, serial| attempts[index].serial == serial && attempts[index].request < CANCELLED;
        if let Some(at) = self.traffic.clients[client].attempt_deadlines.next(live) {
            self.agenda.schedule(at, Class::Timeout, client, 1, Event::AttemptDeadline);
        }
    }

    /// A client turns away from an attempt. Its work is withdrawn if the client's settings say so.
    fn abandon(&mut self, index: AttemptSlot, client: ClientId) {
        let Attempt { server, service, stage, .. } = self.traffic.attempts[index];
        let config = &self.traffic.clients[client].config;
        let waits = matches!(stage, Stage::Sent | Stage::Waiting);
        if !(config.cancel_on_timeout || config.propagates_deadline && waits) {
            self.traffic.attempts[index].request = RequestSlot::NONE;
        } else if server == ServerSlot::NONE && stage == Stage::Sent {
            // It reached no replica: it ends at its client's connect timeout.
            self.traffic.attempts[index].request = CANCELLED;
        } else if server == ServerSlot::NONE {
            let broker = self.services[service].feed.broker();
            self.brokers[broker].withdraw(&mut self.traffic.attempts, index);
            self.free_attempt(index, service);
        } else {
            self.traffic.attempts[index].request = CANCELLED;
            let slot = server;
            let server = self.serving.servers.at_mut(slot);
            let (id, withdraws) = (server.id, stage != Stage::Sent);
            let free = withdraws && server.withdraw(index, &mut bench!(self, service));
            if withdraws {
                self.end_quiet(id);
            }
            if free {
                self.leave(index, slot, service);
            }
        }
    }
}
