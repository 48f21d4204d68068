//! On-demand replicas in place of spot replicas that are not ready.

use flashcrowd_core::ports::CapacityView;

/// How many stand in (dynamic fallback): the target and the margin, less what is ready, at most the
/// target.
pub(super) fn fallback(seen: &CapacityView, margin: u32) -> u32 {
    seen.target.saturating_add(margin).saturating_sub(seen.spot_ready()).min(seen.target)
}
