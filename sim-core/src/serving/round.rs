//! Rounds of turns on shared GPUs, in closed form.
//!
//! While engines take turns and no batch changes, a round (one iteration of each engine) behaves
//! like an iteration of one engine: each round is longer than the one before by the growth of all
//! iterations together. So several rounds are one [`Leap`], and so are the gaps between the tokens
//! of each member.
//!
//! This plans nothing. It only says how rounds that have passed can be played at once, and when the
//! first sequence can end; before that, only an access needs to know how far the engines are.

use super::engine::{Clock, Leap};
use crate::clock::SimTime;
use crate::id::ServerId;

/// What an engine does in each of its next turns, as long as no sequence joins its batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steady {
    /// Units of the iteration in progress, or of its next one if it waits for the turn.
    pub(crate) first: u64,
    /// How many units longer each is than the one before.
    pub(crate) growth: u64,
    /// Number of its next turns, up to the first in which a sequence may end, or after which blocks
    /// may be short.
    pub(crate) turns: u64,
    /// No sequence joins before a boundary later than this.
    pub(crate) joins: SimTime,
}

/// What a member does in several rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// Number of rounds.
    pub(crate) rounds: u64,
    /// The clock when its first iteration ends.
    pub(crate) first_end: u128,
    /// The clock when its last iteration ends.
    pub(crate) last_end: u128,
    /// The gaps from each of its iterations to the next.
    pub(crate) between: Leap,
    /// The clock when it gets the turn again, for the member that has the turn now.
    pub(crate) again: Option<u128>,
}

/// The members that take turns, in order, beginning with the one that has the turn.
#[derive(Debug, Default)]
pub(crate) struct Round {
    start: u128,
    members: Vec<(ServerId, Steady)>,
    /// Units of the round in progress, and how much longer each next one is.
    first: u128,
    growth: u128,
    /// For how many rounds every member stays steady.
    lasts: u64,
    joins: SimTime,
}

impl Round {
    /// Upper limit of any sum over rounds, so that gaps fit into 64 bits.
    const LIMIT: u128 = 1 << 62;

    /// Starts over, with a round that began at `start`.
    pub(crate) fn begin(&mut self, start: u128) {
        self.members.clear();
        *self = Round {
            start,
            members: std::mem::take(&mut self.members),
            first: 0,
            growth: 0,
            lasts: u64::MAX,
            joins: SimTime::MAX,
        };
    }

    /// Adds the next member.
    pub(crate) fn push(&mut self, member: ServerId, steady: Steady) {
        self.members.push((member, steady));
        self.first += u128::from(steady.first);
        self.growth += u128::from(steady.growth);
        self.lasts = self.lasts.min(steady.turns - 1);
        self.joins = self.joins.min(steady.joins);
    }

    pub(crate) fn members(&self) -> &[(ServerId, Steady)] {
        &self.members
    }

    /// No sequence joins before a boundary later than this.
    pub(crate) fn joins(&self) -> SimTime {
        self.joins
    }

    /// When the iteration in progress ends.
    pub(crate) fn turn_end(&self) -> SimTime {
        let first = self.members.first().map_or(0, |(_, steady)| steady.first);
        Clock::new(self.start + u128::from(first)).at
    }

    /// Number of rounds that end by `last` and can be played at once.
    pub(crate) fn passed(&self, last: SimTime) -> u64 {
        let last = last.min(self.joins);
        if self.lasts == 0 || Clock::new(self.start + self.first).at > last || !self.fits(self.lasts) {
            return 0;
        }
        let leap = self.leap(self.lasts);
        leap.first_after(self.start, last).saturating_sub(1).min(self.lasts)
    }

    /// The member that ends a sequence or runs out of blocks first, if no sequence joins, and when.
    pub(crate) fn next_end(&self) -> Option<(ServerId, SimTime)> {
        let mut before = Leap::default();
        let mut next: Option<(ServerId, SimTime)> = None;
        for &(member, steady) in &self.members {
            let turns = steady.turns;
            if !self.fits(turns) {
                return None;
            }
            before = Leap { len: turns, first: before.first + steady.first, growth: before.growth + steady.growth };
            // The rounds before its last iteration, and in that round the members before it.
            let rounds = self.leap(turns).units(turns - 1);
            let part = u128::from(before.first) + u128::from(before.growth) * u128::from(turns - 1);
            let at = Clock::new(self.start + rounds + part).at;
            if next.is_none_or(|(_, earliest)| at < earliest) {
                next = Some((member, at));
            }
        }
        next
    }

    /// What each member does in the next `rounds` rounds.
    pub(crate) fn stretches(&self, rounds: u64) -> impl Iterator<Item = (ServerId, Steady, Stretch)> {
        let last = self.leap(rounds).units(rounds - 1);
        let again = self.start + self.leap(rounds).units(rounds);
        let (mut first, mut growth) = (0, 0);
        self.members.iter().enumerate().map(move |(at, &(member, steady))| {
            first += u128::from(steady.first);
            growth += u128::from(steady.growth);
            let stretch = Stretch {
                rounds,
                first_end: self.start + first,
                last_end: self.start + last + first + growth * u128::from(rounds - 1),
                between: Leap { len: rounds - 1, first: (self.first + growth) as u64, growth: self.growth as u64 },
                again: (at == 0).then_some(again),
            };
            (member, steady, stretch)
        })
    }

    fn fits(&self, rounds: u64) -> bool {
        rounds < 1 << 55 && self.first + self.growth * (u128::from(rounds) + 1) < Self::LIMIT
    }

    fn leap(&self, rounds: u64) -> Leap {
        Leap { len: rounds, first: self.first as u64, growth: self.growth as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ServerSlot;
    use proptest::prelude::*;

    /// The instants in units at which each member's iterations end, one by one.
    fn ends(start: u128, members: &[(u64, u64)], rounds: u64) -> Vec<Vec<u128>> {
        let mut ends = vec![Vec::new(); members.len()];
        let mut clock = start;
        for round in 0..rounds {
            for (&(first, growth), ends) in members.iter().zip(&mut ends) {
                clock += u128::from(first + growth * round);
                ends.push(clock);
            }
        }
        ends
    }

    proptest! {
        #[test]
        fn rounds_at_once_equal_turns_one_by_one(
            start in 0_u128..1 << 70,
            members in prop::collection::vec((1_u64 << 26..1 << 42, 0_u64..1 << 30, 1_u64..40), 2..5),
            part in 0.0..1.2_f64,
        ) {
            let mut round = Round::default();
            round.begin(start);
            for (serial, &(first, growth, turns)) in members.iter().enumerate() {
                let steady = Steady { first, growth, turns, joins: SimTime::MAX };
                round.push(ServerId::new(serial as u32, ServerSlot::NONE), steady);
            }
            let plain: Vec<_> = members.iter().map(|&(first, growth, _)| (first, growth)).collect();
            let ends = ends(start, &plain, 41);
            let last = ends.iter().zip(&members).map(|(ends, member)| ends[member.2 as usize - 1]).min();
            let next = round.next_end().map(|(_, at)| at);
            prop_assert_eq!(next, last.map(|units| Clock::new(units).at));

            let lasts = members.iter().map(|member| member.2 - 1).min().unwrap_or(0);
            let until = Clock::new(start + ((ends[0][40] - start) as f64 * part) as u128).at;
            let whole = ends[members.len() - 1].iter().filter(|&&units| Clock::new(units).at <= until).count() as u64;
            let passed = round.passed(until);
            prop_assert_eq!(passed, whole.min(lasts));
            if passed > 0 {
                for ((_, _, stretch), own) in round.stretches(passed).zip(&ends) {
                    prop_assert_eq!(stretch.first_end, own[0]);
                    prop_assert_eq!(stretch.last_end, own[passed as usize - 1]);
                    let mut between = own[..passed as usize].windows(2).map(|pair| pair[1] - pair[0]);
                    for n in 0..stretch.between.len {
                        let gap = stretch.between.first + stretch.between.growth * n;
                        prop_assert_eq!(between.next(), Some(u128::from(gap)));
                    }
                    prop_assert_eq!(between.next(), None);
                }
            }
        }
    }
}
