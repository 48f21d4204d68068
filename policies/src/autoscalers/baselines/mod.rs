//! Policies of our own, to compare others with.
//!
//! | policy | decides by |
//! | --- | --- |
//! | [`QueueDepth`] | requests that wait for each ready replica |
//! | [`ConcurrencyTarget`] | requests in flight for each replica |
//! | [`LatencyTarget`] | a latency percentile, with a PI controller |
//! | [`Timetable`] | the time of day |
//! | [`Predictive`] | a forecast of the arrivals one cold start ahead |
//! | [`Clairvoyant`] | the arrivals themselves: the bound |

mod clairvoyant;
mod concurrency;
mod latency;
mod parts;
mod predictive;
mod queue_depth;
mod timetable;

pub use clairvoyant::{Clairvoyant, ClairvoyantConfig, Oracle};
pub use concurrency::{ConcurrencyConfig, ConcurrencyTarget};
pub use latency::{LatencyConfig, LatencyTarget};
pub use parts::{Bounds, ConfigError};
pub use predictive::{Forecast, Predictive, PredictiveConfig};
pub use queue_depth::{QueueDepth, QueueDepthConfig};
pub use timetable::{Timetable, TimetableConfig};
