//! Prompts of an iteration, and iterations of prompts alone, for which decodes wait.
//!
//! Such an iteration is none of the decodes': their count of iterations stands still, and the time that it took is
//! added to the gap before their next token. Sequences whose prompts end in it have waited less when decodes go on:
//! until then they stand in a list, with the clock of their last token.

#![expect(
    clippy::inline_always,
    reason = "measured: one copy for each kind of engine, without what the other kind needs"
)]

use super::time_model::{FRACTION_BITS, Load, instant};
use super::{Engine, EngineConfig, Leap, WarmUp};
use crate::id::AttemptSlot;
use crate::serving::Discipline;
use crate::serving::bench::Bench;
use crate::serving::engine::Clock;
use crate::serving::station::Station;

/// Prompt tokens that an iteration has room for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// In all.
    pub(super) tokens: u64,
    /// Of one prompt: those of its replica.
    pub(super) each: u64,
}

impl Room {
    /// Beside `decodes` sequences in decode.
    fn beside(config: &EngineConfig, decodes: u64) -> Self {
        if config.replicas == 1 {
            return Room::of_one(config, decodes);
        }
        let each = u64::from(config.token_budget) - config.busiest(decodes);
        Room { tokens: each * u64::from(config.replicas), each }
    }

    /// The same of an engine of one replica.
    #[inline]
    fn of_one(config: &EngineConfig, decodes: u64) -> Self {
        let tokens = u64::from(config.token_budget) - decodes;
        Room { tokens, each: tokens }
    }

    /// Of `wanted` tokens of one prompt, those that there is room for.
    #[inline]
    pub(super) fn of(&self, wanted: u64) -> u64 {
        wanted.min(self.tokens).min(self.each)
    }
}

impl Engine {
    /// Plans chunks: of the prefill in progress, and of sequences that are admitted. `preempted` says whether sequences
    /// had to make room for decodes, in which case none is admitted, and then whether any has made room by now.
    #[inline(always)]
    pub(super) fn compute_prompts<const PLAIN: bool>(
        &mut self,
        config: &EngineConfig,
        preempted: &mut bool,
        station: &mut Station,
        bench: &mut Bench<'_>,
    ) -> Load {
        let mut load = Load::default();
        let mut room = if PLAIN {
            Room::of_one(config, self.decodes)
        } else {
            Room::beside(config, if self.rules.is_alone() { 0 } else { self.decodes })
        };
        if let Some(index) = self.partial {
            *preempted |= !self.continue_prefill(config, index, &mut room, &mut load, station, bench);
        }
        let holds = !PLAIN && self.holds(config, station, bench);
        if !holds && (!*preempted || self.running == 0) {
            self.admit::<PLAIN>(config, &mut room, &mut load, station, bench);
        }
        load
    }

    /// Plans an iteration of prompts alone; false if there is none.
    #[inline(never)]
    pub(super) fn plan_prompts(
        &mut self,
        config: &EngineConfig,
        preempted: &mut bool,
        station: &mut Station,
        bench: &mut Bench<'_>,
    ) -> bool {
        let load = self.compute_prompts::<false>(config, preempted, station, bench);
        if self.chunks.is_empty() {
            return false;
        }
        if let Some(parts) = &mut self.parts {
            parts.plan(&config.time, load.prefill);
        }
        self.tokens += load.prefill;
        self.prompts_alone = true;
        self.leap = Leap { len: 1, first: config.iteration(&load) + self.stall(config), growth: 0 };
        self.leap_end = self.clock.after(self.leap.units(1));
        true
    }

    /// By how much an iteration with prompts is longer in a new engine, in units.
    #[inline]
    pub(super) fn stall(&mut self, config: &EngineConfig) -> u64 {
        if self.warm_ups == 0 { 0 } else { self.stall_of_new(config) }
    }

    #[cold]
    #[inline(never)]
    fn stall_of_new(&mut self, config: &EngineConfig) -> u64 {
        let WarmUp { after, takes } = config.warm_up[config.warm_up.len() - self.warm_ups as usize];
        let now = self.at();
        let first = *self.rare.first_prompts.get_or_insert(now);
        if now.since(first) < after {
            return 0;
        }
        self.warm_ups -= 1;
        takes.as_ps() << FRACTION_BITS
    }

    /// Plays iterations of an engine that does not look before each, or computes prompts alone.
    #[inline(never)]
    pub(super) fn pass_special(&mut self, n: u64, bench: &mut Bench<'_>) {
        if self.prompts_alone {
            return self.pass_prompts();
        }
        if let Discipline::ContinuousBatch(config) = bench.discipline
            && config.receive_interval > 1
        {
            self.look_within(config, n);
        }
        self.pass_all(n, bench);
    }

    /// Plays an iteration of prompts alone.
    fn pass_prompts(&mut self) {
        self.rare.work.iterations += 1;
        if self.decodes > 0 {
            self.waited += u128::from(self.leap.first);
        }
        if let Some(parts) = &mut self.parts {
            parts.pass_prompts();
        }
        self.previous = instant(self.clock.units);
        self.clock = self.leap_end;
        self.leap = self.leap.rest(1);
        self.prompts_alone = false;
    }

    /// The clock of the last token of a sequence in decode, if it is younger than that of the others.
    pub(super) fn late(&self, attempt: AttemptSlot) -> Option<u128> {
        self.rare.late.iter().find(|late| late.0 == attempt).map(|late| late.1)
    }

    /// A sequence in decode has left.
    #[cold]
    #[inline(never)]
    pub(super) fn leave_late(&mut self, attempt: AttemptSlot) {
        self.rare.late.retain(|late| late.0 != attempt);
    }

    /// Records the gaps before the first tokens after iterations of prompts: of each late sequence. Returns how many
    /// others there are.
    pub(super) fn record_late(&mut self, first: u64, bench: &mut Bench<'_>) -> u64 {
        let others = self.decodes - self.rare.late.len() as u64;
        for &(_, since) in &self.rare.late {
            let gap = self.clock.units - since + u128::from(first);
            // A gap that does not fit into 64 bits is in the last bucket anyway.
            let first = u64::try_from(gap).unwrap_or(u64::MAX);
            bench.gaps(Leap { len: 1, first, growth: 0 }, Clock::new(since), gap, 1);
        }
        self.rare.late.clear();
        others
    }
}
