//! The time of one iteration, in integers.
//!
//! `T = o + sqrt(w^2 + (b*(P+D))^2) + c*(D+S) + d*KV + e*sum p*(ctx + p/2)`: one model with six
//! coefficients for each (model, GPU, tensor parallelism). Models with experts or windows of
//! attention, GPUs that talk to each other, and engines that launch prompts slowly have terms beside
//! these ([`LawParts`]).
//! Coefficients are fixed point, in units of 2^-16 ps, so that a sum over many iterations equals the
//! iterations one by one: with times rounded to nanoseconds, or in `f64`, a leap drifts from its
//! iterations.

use super::experts::{ExpertTimes, Experts, Group};
use super::messages::{MessageUnits, Messages};
use super::parts::{Window, WindowUnits};
use crate::clock::SimTime;

/// Bits of the fraction of a picosecond.
pub(crate) const FRACTION_BITS: u32 = 16;

/// The longest iteration that an engine may have: keeps all sums of the time model within 63 bits.
pub const LONGEST_ITERATION_S: f64 = 100.0;

const UNITS_PER_MS: f64 = 1e9 * (1_u64 << FRACTION_BITS) as f64;

/// Coefficients of the time model, in milliseconds and tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Coefficients {
    /// `o`: fixed overhead of an iteration.
    pub overhead_ms: f64,
    /// `w`: time to read the weights once.
    pub weights_ms: f64,
    /// `b`: compute of one token.
    pub token_ms: f64,
    /// `c`: host and sampler time of one sequence.
    pub sequence_ms: f64,
    /// `d`: time to read one token of context from the KV cache.
    pub context_ms: f64,
    /// `e`: attention of a prefill, per token squared.
    pub attention_ms: f64,
}

/// What the law of a model has beside the six coefficients; most models have none of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LawParts {
    /// Groups of layers with experts; their weights are not in `weights_ms`.
    pub experts: Vec<Experts>,
    /// Layers that read a window of each context; they are not in `context_ms` and `attention_ms`.
    pub windows: Vec<Window>,
    /// What GPUs tell each other, beside what `overhead_ms` has of it.
    pub messages: Messages,
    /// Least time of an iteration that holds prompts, in ms: it is launched kernel by kernel, without
    /// a graph. 0 for none.
    pub floor_ms: f64,
}

/// How the weight read and the compute of an iteration add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Knee {
    /// `sqrt(w^2 + (b*(P+D))^2)`: the slower of the two, with a soft corner.
    #[default]
    Soft,
    /// `w + b*P`: the straight line that the closed forms assume.
    Linear,
}

/// Why coefficients make no time model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TimeModelError {
    /// A coefficient that is negative, not a number, or too long.
    #[error("`{name}` is {ms}: expected 0 to {} ms", LONGEST_ITERATION_S * 1e3)]
    Coefficient {
        /// Its name.
        name: &'static str,
        /// Its value.
        ms: f64,
    },
    /// A share of experts that no token can choose.
    #[error("`experts.chosen_share` is {share}: expected more than 0, and at most 1")]
    ChosenShare {
        /// The share.
        share: f64,
    },
    /// Choices of experts that differ by less than nothing, or by more than chance.
    #[error("`experts.skew` is {skew}: expected 0 to 1")]
    Skew {
        /// The exponent.
        skew: f64,
    },
    /// A window in which nothing is read.
    #[error("`windows.tokens` is 0: expected at least 1")]
    Window,
    /// Iterations that take no time.
    #[error("`overhead_ms` and `weights_ms` are both 0, and no experts are read: an iteration must take at least 1 ns")]
    NoTime,
}

/// A time model, ready to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeModel {
    knee: Knee,
    overhead: u64,
    weights: u64,
    token: u64,
    sequence: u64,
    context: u64,
    /// `e/2`, because `p/2` may not be whole.
    half_attention: u64,
    /// Least time of an iteration with prompts.
    floor: u64,
    /// Least time of any iteration.
    least: u64,
    experts: ExpertTimes,
    messages: MessageUnits,
    windows: Box<[WindowUnits]>,
    /// The corner with its experts for small numbers of decodes without a prefill, precomputed: most
    /// iterations are such.
    corners: Box<[u64; CORNERS]>,
}

const CORNERS: usize = 128;

/// What one iteration works on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// Prefill tokens.
    pub(crate) prefill: u64,
    /// Sequences with a prefill chunk.
    pub(crate) chunks: u64,
    /// `sum p * (2*ctx + p)` over the chunks.
    pub(crate) attention: u64,
    /// Sequences in decode.
    pub(crate) decodes: u64,
    /// Context tokens that they read.
    pub(crate) context: u64,
    /// Units of attention within windows, of decodes; of the mean replica, where there are several.
    pub(crate) windows: u64,
    /// The same, of chunks.
    pub(crate) chunk_windows: u64,
    /// Tokens of the largest chunk.
    pub(crate) largest: u64,
}

impl TimeModel {
    /// The time model with those coefficients.
    ///
    /// # Errors
    /// Names the first coefficient that is negative, not a number, or longer than
    /// [`LONGEST_ITERATION_S`]; or says that an iteration would take no time.
    pub fn new(coefficients: &Coefficients, knee: Knee) -> Result<Self, TimeModelError> {
        TimeModel::with_parts(coefficients, knee, &LawParts::default())
    }

    /// The time model with those coefficients and what else the law of its model has.
    ///
    /// # Errors
    /// As [`TimeModel::new`], and names shares of experts that cannot be, and empty windows.
    pub fn with_parts(coefficients: &Coefficients, knee: Knee, parts: &LawParts) -> Result<Self, TimeModelError> {
        let mut model = TimeModel {
            corners: Box::new([0; CORNERS]),
            knee,
            overhead: fixed("overhead_ms", coefficients.overhead_ms)?,
            weights: fixed("weights_ms", coefficients.weights_ms)?,
            token: fixed("token_ms", coefficients.token_ms)?,
            sequence: fixed("sequence_ms", coefficients.sequence_ms)?,
            context: fixed("context_ms", coefficients.context_ms)?,
            half_attention: fixed("attention_ms", coefficients.attention_ms / 2.0)?,
            floor: fixed("floor_ms", parts.floor_ms)?,
            least: 0,
            experts: ExpertTimes::new(&parts.experts.iter().map(group).collect::<Result<Vec<_>, _>>()?),
            messages: messages(&parts.messages)?,
            windows: parts.windows.iter().map(window).collect::<Result<_, _>>()?,
        };
        // An iteration has at least one token.
        model.least = model.overhead + model.weights + model.experts.of(1);
        // Each iteration must take time, or an engine would iterate for ever at one instant.
        if model.least < (1 << FRACTION_BITS) * 1_000 {
            return Err(TimeModelError::NoTime);
        }
        for decodes in 0..CORNERS {
            model.corners[decodes] = model.layers(0, decodes as u64);
        }
        Ok(model)
    }

    /// Seconds of the longest iteration: a full token budget, after the longest context, on a full cache. Kept below
    /// [`LONGEST_ITERATION_S`] by [`super::EngineConfig::check`].
    pub(crate) fn longest_s(&self, budget: u64, [cache, context]: [u64; 2], replicas: u64) -> f64 {
        let s = |units: u64, times: f64| units as f64 / UNITS_PER_MS / 1e3 * times;
        let [budget, cache, context] = [budget, cache, context].map(|tokens| tokens as f64);
        let prompts = budget * (2.0 * context + budget);
        let [read, expert_token] = self.experts.most();
        let windows = self.windows.iter().map(|window| {
            let most = 2.0 * window.tokens as f64 * budget;
            s(window.context, cache.min(window.tokens as f64 * budget)) + s(window.half_attention, prompts.min(most))
        });
        let terms = s(self.overhead + self.weights, 1.0)
            + s(self.token, budget)
            + s(self.sequence, budget)
            + s(self.context, cache)
            + s(self.half_attention, prompts)
            + s(read, 1.0)
            + s(expert_token, budget * replicas as f64)
            + s(self.messages.token.max(self.messages.further_token), budget)
            + windows.sum::<f64>();
        terms.max(s(self.floor, 1.0))
    }

    /// Time of one iteration, in units.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "measured: each caller knows parts of the load")]
    pub(crate) fn iteration(&self, load: &Load) -> u64 {
        let layers = match self.corners.get(load.decodes as usize) {
            Some(&corner) if load.prefill == 0 => corner,
            _ => self.layers(load.prefill, load.decodes),
        };
        let mut units = self.overhead
            + layers
            + self.sequence * (load.decodes + load.chunks)
            + self.context * load.context
            + load.windows;
        if load.prefill > 0 {
            units = (units + self.half_attention * load.attention + load.chunk_windows).max(self.floor);
        }
        units
    }

    /// Time of one iteration of an engine whose sequences are dealt among `replicas` copies of the
    /// attention, in units: that of the busiest one, with the experts, which all share.
    ///
    /// Decodes are dealt evenly, with the same context each in the mean; chunks as evenly as whole
    /// ones can be: the busiest replica has the largest chunk, or its share of all.
    #[inline(never)]
    pub(crate) fn iteration_of_replicas(&self, load: &Load, replicas: u64) -> u64 {
        let share = |of: u64, part: u64, all: u64| (u128::from(of) * u128::from(part) / u128::from(all.max(1))) as u64;
        let decodes = load.decodes.div_ceil(replicas);
        let prefill = load.largest.max(load.prefill.div_ceil(replicas));
        let all = load.prefill + load.decodes;
        let mut units = self.overhead
            + self.matrices(prefill, decodes)
            + self.messages.of(prefill + decodes)
            + self.experts.of(all)
            + self.sequence * (decodes + load.chunks.div_ceil(replicas))
            // Exact from iteration to iteration: a decode has one token more, and so has its share.
            + self.context * share(load.context, decodes, load.decodes)
            + load.windows;
        if load.prefill > 0 {
            let attention = share(load.attention, prefill, load.prefill);
            let windows = share(load.chunk_windows, prefill, load.prefill);
            units = (units + self.half_attention * attention + windows).max(self.floor);
        }
        units
    }

    /// What the number of tokens alone decides: the matrices, and the experts.
    #[inline(never)]
    fn layers(&self, prefill: u64, decodes: u64) -> u64 {
        let tokens = prefill + decodes;
        self.matrices(prefill, decodes) + self.experts.of(tokens) + self.messages.of(tokens)
    }

    /// Reading and multiplying matrices.
    #[inline]
    fn matrices(&self, prefill: u64, decodes: u64) -> u64 {
        match self.knee {
            Knee::Soft => hypotenuse(self.weights, self.token * (prefill + decodes)),
            Knee::Linear => self.weights + self.token * prefill,
        }
    }

    /// Shortest time of any iteration, in units.
    #[inline]
    pub(crate) fn least(&self) -> u64 {
        self.least
    }

    /// How much longer each iteration of a leap is than the one before, in units, but for windows.
    #[inline]
    pub(crate) fn growth(&self, decodes: u64) -> u64 {
        self.context * decodes
    }

    /// The windows of its attention.
    pub(super) fn windows(&self) -> &[WindowUnits] {
        &self.windows
    }

    /// Units of an iteration of `tokens` tokens in which experts are read.
    #[inline]
    pub(super) fn expert_read(&self, tokens: u64) -> u64 {
        self.experts.read_of(tokens)
    }

    /// Whether it has experts or windows.
    pub(super) fn has_parts(&self) -> bool {
        self.experts != ExpertTimes::default() || !self.windows.is_empty()
    }

    /// Seconds of the fixed overhead, the weight read, and the read of one token of context.
    pub(crate) fn seconds(&self) -> [f64; 3] {
        [self.overhead, self.weights, self.context].map(|units| units as f64 / UNITS_PER_MS / 1e3)
    }
}

/// A time in units, if it is one that an iteration may have.
fn fixed(name: &'static str, ms: f64) -> Result<u64, TimeModelError> {
    if (0.0..=LONGEST_ITERATION_S * 1e3).contains(&ms) {
        Ok((ms * UNITS_PER_MS).round() as u64)
    } else {
        Err(TimeModelError::Coefficient { name, ms })
    }
}

fn group(experts: &Experts) -> Result<Group, TimeModelError> {
    let &Experts { read_ms, chosen_share, skew, token_ms } = experts;
    if !(chosen_share > 0.0 && chosen_share <= 1.0) {
        return Err(TimeModelError::ChosenShare { share: chosen_share });
    }
    if !(0.0..=1.0).contains(&skew) {
        return Err(TimeModelError::Skew { skew });
    }
    let (read, token) = (fixed("experts.read_ms", read_ms)?, fixed("experts.token_ms", token_ms)?);
    Ok(Group { read, token, chosen_share, skew })
}

fn messages(messages: &Messages) -> Result<MessageUnits, TimeModelError> {
    Ok(MessageUnits {
        token: fixed("messages.token_ms", messages.token_ms)?,
        small_tokens: messages.small_tokens.into(),
        further_token: fixed("messages.further_token_ms", messages.further_token_ms)?,
    })
}

fn window(window: &Window) -> Result<WindowUnits, TimeModelError> {
    if window.tokens == 0 {
        return Err(TimeModelError::Window);
    }
    Ok(WindowUnits {
        tokens: window.tokens.into(),
        context: fixed("windows.context_ms", window.context_ms)?,
        half_attention: fixed("windows.attention_ms", window.attention_ms / 2.0)?,
    })
}

/// Floor of the root of `a^2 + b^2`.
#[inline]
fn hypotenuse(a: u64, b: u64) -> u64 {
    let (x, y) = (a as f64, b as f64);
    // The guess is within 2^12 units at 2^63, since an `f64` has 53 bits; nearly always right, or
    // one off.
    let guess = (x * x + y * y).sqrt() as u64;
    let square = u128::from(a) * u128::from(a) + u128::from(b) * u128::from(b);
    let excess = square as i128 - (u128::from(guess) * u128::from(guess)) as i128;
    // A root is right if the remainder is at least 0 and at most twice the root.
    if 0 <= excess && excess <= 2 * i128::from(guess) { guess } else { corrected(guess, excess, square) }
}

/// Corrects a root that is a little off: one step of Newton, then one by one.
#[cold]
fn corrected(guess: u64, excess: i128, square: u128) -> u64 {
    let step = if guess == 0 { 0 } else { excess.div_euclid(2 * i128::from(guess)) };
    let mut root = (i128::from(guess) + step).max(0) as u64;
    while u128::from(root) * u128::from(root) > square {
        root -= 1;
    }
    while u128::from(root + 1) * u128::from(root + 1) <= square {
        root += 1;
    }
    root
}

/// Iterations in a row with the same batch: the first takes `first` units, each next one `growth`
/// more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leap {
    /// Number of iterations.
    pub(crate) len: u64,
    /// Units of the first.
    pub(crate) first: u64,
    /// How many units longer each is than the one before.
    pub(crate) growth: u64,
}

impl Leap {
    /// Units of its first `n` iterations.
    #[inline]
    pub(crate) fn units(&self, n: u64) -> u128 {
        if n <= 1 {
            return u128::from(self.first) * u128::from(n);
        }
        u128::from(self.first) * u128::from(n) + u128::from(self.growth) * u128::from(n * (n - 1) / 2)
    }

    /// The smallest number of iterations after which the clock, which stands at `clock`, shows a
    /// picosecond later than `at`. If that is more than `len`, any number above `len` may be
    /// returned.
    pub(crate) fn first_after(&self, clock: u128, at: SimTime) -> u64 {
        // Later than `at` in whole picoseconds means at least this many units from here.
        let target = (u128::from(at.as_ps()) + 1) << FRACTION_BITS;
        if target <= clock {
            return 0;
        }
        let wanted = target - clock;
        if wanted <= u128::from(self.first) {
            return 1;
        }
        // The root of growth/2 n^2 + (first - growth/2) n = wanted, in its numerically stable form.
        // The conversion from 64 bits is one instruction, that from 128 bits is a call.
        let x = if wanted >> 64 == 0 { wanted as u64 as f64 } else { as_f64(wanted) };
        let half = self.growth as f64 / 2.0;
        let linear = self.first as f64 - half;
        let guess = 2.0 * x / (linear + (linear * linear + 4.0 * half * x).sqrt());
        let mut n = (guess as u64).clamp(1, self.len.saturating_add(1));
        while n > 1 && self.units(n - 1) >= wanted {
            n -= 1;
        }
        while n <= self.len && self.units(n) < wanted {
            n += 1;
        }
        n
    }

    /// What remains after `n` iterations.
    #[inline]
    pub(crate) fn rest(&self, n: u64) -> Leap {
        Leap { len: self.len - n, first: self.first + self.growth * n, growth: self.growth }
    }
}

/// Kept apart: the compiler would merge both conversions and use the slow one for all.
#[cold]
#[inline(never)]
fn as_f64(units: u128) -> f64 {
    units as f64
}

/// A clock of GPUs, in units.
///
/// The instant is stored beside the units: it is needed at each boundary, and to shift it out of
/// two words that have just been stored, a processor must wait until both are in the cache.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    pub(crate) units: u128,
    pub(crate) at: SimTime,
}

impl Clock {
    #[inline]
    pub(crate) fn new(units: u128) -> Self {
        Clock { units, at: instant(units) }
    }

    /// The clock `units` units later.
    #[inline]
    pub(crate) fn after(&self, units: u128) -> Self {
        Clock::new(self.units + units)
    }
}

/// The instant that a clock of `units` shows.
#[inline]
pub(crate) fn instant(units: u128) -> SimTime {
    SimTime::from_ps((units >> FRACTION_BITS) as u64)
}

/// The clock of GPUs that start to work at `at`.
#[inline]
pub(crate) fn clock_at(at: SimTime) -> u128 {
    u128::from(at.as_ps()) << FRACTION_BITS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_hypotenuse_is_the_floor_of_the_root(a in 0_u64..1 << 62, b in 0_u64..1 << 62, shift in 0_u32..62) {
            for (a, b) in [(a, b), (a >> shift, b), (a >> shift, b >> shift), (0, b >> shift)] {
                let root = u128::from(hypotenuse(a, b));
                let square = u128::from(a) * u128::from(a) + u128::from(b) * u128::from(b);
                prop_assert!(root * root <= square && square < (root + 1) * (root + 1), "{a} {b}: {root}");
            }
        }

        #[test]
        fn first_after_is_the_first_boundary_beyond(
            first in 1_u64..1 << 50, growth in 0_u64..1 << 30, len in 1_u64..10_000, clock in 0_u128..1 << 80,
            part in 0.0..1.2_f64,
        ) {
            let leap = Leap { len, first, growth };
            let at = SimTime::from_ps(((clock + (leap.units(len) as f64 * part) as u128) >> FRACTION_BITS) as u64);
            let n = leap.first_after(clock, at);
            prop_assert!(n == 0 || n > len || instant(clock + leap.units(n)) > at);
            prop_assert!(n == 0 || instant(clock + leap.units(n - 1)) <= at || n == 1);
        }
    }
}
