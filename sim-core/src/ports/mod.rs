//! The ports: what policies and traffic implement, what they see and what they may answer.
//!
//! A policy cannot reach the engine, the clock or the future. All that it may know is in an
//! [`Observation`], all that it may do is in a [`Decision`]; both are plain data, as is what its
//! [`Controller`] declares: when it runs, and what it is shown.

mod arrivals;
mod autoscaler;
mod capacity;
mod controller;
mod decision;
mod fault;
mod global_router;
mod maker;
mod node_autoscaler;
mod observation;
mod placement;
mod router;
mod signal;

pub use crate::fleet::{Demand, Shape};
pub use arrivals::{Arrival, ArrivalSource, Prefix, SourceError};
pub use autoscaler::Autoscaler;
pub use capacity::{CapacityPolicy, CapacityView, PlaceView};
pub use controller::{Controller, Schedule, Want, Watched};
pub use decision::{Action, Class, Decision, Explanation, Limit, MetricExplanation, Place, Published, Refusal};
pub use fault::{Area, Fault, FaultSource, TimedFault};
pub use global_router::{CellView, GlobalRouter};
pub use maker::Maker;
pub use node_autoscaler::{
    FleetView, HeldView, NodeAutoscaler, NodeDecision, NodeOrder, NodeView, NodeWake, NodeWakes, OfferView, OpenOrder,
    OrderAnswer, Patience, PoolView, WaitingView,
};
pub use observation::{
    JobCounts, Mode, Observation, Probe, ReplicaId, ReplicaPhase, ReplicaView, TargetId, TargetView, Wake, Work,
};
pub use placement::{Fit, Placement};
pub use router::Router;
pub use signal::{
    Adapter, Attribution, Batch, LatencyPart, MissingAs, Pipeline, Sample, Sampler, Scope, SignalId, SignalRequest,
    SignalSource, SignalView, Stamp, Transform,
};
