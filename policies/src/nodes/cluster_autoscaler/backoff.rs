//! Back-off of node groups whose nodes did not come (`utils/backoff/exponential_backoff.go`).

use flashcrowd_core::{SimDuration, SimTime};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug)]
struct Entry {
    span: SimDuration,
    until: SimTime,
    failed: SimTime,
}

/// Which groups are left alone, and until when.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    initial: SimDuration,
    max: SimDuration,
    reset: SimDuration,
    groups: BTreeMap<usize, Entry>,
}

impl Backoff {
    pub(super) fn new(initial: SimDuration, max: SimDuration, reset: SimDuration) -> Self {
        Backoff { initial, max, reset, groups: BTreeMap::new() }
    }

    /// A group failed. A failure while it is left alone starts at the initial span, as upstream does.
    pub(super) fn fail(&mut self, group: usize, now: SimTime) {
        let before = self.groups.get(&group).filter(|entry| entry.until < now);
        let span = before.map_or(self.initial, |entry| (entry.span * 2).min(self.max));
        self.groups.insert(group, Entry { span, until: now + span, failed: now });
    }

    pub(super) fn holds(&self, group: usize, now: SimTime) -> bool {
        self.groups.get(&group).is_some_and(|entry| entry.until > now)
    }

    /// The nodes of a group came.
    pub(super) fn forget(&mut self, group: usize) {
        self.groups.remove(&group);
    }

    /// Forgets failures of long ago.
    pub(super) fn age(&mut self, now: SimTime) {
        let reset = self.reset;
        self.groups.retain(|_, entry| entry.failed + reset >= now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_a_bound_and_is_forgotten_after_a_while() {
        let minutes = |minutes: u64| SimDuration::from_s(60 * minutes);
        let at = |minutes: u64| SimTime::from_s(60 * minutes);
        let mut backoff = Backoff::new(minutes(5), minutes(30), minutes(180));
        let mut now = 0;
        for span in [5, 10, 20, 30, 30] {
            backoff.fail(0, at(now));
            assert!(backoff.holds(0, at(now + span - 1)), "after a failure at {now}");
            assert!(!backoff.holds(0, at(now + span)), "after a failure at {now}");
            now += span + 1;
        }
        // The last failure was at 69 minutes.
        backoff.age(at(69 + 180));
        backoff.fail(0, at(69 + 180));
        assert!(backoff.holds(0, at(69 + 180 + 29)), "not yet forgotten");
        backoff.age(at(249 + 181));
        backoff.fail(0, at(249 + 181));
        assert!(!backoff.holds(0, at(249 + 181 + 5)), "forgotten: five minutes again");
    }
}
