//! What a run leaves behind: latency histograms, money, series, the decision log.
//!
//! Exports are pure functions of what stands here.

mod latency;
mod money;
mod record;
mod tally;
mod tokens;

pub(crate) use latency::Parts;
pub use latency::{LateBecause, Latency, SloCount};
pub use money::{Bill, BillLine, GpuState, Money};
pub use record::{
    ClientRecord, ControllerRecord, DecisionRecord, EgressRecord, FaultRecord, FleetRow, HealthRecord, MarketRecord,
    Measured, NodeRecord, NodeScalerRecord, ReplicaRecord, RequestRecord, RunRecord, SeriesRow, ServedRecord,
    ServiceRecord, SignalValue, WorkRecord,
};
pub(crate) use tally::Tally;
pub use tokens::TokenLatency;
