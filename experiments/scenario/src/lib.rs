//! Scenarios: what a user writes, and how it becomes runs.
//!
//! Each topic has a folder: `spec` is what its author writes, `resolve` what comes of it.
//!
//! | module | job |
//! | --- | --- |
//! | `service`, `serving`, `slo`, `startup`, `autoscaler`, `capacity` | services |
//! | `fleet`, `nodes`, `network`, `faults` | where they run, and what happens to it |
//! | `traffic`, `limits` | what comes, and what may not be exceeded |
//! | [`spec`] | the scenario as it is written, with all topics |
//! | `resolve`, `resolved`, `world` | from there to a variant, and to the world of a replicate |
//! | `written` | a resolved variant as a scenario again |
//! | [`form`] | what may stand where: short and old spellings, examples, the reference |
//! | `part`, [`policies`](policies()) | parts of the program's own that a scenario names; the list of policies |
//! | `settings`, `idle`, `errors` | where values come from; what has no effect; errors |
//! | [`load`], `copies` | from a name to all variants; services with `regions` |
//! | [`files`], [`shipped`] | files that a scenario names; those that are part of the program |
//! | [`registry`], [`external`] | policies of a user's own crate, and in other languages |

mod autoscaler;
mod capacity;
mod clock;
mod copies;
mod errors;
pub mod external;
mod faults;
pub mod files;
mod fleet;
pub mod form;
mod idle;
mod limits;
pub mod load;
mod network;
mod nodes;
mod part;
mod policies;
pub mod registry;
mod resolve;
mod resolved;
mod service;
mod serving;
mod settings;
pub mod shipped;
mod slo;
pub mod spec;
mod startup;
mod traffic;
mod world;
mod written;

pub use autoscaler::manifest::kind_of_manifest;
pub use autoscaler::resolved::{Make, MakeError, Making, ResolvedAutoscaler};
pub use errors::{manifest_error, source_error};
pub use files::InputHash;
pub use flashcrowd_language as language;
pub use fleet::catalog;
pub use load::{Loaded, Text};
pub use network::resolve::ResolvedRoute;
pub use policies::policies;
pub use registry::Registry;
pub use resolve::{Base, resolve};
pub use resolved::Resolved;
pub use service::resolved::ResolvedService;
pub use settings::{Setting, SettingOrigin};
pub use startup::tiers;
pub use traffic::place::{Source, TraceFile};
pub use traffic::resolve::ResolvedTraffic;
