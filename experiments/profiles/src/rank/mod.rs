//! One rank of an engine: what of a model it holds, and how many tokens its cache then has room for.
//!
//! | module | holds |
//! | --- | --- |
//! | `parallelism` | how ranks share a model |
//! | `weights` | bytes of weights |
//! | `cache` | bytes of the cache, and the blocks it is kept in |
//! | `memory` | what an engine takes beside both |

mod cache;
mod memory;
mod parallelism;
mod weights;

pub use cache::{BLOCK_TOKENS, Cache};
pub use memory::{Budget, DoesNotFit, Settings};
pub use parallelism::{MOST_RANKS, Parallelism, ParallelismError};
pub(crate) use weights::absorbed_params;
pub use weights::{Weights, weights};
