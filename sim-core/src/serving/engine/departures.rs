//! Which sequences leave the batch: at their ends, as withdrawn, or preempted; and their blocks.

use super::blocks::{Kept, KeptWindow};
use super::named;
use super::time_model::instant;
use super::{Engine, EngineConfig};
use crate::id::{AttemptSlot, PrefixSlot};
use crate::serving::bench::Bench;
use crate::serving::station::Station;
use crate::traffic::Stage;
use std::cmp::Reverse;

impl Engine {
    /// Sends the last admitted sequence back to the head of the queue; all its tokens will be
    /// computed again.
    #[cold]
    #[inline(never)]
    pub(super) fn preempt(
        &mut self,
        config: &EngineConfig,
        index: AttemptSlot,
        station: &mut Station,
        bench: &mut Bench<'_>,
    ) {
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
        self.rare.work.preemptions += 1;
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
        if self.rules.is_alone() {
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
            if self.stale == 0 || end.is_live(station.id, bench) {
                let written = self.leave_batch(end.index(), bench);
                self.give_back(config, end.index(), written, bench);
                self.depart(end.index(), station, done);
            } else {
                self.stale -= 1;
            }
        }
    }

    /// Moves the withdrawn sequences to `done`.
    #[cold]
    #[inline(never)]
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
