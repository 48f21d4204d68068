//! `DynamicBatch`: waits for a batch, as Triton's dynamic batcher does.
//!
//! An idle instance takes the largest preferred size that the queue fills (or a full batch) at
//! once; otherwise it takes what there is when the oldest has waited for `max_delay`. A batch of
//! n occupies its instance for `fixed + per_item * n`. An optional host stage (decode, transfer)
//! passes items one by one before the batcher, pipelined with it.
//! Source: Triton Inference Server, `docs/user_guide/batcher.md`.

use super::Discipline;
use super::arena::Arena;
use super::config::BatchConfig;
use super::request::{Attempt, Fifo, Stage};
use super::server::{Bench, Server};
use crate::clock::{Class, SimTime};
use crate::simulation::Event;

/// Added to the sequence of a batch's events. Those of the host stage have their attempt's serial:
/// an item that leaves the host at the instant at which a batch leaves still joins it, and no two
/// events have the same key.
const AFTER_HOST: u64 = 1 << 63;

/// State of one batching server.
#[derive(Debug)]
pub(super) struct Batching {
    instances: Vec<Fifo>,
    host_free: SimTime,
    host_held: u32,
    /// When the pending delay event comes, so that it is not scheduled twice.
    delay_at: Option<SimTime>,
    sequence: u64,
}

impl Batching {
    pub(super) fn new(config: &BatchConfig) -> Self {
        Batching {
            instances: vec![Fifo::default(); config.instances as usize],
            host_free: SimTime::ZERO,
            host_held: 0,
            delay_at: None,
            sequence: AFTER_HOST,
        }
    }

    pub(super) fn in_host_stage(&self) -> u32 {
        self.host_held
    }

    pub(super) fn accept(&mut self, server: &mut Server, index: u32, bench: &mut Bench<'_>) {
        let Discipline::DynamicBatch(config) = bench.discipline else { return };
        if config.host_per_item.is_zero() {
            return self.enqueue(server, index, bench);
        }
        self.host_free = self.host_free.max(bench.agenda.now()) + config.host_per_item;
        self.host_held += 1;
        bench.attempts[index].stage = Stage::Host;
        let serial = bench.attempts[index].serial;
        bench.agenda.schedule(
            self.host_free,
            Class::Completion,
            server.replica,
            serial,
            Event::HostDone { attempt: index },
        );
    }

    pub(super) fn host_done(&mut self, server: &mut Server, index: u32, bench: &mut Bench<'_>) {
        self.host_held -= 1;
        self.enqueue(server, index, bench);
    }

    pub(super) fn host_dropped(&mut self) {
        self.host_held -= 1;
    }

    fn enqueue(&mut self, server: &mut Server, index: u32, bench: &mut Bench<'_>) {
        let attempt = &mut bench.attempts[index];
        attempt.stage = Stage::Waiting;
        // Until it starts, this holds when it joined the batcher's queue.
        attempt.started = bench.agenda.now();
        server.waiting.push(bench.attempts, index);
        self.dispatch(server, bench);
    }

    /// Fills idle instances for as long as a batch may leave.
    pub(super) fn dispatch(&mut self, server: &mut Server, bench: &mut Bench<'_>) {
        let Discipline::DynamicBatch(config) = bench.discipline else { return };
        while let Some(oldest) = server.waiting.front() {
            let Some(instance) = self.instances.iter().position(|batch| batch.len() == 0) else { return };
            let due = bench.attempts[oldest].started + config.max_delay;
            let now = bench.agenda.now();
            let waiting = server.waiting.len();
            let full = config.preferred.iter().rev().find(|&&size| size <= waiting).copied();
            let size = if waiting >= config.max_batch || now >= due {
                waiting.min(config.max_batch)
            } else if let Some(size) = full {
                size
            } else {
                return self.wait(server, due, bench);
            };
            self.launch(server, instance, size, config, bench);
        }
    }

    fn wait(&mut self, server: &mut Server, due: SimTime, bench: &mut Bench<'_>) {
        if self.delay_at.is_some_and(|at| at == due && at > bench.agenda.now()) {
            return;
        }
        self.delay_at = Some(due);
        self.sequence += 1;
        let event = Event::BatchDelay { replica: server.replica };
        bench.agenda.schedule(due, Class::Completion, server.replica, self.sequence, event);
    }

    fn launch(&mut self, server: &mut Server, instance: usize, size: u32, config: &BatchConfig, bench: &mut Bench<'_>) {
        for _ in 0..size {
            let Some(index) = server.waiting.pop(bench.attempts) else { break };
            bench.start(index);
            self.instances[instance].push(bench.attempts, index);
        }
        server.running += size;
        self.sequence += 1;
        let end = bench.agenda.now() + config.fixed + config.per_item * u64::from(size);
        let event = Event::BatchDone { instance: instance as u16, replica: server.replica };
        bench.agenda.schedule(end, Class::Completion, server.replica, self.sequence, event);
    }

    pub(super) fn finish(&mut self, server: &mut Server, instance: u16, bench: &mut Bench<'_>, done: &mut Vec<u32>) {
        let batch = &mut self.instances[usize::from(instance)];
        server.running -= batch.len();
        while let Some(index) = batch.pop(bench.attempts) {
            done.push(index);
        }
        self.dispatch(server, bench);
    }

    /// A running batch goes on without the attempt's client, and the host stage to its end: only
    /// who waits can leave. True if its record is free now.
    pub(super) fn withdraw(server: &mut Server, index: u32, bench: &mut Bench<'_>) -> bool {
        let waits = bench.attempts[index].stage == Stage::Waiting;
        if waits {
            server.waiting.remove(bench.attempts, index);
        }
        waits
    }

    /// Moves the attempts of all running batches to `lost`.
    pub(super) fn kill(&mut self, attempts: &mut Arena<Attempt>, lost: &mut Vec<u32>) {
        for batch in &mut self.instances {
            while let Some(index) = batch.pop(attempts) {
                lost.push(index);
            }
        }
    }
}
