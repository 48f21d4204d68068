//! `spec.replicas`: a register that any controller may write, and how it moved.

use crate::clock::{SimDuration, SimTime};

/// The register of one service.
#[derive(Debug)]
pub(crate) struct Register {
    spec: u32,
    ups: u64,
    downs: u64,
    /// Changes against the direction of the one before.
    reversals: u64,
    rose: Option<bool>,
    /// The highest value so far, the time spent there, and since when it has stood there.
    highest: u32,
    at_highest: SimDuration,
    since: SimTime,
}

/// How a register moved over a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moves {
    pub(crate) ups: u64,
    pub(crate) downs: u64,
    pub(crate) reversals: u64,
    pub(crate) highest: u32,
    pub(crate) at_highest: SimDuration,
}

impl Register {
    /// A register with its first value.
    pub(crate) fn new(spec: u32) -> Self {
        Register {
            spec,
            ups: 0,
            downs: 0,
            reversals: 0,
            rose: None,
            highest: spec,
            at_highest: SimDuration::ZERO,
            since: SimTime::ZERO,
        }
    }

    /// The present value.
    pub(crate) fn spec(&self) -> u32 {
        self.spec
    }

    /// Copies the register of another service; this does not count as a change.
    pub(crate) fn follow(&mut self, spec: u32) {
        self.spec = spec;
    }

    /// Writes a value and counts the change.
    pub(crate) fn write(&mut self, spec: u32, now: SimTime) {
        let before = std::mem::replace(&mut self.spec, spec);
        if spec == before {
            return;
        }
        let rises = spec > before;
        *(if rises { &mut self.ups } else { &mut self.downs }) += 1;
        self.reversals += u64::from(self.rose == Some(!rises));
        self.rose = Some(rises);
        if before == self.highest {
            self.at_highest += now.since(self.since);
        }
        if spec > self.highest {
            (self.highest, self.at_highest) = (spec, SimDuration::ZERO);
        }
        self.since = now;
    }

    /// How it has moved up to the end of the run.
    pub(crate) fn moves(&self, end: SimTime) -> Moves {
        let open = if self.spec == self.highest { end.since(self.since) } else { SimDuration::ZERO };
        let Register { ups, downs, reversals, highest, at_highest, .. } = *self;
        Moves { ups, downs, reversals, highest, at_highest: at_highest + open }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_reversals_and_the_time_at_the_highest_are_counted() {
        let mut register = Register::new(2);
        for (at, spec) in [(10, 4), (20, 4), (30, 3), (40, 1), (50, 4), (60, 3)] {
            register.write(spec, SimTime::from_s(at));
        }
        register.follow(9);
        assert_eq!(register.spec(), 9);
        register.follow(3);
        let at_highest = SimDuration::from_s(20 + 10);
        assert_eq!(
            register.moves(SimTime::from_s(70)),
            Moves { ups: 2, downs: 3, reversals: 3, highest: 4, at_highest }
        );
    }
}
