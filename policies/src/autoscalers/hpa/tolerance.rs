//! Whether a ratio of usage to target is close enough to 1 to leave things as they are.

use super::config::{HpaConfig, Variant};

/// The tolerance of each direction, and which controller's test applies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tolerance {
    variant: Variant,
    down: f64,
    up: f64,
    edge_is_within: bool,
}

impl Tolerance {
    pub(super) fn of(config: &HpaConfig) -> Self {
        let settings = config.settings();
        let (mut down, mut up) = (settings.tolerance, settings.tolerance);
        if settings.variant == Variant::K8s2026Backport
            && let Some(directions) = config.directions()
        {
            down = directions.down.tolerance.unwrap_or(down);
            up = directions.up.tolerance.unwrap_or(up);
        }
        Tolerance { variant: settings.variant, down, up, edge_is_within: config.rules.tolerance_edge_is_within }
    }

    /// The two forms differ in floating point: 1.1 with a tolerance of 0.1 is outside in 1.28
    /// (`abs(1.0 - 1.1)` is a little more than 0.1) and inside in 2026.
    pub(super) fn within(self, ratio: f64) -> bool {
        match (self.variant, self.edge_is_within) {
            (Variant::K8s128, true) => (1.0 - ratio).abs() <= self.up,
            (Variant::K8s128, false) => (1.0 - ratio).abs() < self.up,
            (Variant::K8s2026Backport, true) => 1.0 - self.down <= ratio && ratio <= 1.0 + self.up,
            (Variant::K8s2026Backport, false) => 1.0 - self.down < ratio && ratio < 1.0 + self.up,
        }
    }

    /// [`Tolerance::within`] as the per-pod External and Object path asks it: 1.28 tests for
    /// "outside", which NaN (nothing over no replicas) is not.
    pub(super) fn within_or_nan(self, ratio: f64) -> bool {
        self.within(ratio) || (ratio.is_nan() && self.variant == Variant::K8s128)
    }
}
