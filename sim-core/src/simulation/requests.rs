//! Requests and attempts: arrival, routing, delivery, completion, time-outs, retries.

#![expect(clippy::inline_always, reason = "measured: callers know which case it is, and the compiler does not")]

use super::{Event, RunError, Simulation};
use crate::clock::{Class, SimDuration};
use crate::fleet::NodeLife;
use crate::id::{ClientId, ClockSlot, ServerId, ServerSlot, ServiceId};
use crate::journal::Note;
use crate::ledger::{Completed, FailBecause, Parts, RequestParts, RequestRecord};
use crate::ports::Arrival;
use crate::queueing::Sent;
use crate::serving::{Bench, Discipline, ServiceTime};
use crate::traffic::{Attempt, NONE, NOWHERE, Outcome, Request, Stage};

/// In place of an attempt's request: its client has gone and wants the work withdrawn as soon as
/// that can be done.
pub(super) const CANCELLED: u32 = NONE - 1;

/// One attempt of a request: whose, which, how long it takes where that is drawn, and to whom it goes.
#[derive(Clone, Copy)]
struct Try {
    client: ClientId,
    number: u64,
    tries: u32,
    size: SimDuration,
    service: ServiceId,
}

/// Builds a `Bench` by splitting the borrow; a method would borrow all of `self`.
macro_rules! bench {
    ($sim:expr, $service:expr) => {{
        let book = &mut $sim.services[$service];
        Bench {
            discipline: &book.config.discipline,
            agenda: &mut $sim.agenda,
            attempts: &mut $sim.traffic.attempts,
            sequences: &mut $sim.serving.sequences,
            prefixes: &$sim.traffic.prefixes,
            first_tokens: &mut $sim.serving.first_tokens,
            gaps: (!book.watchers.gap.is_empty()).then_some(&mut $sim.serving.gaps),
            latency: &mut book.account.latency,
            warmup: $sim.world.warmup,
        }
    }};
}

pub(super) use bench;

impl Simulation {
    /// The earliest arrival comes in.
    pub(super) fn arrive(&mut self) -> Result<(), RunError> {
        let Some((client, arrival, prefix)) = self.traffic.take_arrival()? else { return Ok(()) };
        self.begin_request(client, NONE, arrival, prefix);
        self.progress.pulled += 1;
        self.count_request()
    }

    /// A closed-loop user has thought and sends.
    pub(super) fn user_ready(&mut self, client: ClientId, user: u32) -> Result<(), RunError> {
        let state = &mut self.traffic.clients[client];
        state.users[user as usize] += 1;
        let (prompt_tokens, output_tokens) = state.tokens(state.made);
        let at = self.agenda.now();
        let arrival = Arrival { at, prompt_tokens, output_tokens, service_time: None };
        self.begin_request(client, user, arrival, NONE);
        self.count_request()
    }

    /// A closed-loop user starts to think.
    pub(super) fn think(&mut self, client: ClientId, user: u32) {
        let state = &self.traffic.clients[client];
        let n = state.users[user as usize];
        let at = self.agenda.now() + state.think(user, u64::from(n));
        let event = Event::UserReady { user };
        // Users of one instant go in the order of their numbers.
        self.agenda.schedule(at, Class::Arrival, client, u64::from(user), event);
    }

    fn begin_request(&mut self, client: ClientId, user: u32, arrival: Arrival, prefix: u32) {
        let now = self.agenda.now();
        let state = &mut self.traffic.clients[client];
        let number = state.made;
        state.made += 1;
        state.deposit();
        let service = self.choose_service(client, number, user, prefix, ServiceId::NONE);
        let state = &mut self.traffic.clients[client];
        let book = &mut self.services[service];
        book.account.arrive();
        let service_time = match (&arrival.service_time, &book.config.service_time) {
            (Some(given), _) => *given,
            (None, ServiceTime::Drawn(law) | ServiceTime::DrawnPerAttempt(law)) => {
                law.sample_duration(&mut state.sizes)
            }
            (None, ServiceTime::Tokens { fixed, per_prompt_token, per_output_token }) => {
                *fixed
                    + *per_prompt_token * u64::from(arrival.prompt_tokens)
                    + *per_output_token * u64::from(arrival.output_tokens)
            }
        };
        let request = self.traffic.requests.insert(Request {
            number,
            arrived: now,
            service_time,
            client,
            user,
            prompt_tokens: arrival.prompt_tokens,
            output_tokens: arrival.output_tokens,
            prefix,
            attempt: NONE,
            tries: 1,
            requeues: 0,
            service,
        });
        let tokens = (u64::from(arrival.prompt_tokens) << 32) | u64::from(arrival.output_tokens);
        let what = tokens ^ service_time.as_ps();
        let name = state.key.wrapping_add(number);
        self.journal.note(now, Note::Arrival { service, client, number, name, what });
        if state.config.timeout != SimDuration::MAX {
            let at = now + state.config.timeout;
            if state.deadlines.add(at, request, number) {
                self.agenda.schedule(at, Class::Timeout, client, 0, Event::Deadline);
            }
            let requests = &self.traffic.requests;
            let live = |index, number| is_live(&requests[index], client, number);
            state.deadlines.sweep(requests.len(), live);
        }
        self.attempt(request, Try { client, number, tries: 0, size: service_time, service });
    }

    /// Makes a request's next attempt.
    pub(super) fn send(&mut self, request: u32) {
        let record = &mut self.traffic.requests[request];
        let Request { client, number, tries, user, prefix, service_time: mut size, service: last, .. } = *record;
        record.tries += 1;
        let service = self.choose_service(client, number, user, prefix, last);
        self.traffic.requests[request].service = service;
        if let ServiceTime::DrawnPerAttempt(law) = &self.services[service].config.service_time {
            size = self.traffic.clients[client].redraw(law, number, tries);
        }
        self.attempt(request, Try { client, number, tries, size, service });
    }

    /// Sends one attempt of a request to its service.
    #[inline(always)]
    fn attempt(&mut self, request: u32, of: Try) {
        let Try { client, number, tries, size, service } = of;
        let now = self.agenda.now();
        let serial = self.traffic.next_serial();
        let state = &mut self.traffic.clients[client];
        state.attempts += 1;
        let origin = state.config.place.as_ref().map_or(NOWHERE, |place| place.origin as u16);
        let book = &mut self.services[service];
        let hop = match &book.config.network {
            Some(law) => law.sample_duration(state.network(number, tries).get()),
            None => SimDuration::ZERO,
        };
        let attempt = self.traffic.attempts.insert(Attempt {
            serial,
            size,
            hop,
            sent: now,
            started: now,
            request,
            service,
            server: ServerSlot::NONE,
            prev: NONE,
            next: NONE,
            stage: Stage::Sent,
            origin,
            beyond_band: false,
        });
        let record = &mut self.traffic.requests[request];
        record.attempt = attempt;
        let Request { prompt_tokens, output_tokens, prefix, .. } = *record;
        if let Discipline::ContinuousBatch(engine) = &book.config.discipline {
            let prefix = if engine.prefix_caching { self.traffic.prefixes.copy(prefix) } else { NONE };
            let sequence = engine.sequence(prompt_tokens, output_tokens, prefix);
            self.serving.put_sequence(attempt, sequence);
        }
        if state.config.attempt_timeout != SimDuration::MAX {
            let at = now + state.config.attempt_timeout;
            if state.attempt_deadlines.add(at, attempt, serial) {
                self.agenda.schedule(at, Class::Timeout, client, 1, Event::AttemptDeadline);
            }
            let attempts = &self.traffic.attempts;
            state.attempt_deadlines.sweep(attempts.len(), |index, serial| attempts[index].serial == serial);
        }
        book.presence.step(true, now);
        if origin != NOWHERE && self.is_lost_on_the_way(client, number, tries, service) {
            return self.give_up_connecting(attempt, client);
        }
        let book = &mut self.services[service];
        let attempts = &mut self.traffic.attempts;
        match book.feed.send(&book.rotation, book.path.room, &mut self.brokers, attempts, attempt) {
            Sent::To(position) => self.dispatch(attempt, position),
            Sent::Held => self.poke(service),
            Sent::Rejected => self.refuse(attempt),
        }
    }

    /// Sends an attempt on its way to a ready replica.
    #[inline]
    fn dispatch(&mut self, index: u32, position: u32) {
        let attempt = &mut self.traffic.attempts[index];
        let state = &mut self.services[attempt.service];
        let id = state.rotation.send(position);
        attempt.server = id.slot();
        attempt.stage = Stage::Sent;
        if state.has_jobs {
            self.end_if_job(id);
        }
        let attempt = &self.traffic.attempts[index];
        if attempt.origin != NOWHERE {
            debug_assert!(self.may_serve(index, id), "an attempt may not leave its jurisdiction");
            let distance = self.distance(index, id);
            self.traffic.attempts[index].hop += distance;
        }
        let attempt = &mut self.traffic.attempts[index];
        if attempt.hop.is_zero() {
            return self.deliver(index);
        }
        // The hop is no queueing: the wait counts from the delivery.
        attempt.sent += attempt.hop;
        let (at, serial) = (self.agenda.now() + attempt.hop, attempt.serial);
        self.agenda.schedule(at, Class::Delivery, id, serial, Event::Deliver { attempt: index });
    }

    /// An attempt reaches its server.
    #[inline]
    pub(super) fn deliver(&mut self, index: u32) {
        let Attempt { server: slot, service, request, .. } = self.traffic.attempts[index];
        if slot == ServerSlot::NONE {
            return self.unanswered(index);
        }
        let server = self.serving.servers.at_mut(slot);
        if request == CANCELLED || server.dead {
            return self.deliver_in_vain(index);
        }
        let path = self.services[service].path;
        // Where nothing is ever full, what is held is not counted.
        if path.full_at != u32::MAX && server.held() >= path.full_at || path.has_tokens && self.is_too_long(index) {
            return self.refuse_at(index);
        }
        let server = self.serving.servers.at_mut(slot);
        server.accept(index, &mut bench!(self, service));
        if path.has_tokens {
            let id = server.id;
            self.observe_tokens(id, service);
            debug_assert!(!self.wants_turn(id), "an engine asks at its own event");
        }
    }

    /// An attempt that nobody wants any more, or whose server was killed meanwhile.
    #[cold]
    fn deliver_in_vain(&mut self, index: u32) {
        let Attempt { server, request, .. } = self.traffic.attempts[index];
        if request == CANCELLED {
            return self.leave(index);
        }
        // Only a drain that took too long kills the process of a pod whose node stays.
        let node = self.fleet.node_of(self.serving.servers.at(server).pod);
        let stays = node.is_some_and(|node| self.fleet.node(node).life != NodeLife::Gone);
        self.lose(index, if stays { FailBecause::DrainTimeout } else { FailBecause::ReplicaLost });
    }

    /// Whether an attempt's prompt is longer than any context of the engine that should serve it.
    fn is_too_long(&self, index: u32) -> bool {
        match &self.services[self.traffic.attempts[index].service].config.discipline {
            Discipline::ContinuousBatch(engine) => !engine.serves(&self.serving.sequences[index as usize]),
            _ => false,
        }
    }

    /// A slot has finished.
    #[inline]
    pub(super) fn slot_done(&mut self, index: u32, serial: u64) {
        let attempt = &self.traffic.attempts[index];
        if attempt.serial != serial {
            return;
        }
        let (server, service) = (attempt.server, attempt.service);
        self.serving.servers.at_mut(server).slot_done(index, &mut bench!(self, service));
        self.complete(index);
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

    pub(super) fn host_done(&mut self, index: u32, serial: u64) {
        let attempt = &self.traffic.attempts[index];
        if attempt.serial != serial {
            return;
        }
        let (server, service, cancelled) = (attempt.server, attempt.service, attempt.request == CANCELLED);
        let server = self.serving.servers.at_mut(server);
        if cancelled {
            server.host_dropped(index, &mut self.traffic.attempts);
            self.leave(index);
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

    /// Brings what is measured of a server to now.
    pub(super) fn settle_server(&mut self, id: ServerId) {
        self.catch_up_turns(self.serving.servers[id].clock);
        let service = self.serving.servers[id].service;
        self.serving.servers[id].settle(&mut bench!(self, service));
        self.observe_tokens(id, service);
    }

    /// Brings what is measured where an attempt is to now, before it is torn from its request.
    pub(super) fn settle_attempt(&mut self, index: u32) {
        if index != NONE && self.traffic.attempts[index].server != ServerSlot::NONE {
            let server = self.serving.servers.at(self.traffic.attempts[index].server).id;
            self.settle_server(server);
        }
    }

    /// Brings what is measured of a service's servers to now.
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

    pub(super) fn complete_all(&mut self, mut done: Vec<u32>) {
        for index in done.drain(..) {
            self.complete(index);
        }
        self.serving.done = done;
    }

    /// The work of an attempt is done.
    #[inline]
    fn complete(&mut self, index: u32) {
        let attempt = &self.traffic.attempts[index];
        let (asked, server) = (attempt.request, attempt.server);
        self.serving.servers.at_mut(server).meter.completed += u64::from(attempt.stage != Stage::Withdrawn);
        if asked < CANCELLED {
            let mut parts = self.parts(attempt, &self.traffic.requests[asked]);
            if self.services[attempt.service].path.has_tokens {
                self.add_tokens(index, &mut parts);
            }
            self.record(index, asked, &parts);
            self.end(asked, Outcome::Completed, Some((&parts, server)));
        }
        self.leave(index);
    }

    /// Where the time of a request went whose attempt is done.
    #[inline(always)]
    fn parts(&self, attempt: &Attempt, request: &Request) -> Parts {
        let now = self.agenda.now();
        let state = &self.services[attempt.service];
        let [on_the_way, own] = state.path.before_the_wait;
        let network = attempt.hop + on_the_way;
        // What is no waiting was added to the instant at which it was sent.
        let sent = attempt.sent.back(network + own);
        let wait = attempt.started.since(attempt.sent);
        let [cold_start, no_capacity] = if wait.is_zero() {
            [SimDuration::ZERO; 2]
        } else {
            let [cold_start, no_capacity] = state.waits.between(sent, attempt.started);
            [cold_start.min(wait), no_capacity.min(wait.saturating_sub(cold_start))]
        };
        let of = RequestParts {
            retries: sent.since(request.arrived),
            network,
            queue: wait - cold_start - no_capacity,
            cold_start,
            no_capacity,
            service: now.since(attempt.started) + own,
        };
        Parts { e2e: now.since(request.arrived), of, ttft: None, tpot: None }
    }

    /// Adds the token latencies, and counts what was generated where an output was cut.
    #[inline]
    fn add_tokens(&mut self, index: u32, parts: &mut Parts) {
        let request = &mut self.traffic.requests[self.traffic.attempts[index].request];
        let Some(sequence) = self.serving.sequences.get(index as usize) else { return };
        let Some(first) = sequence.first_token else { return };
        let ttft = first.since(request.arrived);
        let gaps = u64::from(sequence.output) - 1;
        let rest = parts.e2e.saturating_sub(ttft);
        parts.ttft = Some(ttft);
        parts.tpot = rest.as_ps().checked_div(gaps).map(SimDuration::from_ps);
        if sequence.output < request.output_tokens {
            request.output_tokens = sequence.output;
            self.services[request.service].account.cut += 1;
        }
    }

    #[inline(always)]
    fn record(&mut self, index: u32, asked: u32, parts: &Parts) {
        let (attempt, request) = (&self.traffic.attempts[index], &self.traffic.requests[asked]);
        let book = &mut self.services[attempt.service];
        let completed = Completed {
            tokens: [request.prompt_tokens, request.output_tokens],
            measured: request.arrived >= self.world.warmup,
            beyond_band: attempt.beyond_band,
        };
        book.account.complete(parts, completed, &book.config.slos);
        let (is_placed, is_watched) = (attempt.origin != NOWHERE, !book.watchers.latency.is_empty());
        if is_placed {
            self.record_place(index, asked, parts);
        }
        if is_watched {
            self.observe_latency(index, parts);
        }
    }

    /// An attempt leaves its replica: its record is freed, and a waiting one may take its room.
    #[inline(always)]
    pub(super) fn leave(&mut self, index: u32) {
        let Attempt { server, service, .. } = self.traffic.attempts[index];
        self.free_attempt(index);
        let server = self.serving.servers.at_mut(server);
        if server.position == NONE {
            server.outstanding -= 1;
            if server.outstanding == 0 {
                let pod = server.pod;
                self.drained(pod);
            }
            return;
        }
        let state = &mut self.services[service];
        state.rotation.end(server.position);
        if !self.brokers[state.feed.broker()].is_empty() {
            self.release_waiting(service);
        }
    }

    /// Lets attempts that wait at the broker go to servers that can take them.
    pub(super) fn release_waiting(&mut self, service: ServiceId) {
        while let Some((index, position)) = self.next_waiting(service) {
            self.dispatch(index, position);
        }
    }

    fn next_waiting(&mut self, service: ServiceId) -> Option<(u32, u32)> {
        let book = &mut self.services[service];
        let attempts = &mut self.traffic.attempts;
        book.feed.release(&book.rotation, book.path.room, &mut self.brokers, attempts)
    }

    #[inline(always)]
    pub(super) fn free_attempt(&mut self, index: u32) {
        let now = self.agenda.now();
        let attempt = &mut self.traffic.attempts[index];
        attempt.serial = u64::MAX;
        if let Some(sequence) = self.serving.sequences.get_mut(index as usize) {
            self.traffic.prefixes.remove(std::mem::replace(&mut sequence.prefix, NONE));
        }
        self.services[attempt.service].presence.step(false, now);
        self.traffic.attempts.remove(index);
    }

    /// A full gateway refuses an attempt.
    fn refuse(&mut self, index: u32) {
        let Attempt { request, service, .. } = self.traffic.attempts[index];
        self.services[service].account.rejected_attempts += 1;
        self.free_attempt(index);
        self.try_again(request, Outcome::Rejected);
    }

    /// A replica whose queue is full refuses an attempt.
    fn refuse_at(&mut self, index: u32) {
        let Attempt { request, service, .. } = self.traffic.attempts[index];
        self.services[service].account.rejected_attempts += 1;
        self.leave(index);
        if request < CANCELLED {
            self.try_again(request, Outcome::Rejected);
        }
    }

    /// Retries a request whose attempt ended badly, or ends it so.
    pub(super) fn try_again(&mut self, request: u32, outcome: Outcome) {
        let now = self.agenda.now();
        let record = &mut self.traffic.requests[request];
        record.attempt = NONE;
        let (client, number, retries) = (record.client, record.number, record.tries - record.requeues - 1);
        match self.traffic.clients[client].retry(number, retries, now) {
            Some(wait) => self.agenda.schedule(now + wait, Class::Retry, client, number, Event::Retry { request }),
            None => self.end(request, outcome, None),
        }
    }

    /// A back-off ends.
    pub(super) fn retry(&mut self, request: u32, client: ClientId, number: u64) {
        let record = &self.traffic.requests[request];
        if is_live(record, client, number) && record.attempt == NONE {
            self.send(request);
        }
    }

    /// Ends a request: it is counted here and nowhere else.
    #[inline]
    pub(super) fn end(&mut self, index: u32, outcome: Outcome, completed: Option<(&Parts, ServerSlot)>) {
        let now = self.agenda.now();
        if self.world.request_sample > 0 {
            self.sample(index, outcome, completed);
        }
        let request = &mut self.traffic.requests[index];
        let (client, number, user) = (request.client, request.number, request.user);
        let (measured, attempt, service) = (request.arrived >= self.world.warmup, request.attempt, request.service);
        request.number = u64::MAX;
        self.traffic.prefixes.remove(request.prefix);
        self.traffic.requests.remove(index);
        let state = &mut self.traffic.clients[client];
        let name = state.key.wrapping_add(number);
        self.journal.note(now, Note::Outcome { service, client, number, name, outcome });
        state.count(outcome, measured);
        if outcome != Outcome::Completed && measured {
            let beyond = self.settles_beyond_band(attempt);
            let book = &mut self.services[service];
            book.account.miss(beyond, &book.config.slos);
        }
        if user != NONE {
            self.think(client, user);
        }
    }

    /// Keeps a record of a request that ends, if its number is one of those wanted.
    fn sample(&mut self, index: u32, outcome: Outcome, completed: Option<(&Parts, ServerSlot)>) {
        let request = &self.traffic.requests[index];
        if request.number.is_multiple_of(self.world.request_sample) {
            let pod_of = |server| self.serving.servers.at(server).pod.serial();
            self.books.keep_request(RequestRecord {
                client: request.client.get(),
                number: request.number,
                arrived: request.arrived,
                ended: self.agenda.now(),
                outcome,
                tries: request.tries,
                tokens: [request.prompt_tokens, request.output_tokens],
                parts: completed.map(|(parts, _)| parts.of),
                ttft: completed.and_then(|(parts, _)| parts.ttft),
                replica: completed.map(|(_, server)| pod_of(server)),
            });
        }
    }

    /// Unfinished requests of each client.
    pub(super) fn live_requests(&self, client: ClientId) -> u64 {
        let state = &self.traffic.clients[client];
        state.made - state.ended.iter().sum::<u64>()
    }
}

#[inline]
pub(super) fn is_live(request: &Request, client: ClientId, number: u64) -> bool {
    request.number == number && request.client == client
}
