//! The run digest: a 128-bit hash of a run's ordered history; and how to find where two histories
//! first differ.
//!
//! It covers arrivals, outcomes with their times, decisions and fleet changes; never engine steps,
//! so that a leaping and a plain engine agree. Each service and each pool has a digest of its own,
//! in which requests, replicas and nodes go by their names and numbers within it. The digest of the
//! run is the sum of those, so it does not depend on the positions of unrelated services.

use crate::clock::SimTime;
use std::fmt;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mark {
    /// A request arrived.
    Arrival = 1,
    /// A request ended.
    Outcome = 2,
    /// A controller decided.
    Decision = 3,
    /// A node or replica changed its state.
    Fleet = 4,
}

/// One line of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happening {
    /// When.
    pub at: SimTime,
    /// What kind.
    pub mark: Mark,
    /// Which request, controller, replica or node.
    pub who: u64,
    /// What: the outcome, the decided value, the new state.
    pub what: u64,
}

/// Two independent 64-bit multiply-rotate lanes: a few nanoseconds for a line of history.
/// It tells runs apart; it is not a cryptographic hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    lanes: [u64; 2],
}

impl Digest {
    /// An empty digest with that key.
    pub fn new(key: u64) -> Self {
        Digest { lanes: [0x243f_6a88_85a3_08d3 ^ key, 0x1319_8a2e_0370_7344 ^ key.rotate_left(32)] }
    }

    /// Adds one line of history.
    #[inline]
    pub fn add(&mut self, at: SimTime, mark: Mark, who: u64, what: u64) {
        let head = at.as_ps() ^ (mark as u64).rotate_right(8);
        let body = who.rotate_left(20) ^ what;
        let [a, b] = self.lanes;
        self.lanes[0] = (a.rotate_left(5) ^ head).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) ^ body;
        self.lanes[1] = (b.rotate_left(11) ^ body).wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(29) ^ head;
    }

    /// The digest of several digests together; their order does not matter.
    #[must_use]
    pub fn sum(digests: impl IntoIterator<Item = Digest>) -> Digest {
        let add = |sum: Digest, digest: Digest| Digest {
            lanes: [0, 1].map(|at| sum.lanes[at].wrapping_add(finish(digest.lanes[at]))),
        };
        digests.into_iter().fold(Digest { lanes: [0; 2] }, add)
    }
}

fn finish(x: u64) -> u64 {
    let x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

impl fmt::Display for Digest {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", finish(self.lanes[0]), finish(self.lanes[1]))
    }
}

/// The first place at which two histories differ: its index and both lines (`None` if a history has
/// ended).
pub fn first_divergence(a: &[Happening], b: &[Happening]) -> Option<(usize, Option<Happening>, Option<Happening>)> {
    let n = a.len().max(b.len());
    (0..n).map(|i| (i, a.get(i).copied(), b.get(i).copied())).find(|(_, x, y)| x != y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_sees_order_and_every_field() {
        let digest = |lines: &[(u64, Mark, u64, u64)]| {
            let mut digest = Digest::new(7);
            for &(at, mark, who, what) in lines {
                digest.add(SimTime::from_ps(at), mark, who, what);
            }
            digest.to_string()
        };
        let base = [(1, Mark::Arrival, 2, 3), (4, Mark::Outcome, 5, 6)];
        let mut seen = vec![digest(&base), digest(&[base[1], base[0]]), digest(&base[..1])];
        for i in 0..2 {
            for change in 0..4 {
                let mut lines = base;
                match change {
                    0 => lines[i].0 += 1,
                    1 => lines[i].1 = Mark::Fleet,
                    2 => lines[i].2 += 1,
                    _ => lines[i].3 += 1,
                }
                seen.push(digest(&lines));
            }
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }

    #[test]
    fn a_sum_knows_its_parts_and_not_their_order() {
        let [mut a, b, other] = [1, 2, 3].map(Digest::new);
        a.add(SimTime::from_s(1), Mark::Arrival, 1, 0);
        assert_eq!(Digest::sum([a, b]), Digest::sum([b, a]));
        assert_ne!(Digest::sum([a, b]), Digest::sum([a, other]));
        assert_ne!(Digest::sum([a, b]), Digest::sum([a]));
    }

    #[test]
    fn the_first_divergence_is_named() {
        let line = |s, who| Happening { at: SimTime::from_s(s), mark: Mark::Outcome, who, what: 0 };
        let (a, b) = ([line(1, 1), line(2, 1)], [line(1, 1), line(3, 1)]);
        let (index, left, right) = first_divergence(&a, &b).unwrap();
        assert_eq!((index, left.unwrap().at, right.unwrap().at), (1, SimTime::from_s(2), SimTime::from_s(3)));
        assert_eq!(first_divergence(&a, &a), None);
        assert_eq!(first_divergence(&a, &a[..1]), Some((1, Some(a[1]), None)));
    }
}
