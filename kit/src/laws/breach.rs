//! What a policy did that a law forbids.

use super::search::spoken;
use crate::world::WorldError;
use flashcrowd_core::SimTime;
use flashcrowd_core::ports::{Decision, Refusal};
use std::ops::RangeInclusive;

/// What a policy did that a law forbids, or why a world could not be played at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum Breach {
    /// A world that cannot be made or does not come to its end.
    #[error(transparent)]
    World(#[from] WorldError),
    /// A write outside the bounds.
    #[error("at {} it writes {wrote} replicas, and claims {} to {}", spoken(*.at), .claimed.start(), .claimed.end())]
    OutOfBounds { at: SimTime, wrote: u32, claimed: RangeInclusive<u32> },
    /// An action that the world refuses.
    #[error("at {} it asks for what is refused: {reason}", spoken(*.at))]
    Refused { at: SimTime, reason: Refusal },
    /// A cheaper bill than one that knows the arrivals.
    #[error(
        "it serves {:.2} % in time for ${cost:.4}, where who knows the arrivals pays ${bound_cost:.4} for {:.2} %, at \
         {utilization} of capacity",
        .kept * 100.0,
        .bound_kept * 100.0
    )]
    TooCheap { kept: f64, cost: f64, bound_kept: f64, bound_cost: f64, utilization: f64 },
    /// Two plays of one world that write different counts at one instant.
    #[error("at {} it writes {was} when the world is played first, and {is} when it is played again", spoken(*.at))]
    WritesOtherwise { at: SimTime, was: u32, is: u32 },
    /// Two plays of one world that decide at different instants.
    #[error("it decides at {} first, and at {} then", spoken(*.first), spoken(*.again))]
    DecidesAtOtherTimes { first: SimTime, again: SimTime },
    /// Two plays of one world that differ elsewhere.
    #[error("two plays of one world have different digests")]
    Digests,
    /// Two policies made alike that answer differently.
    #[error("its twin answers otherwise: {first:?} against {second:?}")]
    Twin { first: Box<Decision>, second: Box<Decision> },
    /// Decisions that differ before the worlds do.
    #[error(
        "the loads agree until {}, but it decides {} in one world and {} in the other",
        spoken(*.until),
        change(.one.as_ref()),
        change(.other.as_ref())
    )]
    Foresees { until: SimTime, one: Option<Change>, other: Option<Change> },
    /// Changes back and forth.
    #[error(
        "under a constant {rate} requests a minute it turns {turns} times after {settle_s} s, and claims {claimed}"
    )]
    Oscillates { rate: u32, turns: usize, settle_s: u32, claimed: usize },
    /// Fewer replicas for more load.
    #[error("with {factor} times the load it keeps {more:.2} replicas ready on average, and {less:.2} without")]
    FewerForMore { factor: u32, more: f64, less: f64 },
    /// A service that stays without replicas.
    #[error(
        "requests arrive from {first_s} s on, and {within_s} s and a start-up of {start_s} s later no replica is ready"
    )]
    StaysAtZero { first_s: f64, within_s: u32, start_s: u32 },
}

/// A decision: when, and the count before and after.
pub(super) type Change = (SimTime, u32, u32);

fn change(row: Option<&Change>) -> String {
    row.map_or("nothing".to_owned(), |(at, before, after)| format!("{before} -> {after} at {}", spoken(*at)))
}
