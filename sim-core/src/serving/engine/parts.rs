//! What an engine keeps for the parts of its law that most models lack: attention that reads no more
//! than a window of each context, and experts; and for the blocks of windows (`slides`).
//!
//! Of experts, only what reading them takes, for the counters of DRAM: their time is part of the time
//! model. For each window, decodes read `min(context, window)` tokens. What that takes in the
//! iteration in progress is kept as a sum, and so is by how much it grows: by the sequences that are
//! still below the window. The growth stays the same until one of them *crosses*, so that a leap ends
//! there. The crossings stand in a list in order; each sequence has at most one for each window.

use super::sequence::Sequence;
use super::slides::Slides;
use super::time_model::TimeModel;
use crate::id::AttemptSlot;
use std::collections::VecDeque;

/// Attention of layers that read a window of each context: sliding, chunked or sparse.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Window {
    /// Tokens of context that are read at most; at least 1.
    pub tokens: u32,
    /// Time of a decode to read one token of context in these layers, in ms.
    pub context_ms: f64,
    /// Attention of a prefill in these layers, in ms per token squared: `p` tokens after `past`
    /// others take `attention_ms * p * min(tokens, past + p/2)`.
    pub attention_ms: f64,
}

/// One window, in units of the time model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WindowUnits {
    pub(super) tokens: u64,
    pub(super) context: u64,
    /// Half of the time per token squared, because `p/2` may not be whole.
    pub(super) half_attention: u64,
}

/// What the windows of one engine's sequences take, and what its experts take to read.
#[derive(Debug)]
pub(super) struct Parts {
    windows: Box<[WindowUnits]>,
    /// Units that the decodes take in the iteration in progress.
    units: u64,
    /// How many more they take in the next one.
    growth: u64,
    /// Units in which each iteration of the leap reads experts.
    experts: u64,
    /// Units that the decodes' windows and the experts have taken to read.
    read: u128,
    /// In order: the iteration from which on a sequence reads no more than before, and how many
    /// units it then adds to the growth no longer.
    crossings: VecDeque<(u64, u64)>,
    /// The blocks that are given back as windows slide.
    pub(super) slides: Option<Slides>,
}

// Nothing of it is inlined, so that engines without parts keep their registers.
impl Parts {
    /// `None` for a law without parts: most engines have none, and pay for none.
    pub(super) fn new(law: &TimeModel, replicas: u32, slides: Option<Slides>) -> Option<Box<Self>> {
        // Each decode counts for the mean replica: sums of whole numbers stay exact.
        let of_one = |window: &WindowUnits| WindowUnits { context: window.context / u64::from(replicas), ..*window };
        let parts = Parts {
            windows: law.windows().iter().map(of_one).collect(),
            units: 0,
            growth: 0,
            experts: 0,
            read: 0,
            crossings: VecDeque::new(),
            slides,
        };
        (law.has_parts() || parts.slides.is_some()).then(|| Box::new(parts))
    }

    /// The iterations that are counted next have `tokens` tokens each; returns the units that the decodes' windows take
    /// in the first.
    #[inline(never)]
    pub(super) fn plan(&mut self, law: &TimeModel, tokens: u64) -> u64 {
        self.experts = law.expert_read(tokens);
        self.units
    }

    /// Units that the decodes' windows take in the iteration in progress.
    pub(super) fn units(&self) -> u64 {
        self.units
    }

    /// How many more they take in the next one.
    pub(super) fn growth(&self) -> u64 {
        self.growth
    }

    /// Units that windows and experts took to read, up to the last iteration that was counted.
    pub(super) fn read(&self) -> u128 {
        self.read
    }

    /// Units of a chunk of `tokens` tokens after `computed` others.
    #[inline(never)]
    pub(super) fn chunk(&self, computed: u64, tokens: u64) -> u64 {
        let units =
            |window: &WindowUnits| window.half_attention * tokens * (2 * window.tokens).min(2 * computed + tokens);
        self.windows.iter().map(units).sum()
    }

    /// The next iteration in which the growth differs, or in which blocks are given back that were not before;
    /// `u64::MAX` if there is none.
    pub(super) fn next_crossing(&self) -> u64 {
        let slides = self.slides.as_ref().map_or(u64::MAX, Slides::next_crossing);
        self.crossings.front().map_or(slides, |crossing| crossing.0.min(slides))
    }

    /// A sequence decodes in iteration `k` for the first time.
    #[inline(never)]
    pub(super) fn enter(&mut self, sequence: &Sequence, attempt: AttemptSlot, k: u64) {
        if let Some(slides) = &mut self.slides {
            slides.enter(sequence, attempt, k);
        }
        let context = sequence.context_in(k);
        for window in &self.windows {
            self.units += window.context * context.min(window.tokens);
            if context >= window.tokens {
                continue;
            }
            self.growth += window.context;
            let crossing = (k + window.tokens - context, window.context);
            if crossing.0 <= sequence.end {
                // Late arrivals mostly cross last: the end of the list that moves is short.
                let at = self.crossings.partition_point(|other| *other < crossing);
                self.crossings.insert(at, crossing);
            }
        }
    }

    /// A sequence does not decode in iteration `k` any more.
    #[inline(never)]
    pub(super) fn leave(&mut self, sequence: &Sequence, k: u64) {
        if let Some(slides) = &mut self.slides {
            slides.leave(sequence, k);
        }
        let context = sequence.context_in(k);
        for window in &self.windows {
            self.units -= window.context * context.min(window.tokens);
            if context >= window.tokens {
                continue;
            }
            self.growth -= window.context;
            let crossing = (k + window.tokens - context, window.context);
            if crossing.0 <= sequence.end {
                // It leaves before its time. Which of several equal entries goes does not matter.
                let at = self.crossings.partition_point(|other| *other < crossing);
                debug_assert_eq!(self.crossings.get(at), Some(&crossing));
                self.crossings.remove(at);
            }
        }
    }

    /// Passes an iteration in which no decode had a token.
    #[inline(never)]
    pub(super) fn pass_prompts(&mut self) {
        self.read += u128::from(self.experts);
    }

    /// Passes `n` iterations, up to iteration `k`: none of them after the next crossing.
    #[inline(never)]
    pub(super) fn pass(&mut self, n: u64, k: u64) {
        debug_assert!(self.next_crossing() >= k, "a leap over a crossing");
        self.read += u128::from(n) * u128::from(self.units + self.experts)
            + u128::from(n * n.saturating_sub(1) / 2) * u128::from(self.growth);
        self.units += n * self.growth;
        while let Some(&(crossing, context)) = self.crossings.front()
            && crossing <= k
        {
            self.crossings.pop_front();
            self.growth -= context;
        }
        if let Some(slides) = &mut self.slides {
            slides.pass(k);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(windows: &[(u64, u64)]) -> Parts {
        let windows = windows.iter().map(|&(tokens, context)| WindowUnits { tokens, context, half_attention: 0 });
        let windows = windows.collect();
        Parts { windows, units: 0, growth: 0, experts: 0, read: 0, crossings: VecDeque::new(), slides: None }
    }

    /// What the sequences that decode in iteration `k` read within the windows.
    fn direct(windows: &[(u64, u64)], decoding: &[Sequence], k: u64) -> u64 {
        let each = |sequence: &Sequence| -> u64 {
            windows.iter().map(|(tokens, units)| units * sequence.context_in(k).min(*tokens)).sum()
        };
        decoding.iter().map(each).sum()
    }

    proptest! {
        /// Sequences come, end and leave early; in between, as many iterations pass as grow alike.
        #[test]
        fn the_sums_are_those_of_the_sequences(
            windows in prop::collection::vec((1_u64..90, 1_u64..1_000), 1..4),
            steps in prop::collection::vec((1_u32..80, 1_u32..60, 1_u64..30, any::<[bool; 2]>()), 1..80),
        ) {
            let mut parts = parts(&windows);
            let (mut decoding, mut k, mut read) = (Vec::<Sequence>::new(), 0, 0);
            for (prompt, output, most, [comes, leaves]) in steps {
                if comes {
                    let new = Sequence { end: k + u64::from(output) - 1, ..Sequence::new(prompt, output) };
                    parts.enter(&new, AttemptSlot::new(0), k);
                    decoding.push(new);
                }
                for index in (0..decoding.len()).rev() {
                    if decoding[index].end == k || (leaves && index == 0) {
                        parts.leave(&decoding[index], k);
                        decoding.remove(index);
                    }
                }
                prop_assert_eq!(parts.units(), direct(&windows, &decoding, k));
                let end = decoding.iter().map(|sequence| sequence.end).min().unwrap_or(u64::MAX);
                let n = most.min(parts.next_crossing().min(end) - k);
                for later in 0..n {
                    prop_assert_eq!(parts.units() + later * parts.growth(), direct(&windows, &decoding, k + later));
                    read += u128::from(direct(&windows, &decoding, k + later));
                }
                k += n;
                parts.pass(n, k);
                prop_assert_eq!(parts.read(), read);
                prop_assert!(parts.crossings.len() <= windows.len() * decoding.len());
            }
        }
    }
}
