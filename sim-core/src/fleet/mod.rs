//! Regions, zones, node pools, nodes, GPU groups, placement and start-up of replicas.
//!
//! | file | holds |
//! | --- | --- |
//! | `config` | regions and pools |
//! | `geography` | distances and egress prices between regions |
//! | `startup` | the stages of a cold start |
//! | `links` | links that transfers share |
//! | `cache` | what a node remembers of earlier starts |
//! | `node` | nodes, their GPUs and caches |
//! | `replica` | a replica's life, and what is known of it afterwards |
//! | `placement` | occupants onto nodes, whole or not at all |
//! | `victims` | which replicas go first on scale-down |

mod cache;
mod config;
mod geography;
mod links;
mod node;
mod placement;
mod replica;
mod startup;
mod victims;

pub use cache::CacheSizes;
pub(crate) use cache::Held;
pub use config::{PoolConfig, Reclaim, Region};
pub use geography::Geography;
pub use links::{Link, LinkScope};
pub(crate) use links::{Links, fixed_rate};
pub(crate) use node::{Allocation, Node, NodeLife};
pub(crate) use placement::{NodeRoom, Occupant, place};
pub(crate) use replica::{Life, Replica};
pub use startup::{CacheKey, CachedStage, PeerFetch, Probe, StageKind, StageWork, Startup, StartupStage, Transfer};
pub(crate) use victims::{Candidate, rank_victims};
