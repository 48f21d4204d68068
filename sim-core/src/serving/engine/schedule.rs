//! Which sequences run in the next iteration: what vLLM's scheduler decides at each boundary.

#![expect(
    clippy::inline_always,
    reason = "measured: one copy for each kind of engine, without what the other kind needs"
)]

use super::looks::Rules;
use super::named;
use super::prompts::Room;
use super::slides::Hit;
use super::time_model::Load;
use super::{Chunk, End, Engine, EngineConfig, Leap, Sequence, Turn};
use crate::clock::SimTime;
use crate::id::{AttemptSlot, PrefixSlot, ServerId};
use crate::serving::bench::Bench;
use crate::serving::station::Station;
use crate::traffic::Stage;
use std::cmp::Reverse;

impl Engine {
    /// Plans the next iterations, or rests.
    #[inline]
    pub(super) fn schedule(&mut self, config: &EngineConfig, station: &mut Station, bench: &mut Bench<'_>) {
        match self.rules {
            Rules::Plain => self.schedule_by::<true>(config, station, bench),
            _ => self.schedule_specially(config, station, bench),
        }
    }

    #[inline(never)]
    fn schedule_specially(&mut self, config: &EngineConfig, station: &mut Station, bench: &mut Bench<'_>) {
        self.schedule_by::<false>(config, station, bench);
    }

    /// The same; of an engine that is `PLAIN` by its [`Rules`], the compiler leaves out what only others do: most engines
    /// are such, and what they run through for each request should fit into the cache of the processor.
    #[inline(always)]
    fn schedule_by<const PLAIN: bool>(&mut self, config: &EngineConfig, station: &mut Station, bench: &mut Bench<'_>) {
        self.look::<PLAIN>(config);
        // Most iterations have no prompts: they skip what plans them.
        let has_prompts = self.partial.is_some() || station.waiting.front().is_some() || (!PLAIN && config.balances());
        let is_alone = !PLAIN && self.rules.is_alone();
        let mut preempted = false;
        if is_alone && has_prompts && self.plan_prompts(config, &mut preempted, station, bench) {
            return;
        }
        preempted |= self.reserve_decodes::<PLAIN>(config, station, bench);
        let first = if !is_alone && (has_prompts || preempted) {
            self.plan_mixed::<PLAIN>(config, &mut preempted, station, bench)
        } else {
            self.time_of::<PLAIN>(config, Load::default())
        };
        if self.decodes == 0 && self.chunks.is_empty() {
            self.rest(station, bench);
            return;
        }
        self.leap = Leap { len: 1, first, growth: self.growth::<PLAIN>(config) };
        if self.chunks.is_empty() && !preempted && config.leaps && self.turn != (Turn::Has { contended: true }) {
            self.leap.len = self.reach::<PLAIN>(config, station, bench);
        }
        self.leap_end = self.clock.after(self.leap.units(self.leap.len));
    }

    /// Plans chunks beside the decodes; returns how long the iteration takes.
    #[inline(never)]
    fn plan_mixed<const PLAIN: bool>(
        &mut self,
        config: &EngineConfig,
        preempted: &mut bool,
        station: &mut Station,
        bench: &mut Bench<'_>,
    ) -> u64 {
        let load = self.compute_prompts::<PLAIN>(config, preempted, station, bench);
        self.tokens += load.prefill;
        let stall = if self.chunks.is_empty() { 0 } else { self.stall(config) };
        self.time_of::<PLAIN>(config, load) + stall
    }

    /// How long an iteration takes of all decodes and a load of prompts.
    #[inline(always)]
    fn time_of<const PLAIN: bool>(&mut self, config: &EngineConfig, load: Load) -> u64 {
        let mut load = Load { decodes: self.decodes, context: self.context, ..load };
        if let Some(parts) = &mut self.parts {
            load.windows = parts.plan(&config.time, load.prefill + load.decodes);
        }
        if PLAIN { config.time.iteration(&load) } else { config.iteration(&load) }
    }

    /// How much longer each iteration of a leap is than the one before.
    #[inline]
    fn growth<const PLAIN: bool>(&self, config: &EngineConfig) -> u64 {
        if PLAIN {
            return config.time.growth(self.decodes);
        }
        config.growth(self.decodes) + self.parts.as_ref().map_or(0, |parts| parts.growth())
    }

    /// There is nothing to run: sleeps until the first waiting sequence has passed the front end.
    fn rest(&mut self, station: &Station, bench: &mut Bench<'_>) {
        self.leap = Leap::default();
        if let Some(first) = station.waiting.front() {
            let ready = bench.sequences[first].ready;
            self.wake(ready.max(bench.agenda.now()), station.id, bench);
        } else {
            self.generation += 1;
            self.wake_at = SimTime::MAX;
        }
    }

    /// How many iterations from here keep the same batch.
    #[inline(always)]
    fn reach<const PLAIN: bool>(&mut self, config: &EngineConfig, station: &Station, bench: &Bench<'_>) -> u64 {
        // Without a decode there is no end to plan for: only this iteration is planned.
        let Some(next_end) = self.next_end(station.id, bench) else { return 1 };
        let next = self.iteration + 1;
        let n = 1 + if PLAIN {
            self.blocks.lasting(next, next_end - next, self.decodes)
        } else {
            self.lasting(next, next_end.min(self.next_crossing()) - next)
        };
        match station.waiting.front() {
            // Only a sequence that becomes ready later cuts the leap: one that was ready before lacks
            // room, and room only comes with a change of the batch, or as windows slide.
            Some(first) if bench.sequences[first].ready >= self.seen_before => {
                self.leap.len = n;
                n.min(self.joins_at(config, bench.sequences[first].ready))
            }
            Some(first) if !PLAIN => self.reach_beside(config, first, n, station, bench),
            _ => n,
        }
    }

    /// The same beside a sequence that was ready before, in a leap of `n` iterations but for that.
    #[inline(never)]
    fn reach_beside(
        &mut self,
        config: &EngineConfig,
        first: AttemptSlot,
        n: u64,
        station: &Station,
        bench: &Bench<'_>,
    ) -> u64 {
        let mut n = n;
        if config.balances() {
            self.leap.len = n;
            n = n.min(self.opens_in(config, station, bench));
        }
        if config.groups.is_none() { n } else { self.room_in(config, first, n, bench) }
    }

    /// The iteration after which the next sequence ends.
    #[inline]
    fn next_end(&mut self, server: ServerId, bench: &Bench<'_>) -> Option<u64> {
        if self.stale > 0 {
            self.drop_stale(server, bench);
        }
        (self.next_end != u64::MAX).then_some(self.next_end)
    }

    /// The iteration from which on the leap grows by less, since a sequence fills a window.
    #[inline]
    pub(super) fn next_crossing(&self) -> u64 {
        self.parts.as_ref().map_or(u64::MAX, |parts| parts.next_crossing())
    }

    /// Drops the entries on top of the heap whose sequences have left.
    #[cold]
    #[inline(never)]
    fn drop_stale(&mut self, server: ServerId, bench: &Bench<'_>) {
        while let Some(&Reverse(end)) = self.ends.peek()
            && !end.is_live(server, bench)
        {
            self.pop_end();
            self.stale -= 1;
        }
    }

    #[inline]
    fn push_end(&mut self, end: End) {
        self.ends.push(Reverse(end));
        self.next_end = self.next_end.min(end.iteration());
    }

    #[inline]
    pub(super) fn pop_end(&mut self) {
        self.ends.pop();
        self.next_end = self.ends.peek().map_or(u64::MAX, |end| end.0.iteration());
    }

    /// Takes the blocks that the decodes need in this iteration. True if sequences were preempted
    /// for that, or the next iteration must be planned on its own.
    #[inline(always)]
    fn reserve_decodes<const PLAIN: bool>(
        &mut self,
        config: &EngineConfig,
        station: &mut Station,
        bench: &mut Bench<'_>,
    ) -> bool {
        if !PLAIN && config.groups.is_some() {
            return self.reserve_with_windows(config, station, bench);
        }
        let needed = self.blocks.needed_in(self.iteration);
        if needed > self.blocks.free() {
            return self.reserve_in_order(config, station, bench);
        }
        self.blocks.take(needed);
        false
    }

    /// Gives the decodes their blocks in the order of admission; if blocks are short, the last
    /// admitted sequence is preempted. True if any was.
    #[cold]
    #[inline(never)]
    pub(super) fn reserve_in_order(
        &mut self,
        config: &EngineConfig,
        station: &mut Station,
        bench: &mut Bench<'_>,
    ) -> bool {
        let mut running = self.admitted(station.id, bench);
        let (mut at, mut preempted) = (0, false);
        while at < running.len() {
            let index = running[at];
            at += 1;
            if self.partial == Some(index) {
                continue;
            }
            let context = bench.sequences[index].context_in(self.iteration);
            if config.groups.is_some() {
                self.slide(index, context);
            }
            if self.blocks.is_first(context) {
                while self.blocks.free() < self.blocks.groups() {
                    let Some(last) = running.pop() else { return true };
                    self.preempt(config, last, station, bench);
                    preempted = true;
                    if last == index {
                        return true;
                    }
                }
                self.blocks.take(self.blocks.groups());
            }
            self.has_slid(index);
        }
        preempted
    }

    /// The running sequences in the order of admission. Slow: only called to preempt or to kill.
    pub(super) fn admitted(&self, server: ServerId, bench: &Bench<'_>) -> Vec<AttemptSlot> {
        let decodes = self.ends.iter().map(|end| end.0).filter(|end| end.is_live(server, bench)).map(End::index);
        let chunks = self.chunks.iter().map(|chunk| chunk.attempt);
        // A sequence with a chunk may be the partial one, too.
        let partial = self.partial.filter(|partial| chunks.clone().all(|index| index != *partial));
        let mut running: Vec<AttemptSlot> = decodes.chain(chunks).chain(partial).collect();
        running.sort_unstable_by_key(|&index| bench.sequences[index].admission);
        running
    }

    /// Plans the next chunk of the prefill in progress. False if there was no room and it was
    /// preempted.
    #[inline(never)]
    pub(super) fn continue_prefill(
        &mut self,
        config: &EngineConfig,
        index: AttemptSlot,
        room: &mut Room,
        load: &mut Load,
        station: &mut Station,
        bench: &mut Bench<'_>,
    ) -> bool {
        let sequence = &bench.sequences[index];
        let computed = u64::from(sequence.computed);
        let left = sequence.prefill_tokens() - computed;
        let tokens = room.of(left);
        let blocks = self.blocks.holding(computed + tokens) - self.blocks.holding(computed);
        let blocks = blocks * self.blocks.groups();
        if config.groups.is_some() {
            self.slide(index, computed + 1);
        }
        if blocks > self.blocks.free() {
            self.preempt(config, index, station, bench);
            return false;
        }
        self.blocks.take(blocks);
        self.add_chunk::<false>(index, computed, tokens, room, load, bench);
        if tokens < left {
            // Nothing is admitted behind a prompt that is not whole.
            room.tokens = 0;
        }
        true
    }

    /// Plans a chunk whose blocks have been taken.
    #[inline]
    fn add_chunk<const PLAIN: bool>(
        &mut self,
        attempt: AttemptSlot,
        computed: u64,
        tokens: u64,
        room: &mut Room,
        load: &mut Load,
        bench: &Bench<'_>,
    ) {
        if tokens == 0 {
            return;
        }
        if bench.sequences[attempt].prefix != PrefixSlot::NONE {
            self.name_blocks(attempt, computed, tokens, bench);
        }
        room.tokens -= tokens;
        load.prefill += tokens;
        load.largest = load.largest.max(tokens);
        load.chunks += 1;
        load.attention += tokens * (2 * computed + tokens);
        if !PLAIN && let Some(parts) = &self.parts {
            load.chunk_windows += parts.chunk(computed, tokens);
        }
        self.chunks.push(Chunk { attempt, tokens: tokens as u32 });
    }

    /// The full blocks of a chunk get their names when the chunk is planned.
    #[inline(never)]
    fn name_blocks(&mut self, attempt: AttemptSlot, computed: u64, tokens: u64, bench: &Bench<'_>) {
        let sequence = &bench.sequences[attempt];
        let prefix = bench.prefixes.get(sequence.prefix);
        let named = named::named(prefix, sequence.prompt, self.blocks.size());
        let (from, to) = (self.blocks.full(computed), self.blocks.full(computed + tokens));
        self.named.add(&self.blocks, prefix, from.min(named), to.min(named));
    }

    /// Admits waiting sequences, in order, as long as there are tokens, places and blocks.
    #[inline]
    pub(super) fn admit<const PLAIN: bool>(
        &mut self,
        config: &EngineConfig,
        room: &mut Room,
        load: &mut Load,
        station: &mut Station,
        bench: &mut Bench<'_>,
    ) {
        let Some(mut first) = station.waiting.front() else { return };
        let most = if PLAIN { config.max_sequences } else { config.most_running() };
        while room.tokens > 0 && self.running < most {
            let joins = bench.sequences[first].ready < self.seen_before;
            if !joins || !self.try_admit::<PLAIN>(config, first, room, load, station, bench) {
                return;
            }
            match station.waiting.front() {
                Some(next) => first = next,
                None => return,
            }
        }
    }

    /// Admits a waiting sequence, if there are tokens and blocks for its first chunk.
    fn try_admit<const PLAIN: bool>(
        &mut self,
        config: &EngineConfig,
        index: AttemptSlot,
        room: &mut Room,
        load: &mut Load,
        station: &mut Station,
        bench: &mut Bench<'_>,
    ) -> bool {
        let groups = if PLAIN { None } else { config.groups };
        let needed = bench.sequences[index].prefill_tokens();
        let mut hit = self.find(config, index, needed, bench);
        if groups.is_some() {
            hit = self.narrow(hit, &bench.sequences[index].kept_window());
        }
        let found = hit.blocks();
        let computed = self.blocks.tokens(found);
        let tokens = room.of(needed - computed);
        let blocks = self.blocks.holding(computed + tokens) - found;
        let blocks = if PLAIN { blocks } else { blocks * self.blocks.groups() + hit.anew(groups) };
        let idle = hit.idle(groups);
        if blocks + idle > self.blocks.free() || (!config.chunked_prefill && tokens < needed - computed) {
            return false;
        }
        let sequence = &mut bench.sequences[index];
        if groups.is_some() {
            self.take_windows(index, &hit, &sequence.kept_window());
        }
        if hit.shared.blocks > 0 {
            self.named.hold(&mut self.blocks, bench.prefixes.get(sequence.prefix), hit.shared.blocks);
        }
        if hit.kept > 0 {
            self.blocks.take_found(&sequence.kept(), hit.kept);
        }
        self.blocks.take(blocks);
        self.admissions += 1;
        sequence.admission = self.admissions;
        sequence.computed = computed as u32;
        let again = sequence.preempted.as_mut();
        let again = again.map(|preempted| (preempted.kept, preempted.window) = Default::default()).is_some();
        if computed > 0 {
            self.rare.work.cached_tokens += computed;
        }
        self.add_chunk::<PLAIN>(index, computed, tokens, room, load, bench);
        station.waiting.remove(bench.attempts, index);
        self.running += 1;
        station.running += 1;
        if again {
            bench.attempts[index].stage = Stage::Running;
        } else {
            bench.start(index, self.at());
        }
        if tokens < needed - computed {
            self.partial = Some(index);
            room.tokens = 0;
        }
        true
    }

    /// What the cache holds for a sequence that needs `needed` tokens: first blocks that any
    /// sequence may find, then blocks of its own.
    #[inline]
    pub(super) fn find(&mut self, config: &EngineConfig, index: AttemptSlot, needed: u64, bench: &Bench<'_>) -> Hit {
        let sequence = &bench.sequences[index];
        // At least one token is always computed, since its result is the next token.
        let limit = self.blocks.full(needed - 1);
        if sequence.prefix == PrefixSlot::NONE || !config.prefix_caching {
            let kept = sequence.preempted.as_ref().map_or(0, |own| self.blocks.found(&own.kept, limit));
            return Hit { kept, ..Hit::default() };
        }
        self.find_named(sequence, limit, bench)
    }

    #[inline(never)]
    fn find_named(&mut self, sequence: &Sequence, limit: u64, bench: &Bench<'_>) -> Hit {
        let prefix = bench.prefixes.get(sequence.prefix);
        let named = named::named(prefix, sequence.prompt, self.blocks.size());
        let shared = self.named.find(&self.blocks, prefix, named.min(limit));
        // Blocks behind a gap are of no use.
        let kept = if shared.blocks == named { self.blocks.found(&sequence.kept(), limit - named) } else { 0 };
        Hit { shared, kept, ..Hit::default() }
    }

    /// Ends the chunks of the iteration that has just passed: a complete prefill yields a token.
    pub(super) fn finish_chunks(&mut self, config: &EngineConfig, bench: &mut Bench<'_>) {
        let (now, beyond) = (self.at(), self.is_beyond_band(config));
        for at in 0..self.chunks.len() {
            let Chunk { attempt, tokens } = self.chunks[at];
            let sequence = &mut bench.sequences[attempt];
            sequence.computed += tokens;
            if u64::from(sequence.computed) < sequence.prefill_tokens() {
                self.partial = Some(attempt);
                continue;
            }
            if self.partial == Some(attempt) {
                self.partial = None;
            }
            sequence.end = self.iteration + u64::from(sequence.output - sequence.generated()) - 1;
            self.decodes += 1;
            self.context += sequence.context_in(self.iteration);
            if self.rules.is_alone() {
                self.rare.late.push((attempt, self.clock.units));
            }
            self.blocks.enter(sequence.phase());
            if let Some(parts) = &mut self.parts {
                parts.enter(sequence, attempt, self.iteration);
            }
            let end = End::new(sequence.end, sequence.admission, attempt);
            if sequence.first_token.is_none() {
                sequence.first_token = Some(now);
                bench.attempts[attempt].beyond_band = beyond;
                bench.first_tokens.push(attempt);
            } else {
                record_resumed(sequence.preempted.as_ref().map_or(now, |own| own.last_token), now, bench);
            }
            self.push_end(end);
        }
        self.chunks.clear();
        if self.rules.is_special() {
            self.rare.looks.next = self.iteration;
        }
    }
}

/// Records the gap before the first token of a sequence that was computed again.
#[cold]
#[inline(never)]
fn record_resumed(last: SimTime, now: SimTime, bench: &mut Bench<'_>) {
    bench.gap(now.since(last), now);
}
