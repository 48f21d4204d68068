//! What an engine does about blocks in layers that keep a window: [`Slides`] counts them, [`Blocks`](super::blocks) takes
//! and gives them.

use super::blocks::{Kept, KeptWindow};
use super::slides::{Hit, Slides};
use super::{Engine, EngineConfig};
use crate::id::{AttemptSlot, PrefixSlot};
use crate::serving::bench::Bench;
use crate::serving::station::Station;

impl Engine {
    pub(super) fn slides(&self) -> Option<&Slides> {
        self.parts.as_ref()?.slides.as_ref()
    }

    fn slides_mut(&mut self) -> Option<&mut Slides> {
        self.parts.as_mut()?.slides.as_mut()
    }

    /// Gives and takes what the decodes of an engine with windows leave and need in this iteration; nothing, and false,
    /// if the free blocks do not suffice before any are given back.
    #[inline(never)]
    fn turn_over_now(&mut self, bench: &Bench<'_>) -> bool {
        let (k, partial, decodes) = (self.iteration, self.partial, self.decodes);
        if self.blocks.needed_in(k) > self.blocks.free() {
            return false;
        }
        let Some(slides) = self.parts.as_mut().and_then(|parts| parts.slides.as_mut()) else { return true };
        let context = |attempt: AttemptSlot| bench.sequences[attempt].context_in(k);
        let gives = slides.first_gives(partial, context);
        self.blocks.give(gives);
        slides.turn_over(&mut self.blocks, k, 1, decodes);
        true
    }

    /// A sequence gives back what its next token does not read; `tokens` are those that it has, with the next one.
    #[inline(never)]
    pub(super) fn slide(&mut self, attempt: AttemptSlot, tokens: u64) {
        let Some(slides) = self.slides_mut() else { return };
        let gives = slides.slide(attempt, tokens);
        self.blocks.give(gives);
    }

    /// A sequence in decode has given back what it does, and its blocks are taken.
    pub(super) fn has_slid(&mut self, attempt: AttemptSlot) {
        if let Some(slides) = self.slides_mut() {
            slides.take_fresh(attempt);
        }
    }

    /// Whether sequences give back blocks before their first decode.
    pub(super) fn is_fresh(&self) -> bool {
        self.slides().is_some_and(Slides::is_fresh)
    }

    /// Gives back a sequence's blocks in windows; it has `computed` tokens in the cache.
    #[inline(never)]
    pub(super) fn give_windows(&mut self, attempt: AttemptSlot, computed: u64) -> KeptWindow {
        let place = self.blocks.next_place();
        let Some(slides) = self.slides_mut() else { return KeptWindow::default() };
        let (behind, groups) = (slides.forget(attempt, computed), slides.groups());
        let (end, full_end) = (self.blocks.holding(computed), self.blocks.full(computed));
        self.blocks.give((end - behind) * groups);
        KeptWindow { place, behind, end, full_end }
    }

    /// What of a find is of use with windows; `kept` is where a preempted sequence's own blocks are.
    #[inline(never)]
    pub(super) fn narrow(&self, hit: Hit, kept: &KeptWindow) -> Hit {
        let Some(slides) = self.slides() else { return hit };
        slides.narrow(hit, kept, &self.blocks)
    }

    /// Takes its own blocks of a find in the windowed groups.
    #[inline(never)]
    pub(super) fn take_windows(&mut self, attempt: AttemptSlot, hit: &Hit, kept: &KeptWindow) {
        let Some(slides) = self.slides_mut() else { return };
        let (groups, found) = (slides.groups(), hit.blocks());
        slides.begin(attempt, found - hit.window - hit.anew);
        if hit.window > 0 {
            let held = kept.end - kept.behind;
            for group in 0..groups {
                self.blocks.take_places(kept.place + group * held + kept.end - found, hit.window);
            }
        }
    }

    /// After how many iterations, at most `n`, there may be room for a waiting sequence for which there is none now.
    #[inline(never)]
    pub(super) fn room_in(&mut self, config: &EngineConfig, first: AttemptSlot, n: u64, bench: &Bench<'_>) -> u64 {
        if self.running >= config.most_running() {
            return n;
        }
        let needed = bench.sequences[first].prefill_tokens();
        // Free blocks that it finds count as taken: if a few of them are used again, all may be of no use.
        let hit = self.find(config, first, needed, bench);
        if self.narrow(hit, &bench.sequences[first].kept_window()).blocks() > 0 {
            return 1;
        }
        self.slides().map_or(n, |slides| slides.room_in(&self.blocks, self.iteration, n))
    }

    /// Whether there may be room for a waiting sequence only after the decodes' blocks have been taken and given; prompts
    /// that run alone are planned before that. `free` blocks were free then.
    fn made_room(&self, free: u64, station: &Station, bench: &Bench<'_>) -> bool {
        let finds = |first: AttemptSlot| {
            let sequence = &bench.sequences[first];
            sequence.prefix != PrefixSlot::NONE || sequence.kept() != Kept::default()
        };
        self.blocks.free() > free || station.waiting.front().is_some_and(finds)
    }

    /// The most iterations from `k` on, up to `n`, for which the free blocks suffice.
    #[inline(never)]
    pub(super) fn lasting_with_windows(&self, k: u64, n: u64) -> u64 {
        match self.slides() {
            None => self.blocks.lasting(k, n, self.decodes),
            Some(slides) => slides.lasting(&self.blocks, k, n, self.decodes),
        }
    }

    /// Takes the blocks that the decodes need in the `n` iterations from `k` on, and gives back those that slide out of
    /// windows.
    #[inline(never)]
    pub(super) fn turn_over(&mut self, k: u64, n: u64) {
        match self.parts.as_ref().and_then(|parts| parts.slides.as_ref()) {
            None => self.blocks.take(self.blocks.needed(k, n, self.decodes)),
            Some(slides) => slides.turn_over(&mut self.blocks, k, n, self.decodes),
        }
    }

    /// Gives and takes what the decodes of an engine with windows leave and need in this iteration. True if sequences were
    /// preempted for that, or the next iteration must be planned on its own.
    #[inline(never)]
    pub(super) fn reserve_with_windows(
        &mut self,
        config: &EngineConfig,
        station: &mut Station,
        bench: &mut Bench<'_>,
    ) -> bool {
        let (free, peak) = (self.blocks.free(), self.blocks.peak());
        let mut changes = false;
        if !self.turn_over_now(bench) {
            changes = self.reserve_in_order(config, station, bench);
            self.blocks.lower_peak(peak);
        }
        changes || (self.rules.is_alone() && self.made_room(free, station, bench))
    }
}
