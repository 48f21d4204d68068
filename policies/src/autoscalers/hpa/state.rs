//! What the controller remembers between two reconciles of one HPA.
//!
//! The lists are kept in slot order: which slot is overwritten decides what a later look back
//! still finds, so the quirk is part of the algorithm.

use super::decision::Conditions;

/// A recommendation before stabilization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recommendation {
    /// The count.
    pub replicas: i32,
    /// When, in nanoseconds.
    pub at: i64,
}

/// A change of the scale that the controller made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleEvent {
    /// How many replicas were added or removed.
    pub change: i32,
    /// When, in nanoseconds.
    pub at: i64,
    /// Whether it may be overwritten. Until it is, it is still read.
    pub(super) outdated: bool,
}

/// The controller's memory. It starts empty, as after a restart of the controller manager.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HpaState {
    pub(super) recommendations: Vec<Recommendation>,
    pub(super) ups: Vec<ScaleEvent>,
    pub(super) downs: Vec<ScaleEvent>,
    pub(super) conditions: Conditions,
}

impl HpaState {
    /// Recommendations in slot order.
    pub fn recommendations(&self) -> &[Recommendation] {
        &self.recommendations
    }

    /// Changes upwards in slot order.
    pub fn scale_up_events(&self) -> &[ScaleEvent] {
        &self.ups
    }

    /// Changes downwards in slot order.
    pub fn scale_down_events(&self) -> &[ScaleEvent] {
        &self.downs
    }

    /// The conditions of the HPA's status.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Puts the current count on the list if that is still empty.
    pub(super) fn seed(&mut self, current: i32, now: i64) {
        if self.recommendations.is_empty() {
            self.recommendations.push(Recommendation { replicas: current, at: now });
        }
    }

    /// Writes a recommendation to `slot`, or behind the others.
    pub(super) fn record(&mut self, slot: Option<usize>, entry: Recommendation) {
        match slot.and_then(|slot| self.recommendations.get_mut(slot)) {
            Some(old) => *old = entry,
            None => self.recommendations.push(entry),
        }
    }
}

/// Stores a change in the list of its direction, over the last outdated one if there is any.
pub(super) fn store_event(events: &mut Vec<ScaleEvent>, change: i32, longest_period_ns: i64, now: i64) {
    let cutoff = now.saturating_sub(longest_period_ns);
    let mut slot = None;
    for event in events.iter_mut() {
        if event.at < cutoff {
            event.outdated = true;
        }
        if event.outdated {
            slot = Some(event);
        }
    }
    let new = ScaleEvent { change, at: now, outdated: false };
    match slot {
        Some(old) => *old = new,
        None => events.push(new),
    }
}
