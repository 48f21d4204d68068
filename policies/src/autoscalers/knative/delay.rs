//! `scale-down-delay`: the largest recommendation of the last seconds, in slots of two seconds.
//!
//! Follows `pkg/autoscaler/scaling/autoscaler.go` and `pkg/autoscaler/aggregation/max/window.go` of
//! `knative/serving` @ 98e5ef90.

use std::collections::BTreeMap;

/// A decision comes every two seconds, and so does a slot.
const SLOT_S: i64 = 2;

/// The largest value of the newest slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DelayWindow {
    slots: i64,
    newest: Option<i64>,
    largest: BTreeMap<i64, i32>,
}

impl DelayWindow {
    /// A window of `delay_ns` nanoseconds; `None` for none.
    pub(super) fn new(delay_ns: i64) -> Option<Self> {
        let slot_ns = SLOT_S * 1_000_000_000;
        let slots = delay_ns.div_euclid(slot_ns) + i64::from(delay_ns.rem_euclid(slot_ns) > 0);
        (delay_ns > 0).then(|| DelayWindow { slots, newest: None, largest: BTreeMap::new() })
    }

    /// Adds a recommendation and returns the largest one that still counts.
    pub(super) fn largest_with(&mut self, now_s: i64, desired: i32) -> i32 {
        let slot = now_s.div_euclid(SLOT_S);
        let newest = self.newest.map_or(slot, |newest| newest.max(slot));
        self.newest = Some(newest);
        self.largest.entry(slot).and_modify(|most| *most = desired.max(*most)).or_insert(desired);
        self.largest.retain(|slot, _| *slot > newest - self.slots);
        self.largest.values().copied().max().unwrap_or(desired)
    }
}
