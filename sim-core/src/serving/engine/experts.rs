//! The time that layers with experts add to an iteration, by its number of tokens.
//!
//! `We(N) + Fe*N`, where `We(N) = read_ms * X(N)` and `X(N) = 1 - (1 - k/E)^(1 + skew*(N - 1))`:
//! more tokens choose more of the experts, until all are read. The power is made of integer products
//! and integer roots, since the `powf` of two platforms may differ in the last bit:
//!
//! - the unread share is a fraction of 2^63; that of one token is `1 - k/E`, rounded;
//! - each further token multiplies it by `(1 - k/E)^skew`, rounded down. That factor is the product
//!   of the roots (2nd, 4th, 8th, ...) that the 32 binary digits of `skew` name, each rounded down;
//! - a share below 2^-32 counts as nothing: all experts are read. That is some picoseconds.
//!
//! So the function ends after some hundreds or thousands of tokens, and a table holds all of it.

/// One group of layers with experts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Experts {
    /// Time to read all experts of a GPU once, in all layers of the group, in ms.
    pub read_ms: f64,
    /// Share of the experts that one token chooses (`k/E`), above 0 to 1.
    pub chosen_share: f64,
    /// How far the choices of different tokens differ, 0 to 1: at 1 they are independent, at 0 all
    /// tokens choose the same experts.
    pub skew: f64,
    /// Compute of one token in its experts, in ms.
    pub token_ms: f64,
}

/// The whole, for shares.
const ONE: u64 = 1 << 63;
/// Unread shares below this count as nothing.
const NEGLIGIBLE: u64 = ONE >> 32;
/// From this many tokens on, the share stays as it is. Only experts of which a token chooses fewer
/// than one in 400 are not all read by then, at the skew of real models.
const MOST_TOKENS: usize = 1 << 14;
/// Binary digits of the skew.
const SKEW_BITS: u32 = 32;

/// The time of all groups by the number of tokens, in units of the time model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ExpertTimes {
    /// Time of reading, by tokens.
    reads: Box<[u64]>,
    /// The same for any more tokens.
    most: u64,
    /// Compute of one token.
    token: u64,
}

/// One group, in units of the time model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    /// Time to read all experts.
    pub(super) read: u64,
    /// Compute of one token.
    pub(super) token: u64,
    /// As [`Experts::chosen_share`] and [`Experts::skew`].
    pub(super) chosen_share: f64,
    pub(super) skew: f64,
}

impl ExpertTimes {
    pub(super) fn new(groups: &[Group]) -> Self {
        if groups.is_empty() {
            return ExpertTimes::default();
        }
        let mut unread: Vec<Unread> = groups.iter().map(Unread::of_one_token).collect();
        let mut reads = vec![0];
        while reads.len() <= MOST_TOKENS {
            reads.push(unread.iter().map(Unread::read_time).sum());
            if unread.iter().all(Unread::is_final) {
                break;
            }
            unread.iter_mut().for_each(Unread::next);
        }
        ExpertTimes {
            most: reads[reads.len() - 1],
            reads: reads.into(),
            token: groups.iter().map(|group| group.token).sum(),
        }
    }

    /// Units that an iteration of `tokens` tokens takes in the experts.
    #[inline]
    pub(super) fn of(&self, tokens: u64) -> u64 {
        self.read_of(tokens) + self.token * tokens
    }

    /// The part of it in which experts are read.
    #[inline]
    pub(super) fn read_of(&self, tokens: u64) -> u64 {
        self.reads.get(tokens as usize).copied().unwrap_or(self.most)
    }

    /// Units of reading all experts, and of computing one token.
    pub(super) fn most(&self) -> [u64; 2] {
        [self.most, self.token]
    }
}

/// What a number of tokens leaves unread in one group.
#[derive(Clone, Copy, Debug)]
struct Unread {
    read: u64,
    share: u64,
    /// By how much each further token multiplies the share.
    factor: u64,
}

impl Unread {
    fn of_one_token(group: &Group) -> Self {
        let share = ONE - (group.chosen_share * ONE as f64).round() as u64;
        let skew = (group.skew * (1_u64 << SKEW_BITS) as f64).round() as u64;
        Unread { read: group.read, share, factor: power(share, skew) }.rounded()
    }

    fn next(&mut self) {
        self.share = product(self.share, self.factor);
        *self = self.rounded();
    }

    fn rounded(self) -> Self {
        Unread { share: if self.share < NEGLIGIBLE { 0 } else { self.share }, ..self }
    }

    fn is_final(&self) -> bool {
        self.share == 0 || self.factor == ONE
    }

    fn read_time(&self) -> u64 {
        self.read - product(self.read, self.share)
    }
}

/// The product of a number and a share, rounded down.
fn product(a: u64, share: u64) -> u64 {
    ((u128::from(a) * u128::from(share)) >> 63) as u64
}

/// A share to the power of `skew`, which is a fraction of 2^32, at most 1.
fn power(share: u64, skew: u64) -> u64 {
    if skew >> SKEW_BITS != 0 {
        return share;
    }
    let (mut root, mut power) = (share, ONE);
    for digit in (0..SKEW_BITS).rev() {
        root = (u128::from(root) << 63).isqrt() as u64;
        if skew >> digit & 1 == 1 {
            power = product(power, root);
        }
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The table's entries come from nowhere else on any platform: a few of them, to the last bit.
    #[test]
    fn some_entries_are_these() {
        let group = Group { read: 1 << 50, token: 0, chosen_share: 8.0 / 256.0, skew: 0.612 };
        let times = ExpertTimes::new(&[group]);
        let some = [0, 1, 2, 32, 256, 1_000, 1_200].map(|tokens| times.of(tokens));
        let pinned = [
            0,
            35_184_372_088_832,
            56_172_633_343_887,
            528_699_402_984_942,
            1_118_210_163_903_111,
            1_125_899_902_790_154,
            1_125_899_906_842_624,
        ];
        assert_eq!(some, pinned);
        assert_eq!(times.reads.len(), 1_142, "tokens until all is read");
    }

    proptest! {
        #[test]
        fn the_table_is_the_formula(
            share in prop_oneof![1e-4..1.0_f64, Just(1.0)], skew in prop_oneof![0.0..1.0_f64, Just(0.0), Just(1.0)],
            read in 1_u64..1 << 62, tokens in 1_u64..1 << 14,
        ) {
            let times = ExpertTimes::new(&[Group { read, token: 3, chosen_share: share, skew }]);
            let formula = 1.0 - (1.0 - share).powf(1.0 + skew * (tokens - 1) as f64);
            let table = times.read_of(tokens) as f64 / read as f64;
            // The digits of the skew are worth 2^-33 a token, the share that counts as nothing 2^-32.
            let tolerance = 1e-9 + 1.5 / read as f64 + tokens as f64 * 1e-9 * (1.0 - formula);
            prop_assert!((table - formula).abs() < tolerance, "{table} {formula}");
            prop_assert_eq!(times.of(tokens) - times.read_of(tokens), 3 * tokens);
        }

        #[test]
        fn groups_add_up(shares in prop::collection::vec((1e-3..1.0_f64, 1_u64..1 << 40), 1..4), tokens in 0_u64..40_000) {
            let group = |&(chosen_share, read): &(f64, u64)| Group { read, token: 1, chosen_share, skew: 0.6 };
            let groups: Vec<Group> = shares.iter().map(group).collect();
            let each = groups.iter().map(|group| ExpertTimes::new(&[*group]).of(tokens));
            prop_assert_eq!(ExpertTimes::new(&groups).of(tokens), each.sum::<u64>());
        }
    }
}
