//! `ContinuousBatch`: a token-level engine as in vLLM.
//!
//! | file | holds |
//! | --- | --- |
//! | `config` | the rules of the engine, as settings |
//! | `time_model` | the time of one iteration, and of many, in integers |
//! | `experts` | the part of that time in layers with experts |
//! | `messages` | the part of it in which GPUs talk to each other |
//! | `parts` | what the engine keeps for attention within windows, and for experts |
//! | `sequence` | what the engine knows of one attempt |
//! | `blocks` | the blocks of the KV cache |
//! | `groups` | groups of layers that each take their own |
//! | `slides`, `windows` | the blocks that are given back as windows of attention slide |
//! | `named` | the blocks that other sequences can find |
//! | `schedule` | which sequences run in the next iteration |
//! | `departures` | which leave the batch |
//! | `work` | what an engine has done, for signals and reports |
//! | `turns` | several engines that share GPUs |
//! | `looks`, `admission` | when it looks at new requests, and when it lets them in |
//! | `prompts` | iterations of prompts alone, for which decodes wait |
//! | `mod` (here) | the engine's clock: leaps, and what cuts them short |
//!
//! While the batch stays the same, the iterations form one *leap*, which is played in closed form.
//! An event that may change the batch earlier (an arrival, a withdrawal) cuts the leap at the next
//! iteration boundary. Not every change of the batch is an event: only the end of a sequence
//! affects other parts. The engine has one pending event, which comes no later than the next end.
//! Any earlier access to the engine (a scrape, a client that gives up) first lets it catch up; an
//! arrival does not need to, since nothing before it depends on it. The results equal those of an
//! engine that plays each iteration, to the last bit; `tests/tests/it/engine.rs` compares the two.

mod admission;
mod blocks;
mod config;
mod departures;
mod experts;
mod groups;
mod looks;
mod messages;
mod named;
mod parts;
mod prompts;
mod schedule;
mod sequence;
mod slides;
mod time_model;
mod turns;
mod windows;
mod work;

use super::Discipline;
use super::bench::Bench;
use super::station::Station;
use crate::agenda::Event;
use crate::clock::{Class, SimTime};
use crate::id::{AttemptSlot, ServerId, Table};
use crate::traffic::Stage;
use blocks::Blocks;
use looks::{Looks, Rules};
use named::Named;
use parts::Parts;
use slides::Slides;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

pub use config::{EngineConfig, EngineConfigError, Prefill, WarmUp};
pub use experts::Experts;
pub use groups::BlockGroups;
pub use messages::Messages;
pub use parts::Window;
pub(crate) use sequence::Sequence;
pub(crate) use time_model::{Clock, FRACTION_BITS, Leap, clock_at, instant};
pub use time_model::{Coefficients, Knee, LONGEST_ITERATION_S, LawParts, TimeModel, TimeModelError};
pub(crate) use turns::Turn;
pub use work::EngineWork;

/// State of one engine.
///
/// In this order, since a fleet's engines do not fit into the cache of a processor: what each leap touches stands first,
/// on seven cache lines of eight.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Engine {
    /// The clock of its GPUs at the start of the iteration in progress.
    clock: Clock,
    /// The clock when the leap ends.
    leap_end: Clock,

    /// The iteration in progress and those planned after it; none while idle.
    leap: Leap,
    /// When the iteration before this one started.
    previous: SimTime,
    /// The scheduler has looked at every sequence that was ready before this.
    seen_before: SimTime,
    /// When the pending event comes: never later than the next end of a sequence. Boundaries before it are
    /// not events; they are played when the engine catches up.
    wake_at: SimTime,
    /// Sequence of that event; events with an older one are stale.
    generation: u64,
    /// The iteration of the first end; `u64::MAX` if there is none.
    next_end: u64,

    /// Units for which its decodes have waited since their last token: for the turn, or for prompts.
    waited: u128,
    /// Iterations done so far: the number of the one in progress. Those of prompts alone do not count.
    iteration: u64,
    /// Sequences in decode, and the context that they read in the iteration in progress.
    decodes: u64,
    context: u64,
    /// The last admitted sequence, while its prefill is incomplete.
    partial: Option<AttemptSlot>,
    /// Admitted sequences: those in decode, the partial one, and those with chunks.
    running: u32,
    /// How many entries of `ends` belong to sequences that left early.
    stale: u32,
    /// By which rules it plans.
    rules: Rules,
    /// Whether it may iterate, if several engines share the GPUs.
    turn: Turn,
    /// Whether the iteration in progress holds prompts alone, and its decodes wait.
    prompts_alone: bool,
    /// Stalls of a new engine that are still before it.
    warm_ups: u32,

    /// Sequences in decode by their ends. A sequence that left early stays until it reaches the
    /// top.
    ends: BinaryHeap<Reverse<End>>,
    /// Prefill chunks of the iteration in progress.
    chunks: Vec<Chunk>,
    /// What its model has beside: windows of attention, experts.
    parts: Option<Box<Parts>>,
    /// Tokens computed; kept apart from the rest of its work, as is `context_read`, since each leap counts them.
    tokens: u64,

    blocks: Blocks,
    /// Sequences that were withdrawn while they ran: they leave at the next boundary.
    withdrawn: Vec<AttemptSlot>,
    /// Context tokens read by decodes.
    context_read: u128,

    admissions: u64,
    named: Named,
    rare: Box<Rare>,
}

/// What few engines have, or few iterations change.
#[derive(Debug, Default)]
struct Rare {
    /// When it looks at new requests, and lets them in.
    looks: Looks,
    /// When it had its first prompts.
    first_prompts: Option<SimTime>,
    /// Of an engine that computes prompts alone: decodes whose last token is younger than that of the others, and its
    /// clock. They came from such prompts.
    late: Vec<(AttemptSlot, u128)>,
    /// What it has done beside what each leap counts: of iterations, those of prompts alone.
    work: EngineWork,
}

/// The end of a sequence: the iteration that yields its last token, then the order of admission,
/// then its slot.
///
/// One number, since an engine spends its time in the heap of these. An iteration takes at least a
/// nanosecond, so that no horizon has 2^55 iterations; and 2^41 admissions are never reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End(u128);

impl End {
    const ADMISSION_BITS: u32 = 41;

    #[inline]
    fn new(iteration: u64, admission: u64, index: AttemptSlot) -> Self {
        debug_assert!(iteration < 1 << 55 && admission < 1 << Self::ADMISSION_BITS);
        End((u128::from(iteration) << (Self::ADMISSION_BITS + 32))
            | (u128::from(admission) << 32)
            | u128::from(index.get()))
    }

    #[inline]
    fn iteration(self) -> u64 {
        (self.0 >> (Self::ADMISSION_BITS + 32)) as u64
    }

    #[inline]
    fn admission(self) -> u64 {
        (self.0 >> 32) as u64 & ((1 << Self::ADMISSION_BITS) - 1)
    }

    #[inline]
    fn index(self) -> AttemptSlot {
        AttemptSlot::new(self.0 as u32)
    }

    /// Whether its sequence is still the one that was admitted on that server under that number.
    #[inline]
    fn is_live(self, server: ServerId, bench: &Bench<'_>) -> bool {
        let index = self.index();
        bench.sequences[index].admission == self.admission() && bench.attempts[index].server == server.slot()
    }
}

/// A chunk of a prefill.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    attempt: AttemptSlot,
    tokens: u32,
}

impl Engine {
    pub(super) fn new(config: &EngineConfig) -> Self {
        Engine {
            clock: Clock::default(),
            leap_end: Clock::default(),
            leap: Leap::default(),
            previous: SimTime::ZERO,
            seen_before: SimTime::ZERO,
            wake_at: SimTime::MAX,
            generation: 0,
            next_end: u64::MAX,
            waited: 0,
            iteration: 0,
            decodes: 0,
            context: 0,
            partial: None,
            running: 0,
            stale: 0,
            rules: Rules::of(config),
            turn: Turn::Alone,
            prompts_alone: false,
            warm_ups: config.warm_up.len() as u32,
            ends: BinaryHeap::new(),
            chunks: Vec::new(),
            parts: Parts::new(&config.time, config.replicas, Slides::of(config.groups, config.block_tokens)),
            tokens: 0,
            blocks: Blocks::new(config.blocks, config.block_tokens, config.groups),
            withdrawn: Vec::new(),
            context_read: 0,
            admissions: 0,
            named: Named::default(),
            rare: Box::default(),
        }
    }

    /// It has run before: the stalls of a new engine are behind it.
    pub(super) fn warm(&mut self) {
        self.warm_ups = 0;
    }

    /// Its work up to the last boundary that was settled.
    pub(crate) fn work(&self) -> EngineWork {
        let parts_read = self.parts.as_ref().map_or(0, |parts| parts.read());
        EngineWork {
            iterations: self.iteration + self.rare.work.iterations,
            tokens: self.tokens,
            context_read: self.context_read,
            parts_read,
            peak_blocks: self.blocks.peak(),
            ..self.rare.work
        }
    }

    /// Share of the KV cache's blocks in use.
    pub(crate) fn cache_use(&self) -> f64 {
        let total = self.blocks.used() + self.blocks.free();
        self.blocks.used() as f64 / total as f64
    }

    /// Whether it runs more sequences, or holds more context, than its time model was validated
    /// for.
    #[inline]
    pub(crate) fn is_beyond_band(&self, config: &EngineConfig) -> bool {
        // A block that is not full counts as full: an error of less than one block a sequence.
        config.validated.is_some_and(|band| {
            self.running > band.sequences
                || self.blocks.tokens(self.blocks.used()) > band.context_tokens * self.blocks.groups()
        })
    }

    /// Context tokens in the cache of the running sequences, up to the last boundary that was
    /// settled.
    pub(crate) fn running_context(&self, sequences: &Table<AttemptSlot, Sequence>) -> u64 {
        self.context + self.partial.map_or(0, |index| u64::from(sequences[index].computed))
    }

    /// Prompt tokens of the prefill in progress that are not computed yet.
    pub(crate) fn partial_prompt(&self, sequences: &Table<AttemptSlot, Sequence>) -> u64 {
        self.partial.map_or(0, |index| sequences[index].left_of_prefill())
    }

    /// Whether the scheduler has looked at a waiting sequence, up to the last boundary that was
    /// settled.
    pub(crate) fn has_seen(&self, config: &EngineConfig, waiting: &Sequence) -> bool {
        let now = if config.lookahead { self.previous } else { self.clock.at };
        waiting.ready < if config.receive_interval == 1 { self.seen_before.max(now) } else { self.seen_before }
    }

    /// Takes a new attempt. It joins at the first boundary that allows it. That boundary is later
    /// than now, even if the engine has not caught up to now.
    pub(super) fn accept(&mut self, station: &mut Station, index: AttemptSlot, bench: &mut Bench<'_>) {
        let Discipline::ContinuousBatch(config) = bench.discipline else { return };
        let ready = bench.agenda.now() + config.front_end;
        bench.sequences[index].ready = ready;
        let attempt = &mut bench.attempts[index];
        attempt.stage = Stage::Waiting;
        // The front end does not count as waiting.
        attempt.sent += config.front_end;
        station.waiting.push(bench.attempts, index);
        // If others wait already, they go first, and the leap has been cut for them.
        let first = station.waiting.len() == 1;
        if self.leap.len == 0 {
            if first && self.turn != Turn::Waits {
                // Wake even if that is now: other attempts that come at the same instant then start
                // with it.
                self.wake(ready, station.id, bench);
            }
            if self.turn != Turn::Waits || !config.leaps {
                return;
            }
        } else if (first || config.balances()) && self.running < config.most_running() {
            let joins = self.joins_at(config, ready);
            if config.replicas == 1 {
                self.shorten(joins);
            } else {
                // One more sequence may make iterations shorter, since contexts count by their mean: the next end may
                // come before the pending event.
                self.cut(joins, station.id, bench);
            }
        }
        let least = config.least_end(&bench.sequences[index], ready);
        self.wake_by(least, station.id, bench);
    }

    /// The boundary of the present leap at which a sequence that is ready at `ready` may join.
    fn joins_at(&self, config: &EngineConfig, ready: SimTime) -> u64 {
        if ready < self.seen_before {
            return 1;
        }
        let lookahead = u64::from(config.lookahead);
        let next = self.leap.first_after(self.clock.units, ready).max(1 - lookahead) + lookahead;
        if config.receive_interval == 1 { next } else { self.next_look(config, next) }
    }

    /// Ends the leap after at most `n` iterations, with an event there.
    fn cut(&mut self, n: u64, id: ServerId, bench: &mut Bench<'_>) {
        self.shorten(n);
        self.wake_by(self.leap_end.at, id, bench);
    }

    /// Ends the leap after at most `n` iterations.
    #[inline]
    fn shorten(&mut self, n: u64) {
        if n < self.leap.len {
            self.leap.len = n;
            self.leap_end = self.clock.after(self.leap.units(n));
        }
    }

    /// The boundary at which the engine stands.
    #[inline]
    fn at(&self) -> SimTime {
        self.clock.at
    }

    fn wake(&mut self, at: SimTime, id: ServerId, bench: &mut Bench<'_>) {
        self.generation += 1;
        self.wake_at = at;
        bench.agenda.schedule(at, Class::Completion, id, self.generation, Event::EngineStep { server: id.slot() });
    }

    /// Makes sure that there is an event at `at` or before.
    #[inline]
    pub(super) fn wake_by(&mut self, at: SimTime, id: ServerId, bench: &mut Bench<'_>) {
        if at < self.wake_at {
            self.wake(at, id, bench);
        }
    }

    /// Whether an event with that generation is the pending one.
    #[inline]
    pub(super) fn expects(&self, generation: u64) -> bool {
        generation == self.generation
    }

    /// Handles the engine's event: an idle engine starts, or sequences may have ended. False if the
    /// event is stale.
    pub(super) fn step(
        &mut self,
        station: &mut Station,
        generation: u64,
        bench: &mut Bench<'_>,
        done: &mut Vec<AttemptSlot>,
    ) -> bool {
        if generation != self.generation {
            return false;
        }
        let Discipline::ContinuousBatch(config) = bench.discipline else { return false };
        self.wake_at = SimTime::MAX;
        let now = bench.agenda.now();
        self.fetch_next(bench);
        if self.leap.len == 0 {
            self.start(config, station, bench);
        } else {
            self.catch_up(station, now, bench, done);
        }
        if self.leap.len > 0 {
            self.wake_by(self.leap_end.at, station.id, bench);
        }
        true
    }

    /// Reads the records of the sequence that ends with this leap, so that they reach the cache
    /// while the leap is played.
    #[inline]
    fn fetch_next(&self, bench: &Bench<'_>) {
        if self.next_end <= self.iteration + self.leap.len
            && let Some(Reverse(end)) = self.ends.peek()
        {
            let index = end.index();
            std::hint::black_box((bench.sequences[index].end, bench.attempts[index].request));
        }
    }

    /// Plays the leaps that end by `last`, and plans the next one. Sequences that end move to
    /// `done`. That happens only in the engine's own event, since that event never comes later than
    /// the end of a sequence.
    pub(super) fn catch_up(
        &mut self,
        station: &mut Station,
        last: SimTime,
        bench: &mut Bench<'_>,
        done: &mut Vec<AttemptSlot>,
    ) {
        let Discipline::ContinuousBatch(config) = bench.discipline else { return };
        while self.is_behind(last) {
            self.pass(self.leap.len, bench);
            station.meter.advance(self.at(), station.running);
            if !self.chunks.is_empty() {
                self.finish_chunks(config, bench);
            }
            if self.next_end <= self.iteration {
                self.finish_decodes(config, station, bench, done);
            }
            if !self.withdrawn.is_empty() {
                self.drop_withdrawn(config, station, bench, done);
            }
            self.go_on(config, station, bench);
        }
    }

    /// Whether its leap ends by `last`.
    #[inline]
    pub(super) fn is_behind(&self, last: SimTime) -> bool {
        self.leap.len > 0 && self.leap_end.at <= last
    }

    /// Plays the first `n` iterations of the leap.
    #[inline]
    fn pass(&mut self, n: u64, bench: &mut Bench<'_>) {
        if self.rules.is_special() {
            return self.pass_special(n, bench);
        }
        self.pass_all(n, bench);
    }

    #[inline]
    fn pass_all(&mut self, n: u64, bench: &mut Bench<'_>) {
        let end = if n == self.leap.len { self.leap_end } else { self.clock.after(self.leap.units(n)) };
        let passed = Leap { len: n, ..self.leap };
        if self.decodes > 0 {
            self.record_gaps(passed, end.units, bench);
            // The blocks of the first iteration were taken when the leap was planned.
            let next = if n < self.leap.len { n } else { n - 1 };
            if next > 0 && self.parts.is_none() {
                self.blocks.take(self.blocks.needed(self.iteration + 1, next, self.decodes));
            } else if next > 0 {
                self.turn_over(self.iteration + 1, next);
            }
        }
        self.count(n);
        self.previous = instant(end.units - u128::from(passed.first + passed.growth * (n - 1)));
        self.clock = end;
        self.leap = self.leap.rest(n);
    }

    /// The most iterations from `k` on, up to `n`, for which the free blocks suffice.
    #[inline]
    fn lasting(&self, k: u64, n: u64) -> u64 {
        if self.parts.is_some() { self.lasting_with_windows(k, n) } else { self.blocks.lasting(k, n, self.decodes) }
    }

    /// Counts `n` iterations with the present batch.
    #[inline]
    fn count(&mut self, n: u64) {
        self.tokens += n * self.decodes;
        self.context_read +=
            u128::from(n) * u128::from(self.context) + u128::from(n * (n - 1) / 2) * u128::from(self.decodes);
        self.iteration += n;
        self.context += n * self.decodes;
        if let Some(parts) = &mut self.parts {
            parts.pass(n, self.iteration);
        }
    }

    /// Updates what is measured up to `last`: plays the iterations that have ended by then.
    pub(super) fn settle(&mut self, last: SimTime, bench: &mut Bench<'_>) {
        if self.leap.len > 1 {
            let passed = self.leap.first_after(self.clock.units, last).saturating_sub(1).min(self.leap.len - 1);
            if passed > 0 {
                self.pass(passed, bench);
            }
        }
    }

    /// Takes an attempt out. True if its record is free now; a running sequence leaves at the next
    /// boundary.
    pub(super) fn withdraw(&mut self, station: &mut Station, index: AttemptSlot, bench: &mut Bench<'_>) -> bool {
        let Discipline::ContinuousBatch(config) = bench.discipline else { return false };
        let now = bench.agenda.now();
        match bench.attempts[index].stage {
            Stage::Waiting => {
                let first = station.waiting.front() == Some(index);
                station.waiting.remove(bench.attempts, index);
                if let (true, Some(next)) = (first, station.waiting.front()) {
                    self.new_first(config, station.id, bench.sequences[next].ready.max(now), bench);
                }
                true
            }
            Stage::Running => {
                bench.attempts[index].stage = Stage::Withdrawn;
                self.withdrawn.push(index);
                if self.leap.len == 0 {
                    // The engine waits for its turn; the sequence leaves when the turn comes.
                    return false;
                }
                self.cut(self.leap.first_after(self.clock.units, now).max(1), station.id, bench);
                false
            }
            Stage::Sent | Stage::Host | Stage::Withdrawn => false,
        }
    }

    /// Another attempt is the first in the queue now; it may join from `from` on.
    fn new_first(&mut self, config: &EngineConfig, id: ServerId, from: SimTime, bench: &mut Bench<'_>) {
        if self.leap.len == 0 {
            if self.turn != Turn::Waits {
                self.wake(from, id, bench);
            }
        } else if from > bench.agenda.now() {
            self.cut(self.joins_at(config, from), id, bench);
        } else {
            self.cut(self.leap.first_after(self.clock.units, from).max(1), id, bench);
        }
    }

    /// Moves the admitted attempts to `lost`.
    pub(super) fn kill(&mut self, server: ServerId, bench: &Bench<'_>, lost: &mut Vec<AttemptSlot>) {
        lost.extend(self.admitted(server, bench));
        self.running = 0;
        self.ends.clear();
        (self.next_end, self.stale) = (u64::MAX, 0);
        self.chunks.clear();
        self.partial = None;
        // The pending event is stale now.
        self.generation += 1;
        self.wake_at = SimTime::MAX;
        self.leap = Leap::default();
        self.prompts_alone = false;
        self.rare.late.clear();
        self.turn = if self.turn == Turn::Alone { Turn::Alone } else { Turn::Idle };
        self.named.clear();
    }
}

impl EngineConfig {
    /// No sequence that joins at `from` or later, once it is ready, can end before this.
    #[inline]
    pub(in crate::serving) fn least_end(&self, sequence: &Sequence, from: SimTime) -> SimTime {
        // Each token still to come takes an iteration.
        let left = sequence.output - sequence.generated();
        instant(clock_at(sequence.ready.max(from)) + u128::from(self.time.least()) * u128::from(left))
    }
}
