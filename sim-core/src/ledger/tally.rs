//! Counts by logarithmic bucket: a histogram that is cheap enough for the hot path.
//!
//! Every request is recorded in several tallies, so recording takes a few instructions that are
//! always inlined. The buckets are those of `HdrHistogram`; a tally is converted when a histogram
//! is asked for. A scenario may have thousands of services with a few hundred requests each, so the
//! first records are kept in a list. Then counts are kept in pages, which exist once a value falls
//! into them. A tally that is recorded very often uses a plain row of counts.

use super::buckets::{DIGITS_3, add_up, bucket_of, exponent, rank, top_of};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// Counts of microseconds, by the buckets of [`bucket_of`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally<const BITS: u32> {
    /// Buckets and counts in the order of recording, while there are few.
    list: Vec<(u16, u16)>,
    /// All counts in a row, once there have been many records.
    row: Vec<u64>,
    /// How many records there have been before the row.
    early: u32,
    /// For each page of buckets: one more than its position in `pages`, or 0 if it is not in use.
    directory: Vec<u16>,
    /// The pages in use, in the order of their first use.
    pages: Vec<Page>,
    /// What did not fit into the 32-bit counts of pages, by bucket.
    carried: BTreeMap<usize, u64>,
    /// The largest value, exact.
    max_us: u64,
}

/// Three digits, as all histograms of a run have.
pub(crate) type Digits3 = Tally<DIGITS_3>;

/// Up to this many records are kept in the list.
const FEW: usize = 1 << 10;

/// Buckets of a page.
const PAGE_BITS: u32 = 3;
const PAGE: usize = 1 << PAGE_BITS;

/// After this many records a tally becomes a row: by then its speed is worth a hundred kilobytes.
const MANY: u32 = 1 << 16;

#[derive(Clone, Copy, Debug, Default)]
struct Page([u32; PAGE]);

impl<const BITS: u32> Tally<BITS> {
    #[inline]
    pub(crate) fn record(&mut self, us: u64) {
        self.record_n(us, 1);
        self.reach(us);
    }

    /// Counts `n` values of one bucket; call [`Tally::reach`] with the largest of them.
    #[inline]
    pub(crate) fn record_n(&mut self, us: u64, n: u64) {
        let bucket = bucket_of::<BITS>(us);
        match self.row.get_mut(bucket) {
            Some(count) => *count += n,
            None => self.record_early(bucket, n),
        }
    }

    /// Records while there are few records: in the list, or in a page.
    #[inline(never)]
    fn record_early(&mut self, bucket: usize, n: u64) {
        if self.row.is_empty() && self.directory.is_empty() {
            if let (Ok(n), true) = (u16::try_from(n), self.list.len() < FEW) {
                // There are fewer than 64 * 1024 buckets.
                self.list.push((bucket as u16, n));
                return;
            }
            for (bucket, n) in std::mem::take(&mut self.list) {
                self.record_in_page(usize::from(bucket), n.into());
            }
        }
        self.early = self.early.saturating_add(1);
        if self.early >= MANY {
            self.become_a_row(bucket);
            self.row[bucket] += n;
            return;
        }
        self.record_in_page(bucket, n);
    }

    #[inline]
    fn record_in_page(&mut self, bucket: usize, n: u64) {
        let page = match self.directory.get(bucket >> PAGE_BITS) {
            Some(&page) if page > 0 => page,
            _ => self.open(bucket >> PAGE_BITS),
        };
        let count = &mut self.pages[usize::from(page) - 1].0[bucket & (PAGE - 1)];
        let sum = u64::from(*count).wrapping_add(n);
        match u32::try_from(sum) {
            Ok(sum) => *count = sum,
            Err(_) => self.carry(bucket, n),
        }
    }

    /// Turns all counts so far into a row that also has room for `bucket`.
    #[cold]
    fn become_a_row(&mut self, bucket: usize) {
        let counts: Vec<(usize, u64)> = self.buckets().collect();
        let last = counts.last().map_or(0, |(last, _)| *last);
        self.row.resize(self.row.len().max(last + 1).max(bucket + 1), 0);
        for (bucket, count) in counts {
            self.row[bucket] = count;
        }
        (self.directory, self.pages) = (Vec::new(), Vec::new());
        self.carried.clear();
    }

    /// Adds to a count that has outgrown its page.
    #[cold]
    fn carry(&mut self, bucket: usize, n: u64) {
        *self.carried.entry(bucket).or_default() += n;
    }

    /// Notes a value, which may be the largest so far.
    #[inline]
    pub(crate) fn reach(&mut self, us: u64) {
        self.max_us = self.max_us.max(us);
    }

    /// Starts to use a page, and returns its position plus one.
    #[cold]
    fn open(&mut self, page: usize) -> u16 {
        if page >= self.directory.len() {
            self.directory.resize(page + 1, 0);
        }
        if self.pages.len() == self.pages.capacity() {
            // Grow by a quarter, not to double: there may be thousands of services.
            self.pages.reserve_exact(4 + self.pages.len() / 4);
        }
        self.pages.push(Page::default());
        // There are at most 64 * 1024 / 8 pages.
        let place = self.pages.len() as u16;
        self.directory[page] = place;
        place
    }

    /// The smallest value above `us` that is in another bucket.
    #[inline]
    pub(crate) fn next_bucket(us: u64) -> u64 {
        let exponent = exponent::<BITS>(us);
        ((us >> exponent) + 1) << exponent
    }

    /// How many values were counted.
    pub(crate) fn total(&self) -> u64 {
        let small: u64 = self.pages.iter().flat_map(|page| page.0).map(u64::from).sum();
        let listed: u64 = self.list.iter().map(|(_, n)| u64::from(*n)).sum();
        listed + small + self.carried.values().sum::<u64>() + self.row.iter().sum::<u64>()
    }

    /// The largest value, exact; 0 if there is none.
    pub(crate) fn max_us(&self) -> u64 {
        self.max_us
    }

    /// The list in ascending order, each bucket once.
    fn listed(&self) -> Vec<(usize, u64)> {
        let mut listed: Vec<(usize, u64)> = self.list.iter().map(|&(at, n)| (usize::from(at), n.into())).collect();
        add_up(&mut listed);
        listed
    }

    /// Non-empty buckets with their counts, ascending.
    fn buckets(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let pages = self.directory.iter().enumerate().filter(|(_, place)| **place > 0);
        let each = pages.flat_map(|(page, &place)| ((page << PAGE_BITS)..).zip(self.pages[usize::from(place) - 1].0));
        let whole = each.map(|(bucket, count)| {
            let carried = if self.carried.is_empty() { 0 } else { self.carried.get(&bucket).copied().unwrap_or(0) };
            (bucket, u64::from(count) + carried)
        });
        // Two of the three sources are empty.
        let row = self.row.iter().copied().enumerate();
        self.listed().into_iter().chain(whole).chain(row).filter(|(_, count)| *count > 0)
    }

    /// The largest value of each non-empty bucket with its count, ascending.
    pub(crate) fn tops(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.buckets().map(|(bucket, count)| (top_of::<BITS>(bucket), count))
    }

    /// The value at a rank: the largest value of its bucket, but never above the largest value of
    /// all; 0 if there is none.
    pub(crate) fn quantile_us(&self, quantile: f64) -> u64 {
        let rank = rank(quantile, self.total());
        let mut seen = 0;
        for (bucket, count) in self.buckets() {
            seen += count;
            if seen >= rank {
                return top_of::<BITS>(bucket).min(self.max_us);
            }
        }
        0
    }

    /// How many values are in the buckets up to that of `us`.
    pub(crate) fn count_up_to(&self, us: u64) -> u64 {
        let last = bucket_of::<BITS>(us);
        self.buckets().take_while(|(bucket, _)| *bucket <= last).map(|(_, count)| count).sum()
    }

    /// Adds the counts of another tally.
    pub(crate) fn add(&mut self, other: &Self) {
        for (bucket, count) in other.buckets() {
            self.record_n(top_of::<BITS>(bucket), count);
        }
        self.reach(other.max_us);
    }

    /// The counts as a histogram of as many digits, which grows as needed.
    pub(crate) fn histogram(&self) -> Histogram<u64> {
        // 2 and 3 are valid precisions.
        let mut histogram = Histogram::new(if BITS < 10 { 2 } else { 3 }).expect("valid histogram precision");
        for (bucket, count) in self.buckets() {
            // An automatic histogram takes every value.
            let _ = histogram.record_n(top_of::<BITS>(bucket), count);
        }
        histogram
    }

    /// Forgets all counts, and keeps the pages for later ones.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.row.fill(0);
        self.pages.fill(Page::default());
        self.carried.clear();
        self.max_us = 0;
    }

    /// Frees unused memory.
    pub(crate) fn shrink(&mut self) {
        self.list.shrink_to_fit();
        self.row.shrink_to_fit();
        self.directory.shrink_to_fit();
        self.pages.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bucket_holds_its_values_within_its_width(us in 0_u64..1 << 50) {
            let top = top_of::<7>(bucket_of::<7>(us));
            prop_assert!(top >= us && (top - us) as f64 <= us as f64 * 0.01);
            prop_assert_eq!(bucket_of::<7>(top), bucket_of::<7>(us));
            prop_assert_eq!(bucket_of::<7>(top + 1), bucket_of::<7>(us) + 1);
            prop_assert_eq!(Tally::<7>::next_bucket(us), top + 1);
        }

        #[test]
        fn three_digits_are_those_of_hdr_histograms(us in prop::collection::vec(0_u64..1 << 40, 0..50), n in prop_oneof![1_u64..9, (1_u64 << 31)..1 << 33]) {
            let mut plain = Histogram::<u64>::new(3).unwrap();
            let mut tally = Digits3::default();
            for &us in &us {
                plain.record_n(us, n).unwrap();
                tally.record_n(us, n);
                tally.reach(us);
                prop_assert_eq!(Digits3::next_bucket(us), plain.next_non_equivalent(us).max(1));
            }
            prop_assert_eq!(&plain, &tally.histogram());
            prop_assert_eq!(tally.max_us(), us.iter().copied().max().unwrap_or(0));
            prop_assert_eq!(tally.quantile_us(0.99), plain.value_at_quantile(0.99).min(tally.max_us()));
            for &limit in &us {
                prop_assert_eq!(tally.count_up_to(limit), plain.count_between(0, limit));
            }
        }

        #[test]
        fn what_is_added_is_as_if_it_were_counted_here(
            us in prop::collection::vec(0_u64..1 << 30, 0..60),
            cut in 0_usize..60,
        ) {
            let (mut whole, mut first, mut second) = (Digits3::default(), Digits3::default(), Digits3::default());
            for (at, &us) in us.iter().enumerate() {
                whole.record(us);
                if at < cut { first.record(us) } else { second.record(us) }
            }
            first.add(&second);
            prop_assert_eq!(first.histogram(), whole.histogram());
            prop_assert_eq!((first.max_us(), first.total()), (whole.max_us(), whole.total()));
        }

        #[test]
        fn quantiles_are_those_of_the_sorted_values(mut us in prop::collection::vec(0_u64..10_000_000, 1..2_000)) {
            let mut tally = Tally::<7>::default();
            for &us in &us {
                tally.record(us);
            }
            us.sort_unstable();
            for q in [0.5, 0.99, 1.0_f64] {
                let exact = us[(q * us.len() as f64).ceil() as usize - 1];
                let found = tally.quantile_us(q);
                prop_assert!(found >= exact && found - exact <= exact / 100 + 1 && found <= us[us.len() - 1]);
            }
            tally.clear();
            prop_assert_eq!((tally.quantile_us(0.99), tally.max_us()), (0, 0));
        }
    }

    #[test]
    fn a_row_counts_as_pages_do() {
        let mut tally = Digits3::default();
        let mut plain = Histogram::<u64>::new(3).unwrap();
        let values = (0..u64::from(MANY) + 9_000).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (34 + n % 20));
        for us in values {
            tally.record(us);
            plain.record(us).unwrap();
        }
        // Beyond all that came before: the row grows.
        for us in [1 << 40, 1 << 30, 1 << 50] {
            tally.record(us);
            plain.record(us).unwrap();
        }
        assert!(!tally.row.is_empty() && tally.pages.is_empty() && tally.list.is_empty());
        assert_eq!((tally.histogram(), tally.total()), (plain.clone(), plain.len()));
        let mut sum = Digits3::default();
        sum.add(&tally);
        assert_eq!((sum.histogram(), sum.max_us()), (plain, tally.max_us()));
    }

    #[test]
    fn the_largest_number_has_a_bucket() {
        let mut tally = Digits3::default();
        tally.record(u64::MAX);
        assert_eq!((tally.quantile_us(1.0), tally.total()), (u64::MAX, 1));
    }
}
