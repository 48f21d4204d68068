//! What a run leaves behind: latency histograms, money, series, the decision log.
//!
//! Exports are pure functions of what stands here.

mod account;
mod books;
pub mod buckets;
mod latency;
mod money;
mod parts;
mod record;
mod tally;
mod tokens;

pub(crate) use account::{Account, Completed, Done};
pub(crate) use books::Books;
pub use latency::{Counts, Latency, SloCount};
pub use money::{Bill, BillLine, GpuState, Money};
pub(crate) use parts::Parts;
pub use parts::{FailBecause, LateBecause, RequestParts};
pub use record::{
    CapacityRecord, ClientRecord, ControllerRecord, DecisionRecord, EgressRecord, FaultRecord, FleetRow, HealthRecord,
    NodeRecord, NodeScalerRecord, ReplicaRecord, RequestCounts, RequestRecord, RunRecord, SeriesRow, ServedRecord,
    ServiceRecord, SignalValue, WorkRecord,
};
pub(crate) use tally::Tally;
