//! What the time model predicts for a steady load, in closed form as far as there is one.
//!
//! Iterations form a chain: the requests that arrive during one iteration join the next and make it
//! longer, so more arrive during that one. The stationary law of the number of joins gives the mean
//! iteration, its length-biased rest (the wait for its end) and the iteration that a prompt is in.

use super::row::{Arrival, Length, Row};
use crate::Coefficients;

/// A steady load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Prompt lengths.
    pub input: Length,
    /// Output lengths.
    pub output: Length,
    /// Requests per ms.
    pub rate_per_ms: f64,
    /// Whether arrivals are at random rather than at equal distances.
    pub random: bool,
    /// Tokens of an iteration (`max_num_batched_tokens`).
    pub batched_tokens: f64,
    /// 0 or 1: iterations that pass before an arrival can join.
    pub lookahead: f64,
}

/// What a steady load comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steady {
    /// Mean inter-token latency, ms.
    pub itl_ms: f64,
    /// Mean time to first token, ms.
    pub ttft_ms: f64,
}

/// Joins of one iteration that are told apart; more do not occur in a steady state.
const MOST_JOINS: usize = 256;
/// Steps of the chain; each forgets most of what was before.
const STEPS: usize = 40;
/// No iteration is longer, ms: bounds what a search tries.
const LONGEST_MS: f64 = 1e5;
/// Gauss-Legendre points of a uniform law, in standard deviations, with their weights.
const POINTS: [(f64, f64); 3] = [(-1.341_640_786_5, 5.0 / 18.0), (0.0, 4.0 / 9.0), (1.341_640_786_5, 5.0 / 18.0)];

impl Load {
    /// The load of a row.
    pub fn of(row: &Row, batched_tokens: f64, lookahead: f64) -> Self {
        let random = matches!(row.arrival, Arrival::Poisson);
        let Row { input, output, .. } = *row;
        Load { input, output, rate_per_ms: row.rate / 1e3, random, batched_tokens, lookahead }
    }

    fn context(&self) -> f64 {
        self.input.mean + self.output.running()
    }
}

/// Time of an iteration with `joins` prompts beside `running` decodes, and how many iterations the
/// token budget makes of it.
fn iteration(law: &Coefficients, load: &Load, running: f64, joins: usize) -> (f64, f64) {
    let base = law.overhead_ms + law.sequence_ms * running + law.context_ms * running * load.context();
    let joins = joins as f64;
    if joins == 0.0 {
        return (base + law.weights_ms.hypot(law.token_ms * running), 1.0);
    }
    let (mut total, mut parts) = (0.0, 0.0);
    for (deviations, weight) in POINTS {
        let prompt = (joins * load.input.mean + deviations * joins.sqrt() * load.input.deviation).max(1.0);
        let split = ((prompt + running) / load.batched_tokens).ceil().max(1.0);
        total += weight * split * (base + law.weights_ms.hypot(law.token_ms * (prompt / split + running)));
        parts += weight * split;
    }
    let prompts = joins * (law.sequence_ms + law.attention_ms * load.input.square() / 2.0);
    (total + prompts, parts)
}

/// Probabilities of this many events, of one more, of two more and so on.
struct Arrivals {
    from: usize,
    shares: Vec<f64>,
}

/// The arrivals of a time that sees `mean` of them.
fn arrivals(mean: f64, random: bool) -> Arrivals {
    let mean = mean.min(MOST_JOINS as f64 - 2.0);
    if !random {
        let whole = mean.floor();
        return Arrivals { from: whole as usize, shares: vec![1.0 - (mean - whole), mean - whole] };
    }
    let (mut probability, mut sum, mut shares) = ((-mean).exp(), 0.0, Vec::new());
    for count in 0..MOST_JOINS {
        shares.push(probability);
        sum += probability;
        if sum > 1.0 - 1e-9 {
            break;
        }
        probability *= mean / (count + 1) as f64;
    }
    Arrivals { from: 0, shares }
}

/// Iterations by their joins, with their stationary probabilities.
struct Chain {
    /// Time, ms, and parts that the token budget makes of it.
    iterations: Vec<(f64, f64)>,
    probabilities: Vec<f64>,
}

impl Chain {
    fn of(law: &Coefficients, load: &Load, running: f64) -> Self {
        let mut iterations = Vec::new();
        // The arrivals of each iteration are those of all steps.
        let mut followed: Vec<Option<Arrivals>> = Vec::new();
        let mut probabilities = vec![1.0];
        for _ in 0..STEPS {
            for joins in iterations.len()..probabilities.len() {
                let (time, parts) = iteration(law, load, running, joins);
                iterations.push((time.min(LONGEST_MS), parts));
            }
            followed.resize_with(iterations.len(), || None);
            let mut next = vec![0.0; probabilities.len()];
            let each = iterations.iter().zip(&mut followed).zip(&probabilities);
            for (((time, _), known), probability) in each.filter(|(_, p)| **p > 1e-12) {
                let Arrivals { from, shares } =
                    known.get_or_insert_with(|| arrivals(load.rate_per_ms * time, load.random));
                next.resize(next.len().max(*from + shares.len()), 0.0);
                for (sum, share) in next[*from..].iter_mut().zip(shares) {
                    *sum += probability * *share;
                }
            }
            next.resize(next.len().max(probabilities.len()), 0.0);
            probabilities.resize(next.len(), 0.0);
            let change: f64 = next.iter().zip(&probabilities).map(|(next, before)| (next - before).abs()).sum();
            probabilities = next;
            if change < 1e-13 {
                break;
            }
        }
        for joins in iterations.len()..probabilities.len().max(2) {
            let (time, parts) = iteration(law, load, running, joins);
            iterations.push((time.min(LONGEST_MS), parts));
        }
        probabilities.resize(iterations.len(), 0.0);
        Chain { iterations, probabilities }
    }

    /// Mean over iterations of a value of joins, time and parts.
    fn mean(&self, value: impl Fn(f64, f64, f64) -> f64) -> f64 {
        let each = self.iterations.iter().zip(&self.probabilities).enumerate();
        each.map(|(joins, ((time, parts), probability))| probability * value(joins as f64, *time, *parts)).sum()
    }
}

/// The latencies of `load` with `running` sequences in decode.
pub fn steady(law: &Coefficients, load: &Load, running: f64) -> Steady {
    let chain = Chain::of(law, load, running);
    let parts = chain.mean(|_, _, parts| parts);
    let itl_ms = chain.mean(|_, time, _| time) / parts;
    let square = chain.mean(|_, time, parts| time * time / parts) / parts;
    let joined = chain.mean(|joins, _, _| joins);
    let own = if joined > 1e-9 { chain.mean(|joins, time, _| joins * time) / joined } else { chain.iterations[1].0 };
    // An arrival that finds the engine idle starts at once.
    let busy = 1.0 - (-running).exp();
    let wait = square / (2.0 * itl_ms) + load.lookahead * itl_ms;
    Steady { itl_ms, ttft_ms: law.front_end_ms + busy * wait + own }
}

/// The latencies of `load` with as many sequences as it keeps running by Little's law, at most
/// `most`.
pub(super) fn self_consistent(law: &Coefficients, load: &Load, start: f64, most: f64) -> Steady {
    let mut running = start;
    for _ in 0..200 {
        let next = load.rate_per_ms * (load.output.mean - 1.0).max(0.0) * steady(law, load, running).itl_ms;
        let next = next.min(most);
        if (next - running).abs() < 1e-9 * running {
            break;
        }
        running = next;
    }
    steady(law, load, running)
}

/// The latencies of one request alone.
pub fn idle(law: &Coefficients, load: &Load) -> Steady {
    let (prefill, _) = iteration(law, load, 0.0, 1);
    Steady { itl_ms: law.iteration_ms(0.0, 1.0, 0.0, load.context(), &[]), ttft_ms: law.front_end_ms + prefill }
}

/// Mean inter-token latency with `running` sequences always in decode, each replaced when it ends:
/// what a closed loop of so many clients comes to.
pub fn closed_loop_itl_ms(law: &Coefficients, load: &Load, running: f64) -> f64 {
    let (mut time, mut parts) = (0.0, 0.0);
    for (probability, joins) in arrivals(running / load.output.mean.max(1.0), true).shares.into_iter().zip(0..) {
        let (iteration, split) = iteration(law, load, running, joins);
        time += probability * iteration;
        parts += probability * split;
    }
    time / parts
}
