//! Which sequences run in the next iteration: what vLLM's scheduler decides at each boundary.

use super::blocks::{Kept, KeptWindow};
use super::looks::Rules;
use super::named;
use super::prompts::Room;
use super::slides::Hit;
use super::time_model::{Load, instant};
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
        // Most iterations are such, of most engines.
        if self.looks.rules == Rules::Plain && self.partial.is_none() && station.waiting.front().is_none() {
            let needed = self.blocks.needed_in(self.iteration);
            if needed <= self.blocks.free() {
                return self.schedule_decodes(config, needed, station, bench);
            }
        }
        self.schedule_all(config, station, bench);
    }

    /// Plans iterations of decodes alone, for which there are blocks, of an engine by vLLM's rules without windows:
    /// what [`Engine::schedule_all`] does then.
    #[inline]
    fn schedule_decodes(&mut self, config: &EngineConfig, needed: u64, station: &Station, bench: &mut Bench<'_>) {
        self.look_now(config);
        self.blocks.take(needed);
        if self.decodes == 0 {
            self.rest(station, bench);
            return;
        }
        let time = &config.time;
        if let Some(parts) = &mut self.parts {
            parts.plan(time, self.decodes);
        }
        self.leap =
            Leap { len: 1, first: time.decoding(self.decodes, self.context), growth: time.growth(self.decodes) };
        if config.leaps
            && self.turn != (Turn::Has { contended: true })
            && let Some(next_end) = self.next_end(station.id, bench)
        {
            let all = next_end - self.iteration;
            self.leap.len = 1 + self.blocks.lasting(self.iteration + 1, all - 1, self.decodes);
        }
        self.leap_end = self.clock.after(self.leap.units(self.leap.len));
    }

    #[inline(never)]
    fn schedule_all(&mut self, config: &EngineConfig, station: &mut Station, bench: &mut Bench<'_>) {
        self.look(config);
        let mut load = Load::default();
        let mut preempted = false;
        // Most iterations have no prompts: they skip what plans them.
        let has_prompts = self.partial.is_some() || station.waiting.front().is_some() || config.balances();
        if self.looks.is_alone() && has_prompts {
            preempted = self.compute_prompts(config, false, &mut load, station, bench);
            if self.plan_prompts(config, &load) {
                return;
            }
        }
        preempted |= self.reserve_decodes(config, station, bench);
        if !self.looks.is_alone() && (has_prompts || preempted) {
            preempted = self.compute_prompts(config, preempted, &mut load, station, bench);
        }
        (load.decodes, load.context) = (self.decodes, self.context);
        let mut growth = config.growth(self.decodes);
        if self.parts.is_some() {
            growth += self.plan_parts(config, &mut load);
        }
        if self.decodes == 0 && self.chunks.is_empty() {
            self.rest(station, bench);
            return;
        }
        self.work.tokens += load.prefill;
        let stall = if self.chunks.is_empty() { 0 } else { self.stall(config) };
        let first = if config.replicas == 1 { config.time.iteration(&load) } else { config.iteration(&load) };
        self.leap = Leap { len: 1, first: first + stall, growth };
        if self.chunks.is_empty() && !preempted && config.leaps && self.turn != (Turn::Has { contended: true }) {
            self.leap.len = self.reach(config, station, bench);
        }
        self.leap_end = self.clock.after(self.leap.units(self.leap.len));
    }

    /// Adds what the decodes' windows take to a load; returns how much more they take each next time.
    #[inline(never)]
    fn plan_parts(&mut self, config: &EngineConfig, load: &mut Load) -> u64 {
        let Some(parts) = &mut self.parts else { return 0 };
        parts.plan(&config.time, load.prefill + load.decodes);
        load.windows += parts.units();
        parts.growth()
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
    fn reach(&mut self, config: &EngineConfig, station: &Station, bench: &Bench<'_>) -> u64 {
        // Without a decode there is no end to plan for: only this iteration is planned.
        let Some(next_end) = self.next_end(station.id, bench) else { return 1 };
        let all = next_end.min(self.next_crossing()) - self.iteration;
        let n = 1 + self.lasting(self.iteration + 1, all - 1);
        match station.waiting.front() {
            // Only a sequence that becomes ready later cuts the leap: one that was ready before lacks
            // room, and room only comes with a change of the batch, or as windows slide.
            Some(first) if bench.sequences[first].ready >= self.seen_before => {
                self.leap.len = n;
                n.min(self.joins_at(config, bench.sequences[first].ready))
            }
            Some(first) if config.balances() => {
                self.leap.len = n;
                let n = n.min(self.opens_in(config, station, bench));
                if config.groups.is_none() { n } else { self.room_in(config, first, n, bench) }
            }
            Some(first) if config.groups.is_some() => self.room_in(config, first, n, bench),
            _ => n,
        }
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
    #[inline(never)]
    fn drop_stale(&mut self, server: ServerId, bench: &Bench<'_>) {
        while let Some(&Reverse(end)) = self.ends.peek()
            && !is_live(bench, end, server)
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
    fn pop_end(&mut self) {
        self.ends.pop();
        self.next_end = self.ends.peek().map_or(u64::MAX, |end| end.0.iteration());
    }

    /// Takes the blocks that the decodes need in this iteration. True if sequences were preempted
    /// for that, or the next iteration must be planned on its own.
    #[inline]
    fn reserve_decodes(&mut self, config: &EngineConfig, station: &mut Station, bench: &mut Bench<'_>) -> bool {
        if config.groups.is_some() {
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
        let decodes = self.ends.iter().map(|end| end.0).filter(|end| is_live(bench, *end, server)).map(End::index);
        let chunks = self.chunks.iter().map(|chunk| chunk.attempt);
        // A sequence with a chunk may be the partial one, too.
        let partial = self.partial.filter(|partial| chunks.clone().all(|index| index != *partial));
        let mut running: Vec<AttemptSlot> = decodes.chain(chunks).chain(partial).collect();
        running.sort_unstable_by_key(|&index| bench.sequences[index].admission);
        running
    }

    /// Sends the last admitted sequence back to the head of the queue; all its tokens will be
    /// computed again.
    fn preempt(&mut self, config: &EngineConfig, index: AttemptSlot, station: &mut Station, bench: &mut Bench<'_>) {
        let decodes = self.partial != Some(index);
        let since = self.late(index);
        let computed = self.cut_off(index, bench);
        let window = if config.groups.is_some() { self.give_windows(index, computed) } else { KeptWindow::default() };
        let kept = self.give_back_full(index, computed, bench);
        let sequence = &mut bench.sequences[index];
        let preempted = sequence.preempted.get_or_insert_default();
        if config.prefix_caching {
            (preempted.kept, preempted.window) = (kept, window);
        }
        if decodes {
            // Its last token has been generated, but is not in the cache yet.
            preempted.generated = (computed + 1 - u64::from(sequence.prompt)) as u32;
            preempted.last_token = instant(since.unwrap_or(self.clock.units - self.waited));
        }
        self.work.preemptions += 1;
        self.running -= 1;
        station.running -= 1;
        bench.attempts[index].stage = Stage::Waiting;
        station.waiting.push_front(bench.attempts, index);
    }

    /// Gives back the blocks of a sequence with `computed` tokens in the cache, the last block
    /// first.
    #[inline]
    fn give_back(&mut self, config: &EngineConfig, index: AttemptSlot, computed: u64, bench: &Bench<'_>) {
        if config.groups.is_some() {
            self.give_windows(index, computed);
        }
        self.give_back_full(index, computed, bench);
    }

    /// The same of the layers that keep all tokens.
    #[inline]
    fn give_back_full(&mut self, index: AttemptSlot, computed: u64, bench: &Bench<'_>) -> Kept {
        match bench.sequences[index].prefix {
            PrefixSlot::NONE => self.blocks.give_kept(computed, 0),
            _ => self.give_back_named(index, computed, bench),
        }
    }

    #[inline(never)]
    fn give_back_named(&mut self, index: AttemptSlot, computed: u64, bench: &Bench<'_>) -> Kept {
        let sequence = &bench.sequences[index];
        let prefix = bench.prefixes.get(sequence.prefix);
        let named = named::named(prefix, sequence.prompt, self.blocks.size()).min(self.blocks.full(computed));
        let kept = self.blocks.give_kept(computed, named);
        self.named.give(&mut self.blocks, prefix, named);
        kept
    }

    /// Takes a sequence out before it has all its tokens; returns its tokens in the cache.
    fn cut_off(&mut self, index: AttemptSlot, bench: &mut Bench<'_>) -> u64 {
        if self.partial == Some(index) {
            self.partial = None;
            let sequence = &mut bench.sequences[index];
            sequence.admission = 0;
            return u64::from(std::mem::take(&mut sequence.computed));
        }
        // Its entry stays in the heap.
        self.stale += 1;
        bench.sequences[index].computed = 0;
        self.leave_batch(index, bench)
    }

    /// Takes a sequence out of the batch at this boundary; returns its tokens in the cache.
    #[inline]
    fn leave_batch(&mut self, index: AttemptSlot, bench: &mut Bench<'_>) -> u64 {
        let sequence = &mut bench.sequences[index];
        sequence.admission = 0;
        let context = sequence.context_in(self.iteration);
        if !self.late.is_empty() {
            self.leave_late(index);
        }
        self.blocks.leave(sequence.phase());
        self.decodes -= 1;
        self.context -= context;
        if let Some(parts) = &mut self.parts {
            parts.leave(sequence, self.iteration);
        }
        // The token of this iteration is not in the cache yet.
        context - 1
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
        self.add_chunk(index, computed, tokens, room, load, bench);
        if tokens < left {
            // Nothing is admitted behind a prompt that is not whole.
            room.tokens = 0;
        }
        true
    }

    /// Plans a chunk whose blocks have been taken.
    #[inline]
    fn add_chunk(
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
        if let Some(parts) = &self.parts {
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
    pub(super) fn admit(
        &mut self,
        config: &EngineConfig,
        room: &mut Room,
        load: &mut Load,
        station: &mut Station,
        bench: &mut Bench<'_>,
    ) {
        let Some(mut first) = station.waiting.front() else { return };
        while room.tokens > 0 && self.running < config.most_running() {
            let joins = bench.sequences[first].ready < self.seen_before;
            if !joins || !self.try_admit(config, first, room, load, station, bench) {
                return;
            }
            match station.waiting.front() {
                Some(next) => first = next,
                None => return,
            }
        }
    }

    /// Admits a waiting sequence, if there are tokens and blocks for its first chunk.
    fn try_admit(
        &mut self,
        config: &EngineConfig,
        index: AttemptSlot,
        room: &mut Room,
        load: &mut Load,
        station: &mut Station,
        bench: &mut Bench<'_>,
    ) -> bool {
        let needed = bench.sequences[index].prefill_tokens();
        let mut hit = self.find(config, index, needed, bench);
        if config.groups.is_some() {
            hit = self.narrow(hit, &bench.sequences[index].kept_window());
        }
        let found = hit.blocks();
        let computed = self.blocks.tokens(found);
        let tokens = room.of(needed - computed);
        let blocks = (self.blocks.holding(computed + tokens) - found) * self.blocks.groups() + hit.anew(config.groups);
        let idle = hit.idle(config.groups);
        if blocks + idle > self.blocks.free() || (!config.chunked_prefill && tokens < needed - computed) {
            return false;
        }
        let sequence = &mut bench.sequences[index];
        if config.groups.is_some() {
            self.take_windows(index, &hit, &sequence.kept_window());
        }
        if hit.shared.blocks > 0 {
            self.named.hold(&mut self.blocks, bench.prefixes.get(sequence.prefix), hit.shared.blocks);
        }
        self.blocks.take_found(&sequence.kept(), hit.kept);
        self.blocks.take(blocks);
        self.admissions += 1;
        sequence.admission = self.admissions;
        sequence.computed = computed as u32;
        let again = sequence.preempted.as_mut();
        let again = again.map(|preempted| (preempted.kept, preempted.window) = Default::default()).is_some();
        self.work.cached_tokens += computed;
        self.add_chunk(index, computed, tokens, room, load, bench);
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
            return Hit { kept: self.blocks.found(&sequence.kept(), limit), ..Hit::default() };
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
            if self.looks.is_alone() {
                self.late.push((attempt, self.clock.units));
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
                let last = sequence.preempted.as_ref().map_or(now, |preempted| preempted.last_token);
                let gap = now.since(last);
                bench.gap(gap, now);
            }
            self.push_end(end);
        }
        self.chunks.clear();
        self.looks.next = self.iteration;
    }

    /// Moves the sequences that have all their tokens to `done`.
    pub(super) fn finish_decodes(
        &mut self,
        config: &EngineConfig,
        station: &mut Station,
        bench: &mut Bench<'_>,
        done: &mut Vec<AttemptSlot>,
    ) {
        while let Some(&Reverse(end)) = self.ends.peek() {
            if end.iteration() > self.iteration {
                break;
            }
            self.pop_end();
            if self.stale == 0 || is_live(bench, end, station.id) {
                let written = self.leave_batch(end.index(), bench);
                self.give_back(config, end.index(), written, bench);
                self.depart(end.index(), station, done);
            } else {
                self.stale -= 1;
            }
        }
    }

    /// Moves the withdrawn sequences to `done`.
    pub(super) fn drop_withdrawn(
        &mut self,
        config: &EngineConfig,
        station: &mut Station,
        bench: &mut Bench<'_>,
        done: &mut Vec<AttemptSlot>,
    ) {
        for at in 0..self.withdrawn.len() {
            let index = self.withdrawn[at];
            if bench.sequences[index].admission != 0 {
                let written = self.cut_off(index, bench);
                self.give_back(config, index, written, bench);
                self.depart(index, station, done);
            }
        }
        self.withdrawn.clear();
    }

    fn depart(&mut self, index: AttemptSlot, station: &mut Station, done: &mut Vec<AttemptSlot>) {
        self.running -= 1;
        station.running -= 1;
        done.push(index);
    }
}

/// Whether an entry's sequence is still the one that was admitted here under that number.
#[inline]
fn is_live(bench: &Bench<'_>, end: End, id: ServerId) -> bool {
    let index = end.index();
    bench.sequences[index].admission == end.admission() && bench.attempts[index].server == id.slot()
}
