//! Distributions over a scope, in as little room as they need: a scenario may have thousands of services.

use super::part::Distribution;
use flashcrowd_core::ledger::buckets::{DIGITS_3, add_up, bucket_of, rank, top_of};
use flashcrowd_core::ledger::{Counts, ServedRecord};
use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Counts by the buckets of a histogram of three digits, in microseconds, and the exact highest value
/// of what is in it, which the buckets know to three digits only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// By bucket that holds something, ascending: how many buckets it is beyond the one before, and its
    /// count, both in bytes of seven bits. A histogram would take a hundred kilobytes.
    packed: Vec<u8>,
    /// All counts.
    total: u64,
    /// The highest value.
    max_us: u64,
}

impl Spread {
    /// Of buckets, ascending by their largest values.
    fn of(buckets: impl IntoIterator<Item = (u64, u64)>, max_us: u64) -> Self {
        let mut spread = Spread { max_us, ..Spread::default() };
        let mut before = 0;
        for (top, count) in buckets {
            let bucket = bucket_of::<DIGITS_3>(top) as u64;
            put(&mut spread.packed, bucket - before);
            put(&mut spread.packed, count);
            before = bucket;
            spread.total += count;
        }
        spread.packed.shrink_to_fit();
        spread
    }

    /// What a service measured.
    pub(crate) fn of_counts(counts: &Counts) -> Self {
        Spread::of(counts.buckets.iter().copied(), counts.max_us)
    }

    /// Of a histogram, and the highest value that was recorded in it.
    pub fn of_histogram(histogram: &Histogram<u64>, max_us: u64) -> Self {
        let buckets = histogram.iter_recorded().map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()));
        Spread::of(buckets, max_us)
    }

    /// What a cell did for a client.
    pub(crate) fn of_served(served: &ServedRecord, of: super::Distribution) -> Self {
        let (histogram, at) = if of == Distribution::Ttft { (&served.ttft, 1) } else { (&served.e2e, 0) };
        Spread::of_histogram(histogram, served.max_us[at])
    }

    /// How many values there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The highest value.
    pub fn max_us(&self) -> u64 {
        self.max_us
    }

    /// Buckets that hold something, ascending: the largest value of each, and its count.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.numbers().map(|(bucket, count)| (top_of::<DIGITS_3>(bucket as usize), count))
    }

    /// The same by their numbers.
    fn numbers(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let (mut rest, mut bucket) = (self.packed.as_slice(), 0);
        std::iter::from_fn(move || {
            bucket += take(&mut rest)?;
            Some((bucket, take(&mut rest)?))
        })
    }

    /// As a histogram, made for this call.
    pub fn histogram(&self) -> Option<Histogram<u64>> {
        let mut histogram = Histogram::new(3).ok()?;
        for (top, count) in self.buckets() {
            histogram.record_n(top, count).ok()?;
        }
        Some(histogram)
    }

    /// A quantile in microseconds, at most the highest value; `None` if it is one of those beyond, or
    /// there is none at all.
    pub fn quantile(&self, q: f64, beyond: u64) -> Option<f64> {
        let wanted = rank(q, self.total + beyond);
        if self.total == 0 || wanted > self.total {
            return None;
        }
        let mut seen = 0;
        let found = self.numbers().find(|(_, count)| {
            seen += count;
            seen >= wanted
        });
        found.map(|(bucket, _)| top_of::<DIGITS_3>(bucket as usize).min(self.max_us) as f64)
    }

    /// Adds what another has measured.
    pub fn merge(&mut self, other: &Spread) {
        let max_us = self.max_us.max(other.max_us);
        *self = Spread::of(merged(self.buckets(), other.buckets()), max_us);
    }
}

/// Two ascending rows of buckets as one.
fn merged(
    left: impl Iterator<Item = (u64, u64)>,
    right: impl Iterator<Item = (u64, u64)>,
) -> impl Iterator<Item = (u64, u64)> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    std::iter::from_fn(move || {
        let side = match (left.peek(), right.peek()) {
            (Some(own), Some(other)) if own.0 == other.0 => {
                let add = right.next().map_or(0, |(_, count)| count);
                return left.next().map(|(top, count)| (top, count + add));
            }
            (Some(own), Some(other)) => own.0 < other.0,
            (own, _) => own.is_some(),
        };
        if side { left.next() } else { right.next() }
    })
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
        shift += 7;
    }
}

/// The sum of many spreads. Small ones are collected, and merged when there is something to merge: else
/// each of thousands of short trials would rewrite all that came before.
#[derive(Clone, Debug)]
pub(crate) struct Gathered {
    whole: Spread,
    /// Buckets of later ones, in any order.
    recent: Vec<(u64, u64)>,
}

impl Gathered {
    /// With a first one.
    pub(crate) fn new(first: Spread) -> Self {
        Gathered { whole: first, recent: Vec::new() }
    }

    /// Adds one.
    pub(crate) fn add(&mut self, other: &Spread) {
        self.whole.max_us = self.whole.max_us.max(other.max_us);
        // A bucket takes two bytes at least: the rest is an eighth of the whole at most.
        let room = 16 + self.whole.packed.len() / 16;
        if self.recent.is_empty() && other.packed.len() / 2 > room {
            // Both are in order: there is nothing to sort.
            self.whole.merge(other);
            return;
        }
        self.recent.extend(other.buckets());
        if self.recent.len() > room {
            self.whole = self.sum();
            self.recent = Vec::new();
        }
    }

    /// All of them.
    pub(crate) fn spread(&self) -> std::borrow::Cow<'_, Spread> {
        use std::borrow::Cow;
        if self.recent.is_empty() { Cow::Borrowed(&self.whole) } else { Cow::Owned(self.sum()) }
    }

    fn sum(&self) -> Spread {
        let mut recent = self.recent.clone();
        add_up(&mut recent);
        Spread::of(merged(self.whole.buckets(), recent.into_iter()), self.whole.max_us)
    }
}

/// As its buckets: by how many each is beyond the one before, and its count, one after the other.
#[derive(Serialize, Deserialize)]
struct SpreadText {
    max_us: u64,
    buckets: Vec<u64>,
}

impl Serialize for Spread {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rest = self.packed.as_slice();
        let buckets = std::iter::from_fn(|| take(&mut rest)).collect();
        SpreadText { max_us: self.max_us, buckets }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Spread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = SpreadText::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("`buckets` are pairs of a step and a count, of at most 2^63 us");
        let (last, mut bucket, mut total) = (bucket_of::<DIGITS_3>(u64::MAX >> 1) as u64, 0_u64, 0_u64);
        let mut spread = Spread { max_us: text.max_us, ..Spread::default() };
        for (at, pair) in text.buckets.chunks(2).enumerate() {
            let &[step, count] = pair else { return Err(wrong()) };
            bucket = bucket.checked_add(step).filter(|bucket| *bucket <= last).ok_or_else(wrong)?;
            total = total.checked_add(count).ok_or_else(wrong)?;
            if count == 0 || (step == 0 && at > 0) {
                return Err(wrong());
            }
            put(&mut spread.packed, step);
            put(&mut spread.packed, count);
        }
        Ok(Spread { total, ..spread })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn histogram(us: &[u64]) -> Histogram<u64> {
        let mut histogram = Histogram::new(3).unwrap();
        for &us in us {
            histogram.record(us).unwrap();
        }
        histogram
    }

    fn spread(us: &[u64]) -> Spread {
        Spread::of_histogram(&histogram(us), us.iter().copied().max().unwrap_or(0))
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
        fn merging_does_not_depend_on_the_order(us in prop::collection::vec(0_u64..90_000_000, 1..60), cut in 0_usize..60) {
            let cut = cut.min(us.len());
            let (mut left, right) = (spread(&us[..cut]), spread(&us[cut..]));
            left.merge(&right);
            let whole = spread(&us);
            prop_assert_eq!(&left, &whole);
            let mut gathered = Gathered::new(spread(&[]));
            for &us in &us {
                gathered.add(&spread(&[us]));
            }
            prop_assert_eq!(&*gathered.spread(), &whole);
            let text = serde_json::to_string(&whole).unwrap();
            let read: Spread = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read, whole);
        }

        #[test]
        fn quantiles_are_those_of_the_histogram(us in prop::collection::vec(0_u64..1 << 50, 1..60), q in 0.0001..1.0) {
            let (packed, plain) = (spread(&us), histogram(&us));
            prop_assert_eq!(packed.histogram(), Some(plain.clone()));
            prop_assert_eq!(packed.total(), plain.len());
            let buckets: Vec<_> =
                plain.iter_recorded().map(|own| (own.value_iterated_to(), own.count_at_value())).collect();
            prop_assert_eq!(packed.buckets().collect::<Vec<_>>(), buckets);
            let found = plain.value_at_quantile(q).min(packed.max_us());
            prop_assert_eq!(packed.quantile(q, 0), Some(found as f64));
        }
    }
}
