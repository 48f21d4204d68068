//! Prompts of an iteration, and iterations of prompts alone, for which decodes wait.
//!
//! Such an iteration is none of the decodes': their count of iterations stands still, and the time that it took is
//! added to the gap before their next token. Sequences whose prompts end in it have waited less when decodes go on:
//! until then they stand in a list, with the clock of their last token.

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
        let budget = u64::from(config.token_budget);
        if config.replicas == 1 {
            return Room { tokens: budget - decodes, each: budget };
        }
        let each = budget - config.busiest(decodes);
        Room { tokens: each * u64::from(config.replicas), each }
    }

    /// Of `wanted` tokens of one prompt, those that there is room for.
    #[inline]
    pub(super) fn of(&self, wanted: u64) -> u64 {
        wanted.min(self.tokens).min(self.each)
    }
}

impl Engine {
    /// Plans chunks: of the prefill in progress, and of sequences that are admitted. `preempted` says whether sequences
    /// had to make room for decodes, in which case none is admitted; returns whether any has made room by now.
    #[inline]
    pub(super) fn compute_prompts(
        &mut self,
        config: &EngineConfig,
        preempted: bool,
        load: &mut Load,
        station: &mut Station,
        bench: &mut Bench<'_>,
    ) -> bool {
        let mut preempted = preempted;
        let beside = if self.looks.is_alone() { 0 } else { self.decodes };
        let mut room = Room::beside(config, beside);
        if let Some(index) = self.partial {
            preempted |= !self.continue_prefill(config, index, &mut room, load, station, bench);
        }
        let holds = self.holds(config, station, bench);
        if !holds && (!preempted || self.running == 0) {
            self.admit(config, &mut room, load, station, bench);
        }
        preempted
    }

    /// Plans an iteration of the chunks alone; false if there are none.
    pub(super) fn plan_prompts(&mut self, config: &EngineConfig, load: &Load) -> bool {
        if self.chunks.is_empty() {
            return false;
        }
        if let Some(parts) = &mut self.parts {
            parts.plan(&config.time, load.prefill);
        }
        self.work.tokens += load.prefill;
        self.prompts_alone = true;
        self.leap = Leap { len: 1, first: config.iteration(load) + self.stall(config), growth: 0 };
        self.leap_end = self.clock.after(self.leap.units(1));
        true
    }

    /// By how much an iteration with prompts is longer in a new engine, in units.
    #[inline]
    pub(super) fn stall(&mut self, config: &EngineConfig) -> u64 {
        if self.warm_ups >= config.warm_up.len() { 0 } else { self.stall_of_new(config) }
    }

    #[inline(never)]
    fn stall_of_new(&mut self, config: &EngineConfig) -> u64 {
        let WarmUp { after, takes } = config.warm_up[self.warm_ups];
        let now = self.at();
        let first = *self.first_prompts.get_or_insert(now);
        if now.since(first) < after {
            return 0;
        }
        self.warm_ups += 1;
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
        self.work.iterations += 1;
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
        self.late.iter().find(|late| late.0 == attempt).map(|late| late.1)
    }

    /// A sequence in decode has left.
    #[inline(never)]
    pub(super) fn leave_late(&mut self, attempt: AttemptSlot) {
        self.late.retain(|late| late.0 != attempt);
    }

    /// Records the gaps before the first tokens after iterations of prompts: of each late sequence. Returns how many
    /// others there are.
    pub(super) fn record_late(&mut self, first: u64, bench: &mut Bench<'_>) -> u64 {
        let others = self.decodes - self.late.len() as u64;
        for &(_, since) in &self.late {
            let gap = self.clock.units - since + u128::from(first);
            // A gap that does not fit into 64 bits is in the last bucket anyway.
            let first = u64::try_from(gap).unwrap_or(u64::MAX);
            bench.gaps(Leap { len: 1, first, growth: 0 }, Clock::new(since), gap, 1);
        }
        self.late.clear();
        others
    }
}
