//! Random streams by name.
//!
//! A stream is derived from `(seed, replicate, label)` by a fixed hash (64-bit FNV-1a, finished
//! with SplitMix64) and drives Xoshiro256++. Draws belong to what they describe, so two policies
//! that play on the same world see the same arrivals, sizes and start-up times (common random
//! numbers), and a new label changes no other stream.

use rand::{Rng, SeedableRng, TryRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::convert::Infallible;

/// The root of all randomness in one run: the scenario's seed and the replicate's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The seed written in the scenario.
    pub seed: u64,
    /// The number of the replicate.
    pub replicate: u32,
}

impl Seed {
    /// The root of replicate 0 of `seed`.
    pub const fn new(seed: u64) -> Self {
        Seed { seed, replicate: 0 }
    }

    /// The stream named `label`.
    ///
    /// ```
    /// use flashcrowd_core::clock::Seed;
    /// use rand::RngExt;
    /// let draw = |label| Seed::new(1).stream(label).random::<u64>();
    /// assert_eq!(draw("arrivals/chat"), draw("arrivals/chat"));
    /// assert_ne!(draw("arrivals/chat"), draw("arrivals/code"));
    /// ```
    pub fn stream(self, label: &str) -> Stream {
        Stream(Xoshiro256PlusPlus::seed_from_u64(self.key(label)))
    }

    /// The stream of the `n`-th entity named `label` on its `k`-th try, for draws that must not
    /// depend on the order in which they are made (start-up of the n-th replica, back-off of the
    /// k-th attempt of the n-th request).
    pub fn keyed(self, label: &str, n: u64, k: u64) -> Stream {
        keyed(self.key(label), n, k)
    }

    /// The hash behind [`Seed::stream`]; kept by callers that derive many keyed streams.
    pub fn key(self, label: &str) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let bytes = self.seed.to_le_bytes().into_iter().chain(self.replicate.to_le_bytes());
        for byte in bytes.chain(label.bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        split_mix(hash)
    }
}

/// A number for a name that does not depend on the seed, for orders and digests.
pub(crate) fn number_of_name(name: &str) -> u64 {
    Seed::new(0).key(name)
}

/// The stream of item `n`, try `k`, under a key of [`Seed::key`].
pub(crate) fn keyed(key: u64, n: u64, k: u64) -> Stream {
    Stream(Xoshiro256PlusPlus::seed_from_u64(split_mix(split_mix(key ^ n).wrapping_add(k))))
}

/// One number of item `n` under a key of [`Seed::key`], where a whole stream would be too much.
#[inline]
pub(crate) const fn number_of(key: u64, n: u64) -> u64 {
    split_mix(key ^ split_mix(n))
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
const fn split_mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A named random stream; a [`rand::Rng`].
#[derive(Clone, Debug)]
pub struct Stream(Xoshiro256PlusPlus);

impl TryRng for Stream {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_u32())
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(dst);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this fails, every published digest changes: say so in the CHANGELOG.
    #[test]
    fn first_draws_are_pinned() {
        let mut stream = Seed::new(1).stream("arrivals/chat");
        let draws: Vec<u64> = (0..3).map(|_| stream.next_u64()).collect();
        let keyed = Seed { seed: 7, replicate: 2 }.keyed("startup", 3, 1).next_u64();
        assert_eq!((draws, keyed), (PINNED_DRAWS.to_vec(), PINNED_KEYED));
    }

    const PINNED_DRAWS: [u64; 3] = [2_536_697_634_709_937_190, 8_228_714_144_188_240_751, 17_754_513_304_234_517_570];
    const PINNED_KEYED: u64 = 17_037_228_957_226_745_506;

    #[test]
    fn replicates_and_items_differ() {
        let mut seen: Vec<u64> = Vec::new();
        for replicate in 0..20 {
            for n in 0..20 {
                for k in 0..5 {
                    seen.push(Seed { seed: 1, replicate }.keyed("x", n, k).next_u64());
                }
            }
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 20 * 20 * 5);
    }
}
