//! The run digest: a 128-bit hash of a run's ordered history, and a way to name the first
//! divergence of two histories.
//!
//! It covers arrivals, outcomes with their times, decisions and fleet changes; never engine steps,
//! so that a leaping and a plain engine agree.

use super::SimTime;
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
    /// Who: request number, controller, replica or node.
    pub who: u64,
    /// What: the outcome, the decided value, the new state.
    pub what: u64,
}

/// Two independent 64-bit multiply-rotate lanes: a few nanoseconds for a line of history.
/// It tells runs apart; it is not a cryptographic hash.
#[derive(Clone, Debug)]
pub struct Digest {
    lanes: [u64; 2],
    /// The history itself, kept in the test mode only.
    history: Option<Vec<Happening>>,
}

impl Default for Digest {
    fn default() -> Self {
        Digest { lanes: [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344], history: None }
    }
}

impl Digest {
    /// A digest that also keeps every line, for [`first_divergence`]. Memory grows with the run.
    pub fn recording() -> Self {
        Digest { history: Some(Vec::new()), ..Digest::default() }
    }

    /// Adds one line of history.
    #[inline]
    pub fn add(&mut self, at: SimTime, mark: Mark, who: u64, what: u64) {
        let head = at.as_ps() ^ (mark as u64).rotate_right(8);
        let body = who.rotate_left(20) ^ what;
        let [a, b] = self.lanes;
        self.lanes[0] = (a.rotate_left(5) ^ head).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) ^ body;
        self.lanes[1] = (b.rotate_left(11) ^ body).wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(29) ^ head;
        if let Some(history) = &mut self.history {
            history.push(Happening { at, mark, who, what });
        }
    }

    /// The kept history; empty unless [`Digest::recording`].
    pub fn history(&self) -> &[Happening] {
        self.history.as_deref().unwrap_or(&[])
    }
}

impl fmt::Display for Digest {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finish = |x: u64| {
            let x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
            x ^ (x >> 32)
        };
        write!(f, "{:016x}{:016x}", finish(self.lanes[0]), finish(self.lanes[1]))
    }
}

/// The first place at which two histories differ: its index and both lines (`None` past an end).
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
            let mut digest = Digest::default();
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
    fn the_first_divergence_is_named() {
        let (mut a, mut b) = (Digest::recording(), Digest::recording());
        for digest in [&mut a, &mut b] {
            digest.add(SimTime::from_s(1), Mark::Arrival, 1, 0);
        }
        a.add(SimTime::from_s(2), Mark::Outcome, 1, 0);
        b.add(SimTime::from_s(3), Mark::Outcome, 1, 0);
        let (index, left, right) = first_divergence(a.history(), b.history()).unwrap();
        assert_eq!((index, left.unwrap().at, right.unwrap().at), (1, SimTime::from_s(2), SimTime::from_s(3)));
        assert_eq!(first_divergence(a.history(), a.history()), None);
    }
}
