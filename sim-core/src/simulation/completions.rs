//! How attempts whose work is done end, and how requests end.
//!
//! A completion reads each record once: its attempt, request, server, service and client.

#![expect(clippy::inline_always, reason = "measured: each caller passes a constant case, which inlining resolves")]

use super::requests::CANCELLED;
use super::service::Service;
use super::{Event, Simulation};
use crate::clock::{Class, SimDuration, SimTime};
use crate::id::{AttemptSlot, ClientId, PrefixSlot, RequestSlot, ServerSlot, ServiceId};
use crate::journal::Note;
use crate::ledger::{Completed, Parts, RequestParts, RequestRecord};
use crate::serving::Sequence;
use crate::traffic::{Attempt, NONE, NOWHERE, Outcome, Request, Stage};

impl Simulation {
    /// The work of several attempts is done.
    pub(super) fn complete_all(&mut self, mut done: Vec<AttemptSlot>) {
        for index in done.drain(..) {
            let attempt = self.traffic.attempts[index];
            self.complete(index, &attempt);
        }
        self.serving.done = done;
    }

    /// The work of an attempt is done.
    #[inline(always)]
    pub(super) fn complete(&mut self, index: AttemptSlot, attempt: &Attempt) {
        let server = self.serving.servers.at_mut(attempt.server);
        server.meter.completed += u64::from(attempt.stage != Stage::Withdrawn);
        if attempt.request < CANCELLED {
            self.answer(index, attempt);
        }
        self.leave(index, attempt.server, attempt.service);
    }

    /// Answers a request.
    #[inline(always)]
    fn answer(&mut self, index: AttemptSlot, attempt: &Attempt) {
        let mut request = self.traffic.requests[attempt.request];
        let state = &mut self.services[attempt.service];
        let mut parts = parts(self.agenda.now(), state, attempt, &request);
        if state.path.has_tokens
            && let Some(sequence) = self.serving.sequences.get(index)
        {
            state.account.cut += u64::from(add_tokens(sequence, &mut request, &mut parts));
        }
        let completed = Completed {
            tokens: [request.prompt_tokens, request.output_tokens],
            measured: request.arrived >= self.world.warmup,
            beyond_band: attempt.beyond_band,
        };
        state.account.complete(&parts, completed, &state.config.slos);
        let is_watched = !state.watchers.latency.is_empty();
        if attempt.origin != NOWHERE {
            self.record_place(attempt, &request, &parts);
        }
        if is_watched {
            self.observe_latency(attempt, &parts);
        }
        self.end_as(attempt.request, &request, Outcome::Completed, Some((&parts, attempt.server)));
    }

    /// An attempt leaves its server: its record is freed, and a waiting attempt may start.
    #[inline(always)]
    pub(super) fn leave(&mut self, index: AttemptSlot, server: ServerSlot, service: ServiceId) {
        self.free_attempt(index, service);
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

    #[inline(always)]
    pub(super) fn free_attempt(&mut self, index: AttemptSlot, service: ServiceId) {
        self.traffic.attempts[index].serial = u64::MAX;
        self.traffic.attempts.remove(index);
        if let Some(sequence) = self.serving.sequences.get_mut(index) {
            self.traffic.prefixes.remove(std::mem::replace(&mut sequence.prefix, PrefixSlot::NONE));
        }
        self.services[service].presence.step(false, self.agenda.now());
    }

    /// Sends a request again whose attempt failed; if no retry is left, the request ends with
    /// `outcome`.
    pub(super) fn try_again(&mut self, request: RequestSlot, outcome: Outcome) {
        let now = self.agenda.now();
        let record = &mut self.traffic.requests[request];
        record.attempt = AttemptSlot::NONE;
        let (client, number, retries) = (record.client, record.number, record.tries - record.requeues - 1);
        match self.traffic.clients[client].retry(number, retries, now) {
            Some(wait) => self.agenda.schedule(now + wait, Class::Retry, client, number, Event::Retry { request }),
            None => self.end(request, outcome),
        }
    }

    /// Ends a request without an answer.
    pub(super) fn end(&mut self, index: RequestSlot, outcome: Outcome) {
        let request = self.traffic.requests[index];
        self.end_as(index, &request, outcome, None);
    }

    /// Ends a request. It is counted here and nowhere else.
    #[inline(always)]
    fn end_as(
        &mut self,
        index: RequestSlot,
        request: &Request,
        outcome: Outcome,
        completed: Option<(&Parts, ServerSlot)>,
    ) {
        if self.world.request_sample > 0 {
            self.sample(request, outcome, completed);
        }
        self.traffic.requests[index].number = u64::MAX;
        self.traffic.requests.remove(index);
        self.traffic.prefixes.remove(request.prefix);
        let &Request { client, number, user, service, attempt, arrived, .. } = request;
        let measured = arrived >= self.world.warmup;
        let sender = &mut self.traffic.clients[client];
        sender.count(outcome, measured);
        let holds = !sender.held.is_empty();
        let name = sender.key.wrapping_add(number);
        self.journal.note(self.agenda.now(), Note::Outcome { service, client, number, name, outcome });
        if outcome != Outcome::Completed && measured {
            let beyond = self.settles_beyond_band(attempt);
            let state = &mut self.services[service];
            state.account.miss(beyond, &state.config.slos);
        }
        if user != NONE {
            self.think(client, user);
        } else if holds {
            self.send_held_next(client);
        }
    }

    /// Keeps a record of a request that ends, if its number is one of the sampled ones.
    #[inline(never)]
    fn sample(&mut self, request: &Request, outcome: Outcome, completed: Option<(&Parts, ServerSlot)>) {
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

    /// Requests of a client that have not ended.
    pub(super) fn live_requests(&self, client: ClientId) -> u64 {
        self.traffic.clients[client].live()
    }
}

/// Splits the time of a request whose attempt is done into its parts.
#[inline(always)]
fn parts(now: SimTime, state: &Service, attempt: &Attempt, request: &Request) -> Parts {
    let [on_the_way, own] = state.path.before_the_wait;
    let network = attempt.hop + on_the_way;
    // `attempt.sent` was moved later by the time on the way and in own work, which is no waiting.
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

/// Adds the token latencies. True if the output was cut: the request then counts the tokens
/// generated.
#[inline]
fn add_tokens(sequence: &Sequence, request: &mut Request, parts: &mut Parts) -> bool {
    let Some(first) = sequence.first_token else { return false };
    let ttft = first.since(request.arrived);
    let gaps = u64::from(sequence.output) - 1;
    let rest = parts.e2e.saturating_sub(ttft);
    parts.ttft = Some(ttft);
    parts.tpot = rest.as_ps().checked_div(gaps).map(SimDuration::from_ps);
    let is_cut = sequence.output < request.output_tokens;
    request.output_tokens = request.output_tokens.min(sequence.output);
    is_cut
}
