//! The rows of token-level engines as a loop written by hand: same arrivals, same draws, same routing,
//! the same integers, one binary heap and one histogram. No policies, signals, bills or digests.
//!
//! It shares no code with the simulator's engine but its settings, and knows only what these rows
//! need: no preemption (it panics), no prefix cache, no look-ahead, nobody who gives up.

use crate::bare::Outcome;
use crate::llm::Llm;
use crate::worlds::SERVICE;
use flashcrowd_core::ports::{ArrivalSource, Router};
use flashcrowd_core::serving::{EngineConfig, Experts};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Bits of a picosecond's fraction in an engine's clock.
const FRACTION_BITS: u32 = 16;
/// Tokens of a block of the KV cache.
const BLOCK: usize = 16;

/// The time model, in units of 2^-16 ps.
struct Law {
    overhead: u64,
    weights: u64,
    token: u64,
    sequence: u64,
    context: u64,
    /// By the number of decodes without a prefill: the hypotenuse of the times of reading weights
    /// and of computing, and the time in experts.
    corners: Vec<u64>,
    /// Time in experts by the number of tokens; empty without.
    experts: Vec<u64>,
    /// Least time of an iteration with a prefill.
    floor: u64,
}

impl Law {
    fn new(llm: &Llm, config: &EngineConfig) -> Self {
        let (law, parts) = llm.law();
        assert_eq!(law.attention_ms, 0.0, "the bare loop knows no attention");
        let (weights, token) = (units(law.weights_ms), units(law.token_ms));
        let experts = parts.experts.first().map_or_else(Vec::new, |group| in_experts(group, config.token_budget));
        let of_experts = |decodes: u64| experts.get(decodes as usize).copied().unwrap_or(0);
        let decodes = 0..=u64::from(config.max_sequences);
        Law {
            overhead: units(law.overhead_ms),
            weights,
            token,
            sequence: units(law.sequence_ms),
            context: units(law.context_ms),
            corners: decodes.map(|decodes| hypotenuse(weights, token * decodes) + of_experts(decodes)).collect(),
            experts,
            floor: units(parts.floor_ms),
        }
    }

    /// Units of an iteration.
    #[inline]
    fn iteration(&self, prefill: u64, chunks: u64, decodes: u64, context: u64) -> u64 {
        let rest = self.overhead + self.sequence * (decodes + chunks) + self.context * context;
        if prefill == 0 {
            return rest + self.corners[decodes as usize];
        }
        let experts = self.experts.get((prefill + decodes) as usize).copied().unwrap_or(0);
        let corner = hypotenuse(self.weights, self.token * (prefill + decodes));
        (rest + corner + experts).max(self.floor)
    }
}

fn units(ms: f64) -> u64 {
    (ms * 1e9 * f64::from(1_u32 << FRACTION_BITS)).round() as u64
}

/// The product of a number and a fraction of 2^63.
fn part(number: u64, fraction: u64) -> u64 {
    ((u128::from(number) * u128::from(fraction)) >> 63) as u64
}

/// Time in experts by the number of tokens: each token leaves a part of what is unread.
fn in_experts(experts: &Experts, most: u32) -> Vec<u64> {
    let (read, token) = (units(experts.read_ms), units(experts.token_ms));
    let mut unread = (1 << 63) - (experts.chosen_share * 2_f64.powi(63)).round() as u64;
    let (mut left, mut root) = (1 << 63, unread);
    for digit in (0..32).rev() {
        root = (u128::from(root) << 63).isqrt() as u64;
        if (experts.skew * 2_f64.powi(32)).round() as u64 >> digit & 1 == 1 {
            left = part(left, root);
        }
    }
    let mut times = vec![0];
    for tokens in 1..=u64::from(most) {
        unread = if unread >> 31 == 0 { 0 } else { unread };
        times.push(read - part(read, unread) + token * tokens);
        unread = part(unread, left);
    }
    times
}

/// Floor of the root of `a^2 + b^2`.
#[inline]
fn hypotenuse(a: u64, b: u64) -> u64 {
    let square = u128::from(a) * u128::from(a) + u128::from(b) * u128::from(b);
    // As near as an `f64` comes, which at these sizes is one off at most.
    let mut root = (a as f64 * a as f64 + b as f64 * b as f64).sqrt() as u64;
    while u128::from(root) * u128::from(root) > square {
        root -= 1;
    }
    while u128::from(root + 1) * u128::from(root + 1) <= square {
        root += 1;
    }
    root
}

/// Iterations of one batch: each takes `growth` units more than the one before. None while idle.
#[derive(Clone, Copy, Default)]
struct Leap {
    len: u64,
    first: u64,
    growth: u64,
}

impl Leap {
    #[inline]
    fn units(&self, n: u64) -> u128 {
        u128::from(self.first) * u128::from(n) + u128::from(self.growth) * u128::from(n * n.saturating_sub(1) / 2)
    }

    /// The first boundary after `clock` that comes later than the picosecond `at`.
    #[inline]
    fn first_after(&self, clock: u128, at: u64) -> u64 {
        let wanted = ((u128::from(at) + 1) << FRACTION_BITS).saturating_sub(clock);
        if wanted <= u128::from(self.first) {
            return 1;
        }
        let half = self.growth as f64 / 2.0;
        let linear = self.first as f64 - half;
        let units = wanted as u64 as f64;
        let mut n = (2.0 * units / (linear + (linear * linear + 4.0 * half * units).sqrt())) as u64;
        while n > 1 && self.units(n - 1) >= wanted {
            n -= 1;
        }
        while self.units(n) < wanted {
            n += 1;
        }
        n
    }
}

/// A request before it decodes.
#[derive(Clone, Copy)]
struct Asked {
    arrived: u64,
    ready: u64,
    prompt: u64,
    output: u64,
}

/// A part of a prompt.
struct Chunk {
    asked: Asked,
    /// Tokens computed when it is done.
    computed: u64,
}

/// A sequence in decode: the iteration after which it ends, when it arrived, all its tokens.
type End = (u64, u64, u64);

/// One replica.
#[derive(Default)]
struct Engine {
    /// Where the present leap starts, in units.
    clock: u128,
    iteration: u64,
    leap: Leap,
    /// Requests that were ready before this time have been considered.
    seen_before: u64,
    /// Time of its valid event; its other events are stale.
    wake: u64,
    decodes: u64,
    context: u64,
    running: u64,
    used: u64,
    ends: BinaryHeap<Reverse<End>>,
    waiting: VecDeque<Asked>,
    chunks: Vec<Chunk>,
    partial: Option<Chunk>,
    /// Decodes that need a block in the iterations `k` with `k mod BLOCK` = the index.
    phases: [u32; BLOCK],
}

/// What all replicas have in common.
struct Rules {
    law: Law,
    config: EngineConfig,
}

impl Engine {
    fn at(&self) -> u64 {
        (self.clock >> FRACTION_BITS) as u64
    }

    #[inline]
    fn leap_end(&self) -> u128 {
        self.clock + self.leap.units(self.leap.len)
    }

    #[inline]
    fn take(&mut self, blocks: u64, rules: &Rules) {
        self.used += blocks;
        assert!(self.used <= rules.config.blocks, "a sequence would be preempted");
    }

    /// Plays the leaps that end until `last`. Calls `done` for each request that ends.
    #[inline]
    fn catch_up(&mut self, last: u64, rules: &Rules, mut done: impl FnMut(u64)) {
        while self.leap.len > 0 {
            let end = self.leap_end();
            if (end >> FRACTION_BITS) as u64 > last {
                return;
            }
            self.pass(end, rules);
            while let Some(&Reverse((iteration, arrived, tokens))) = self.ends.peek()
                && iteration <= self.iteration
            {
                self.ends.pop();
                self.decodes -= 1;
                self.running -= 1;
                self.context -= tokens;
                self.phases[(iteration + 1).wrapping_sub(tokens) as usize % BLOCK] -= 1;
                // The last token is never written.
                self.used -= (tokens - 1).div_ceil(BLOCK as u64);
                done(arrived);
            }
            self.plan(rules);
        }
    }

    /// The leap has passed: a sequence that had a chunk now decodes, or needs another chunk.
    #[inline]
    fn pass(&mut self, end: u128, rules: &Rules) {
        let n = self.leap.len;
        let turns = (n - 1) / BLOCK as u64 * self.decodes;
        let part = (1..=(n - 1) % BLOCK as u64).map(|k| self.phases[(self.iteration + k) as usize % BLOCK]);
        let blocks = turns + part.map(u64::from).sum::<u64>();
        self.take(blocks, rules);
        self.clock = end;
        self.iteration += n;
        self.context += n * self.decodes;
        for Chunk { asked, computed } in self.chunks.drain(..) {
            if computed < asked.prompt {
                self.partial = Some(Chunk { asked, computed });
                continue;
            }
            self.ends.push(Reverse((self.iteration + asked.output - 1, asked.arrived, asked.prompt + asked.output)));
            self.decodes += 1;
            self.context += asked.prompt + 1;
            self.phases[self.iteration.wrapping_sub(asked.prompt) as usize % BLOCK] += 1;
        }
    }

    /// Plans the next leap, or rests.
    #[inline]
    fn plan(&mut self, rules: &Rules) {
        self.take(u64::from(self.phases[self.iteration as usize % BLOCK]), rules);
        let mut budget = u64::from(rules.config.token_budget) - self.decodes;
        let mut prefill = 0;
        if let Some(Chunk { asked, computed }) = self.partial.take() {
            prefill += self.compute(asked, computed, &mut budget, rules);
        }
        // At the instant of a boundary, only an idle engine takes an arriving request.
        self.seen_before = self.at() + u64::from(self.running == 0);
        while let Some(&first) = self.waiting.front() {
            let blocks = first.prompt.min(budget).div_ceil(BLOCK as u64);
            let room = budget > 0 && self.running < u64::from(rules.config.max_sequences);
            if !room || first.ready >= self.seen_before || self.used + blocks > rules.config.blocks {
                break;
            }
            self.waiting.pop_front();
            self.running += 1;
            prefill += self.compute(first, 0, &mut budget, rules);
        }
        if self.running == 0 {
            self.leap = Leap::default();
            return;
        }
        let chunks = self.chunks.len() as u64;
        let first = rules.law.iteration(prefill, chunks, self.decodes, self.context);
        self.leap = Leap { len: 1, first, growth: rules.law.context * self.decodes };
        if chunks == 0 {
            self.leap.len = self.ends.peek().map_or(1, |Reverse(end)| end.0 - self.iteration);
            // A request that could have joined and did not waits for room, which appears only when
            // another ends.
            if let Some(first) = self.waiting.front().filter(|first| first.ready >= self.seen_before) {
                self.leap.len = self.leap.len.min(self.leap.first_after(self.clock, first.ready));
            }
        }
    }

    /// Computes the next chunk of a prompt; returns its tokens.
    #[inline]
    fn compute(&mut self, asked: Asked, computed: u64, budget: &mut u64, rules: &Rules) -> u64 {
        let tokens = (asked.prompt - computed).min(*budget);
        *budget -= tokens;
        let computed_then = computed + tokens;
        self.take(computed_then.div_ceil(BLOCK as u64) - computed.div_ceil(BLOCK as u64), rules);
        self.chunks.push(Chunk { asked, computed: computed_then });
        tokens
    }

    /// A request comes in; nothing that the engine has not played yet depends on it. Returns before when
    /// the engine must be looked at.
    #[inline]
    fn accept(&mut self, asked: Asked, rules: &Rules) -> u64 {
        let first = self.waiting.is_empty();
        self.waiting.push_back(asked);
        if self.leap.len == 0 {
            return asked.ready;
        }
        let room = self.running < u64::from(rules.config.max_sequences);
        if first && room && asked.ready < (self.leap_end() >> FRACTION_BITS) as u64 {
            self.leap.len = self.leap.first_after(self.clock, asked.ready);
        }
        // It joins then at the soonest, and each of its iterations takes at least this.
        let least = u128::from(rules.law.overhead + rules.law.weights) * u128::from(asked.output);
        asked.ready + (least >> FRACTION_BITS) as u64
    }

    /// Its event: returns when the next one should come.
    #[inline]
    fn step(&mut self, now: u64, rules: &Rules, done: impl FnMut(u64)) -> u64 {
        if self.leap.len == 0 {
            self.clock = u128::from(now) << FRACTION_BITS;
            self.plan(rules);
        } else {
            self.catch_up(now, rules, done);
        }
        match self.leap.len {
            0 => self.waiting.front().map_or(u64::MAX, |first| first.ready),
            _ => (self.leap_end() >> FRACTION_BITS) as u64,
        }
    }
}

/// Plays a row to its end.
///
/// # Panics
/// If a sequence would be preempted, which does not happen at the loads of these rows.
pub fn run(llm: &Llm) -> Outcome {
    let config = llm.engine();
    assert_eq!((config.block_tokens as usize, config.lookahead), (BLOCK, false), "settings that this loop knows");
    let rules = Rules { law: Law::new(llm, &config), config };
    let front_end = rules.config.front_end.as_ps();
    let model = llm.cluster();
    let mut arrivals = llm.arrivals();
    let mut routing = model.seed.stream(&format!("router/{SERVICE}"));
    let mut router = model.router();
    let mut engines: Vec<Engine> = (0..llm.replicas).map(|_| Engine { wake: u64::MAX, ..Engine::default() }).collect();
    let mut outstanding = vec![0_u32; llm.replicas as usize];
    let mut events: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    let mut outcome = Outcome::new();
    let mut next = || arrivals.next_arrival().expect("no rows");
    let mut arrival = next();
    loop {
        let until = events.peek().map_or(u64::MAX, |Reverse((at, _))| *at);
        let (replica, wake) = match &arrival {
            Some(came) if came.at.as_ps() < until => {
                let arrived = came.at.as_ps();
                let asked = Asked {
                    arrived,
                    ready: arrived + front_end,
                    prompt: u64::from(came.prompt_tokens),
                    output: u64::from(came.output_tokens),
                };
                // With one replica, routing draws no random number.
                let replica = if engines.len() == 1 { 0 } else { router.route(&outstanding, &mut routing) };
                outstanding[replica] += 1;
                let wake = engines[replica].accept(asked, &rules);
                arrival = next();
                (replica, wake)
            }
            _ => {
                let Some(Reverse((now, replica))) = events.pop() else { return outcome };
                let replica = replica as usize;
                if engines[replica].wake != now {
                    continue;
                }
                engines[replica].wake = u64::MAX;
                let wake = engines[replica].step(now, &rules, |arrived| {
                    outstanding[replica] -= 1;
                    outcome.end(arrived, now);
                });
                (replica, wake)
            }
        };
        if wake < engines[replica].wake {
            engines[replica].wake = wake;
            events.push(Reverse((wake, replica as u32)));
        }
    }
}
