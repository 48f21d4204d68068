//! Regions, zones, node pools, nodes, GPU groups, placement and start-up of pods.
//!
//! | file | holds |
//! | --- | --- |
//! | `config` | regions and pools |
//! | `startup` | the stages of a cold start |
//! | `links` | links that transfers share |
//! | `cache` | the caches of a node for start-ups |
//! | `demand` | what is asked of the fleet |
//! | `pod` | a pod, from its creation to its end |
//! | `unit` | what is placed and billed as one: pods that share their GPUs |
//! | `node` | nodes, their GPUs and caches |
//! | `stock` | the nodes of a pool, and what the market grants |
//! | `faults` | fault sources, and which regions are cut off |
//! | `placement` | puts units on nodes, whole or not at all |
//! | `state` (`Fleet`) | all parts of the fleet together |
//! | `rooms` | free room, and what a scheduler answers |
//! | `outlook` | which waiting units will get GPUs |
//! | `transfers` | what starting pods fetch |
//! | `victims` | which replicas a scale-down deletes first |

mod cache;
mod config;
mod demand;
mod faults;
mod links;
mod node;
mod outlook;
mod placement;
mod pod;
mod rooms;
mod startup;
mod state;
mod stock;
mod transfers;
mod unit;
mod victims;

pub use cache::CacheSizes;
pub(crate) use cache::Held;
pub use config::{PoolConfig, Reclaim, Region};
pub(crate) use demand::Demands;
pub use demand::{Demand, Shape};
pub(crate) use faults::{Faults, begin_or_end};
pub(crate) use links::fixed_rate;
pub use links::{Link, LinkScope};
pub(crate) use node::{Node, NodeLife, Part, Parts};
pub(crate) use placement::NodeRoom;
pub(crate) use pod::{Lease, Life, Pod};
pub(crate) use rooms::{Step, Why};
pub use startup::{CacheKey, CachedStage, PeerFetch, Probe, StageKind, StageWork, Startup, StartupStage, Transfer};
pub(crate) use state::Fleet;
pub(crate) use stock::Stock;
pub(crate) use unit::{Hold, Unit, Use, use_of};
pub use victims::ScaleDownOrder;
pub(crate) use victims::{Candidate, Company, rank_victims};
