//! The buckets of `HdrHistogram`: values are distinguished by their leading bits, so that a bucket
//! is narrower than a fixed share of its values. Counts of different runs in these buckets add up
//! exactly.

/// Bits of the buckets of three digits, which all distributions of a run use: a bucket is narrower
/// than a thousandth of its values.
pub const DIGITS_3: u32 = 10;

#[inline]
pub(super) fn exponent<const BITS: u32>(value: u64) -> u32 {
    (value | ((2 << BITS) - 1)).ilog2() - BITS
}

/// The number of a value's bucket. Values below `2^(BITS + 1)` have one bucket each; from there on,
/// bucket `e * 2^BITS + (value >> e)` holds the values that agree in their first `BITS + 1` bits.
#[inline]
pub fn bucket_of<const BITS: u32>(value: u64) -> usize {
    let exponent = exponent::<BITS>(value);
    ((u64::from(exponent) << BITS) + (value >> exponent)) as usize
}

/// The largest value of a bucket.
#[inline]
pub fn top_of<const BITS: u32>(bucket: usize) -> u64 {
    let exponent = (bucket as u64 >> BITS).saturating_sub(1);
    let digits = bucket as u64 - (exponent << BITS);
    // The last bucket ends at the largest number, and there is none beyond.
    if exponent > u64::from(63 - BITS) { u64::MAX } else { ((digits + 1) << exponent).wrapping_sub(1) }
}

/// The rank of a quantile among `n` sorted values, from 1: the first rank whose share of the values
/// is at least `quantile`.
///
/// ```
/// use flashcrowd_core::ledger::buckets::rank;
/// assert_eq!([rank(0.5, 4), rank(0.51, 4), rank(0.07, 100), rank(0.5, 0)], [2, 3, 7, 1]);
/// ```
pub fn rank(quantile: f64, n: u64) -> u64 {
    let exact = quantile * n as f64;
    // Products such as 0.07 * 100 come out a little too large, which must not give the next rank.
    let near = exact.round();
    let rank = if (exact - near).abs() <= near * 1e-12 { near } else { exact.ceil() };
    (rank as u64).clamp(1, n.max(1))
}

/// Brings counts of the same bucket together, buckets ascending.
pub fn add_up<B: Ord + Copy>(counts: &mut Vec<(B, u64)>) {
    counts.sort_unstable();
    counts.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        kept.1 += if same { later.1 } else { 0 };
        same
    });
}
