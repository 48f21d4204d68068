//! Routers: which ready replica takes an attempt.
//!
//! They are called for every request, so none of them allocates and the scan is one pass.

use crate::info::{PolicyInfo, Port};
use flashcrowd_core::clock::Stream;
use flashcrowd_core::ports::Router;
use rand::RngExt;

/// One after the other.
#[derive(Clone, Debug, Default)]
pub struct RoundRobin {
    next: usize,
}

impl RoundRobin {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::own(Port::Router, "round-robin", "one after the other");
}

impl Router for RoundRobin {
    fn route(&mut self, outstanding: &[u32], _stream: &mut Stream) -> usize {
        let chosen = if self.next < outstanding.len() { self.next } else { 0 };
        self.next = chosen + 1;
        chosen
    }
}

/// The replica with the fewest outstanding attempts. Among equals, the first one at or after a
/// cursor that moves behind each choice, so that an idle fleet is used evenly.
#[derive(Clone, Debug, Default)]
pub struct LeastOutstanding {
    cursor: usize,
}

impl LeastOutstanding {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::own(
        Port::Router,
        "least-outstanding",
        "the replica with the fewest unfinished attempts; ties by a rotating cursor",
    );
}

impl Router for LeastOutstanding {
    #[inline]
    fn route(&mut self, outstanding: &[u32], _stream: &mut Stream) -> usize {
        let chosen = least_from(outstanding, self.cursor);
        self.cursor = chosen + 1;
        chosen
    }
}

/// Replicas are compared in blocks of this many, so that the compiler makes vector code of them.
const BLOCK: usize = 64;

/// The position of the smallest value; among equals the first at or after `start`, circularly.
///
/// A block is first asked whether it holds anything smaller, which few do: 0.1 us for 1,024 values,
/// an eighth of the plain loop.
fn least_from(values: &[u32], start: usize) -> usize {
    let start = if start < values.len() { start } else { 0 };
    let Some(&first) = values.get(start) else { return 0 };
    let (mut least, mut chosen) = (first, start);
    let (head, tail) = values.split_at(start);
    for (offset, part) in [(start, tail), (0, head)] {
        for (index, block) in part.chunks(BLOCK).enumerate() {
            if least == 0 {
                return chosen;
            }
            // No early exit inside a block: that would keep it from becoming vector code.
            if block.iter().fold(0, |found, value| found | u32::from(*value < least)) != 0 {
                least = block.iter().copied().fold(u32::MAX, u32::min);
                chosen = offset + index * BLOCK + position(block, least);
            }
        }
    }
    chosen
}

fn position(block: &[u32], value: u32) -> usize {
    block.iter().position(|v| *v == value).unwrap_or(0)
}

/// Draws `d` distinct replicas and takes the one with the fewest outstanding attempts; the first
/// drawn wins ties (Mitzenmacher 1996; Azar et al. 1999 draw with replacement, which differs only for small fleets).
///
/// With `d` at least the number of replicas it is the least loaded of all, ties broken from a random position on.
#[derive(Clone, Debug)]
pub struct PowerOfChoices {
    d: usize,
    drawn: Vec<usize>,
}

impl PowerOfChoices {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::reproducing(
        Port::Router,
        "power-of-choices",
        "the least loaded of d distinct replicas drawn at random",
        "Mitzenmacher 1996 (the power of two choices)",
    );

    /// `d` choices; 0 counts as 1, which is [`Random`].
    pub fn new(d: usize) -> Self {
        let d = d.max(1);
        PowerOfChoices { d, drawn: Vec::new() }
    }

    fn least_of_drawn(&mut self, outstanding: &[u32], stream: &mut Stream) -> usize {
        self.drawn.clear();
        let (mut best, mut least) = (0, u32::MAX);
        while self.drawn.len() < self.d {
            // Few are drawn from many, so a repetition is rare; each of the rest stays equally
            // likely.
            let index = draw(outstanding.len(), stream);
            if self.drawn.contains(&index) {
                continue;
            }
            let load = outstanding.get(index).copied().unwrap_or(u32::MAX);
            if self.drawn.is_empty() || load < least {
                (best, least) = (index, load);
            }
            self.drawn.push(index);
        }
        best
    }
}

impl Router for PowerOfChoices {
    #[inline]
    fn route(&mut self, outstanding: &[u32], stream: &mut Stream) -> usize {
        let n = outstanding.len();
        if self.d >= n {
            return least_from(outstanding, draw(n, stream));
        }
        if self.d != 2 {
            return self.least_of_drawn(outstanding, stream);
        }
        // The second is drawn from the n - 1 others: those behind the first are shifted by one.
        let first = draw(n, stream);
        let second = draw(n - 1, stream);
        let second = second + usize::from(second >= first);
        if outstanding[second] < outstanding[first] { second } else { first }
    }
}

/// Any replica, all equally likely.
#[derive(Clone, Copy, Debug, Default)]
pub struct Random;

impl Random {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::own(Port::Router, "random", "any replica");
}

impl Router for Random {
    #[inline]
    fn route(&mut self, outstanding: &[u32], stream: &mut Stream) -> usize {
        draw(outstanding.len(), stream)
    }
}

/// Uniform in `0..n`; 0 if `n` is. Drawn as `u32`, so that 32-bit machines draw the same.
#[inline]
fn draw(n: usize, stream: &mut Stream) -> usize {
    let n = u32::try_from(n).unwrap_or(u32::MAX);
    if n == 0 { 0 } else { stream.random_range(0..n) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_core::clock::Seed;
    use proptest::prelude::*;

    fn stream() -> Stream {
        Seed::new(1).stream("router/test")
    }

    fn counts(router: &mut dyn Router, outstanding: &[u32], draws: usize) -> Vec<usize> {
        let mut stream = stream();
        let mut counts = vec![0; outstanding.len()];
        for _ in 0..draws {
            counts[router.route(outstanding, &mut stream)] += 1;
        }
        counts
    }

    #[test]
    fn equals_are_used_evenly() {
        let idle = [0; 7];
        assert_eq!(counts(&mut RoundRobin::default(), &idle, 70), [10; 7]);
        assert_eq!(counts(&mut LeastOutstanding::default(), &idle, 70), [10; 7]);
        // 10,000 draws of 7: a standard deviation is 35.
        for mut router in [PowerOfChoices::new(2), PowerOfChoices::new(3), PowerOfChoices::new(7)] {
            let counts = counts(&mut router, &idle, 10_000);
            assert!(counts.iter().all(|count| (1250..1610).contains(count)), "{router:?}: {counts:?}");
        }
        let counts = counts(&mut Random, &idle, 10_000);
        assert!(counts.iter().all(|count| (1250..1610).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_most_loaded_of_distinct_choices_is_never_taken() {
        assert_eq!(counts(&mut PowerOfChoices::new(2), &[0, 1, 2, 9], 1000)[3], 0);
        assert_eq!(counts(&mut PowerOfChoices::new(2), &[3, 1], 100), [0, 100]);
    }

    #[test]
    fn nothing_to_choose_from_does_not_panic() {
        for mut router in all() {
            assert_eq!(router.route(&[], &mut stream()), 0);
        }
    }

    fn all() -> Vec<Box<dyn Router>> {
        vec![
            Box::new(RoundRobin::default()),
            Box::new(LeastOutstanding::default()),
            Box::new(PowerOfChoices::new(0)),
            Box::new(PowerOfChoices::new(2)),
            Box::new(PowerOfChoices::new(5)),
            Box::new(Random),
        ]
    }

    /// The straightforward form of [`least_from`].
    fn plain_least_from(values: &[u32], start: usize) -> usize {
        let start = if start < values.len() { start } else { 0 };
        let order = (start..values.len()).chain(0..start);
        order.min_by_key(|index| values[*index]).unwrap_or(0)
    }

    proptest! {
        #[test]
        fn every_choice_is_a_replica(loads in prop::collection::vec(0_u32..5, 1..300), times in 1_usize..20) {
            for mut router in all() {
                let mut stream = stream();
                // The list shrinks and grows between calls as replicas come and go.
                for keep in 0..times {
                    let loads = &loads[..loads.len() - keep % loads.len()];
                    prop_assert!(router.route(loads, &mut stream) < loads.len());
                }
            }
        }

        #[test]
        fn the_scan_by_blocks_is_the_plain_scan(
            loads in prop::collection::vec(prop_oneof![0_u32..4, Just(u32::MAX), any::<u32>()], 0..400),
            start in 0_usize..500,
        ) {
            prop_assert_eq!(least_from(&loads, start), plain_least_from(&loads, start));
        }

        #[test]
        fn the_same_stream_gives_the_same_choices(loads in prop::collection::vec(0_u32..5, 1..50)) {
            for (mut one, mut other) in all().into_iter().zip(all()) {
                let (mut a, mut b) = (stream(), stream());
                for _ in 0..10 {
                    prop_assert_eq!(one.route(&loads, &mut a), other.route(&loads, &mut b));
                }
            }
        }

        #[test]
        fn more_choices_than_replicas_take_the_least(loads in prop::collection::vec(0_u32..9, 1..40)) {
            let chosen = PowerOfChoices::new(40).route(&loads, &mut stream());
            prop_assert_eq!(Some(&loads[chosen]), loads.iter().min());
        }
    }
}
