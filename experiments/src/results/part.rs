//! Parts: what one trial contributes to a figure, exact and mergeable, and how trials are pooled.

use flashcrowd_core::ledger::ServedRecord;
use flashcrowd_core::ports::LatencyPart;
use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What one trial contributes to a figure. Integers and histograms add up exactly in any order; the
/// division comes last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Part {
    /// A share or a mean: numerator and denominator.
    Ratio(Integer, Integer),
    /// An amount.
    Sum(Integer),
    /// A highest value.
    Max(Integer),
    /// A quantile of a distribution of the same scope.
    Hist(Distribution, Quantile),
}

impl Part {
    pub(super) fn ratio(numerator: i128, denominator: i128) -> Option<Part> {
        (denominator != 0).then_some(Part::Ratio(Integer(numerator), Integer(denominator)))
    }

    pub(super) fn sum(amount: impl Into<i128>) -> Part {
        Part::Sum(Integer(amount.into()))
    }

    pub(super) fn max(amount: impl Into<i128>) -> Part {
        Part::Max(Integer(amount.into()))
    }

    /// What it holds for pooling, and its value before the figure's scale. `histogram` is the one that
    /// it names.
    pub(super) fn value(&self, histogram: Option<&Spread>) -> Option<f64> {
        match self {
            Part::Ratio(over, under) => Some(over.0 as f64 / under.0 as f64),
            Part::Sum(amount) | Part::Max(amount) => Some(amount.0 as f64),
            Part::Hist(_, quantile) => histogram?.quantile(quantile.q, quantile.beyond).map(|us| quantile.beside(us)),
        }
    }
}

/// An integer of 128 bits; in JSON a string, since many readers know none so wide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Integer(pub i128);

impl Serialize for Integer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Integer).map_err(|_| serde::de::Error::custom(format!("`{text}` is no integer")))
    }
}

/// A quantile, and how many values beyond all recorded ones there are: requests that were never
/// answered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// Which, in (0, 1).
    pub q: f64,
    /// Values that are larger than any.
    pub beyond: u64,
    /// Of a promise: how many values were counted within its limit, which says exactly on which side of
    /// it the quantile lies, where a bucket of three digits has both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
}

/// How many values are within a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Within {
    /// The limit.
    pub limit_us: u64,
    /// Values within it.
    pub kept: u64,
    /// All values.
    pub of: u64,
}

impl Quantile {
    /// A value of a bucket on the side of the limit on which the quantile is.
    fn beside(&self, us: f64) -> f64 {
        match self.within {
            Some(Within { limit_us, kept, of }) if kept as f64 / of.max(1) as f64 >= self.q => us.min(limit_us as f64),
            Some(Within { limit_us, .. }) => us.max(limit_us as f64 + 1.0),
            None => us,
        }
    }
}

/// The distributions that a run records, by the names of summaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// From the client's send to the end of the answer.
    E2e,
    /// To the first token.
    Ttft,
    /// Gap between two tokens.
    Itl,
    /// Mean gap between the tokens of a request.
    Tpot,
    /// Waiting that no cold start explains.
    Queue,
    /// Waiting while replicas were starting.
    ColdStart,
    /// Waiting while a replica was wanted for which there were no GPUs.
    NoCapacity,
    /// Attempts before the one that was answered, and back-off.
    Retries,
    /// On its way: hops, round trips, the engine's front end.
    Network,
    /// In service.
    Service,
}

impl Distribution {
    /// All of them, in the order of summaries.
    pub const ALL: [Distribution; 10] = [
        Distribution::E2e,
        Distribution::Ttft,
        Distribution::Itl,
        Distribution::Tpot,
        Distribution::Queue,
        Distribution::ColdStart,
        Distribution::NoCapacity,
        Distribution::Retries,
        Distribution::Network,
        Distribution::Service,
    ];

    /// The name in ids, summaries and assertions.
    pub const fn name(self) -> &'static str {
        match self {
            Distribution::E2e => "e2e",
            Distribution::Ttft => "ttft",
            Distribution::Itl => "itl",
            Distribution::Tpot => "tpot",
            Distribution::Queue => "queue",
            Distribution::ColdStart => "cold_start",
            Distribution::NoCapacity => "no_capacity",
            Distribution::Retries => "retries",
            Distribution::Network => "network",
            Distribution::Service => "service",
        }
    }

    /// The part of the latency that it is of.
    pub const fn part(self) -> LatencyPart {
        match self {
            Distribution::E2e => LatencyPart::EndToEnd,
            Distribution::Ttft => LatencyPart::TimeToFirstToken,
            Distribution::Itl => LatencyPart::InterToken,
            Distribution::Tpot => LatencyPart::TimePerOutputToken,
            Distribution::Queue => LatencyPart::Queue,
            Distribution::ColdStart => LatencyPart::ColdStart,
            Distribution::NoCapacity => LatencyPart::NoCapacity,
            Distribution::Retries => LatencyPart::Retries,
            Distribution::Network => LatencyPart::Network,
            Distribution::Service => LatencyPart::Service,
        }
    }

    /// The distribution of a part of the latency.
    pub fn of(part: LatencyPart) -> Self {
        Distribution::ALL.into_iter().find(|known| known.part() == part).unwrap_or(Distribution::E2e)
    }
}

/// How often each latency occurred, by the buckets of a histogram of microseconds, and the exact highest
/// of them, which the histogram knows to three digits only.
///
/// Only buckets that hold something are kept: a histogram as a row takes a hundred kilobytes, and a run
/// may have thousands of services with several distributions each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The highest value.
    pub max_us: u64,
    /// Pairs of the largest value of a bucket, ascending, and how many are in it.
    counts: Vec<(u64, u64)>,
}

impl Spread {
    /// By bucket, ascending.
    pub fn new(counts: Vec<(u64, u64)>, max_us: u64) -> Self {
        Spread { max_us, counts }
    }

    /// What a cell did for a client.
    pub(crate) fn of_served(served: &ServedRecord, of: Distribution) -> Self {
        let (histogram, at) = if of == Distribution::Ttft { (&served.ttft, 1) } else { (&served.e2e, 0) };
        let buckets = histogram.iter_recorded();
        let counts = buckets.map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value())).collect();
        Spread::new(counts, served.max_us[at])
    }

    /// How many values there are.
    pub fn len(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// A quantile in microseconds, at most the highest value; `None` if it is one of those beyond, or
    /// there is none at all.
    pub fn quantile(&self, q: f64, beyond: u64) -> Option<f64> {
        let answered = self.len();
        let rank = rank(q, answered + beyond);
        if answered == 0 || rank > answered {
            return None;
        }
        let mut seen = 0;
        let at = self.counts.iter().find(|(_, count)| {
            seen += count;
            seen >= rank
        });
        at.map(|(value, _)| (*value).min(self.max_us) as f64)
    }

    /// Adds what another trial has measured.
    pub fn merge(&mut self, other: &Spread) {
        self.counts.extend(&other.counts);
        self.counts.sort_unstable_by_key(|(value, _)| *value);
        self.counts.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            kept.1 += if same { later.1 } else { 0 };
            same
        });
        self.max_us = self.max_us.max(other.max_us);
    }

    /// As a histogram of three digits.
    pub fn histogram(&self) -> Option<Histogram<u64>> {
        let mut histogram = Histogram::new(3).ok()?;
        self.counts.iter().try_for_each(|(value, count)| histogram.record_n(*value, *count)).ok()?;
        Some(histogram)
    }
}

/// Which of `n` values in order is the quantile: the first that as large a share as `q` does not exceed.
fn rank(q: f64, n: u64) -> u64 {
    let exact = q * n as f64;
    // Products such as 0.07 * 100 are a little too large: that is no other rank.
    let near = exact.round();
    let rank = if (exact - near).abs() <= near * 1e-12 { near } else { exact.ceil() };
    (rank as u64).clamp(1, n.max(1))
}

/// How trials are pooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Sum of numerators over sum of denominators: each request counts as much as any other.
    SumOverSum,
    /// Distributions are merged and asked once.
    Merge,
    /// The mean of the trials' amounts.
    Mean,
    /// The highest of all trials.
    Max,
}

impl Pool {
    /// The name in the table of figures.
    pub const fn name(self) -> &'static str {
        match self {
            Pool::SumOverSum => "sum over sum",
            Pool::Merge => "merged",
            Pool::Mean => "mean",
            Pool::Max => "highest",
        }
    }
}

/// What the parts of several trials add up to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pooled {
    part: Part,
    trials: u32,
}

impl Pooled {
    pub(super) fn new(part: Part) -> Self {
        Pooled { part, trials: 1 }
    }

    pub(super) fn add(&mut self, part: &Part) {
        self.trials += 1;
        match (&mut self.part, part) {
            (Part::Ratio(over, under), Part::Ratio(more, below)) => {
                over.0 += more.0;
                under.0 += below.0;
            }
            (Part::Sum(sum), Part::Sum(more)) => sum.0 += more.0,
            (Part::Max(max), Part::Max(other)) => max.0 = max.0.max(other.0),
            (Part::Hist(_, pooled), Part::Hist(_, one)) => {
                pooled.beyond += one.beyond;
                if let (Some(sum), Some(more)) = (&mut pooled.within, one.within) {
                    sum.kept += more.kept;
                    sum.of += more.of;
                }
            }
            // A figure has parts of one kind.
            _ => {}
        }
    }

    /// The distribution that it asks, if it asks one.
    pub(super) fn distribution(&self) -> Option<Distribution> {
        match self.part {
            Part::Hist(of, _) => Some(of),
            _ => None,
        }
    }

    /// The pooled value before the figure's scale.
    pub(super) fn value(&self, histogram: Option<&Spread>) -> Option<f64> {
        let value = self.part.value(histogram)?;
        Some(if matches!(self.part, Part::Sum(_)) { value / f64::from(self.trials) } else { value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spread(us: &[u64]) -> Spread {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        for &us in us {
            histogram.record(us).unwrap();
        }
        let counts = histogram.iter_recorded().map(|one| (one.value_iterated_to(), one.count_at_value())).collect();
        Spread::new(counts, us.iter().copied().max().unwrap_or(0))
    }

    /// 297 of 300 are 99 %, though 0.99 * 300 may come out a little above 297.
    #[test]
    fn the_quantile_of_a_share_that_is_just_kept_is_within_the_limit() {
        for n in 1..3_000_u64 {
            for q in [0.5, 0.9, 0.95, 0.99, 0.999, 0.07, 0.55] {
                let exact = (1..=n).find(|kept| *kept as f64 / n as f64 >= q).unwrap();
                assert_eq!(rank(q, n), exact, "{q} of {n}");
            }
        }
    }

    #[test]
    fn a_quantile_beyond_the_answered_ones_is_none_and_none_exceeds_the_highest() {
        let answered = spread(&[1_000_000, 2_000_000, 2_000_001, 4_000_123]);
        assert_eq!(answered.quantile(1.0, 0), Some(4_000_123.0));
        assert_eq!(answered.quantile(0.5, 4).map(|us| us as u64), Some(4_000_123));
        assert_eq!(answered.quantile(0.51, 4), None);
        assert_eq!(spread(&[]).quantile(0.5, 0), None);
    }

    proptest! {
        /// Pooling in any grouping gives the same, and the text form keeps all that is asked of it.
        #[test]
        fn merging_does_not_depend_on_the_order(us in prop::collection::vec(0_u64..90_000_000, 1..60), cut in 0_usize..60, q in 0.01..0.999) {
            let cut = cut.min(us.len());
            let (mut left, right) = (spread(&us[..cut]), spread(&us[cut..]));
            left.merge(&right);
            let whole = spread(&us);
            prop_assert_eq!(left.quantile(q, 3), whole.quantile(q, 3));
            let text = serde_json::to_string(&whole).unwrap();
            let read: Spread = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.quantile(q, 3), whole.quantile(q, 3));
        }

        #[test]
        fn wide_integers_survive_json(n in any::<i128>()) {
            let part = Part::Ratio(Integer(n), Integer(1));
            let text = serde_json::to_string(&part).unwrap();
            prop_assert_eq!(serde_json::from_str::<Part>(&text).unwrap(), part);
        }
    }
}
