//! Parts: what one trial contributes to a figure, exact and mergeable, and how trials are pooled.

use super::spread::Spread;
use flashcrowd_core::ports::LatencyPart;
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
    pub(crate) fn ratio(numerator: i128, denominator: i128) -> Option<Part> {
        (denominator != 0).then_some(Part::Ratio(Integer(numerator), Integer(denominator)))
    }

    pub(crate) fn sum(amount: impl Into<i128>) -> Part {
        Part::Sum(Integer(amount.into()))
    }

    pub(crate) fn max(amount: impl Into<i128>) -> Part {
        Part::Max(Integer(amount.into()))
    }

    /// What it holds for pooling, and its value before the figure's scale. `histogram` is the one that
    /// it names.
    pub(crate) fn value(&self, histogram: Option<&Spread>) -> Option<f64> {
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
    /// Of an SLO: how many values were counted within its limit, which says exactly on which side of
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
pub(crate) struct Pooled {
    part: Part,
    trials: u32,
}

impl Pooled {
    pub(crate) fn new(part: Part) -> Self {
        Pooled { part, trials: 1 }
    }

    pub(crate) fn add(&mut self, part: &Part) {
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
    pub(crate) fn distribution(&self) -> Option<Distribution> {
        match self.part {
            Part::Hist(of, _) => Some(of),
            _ => None,
        }
    }

    /// The pooled value before the figure's scale.
    pub(crate) fn value(&self, histogram: Option<&Spread>) -> Option<f64> {
        let value = self.part.value(histogram)?;
        Some(if matches!(self.part, Part::Sum(_)) { value / f64::from(self.trials) } else { value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn wide_integers_survive_json(n in any::<i128>()) {
            let part = Part::Ratio(Integer(n), Integer(1));
            let text = serde_json::to_string(&part).unwrap();
            prop_assert_eq!(serde_json::from_str::<Part>(&text).unwrap(), part);
        }
    }
}
