//! What a run leaves behind: latency histograms, money, series, the decision log.
//!
//! Exports are pure functions of what stands here.

mod latency;
mod money;
mod period;
mod record;
mod tokens;

pub(crate) use latency::Parts;
pub use latency::{LateBecause, Latency, SloCount};
pub use money::{Bill, BillLine, GpuState, Money};
pub(crate) use period::PeriodHistogram;
pub use record::{
    ClientRecord, ControllerRecord, DecisionRecord, FleetRow, NodeRecord, ReplicaRecord, RequestRecord, RunRecord,
    SeriesRow, ServiceRecord, SignalValue, WorkRecord,
};
pub use tokens::TokenLatency;
