//! How long an iteration takes, worked out from each of its sequences: no tables, no sums kept.

use flashcrowd_core::serving::{Coefficients, LawParts};

/// The whole, for shares of experts.
const ONE: u64 = 1 << 63;

/// A law in units of 2^-16 ps.
#[derive(Clone, Debug)]
pub struct PlainLaw {
    /// The coefficients o, w, b, c, d, e/2.
    pub coefficients: [u64; 6],
    /// Least time of an iteration with a prompt.
    pub floor: u64,
    /// Groups of layers with experts.
    pub experts: Vec<PlainExperts>,
    /// Layers that read a window.
    pub windows: Vec<PlainWindow>,
    /// Messages: time of a token, how many take that, and of each beyond.
    pub messages: [u64; 3],
}

/// Layers with experts.
#[derive(Clone, Copy, Debug)]
pub struct PlainExperts {
    /// Time to read all.
    pub read: u64,
    /// Compute of a token.
    pub token: u64,
    /// Share of experts that one token leaves unread, of 2^63.
    pub unread: u64,
    /// What each further token leaves of that, of 2^63.
    pub factor: u64,
}

/// Layers that read a window.
#[derive(Clone, Copy, Debug)]
pub struct PlainWindow {
    /// Its tokens.
    pub tokens: u64,
    /// Time of a decode to read one token.
    pub context: u64,
    /// Half of a prefill's time per token squared.
    pub half_attention: u64,
}

/// A part of a prompt.
#[derive(Clone, Copy, Debug)]
pub struct Chunk {
    /// Tokens before it.
    pub past: u64,
    /// Its own.
    pub tokens: u64,
}

impl PlainLaw {
    /// The law of those coefficients and parts.
    pub fn new(law: &Coefficients, parts: &LawParts) -> Self {
        let half = law.attention_ms / 2.0;
        let coefficients =
            [law.overhead_ms, law.weights_ms, law.token_ms, law.sequence_ms, law.context_ms, half].map(units);
        let experts = parts.experts.iter().map(|experts| {
            let unread = ONE - (experts.chosen_share * ONE as f64).round() as u64;
            PlainExperts {
                read: units(experts.read_ms),
                token: units(experts.token_ms),
                unread,
                factor: power(unread, experts.skew),
            }
        });
        let windows = parts.windows.iter().map(|window| PlainWindow {
            tokens: window.tokens.into(),
            context: units(window.context_ms),
            half_attention: units(window.attention_ms / 2.0),
        });
        let messages = &parts.messages;
        PlainLaw {
            coefficients,
            floor: units(parts.floor_ms),
            experts: experts.collect(),
            windows: windows.collect(),
            messages: [units(messages.token_ms), messages.small_tokens.into(), units(messages.further_token_ms)],
        }
    }

    /// Units of the iteration that computes a token for each of the contexts `decodes`, and `chunks`, on an engine of so
    /// many copies of the attention: as long as the busiest takes, with decodes of the mean context, and with chunks of
    /// the mean attention for each of their tokens.
    pub fn iteration(&self, decodes: &[u64], chunks: &[Chunk], replicas: u64) -> u64 {
        if replicas == 1 {
            self.iteration_of_one(decodes, chunks)
        } else {
            self.iteration_of(decodes, chunks, replicas)
        }
    }

    fn iteration_of(&self, decodes: &[u64], chunks: &[Chunk], replicas: u64) -> u64 {
        let [overhead, weights, token, sequence, per_context, half_attention] = self.coefficients;
        let prompts: u64 = chunks.iter().map(|chunk| chunk.tokens).sum();
        let largest = chunks.iter().map(|chunk| chunk.tokens).max().unwrap_or(0);
        let up = |count: usize| (count as u64).div_ceil(replicas);
        let busiest = largest.max(prompts.div_ceil(replicas));
        let tokens = up(decodes.len()) + busiest;
        let compute = u128::from(token) * u128::from(tokens);
        let mut units = overhead + root(u128::from(weights) * u128::from(weights) + compute * compute) as u64;
        units += self.experts.iter().map(|e| e.iteration(decodes.len() as u64 + prompts)).sum::<u64>();
        let [message, small, further] = self.messages;
        units += (0..tokens).map(|token| if token < small { message } else { further }).sum::<u64>();
        units += sequence * (up(decodes.len()) + up(chunks.len()));
        let part = |of: u128, part: u64, all: u64| (of * u128::from(part) / u128::from(all.max(1))) as u64;
        let contexts: u64 = decodes.iter().sum();
        units += per_context * part(contexts.into(), up(decodes.len()), decodes.len() as u64);
        for window in &self.windows {
            let seen = decodes.iter().map(|context| context.min(&window.tokens)).sum::<u64>();
            units += window.context / replicas * seen;
        }
        let attention: u128 = chunks.iter().map(|c| u128::from(c.tokens) * u128::from(2 * c.past + c.tokens)).sum();
        units += half_attention * part(attention, busiest, prompts);
        let within = |window: &PlainWindow, c: &Chunk| {
            u128::from(window.half_attention * c.tokens) * u128::from((2 * window.tokens).min(2 * c.past + c.tokens))
        };
        let windows: u128 = self.windows.iter().flat_map(|w| chunks.iter().map(move |c| within(w, c))).sum();
        units += part(windows, busiest, prompts);
        if chunks.is_empty() { units } else { units.max(self.floor) }
    }

    fn iteration_of_one(&self, decodes: &[u64], chunks: &[Chunk]) -> u64 {
        let [overhead, weights, token, sequence, per_context, half_attention] = self.coefficients;
        let tokens = decodes.len() as u64 + chunks.iter().map(|chunk| chunk.tokens).sum::<u64>();
        let compute = u128::from(token) * u128::from(tokens);
        let mut units = overhead + root(u128::from(weights) * u128::from(weights) + compute * compute) as u64;
        for experts in &self.experts {
            units += experts.iteration(tokens);
        }
        let [message, small, further] = self.messages;
        units += (0..tokens).map(|token| if token < small { message } else { further }).sum::<u64>();
        for &context in decodes {
            units += sequence + per_context * context;
            for window in &self.windows {
                units += window.context * context.min(window.tokens);
            }
        }
        for chunk in chunks {
            units += sequence + half_attention * chunk.tokens * (2 * chunk.past + chunk.tokens);
            for window in &self.windows {
                let twice_read = (2 * window.tokens).min(2 * chunk.past + chunk.tokens);
                units += window.half_attention * chunk.tokens * twice_read;
            }
        }
        if chunks.is_empty() { units } else { units.max(self.floor) }
    }
}

impl PlainExperts {
    /// Units of an iteration of at least one token.
    fn iteration(&self, tokens: u64) -> u64 {
        let mut unread = self.unread;
        for _ in 1..tokens {
            // What is under 2^-32 is nothing, and stays so.
            unread = if unread < 1 << 31 { 0 } else { times(unread, self.factor) };
        }
        let unread = if unread < 1 << 31 { 0 } else { unread };
        self.read - times(self.read, unread) + self.token * tokens
    }
}

fn units(ms: f64) -> u64 {
    (ms * 1e9 * 65_536.0).round() as u64
}

/// The product of a number and a share, rounded down.
fn times(number: u64, share: u64) -> u64 {
    (u128::from(number) * u128::from(share) / u128::from(ONE)) as u64
}

/// A share to the power of `skew`, rounded to 32 binary digits: for each digit that is one, the root
/// of that order, which is a root of a root.
fn power(share: u64, skew: f64) -> u64 {
    let mut digits = (skew * 4_294_967_296.0).round() as u64;
    if digits == 1 << 32 {
        return share;
    }
    let (mut next, mut product) = (share, ONE);
    for _ in 0..32 {
        next = root(u128::from(next) * u128::from(ONE)) as u64;
        digits *= 2;
        if digits >= 1 << 32 {
            digits -= 1 << 32;
            product = times(product, next);
        }
    }
    product
}

/// The floor of the root of `n`, bit by bit.
fn root(n: u128) -> u128 {
    let (mut low, mut high) = (0_u128, 1_u128 << 64);
    while high - low > 1 {
        let middle = u128::midpoint(low, high);
        if middle * middle <= n {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}
