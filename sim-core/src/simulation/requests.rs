//! Requests and attempts: arrival, routing, delivery, completion, time-outs, retries.

#![expect(clippy::inline_always, reason = "measured: each caller passes a constant case, which inlining resolves")]

use super::bench::bench;
use super::error::RunError;
use super::{Event, Simulation};
use crate::clock::{Class, SimDuration};
use crate::fleet::NodeLife;
use crate::id::{AttemptSlot, ClientId, ClockSlot, PrefixSlot, RequestSlot, ServerId, ServerSlot, ServiceId};
use crate::journal::Note;
use crate::ledger::FailBecause;
use crate::ports::Arrival;
use crate::queueing::Sent;
use crate::serving::{Discipline, Sequence, ServiceTime};
use crate::traffic::{Attempt, NONE, NOWHERE, Outcome, Request, Stage};

/// Stands in an attempt for its request when the client has gone and wants the work withdrawn as
/// soon as possible.
pub(super) const CANCELLED: RequestSlot = RequestSlot::new(u32::MAX - 1);

/// One attempt of a request: its client, its number, its service time if that is drawn, and its
/// service.
#[derive(Clone, Copy)]
struct Try {
    client: ClientId,
    number: u64,
    tries: u32,
    size: SimDuration,
    service: ServiceId,
}

impl Simulation {
    /// Takes the earliest arrival.
    pub(super) fn arrive(&mut self) -> Result<(), RunError> {
        let Some((client, arrival, prefix)) = self.traffic.earliest() else { return Ok(()) };
        self.traffic.pull_after(client)?;
        self.progress.pulled += 1;
        let sender = &mut self.traffic.clients[client];
        if !sender.may_send() {
            sender.held.push_back((arrival, prefix));
            return Ok(());
        }
        self.begin_request(client, NONE, &arrival, prefix);
        self.count_request()
    }

    /// A request has ended of a client that holds others back: the first of them may be sent.
    #[cold]
    pub(super) fn send_held_next(&mut self, client: ClientId) {
        let ended: u64 = self.traffic.clients[client].ended.iter().sum();
        let (now, serial) = (self.agenda.now(), u64::from(NONE) + ended);
        self.agenda.schedule(now, Class::Arrival, client, serial, Event::UserReady { user: NONE });
    }

    /// Sends the first request that a client holds back.
    fn send_held(&mut self, client: ClientId) -> Result<(), RunError> {
        let sender = &mut self.traffic.clients[client];
        let Some((arrival, prefix)) = sender.may_send().then(|| sender.held.pop_front()).flatten() else {
            return Ok(());
        };
        self.begin_request(client, NONE, &arrival, prefix);
        self.count_request()
    }

    /// A closed-loop user has finished thinking and sends a request.
    pub(super) fn user_ready(&mut self, client: ClientId, user: u32) -> Result<(), RunError> {
        if user == NONE {
            return self.send_held(client);
        }
        let state = &mut self.traffic.clients[client];
        state.users[user as usize] += 1;
        let (prompt_tokens, output_tokens) = state.tokens(state.made);
        let at = self.agenda.now();
        let arrival = Arrival { at, prompt_tokens, output_tokens, service_time: None };
        self.begin_request(client, user, &arrival, PrefixSlot::NONE);
        self.count_request()
    }

    /// A closed-loop user starts to think.
    pub(super) fn think(&mut self, client: ClientId, user: u32) {
        let state = &self.traffic.clients[client];
        let n = state.users[user as usize];
        let at = self.agenda.now() + state.think(user, u64::from(n));
        let event = Event::UserReady { user };
        // Users who are ready at one instant send in the order of their numbers.
        self.agenda.schedule(at, Class::Arrival, client, u64::from(user), event);
    }

    fn begin_request(&mut self, client: ClientId, user: u32, arrival: &Arrival, prefix: PrefixSlot) {
        let now = self.agenda.now();
        let sender = &mut self.traffic.clients[client];
        let number = sender.made;
        let service = match sender.route() {
            Some(route) => self.choose_cell(client, route, number, user, prefix, ServiceId::NONE),
            None => ServiceId::new(sender.config.service),
        };
        let sender = &mut self.traffic.clients[client];
        sender.made += 1;
        sender.deposit();
        let state = &mut self.services[service];
        state.account.arrive();
        let &Arrival { prompt_tokens, output_tokens, .. } = arrival;
        let service_time = match (arrival.service_time, &state.config.service_time) {
            (Some(given), _) => given,
            (None, ServiceTime::Drawn(distribution) | ServiceTime::DrawnPerAttempt(distribution)) => {
                distribution.sample_duration(&mut sender.sizes)
            }
            (None, ServiceTime::Tokens { fixed, per_prompt_token, per_output_token }) => {
                *fixed + *per_prompt_token * u64::from(prompt_tokens) + *per_output_token * u64::from(output_tokens)
            }
        };
        let what = ((u64::from(prompt_tokens) << 32) | u64::from(output_tokens)) ^ service_time.as_ps();
        let name = sender.key.wrapping_add(number);
        self.journal.note(now, Note::Arrival { service, client, number, name, what });
        let request = self.traffic.requests.insert(Request {
            number,
            arrived: now,
            service_time,
            client,
            user,
            prompt_tokens,
            output_tokens,
            prefix,
            attempt: AttemptSlot::NONE,
            tries: 1,
            requeues: 0,
            service,
        });
        if sender.config.timeout != SimDuration::MAX {
            self.set_deadline(request, client, number);
        }
        self.attempt(request, Try { client, number, tries: 0, size: service_time, service });
    }

    /// Notes when a client gives a request up.
    fn set_deadline(&mut self, request: RequestSlot, client: ClientId, number: u64) {
        let sender = &mut self.traffic.clients[client];
        let at = self.agenda.now() + sender.config.timeout;
        if sender.deadlines.add(at, request, number) {
            self.agenda.schedule(at, Class::Timeout, client, 0, Event::Deadline);
        }
        let requests = &self.traffic.requests;
        sender.deadlines.sweep(requests.len(), |index, number| is_live(&requests[index], client, number));
    }

    /// A back-off ends.
    pub(super) fn retry(&mut self, request: RequestSlot, client: ClientId, number: u64) {
        let record = &self.traffic.requests[request];
        if is_live(record, client, number) && record.attempt == AttemptSlot::NONE {
            self.send(request);
        }
    }

    /// Makes a request's next attempt.
    pub(super) fn send(&mut self, request: RequestSlot) {
        let record = &mut self.traffic.requests[request];
        let Request { client, number, tries, user, prefix, service_time: mut size, service: last, .. } = *record;
        record.tries += 1;
        let service = self.choose_service(client, number, user, prefix, last);
        self.traffic.requests[request].service = service;
        if let ServiceTime::DrawnPerAttempt(distribution) = &self.services[service].config.service_time {
            size = self.traffic.clients[client].redraw(distribution, number, tries);
        }
        self.attempt(request, Try { client, number, tries, size, service });
    }

    /// Sends one attempt of a request to its service.
    #[inline(always)]
    fn attempt(&mut self, request: RequestSlot, of: Try) {
        let Try { client, number, tries, size, service } = of;
        let now = self.agenda.now();
        let serial = self.traffic.next_serial();
        let sender = &mut self.traffic.clients[client];
        sender.attempts += 1;
        let origin = sender.config.place.as_ref().map_or(NOWHERE, |place| place.origin as u16);
        let state = &mut self.services[service];
        let hop = match &state.config.network {
            Some(distribution) => distribution.sample_duration(sender.network(number, tries).get()),
            None => SimDuration::ZERO,
        };
        let index = self.traffic.attempts.insert(Attempt {
            serial,
            size,
            hop,
            sent: now,
            started: now,
            request,
            service,
            server: ServerSlot::NONE,
            prev: AttemptSlot::NONE,
            next: AttemptSlot::NONE,
            stage: Stage::Sent,
            origin,
            beyond_band: false,
        });
        let record = &mut self.traffic.requests[request];
        record.attempt = index;
        if let Discipline::ContinuousBatch(engine) = &state.config.discipline {
            let prefix =
                if engine.prefix_caching { self.traffic.prefixes.copy(record.prefix) } else { PrefixSlot::NONE };
            let sequence = Sequence::within(state.path.longest, record.prompt_tokens, record.output_tokens, prefix);
            self.serving.put_sequence(index, sequence);
        }
        state.presence.step(true, now);
        if sender.config.attempt_timeout != SimDuration::MAX {
            self.set_attempt_deadline(index, client, serial);
        }
        if origin != NOWHERE && self.is_lost_on_the_way(client, number, tries, service) {
            return self.give_up_connecting(index, client);
        }
        let state = &mut self.services[service];
        let attempts = &mut self.traffic.attempts;
        match state.feed.send(&state.rotation, state.path.room, &mut self.brokers, attempts, index) {
            Sent::To(position) => self.dispatch(index, service, position),
            Sent::Held => self.poke(service),
            Sent::Rejected => self.refuse(index),
        }
    }

    /// Notes when a client gives an attempt up.
    fn set_attempt_deadline(&mut self, index: AttemptSlot, client: ClientId, serial: u64) {
        let sender = &mut self.traffic.clients[client];
        let at = self.agenda.now() + sender.config.attempt_timeout;
        if sender.attempt_deadlines.add(at, index, serial) {
            self.agenda.schedule(at, Class::Timeout, client, 1, Event::AttemptDeadline);
        }
        let attempts = &self.traffic.attempts;
        sender.attempt_deadlines.sweep(attempts.len(), |index, serial| attempts[index].serial == serial);
    }

    /// Sends an attempt on its way to a ready replica.
    #[inline]
    fn dispatch(&mut self, index: AttemptSlot, service: ServiceId, position: u32) {
        let state = &mut self.services[service];
        let id = state.rotation.send(position);
        let ends_job = state.has_jobs;
        let attempt = &mut self.traffic.attempts[index];
        attempt.server = id.slot();
        attempt.stage = Stage::Sent;
        let (mut hop, serial, is_placed) = (attempt.hop, attempt.serial, attempt.origin != NOWHERE);
        if ends_job {
            self.end_if_job(id);
        }
        if is_placed {
            debug_assert!(self.may_serve(index, id), "an attempt may not leave its jurisdiction");
            hop += self.distance(index, id);
            self.traffic.attempts[index].hop = hop;
        }
        if hop.is_zero() {
            return self.reach(index, id.slot(), service);
        }
        // The time on the way does not count as queueing: the wait starts at the delivery.
        self.traffic.attempts[index].sent += hop;
        let at = self.agenda.now() + hop;
        self.agenda.schedule(at, Class::Delivery, id, serial, Event::Deliver { attempt: index });
    }

    /// An attempt that was on its way arrives at its server.
    pub(super) fn deliver(&mut self, index: AttemptSlot) {
        let Attempt { server: slot, service, request, .. } = self.traffic.attempts[index];
        if slot == ServerSlot::NONE {
            return self.unanswered(index);
        }
        if request == CANCELLED || self.serving.servers.at(slot).dead {
            return self.deliver_in_vain(index);
        }
        self.reach(index, slot, service);
    }

    /// An attempt reaches a server that is alive.
    #[inline]
    fn reach(&mut self, index: AttemptSlot, slot: ServerSlot, service: ServiceId) {
        let state = &self.services[service];
        let server = self.serving.servers.at_mut(slot);
        let path = state.path;
        // Where no queue is ever full, the attempts held are not counted.
        if path.full_at != u32::MAX && server.held() >= path.full_at {
            return self.refuse_at(index);
        }
        if let Discipline::Slots { concurrency } = state.config.discipline {
            return server.accept_in_slots(index, concurrency, &mut self.agenda, &mut self.traffic.attempts);
        }
        if !path.has_tokens {
            return server.accept(index, &mut bench!(self, service));
        }
        if !self.serving.sequences[index].fits(path.longest) {
            return self.refuse_at(index);
        }
        let server = self.serving.servers.at_mut(slot);
        server.accept_in_engine(index, &mut bench!(self, service));
        let id = server.id;
        self.observe_tokens(id, service);
        debug_assert!(!self.wants_turn(id), "an engine asks at its own event");
    }

    /// Ends an attempt whose client has gone, or whose server was killed while it was on its way.
    #[cold]
    fn deliver_in_vain(&mut self, index: AttemptSlot) {
        let Attempt { server, service, request, .. } = self.traffic.attempts[index];
        if request == CANCELLED {
            return self.leave(index, server, service);
        }
        // If the node still stands, only a drain timeout can have killed the process.
        let node = self.fleet.node_of(self.serving.servers.at(server).pod);
        let stays = node.is_some_and(|node| self.fleet.node(node).life != NodeLife::Gone);
        self.lose(index, if stays { FailBecause::DrainTimeout } else { FailBecause::ReplicaLost });
    }

    /// A slot has finished.
    #[inline]
    pub(super) fn slot_done(&mut self, index: AttemptSlot, serial: u64) {
        let attempt = self.traffic.attempts[index];
        if attempt.serial != serial {
            return;
        }
        let server = self.serving.servers.at_mut(attempt.server);
        server.slot_done(index, &mut self.agenda, &mut self.traffic.attempts);
        self.complete(index, &attempt);
    }

    pub(super) fn share_done(&mut self, id: ServerId, generation: u64) {
        if !self.serving.servers.holds(id) {
            return;
        }
        let mut done = std::mem::take(&mut self.serving.done);
        let service = self.serving.servers[id].service;
        self.serving.servers[id].share_done(generation, &mut bench!(self, service), &mut done);
        self.complete_all(done);
    }

    pub(super) fn host_done(&mut self, index: AttemptSlot, serial: u64) {
        let attempt = &self.traffic.attempts[index];
        if attempt.serial != serial {
            return;
        }
        let (server, service, cancelled) = (attempt.server, attempt.service, attempt.request == CANCELLED);
        let server = self.serving.servers.at_mut(server);
        if cancelled {
            let slot = server.id.slot();
            server.host_dropped(index, &mut self.traffic.attempts);
            self.leave(index, slot, service);
        } else {
            server.host_done(index, &mut bench!(self, service));
        }
    }

    #[inline]
    pub(super) fn engine_step(&mut self, id: ServerId, generation: u64) {
        if !self.serving.servers.holds(id) {
            return;
        }
        if self.serving.servers[id].clock != ClockSlot::NONE && !self.before_step(id, generation) {
            return;
        }
        let mut done = std::mem::take(&mut self.serving.done);
        let service = self.serving.servers[id].service;
        self.serving.servers[id].engine_step(generation, &mut bench!(self, service), &mut done);
        self.observe_tokens(id, service);
        self.take_turns(id, &mut done);
        self.complete_all(done);
    }

    /// Updates everything that is measured at a server.
    pub(super) fn settle_server(&mut self, id: ServerId) {
        self.catch_up_turns(self.serving.servers[id].clock);
        let service = self.serving.servers[id].service;
        self.serving.servers[id].settle(&mut bench!(self, service));
        self.observe_tokens(id, service);
    }

    /// Updates everything that is measured at an attempt's server, before the attempt loses its
    /// request.
    pub(super) fn settle_attempt(&mut self, index: AttemptSlot) {
        if index != AttemptSlot::NONE && self.traffic.attempts[index].server != ServerSlot::NONE {
            let server = self.serving.servers.at(self.traffic.attempts[index].server).id;
            self.settle_server(server);
        }
    }

    /// Updates everything that is measured at a service's servers.
    pub(super) fn settle_service(&mut self, service: ServiceId) {
        for at in 0..self.services[service].pods.len() {
            let pod = self.services[service].pods[at];
            self.settle_server(self.fleet.pod(pod).server);
        }
    }

    pub(super) fn batch_delay(&mut self, id: ServerId) {
        if self.serving.servers.holds(id) {
            let service = self.serving.servers[id].service;
            self.serving.servers[id].batch_delay(&mut bench!(self, service));
        }
    }

    pub(super) fn batch_done(&mut self, id: ServerId, instance: u16) {
        if !self.serving.servers.holds(id) {
            return;
        }
        let mut done = std::mem::take(&mut self.serving.done);
        let service = self.serving.servers[id].service;
        self.serving.servers[id].batch_done(instance, &mut bench!(self, service), &mut done);
        self.complete_all(done);
    }

    /// Sends attempts that wait at the broker to servers with room.
    pub(super) fn release_waiting(&mut self, service: ServiceId) {
        while let Some((index, position)) = self.next_waiting(service) {
            self.dispatch(index, service, position);
        }
    }

    fn next_waiting(&mut self, service: ServiceId) -> Option<(AttemptSlot, u32)> {
        let book = &mut self.services[service];
        let attempts = &mut self.traffic.attempts;
        book.feed.release(&book.rotation, book.path.room, &mut self.brokers, attempts)
    }

    /// Refuses an attempt because the gateway's queue is full.
    fn refuse(&mut self, index: AttemptSlot) {
        let Attempt { request, service, .. } = self.traffic.attempts[index];
        self.services[service].account.rejected_attempts += 1;
        self.free_attempt(index, service);
        self.try_again(request, Outcome::Rejected);
    }

    /// Refuses an attempt because the replica's queue is full.
    fn refuse_at(&mut self, index: AttemptSlot) {
        let Attempt { request, server, service, .. } = self.traffic.attempts[index];
        self.services[service].account.rejected_attempts += 1;
        self.leave(index, server, service);
        if request < CANCELLED {
            self.try_again(request, Outcome::Rejected);
        }
    }
}

#[inline]
pub(super) fn is_live(request: &Request, client: ClientId, number: u64) -> bool {
    request.number == number && request.client == client
}
