//! When an engine looks at new requests, and when it lets them in.
//!
//! vLLM looks before each iteration. `SGLang` can be told to look only after so many iterations of decodes
//! (`--scheduler-recv-interval`; `python/sglang/srt/managers/scheduler_recv_skipper.py`), and looks after each iteration
//! with prompts. TensorRT-LLM with attention data parallelism holds prompts back until there is one for each replica,
//! and lets them in after so many iterations at the latest (`_torch/pyexecutor/py_executor.py`,
//! `_balance_adp_requests`); it counts those iterations whether prompts wait or not.

use super::time_model::instant;
use super::{Engine, EngineConfig};
use crate::clock::SimDuration;
use crate::serving::bench::Bench;
use crate::serving::station::Station;
use crate::traffic::Fifo;

impl Engine {
    /// Looks at the sequences that have become ready. A request that comes at the instant of a
    /// boundary finds the iteration begun; only an idle engine takes it at once.
    #[inline]
    pub(super) fn look<const PLAIN: bool>(&mut self, config: &EngineConfig) {
        if !PLAIN && config.receive_interval > 1 {
            if self.running > 0 && self.iteration < self.rare.looks.next {
                return;
            }
            self.rare.looks.next = self.iteration + u64::from(config.receive_interval);
        }
        let before = if self.running == 0 {
            self.at() + SimDuration::from_ps(1)
        } else if config.lookahead {
            self.previous
        } else {
            self.at()
        };
        self.seen_before = self.seen_before.max(before);
    }

    /// The first boundary of the leap from the `n`th on at which it looks.
    #[inline(never)]
    pub(super) fn next_look(&self, config: &EngineConfig, n: u64) -> u64 {
        let (interval, first) =
            (u64::from(config.receive_interval), self.rare.looks.next.saturating_sub(self.iteration));
        first + n.saturating_sub(first).div_ceil(interval) * interval
    }

    /// Looks within the next `n` iterations of the leap, which it is about to pass: at their end only if the leap goes
    /// on, else the schedule that follows does.
    pub(super) fn look_within(&mut self, config: &EngineConfig, n: u64) {
        let (interval, last) = (u64::from(config.receive_interval), if n < self.leap.len { n } else { n - 1 });
        let Some(first) = self.rare.looks.next.checked_sub(self.iteration).filter(|first| (1..=last).contains(first))
        else {
            return;
        };
        let at = first + (last - first) / interval * interval;
        let before = instant(self.clock.units + self.leap.units(at - u64::from(config.lookahead)));
        self.seen_before = self.seen_before.max(before);
        self.rare.looks.next = self.iteration + at + interval;
    }

    /// Whether prompts are held back before this iteration.
    pub(super) fn holds(&mut self, config: &EngineConfig, station: &Station, bench: &Bench<'_>) -> bool {
        if !config.balances() {
            return false;
        }
        let (replicas, timeout) = (u64::from(config.replicas), u64::from(config.balance_iterations));
        if self.rare.looks.had_few {
            self.rare.looks.opened = self.iteration.saturating_sub(1);
        }
        self.rare.looks.had_few = self.decodes < replicas;
        let waited = self.iteration - self.rare.looks.opened;
        let is_due = waited > 0 && waited.is_multiple_of(timeout);
        let opens = self.rare.looks.had_few || is_due || self.seen(replicas, station, bench) == replicas;
        if opens {
            self.rare.looks.opened = self.iteration;
        }
        !opens
    }

    /// How many waiting sequences it has looked at, up to `most`.
    fn seen(&self, most: u64, station: &Station, bench: &Bench<'_>) -> u64 {
        let (mut next, mut count) = (station.waiting.front(), 0);
        while let Some(index) = next
            && count < most
            && bench.sequences[index].ready < self.seen_before
        {
            count += 1;
            next = Fifo::after(bench.attempts, index);
        }
        count
    }

    /// After how many iterations of the leap those that it holds back may be let in.
    pub(super) fn opens_in(&self, config: &EngineConfig, station: &Station, bench: &Bench<'_>) -> u64 {
        let timeout = u64::from(config.balance_iterations);
        let due = timeout - (self.iteration - self.rare.looks.opened) % timeout;
        let mut next = station.waiting.front();
        while let Some(index) = next {
            let ready = bench.sequences[index].ready;
            if ready >= self.seen_before {
                return due.min(self.joins_at(config, ready));
            }
            next = Fifo::after(bench.attempts, index);
        }
        due
    }
}
