//! `DynamicBatch`: waits for a batch, as Triton's dynamic batcher does.
//!
//! A request passes two stages. The *host stage* (client, network, front end, copies) takes
//! `overhead` for each request, any number at once, and then `host_per_item` for one item after the
//! other. Then the request joins the queue of the *batcher*, which forms batches for the instances:
//!
//! - the largest preferred size that the queue fills leaves at once;
//! - the queue leaves, up to a full batch, when it fills one, when the oldest request has waited
//!   for `max_delay`, or when `max_delay` is zero;
//! - a batch is formed when an instance is idle; ahead of that, up to `formed_ahead` for each
//!   instance. No request joins or leaves a formed batch.
//!
//! Instances share the GPU: their kernels run one after the other, and a batch that starts while
//! another instance is busy takes `sharing_ppm` millionths of its time alone.
//!
//! Sources: Triton Inference Server, `docs/user_guide/batcher.md` (preferred sizes, delay, order
//! of requests), and triton-inference-server/core: `src/dynamic_batch_scheduler.cc`
//! `GetDynamicBatch` (a delay of zero sends what there is; a preferred size goes before a full
//! batch, and an exceeded delay before a preferred size), `src/rate_limiter.cc`
//! `PayloadSlotAvailable` (up to two batches for each instance are formed ahead). Not modelled:
//! Triton may still add requests to the last batch that was formed ahead with a delay.
//! Instances share the GPU one after the other: that is measured, see `docs/batching.md`.

use super::Discipline;
use super::bench::Bench;
use super::config::BatchConfig;
use super::station::Station;
use crate::agenda::Event;
use crate::clock::{Class, SimDuration, SimTime};
use crate::id::AttemptSlot;
use crate::traffic::Arena;
use crate::traffic::{Attempt, Fifo, Stage};
use std::collections::VecDeque;

/// Added to the sequence of a batch's events; events of the host stage have the serial of their
/// attempt. So an item that leaves the host stage when a batch leaves still joins that batch, and
/// no two events have the same key.
const AFTER_HOST: u64 = 1 << 63;

/// State of one batching server.
#[derive(Debug)]
pub(super) struct Batching {
    /// The batch that each instance runs; empty when idle.
    instances: Vec<Fifo>,
    /// Batches that wait for an instance.
    formed: VecDeque<Fifo>,
    /// Requests in formed batches.
    formed_held: u32,
    host_free: SimTime,
    /// Requests in the host stage.
    host: Fifo,
    gpu_free: SimTime,
    /// When the pending delay event comes, so that it is not scheduled twice.
    delay_at: Option<SimTime>,
    sequence: u64,
}

impl Batching {
    pub(super) fn new(config: &BatchConfig) -> Self {
        Batching {
            instances: vec![Fifo::default(); config.instances as usize],
            formed: VecDeque::with_capacity(most_formed(config) as usize),
            formed_held: 0,
            host_free: SimTime::ZERO,
            host: Fifo::default(),
            gpu_free: SimTime::ZERO,
            delay_at: None,
            sequence: AFTER_HOST,
        }
    }

    /// Attempts that neither wait in the batcher's queue nor run.
    pub(super) fn aside(&self) -> u32 {
        self.host.len() + self.formed_held
    }

    pub(super) fn accept(&mut self, station: &mut Station, index: AttemptSlot, bench: &mut Bench<'_>) {
        let Discipline::DynamicBatch(config) = bench.discipline else { return };
        if config.host_per_item.is_zero() && config.overhead.is_zero() {
            return self.enqueue(station, index, bench);
        }
        let host = config.host_per_request();
        self.host_free = self.host_free.max(bench.agenda.now() + config.overhead) + host;
        self.host.push(bench.attempts, index);
        let attempt = &mut bench.attempts[index];
        attempt.stage = Stage::Host;
        // What the host does for it is service; only waiting for the host is queueing.
        attempt.sent += config.own_work();
        let (serial, event) = (attempt.serial, Event::HostDone { attempt: index });
        bench.agenda.schedule(self.host_free, Class::Completion, station.id, serial, event);
    }

    pub(super) fn host_done(&mut self, station: &mut Station, index: AttemptSlot, bench: &mut Bench<'_>) {
        self.host.remove(bench.attempts, index);
        self.enqueue(station, index, bench);
    }

    pub(super) fn host_dropped(&mut self, index: AttemptSlot, attempts: &mut Arena<AttemptSlot, Attempt>) {
        self.host.remove(attempts, index);
    }

    fn enqueue(&mut self, station: &mut Station, index: AttemptSlot, bench: &mut Bench<'_>) {
        let attempt = &mut bench.attempts[index];
        attempt.stage = Stage::Waiting;
        // Until it starts, this holds when it joined the batcher's queue.
        attempt.started = bench.agenda.now();
        station.waiting.push(bench.attempts, index);
        self.dispatch(station, bench);
    }

    /// Gives idle instances their batches and forms others, for as long as it may.
    pub(super) fn dispatch(&mut self, station: &mut Station, bench: &mut Bench<'_>) {
        let Discipline::DynamicBatch(config) = bench.discipline else { return };
        loop {
            let idle = self.instances.iter().position(|batch| batch.len() == 0);
            if let Some(instance) = idle
                && let Some(mut batch) = self.formed.pop_front()
            {
                let size = batch.len();
                self.formed_held -= size;
                self.launch(station, instance, &mut batch, size, bench);
                continue;
            }
            if idle.is_none() && self.formed.len() as u32 >= most_formed(config) {
                return;
            }
            let Some(oldest) = station.waiting.front() else { return };
            let due = bench.attempts[oldest].started + config.max_delay;
            let Some(size) = next_size(config, station.waiting.len(), due <= bench.agenda.now()) else {
                return self.wait(station, due, bench);
            };
            // The queue steps out of the station for the call, so that both can change.
            let mut waiting = std::mem::take(&mut station.waiting);
            match idle {
                Some(instance) => self.launch(station, instance, &mut waiting, size, bench),
                None => self.form(&mut waiting, size, bench.attempts),
            }
            station.waiting = waiting;
        }
    }

    fn wait(&mut self, station: &mut Station, due: SimTime, bench: &mut Bench<'_>) {
        if self.delay_at.is_some_and(|at| at == due && at > bench.agenda.now()) {
            return;
        }
        self.delay_at = Some(due);
        self.sequence += 1;
        let event = Event::BatchDelay { server: station.id.slot() };
        bench.agenda.schedule(due, Class::Completion, station.id, self.sequence, event);
    }

    fn form(&mut self, waiting: &mut Fifo, size: u32, attempts: &mut Arena<AttemptSlot, Attempt>) {
        let mut batch = Fifo::default();
        for _ in 0..size {
            let Some(index) = waiting.pop(attempts) else { break };
            attempts[index].stage = Stage::Host;
            batch.push(attempts, index);
        }
        self.formed_held += batch.len();
        self.formed.push_back(batch);
    }

    /// Starts the first `size` of a queue on an idle instance.
    fn launch(&mut self, station: &mut Station, instance: usize, queue: &mut Fifo, size: u32, bench: &mut Bench<'_>) {
        let Discipline::DynamicBatch(config) = bench.discipline else { return };
        let shared = self.instances.iter().any(|batch| batch.len() > 0);
        for _ in 0..size {
            let Some(index) = queue.pop(bench.attempts) else { break };
            bench.start(index, bench.agenda.now());
            self.instances[instance].push(bench.attempts, index);
        }
        station.running += size;
        self.sequence += 1;
        let alone = config.time.of(size * config.items_per_request);
        let time = if shared { stretched(alone, config.sharing_ppm) } else { alone };
        self.gpu_free = self.gpu_free.max(bench.agenda.now()) + time;
        let event = Event::BatchDone { instance: instance as u16, server: station.id.slot() };
        bench.agenda.schedule(self.gpu_free, Class::Completion, station.id, self.sequence, event);
    }

    pub(super) fn finish(
        &mut self,
        station: &mut Station,
        instance: u16,
        bench: &mut Bench<'_>,
        done: &mut Vec<AttemptSlot>,
    ) {
        let batch = &mut self.instances[usize::from(instance)];
        station.running -= batch.len();
        while let Some(index) = batch.pop(bench.attempts) {
            done.push(index);
        }
        self.dispatch(station, bench);
    }

    /// Takes out a waiting attempt. A formed batch goes on after a client has gone, and so does the host
    /// stage. True if its record is free now.
    pub(super) fn withdraw(station: &mut Station, index: AttemptSlot, bench: &mut Bench<'_>) -> bool {
        let waits = bench.attempts[index].stage == Stage::Waiting;
        if waits {
            station.waiting.remove(bench.attempts, index);
        }
        waits
    }

    /// Moves the attempts of all batches, and those that are not yet in one, to `lost`.
    pub(super) fn kill(&mut self, attempts: &mut Arena<AttemptSlot, Attempt>, lost: &mut Vec<AttemptSlot>) {
        for batch in self.instances.iter_mut().chain(&mut self.formed).chain([&mut self.host]) {
            while let Some(index) = batch.pop(attempts) {
                lost.push(index);
            }
        }
    }
}

fn most_formed(config: &BatchConfig) -> u32 {
    config.instances.saturating_mul(config.formed_ahead)
}

/// How many of the waiting requests leave as one batch now; `due` says that the oldest has waited
/// for the delay. `None` if they wait for more.
fn next_size(config: &BatchConfig, waiting: u32, due: bool) -> Option<u32> {
    let (most, no_delay) = (config.requests_per_batch(), config.max_delay.is_zero());
    let preferred = config.preferred.iter().rev().map(|items| items / config.items_per_request);
    let filled = preferred.filter(|&size| size > 0).find(|&size| size <= waiting);
    match filled {
        Some(size) if no_delay || !due => Some(size),
        _ if no_delay || due || waiting >= most => Some(waiting.min(most)),
        _ => None,
    }
}

fn stretched(alone: SimDuration, ppm: u32) -> SimDuration {
    let ps = u128::from(alone.as_ps()) * u128::from(ppm) / 1_000_000;
    SimDuration::from_ps(u64::try_from(ps).unwrap_or(u64::MAX))
}
