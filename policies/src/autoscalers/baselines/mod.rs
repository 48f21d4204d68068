//! Policies of our own, to compare others with. What each decides by stands in its `INFO`.

mod clairvoyant;
pub use clairvoyant::{Clairvoyant, ClairvoyantConfig, Oracle};

mod concurrency;
pub use concurrency::{ConcurrencyConfig, ConcurrencyTarget};

mod latency;
pub use latency::{LatencyConfig, LatencyTarget};

mod parts;
pub use parts::{Bounds, ConfigError};

mod predictive;
pub use predictive::{Forecast, Predictive, PredictiveConfig};

mod queue_depth;
pub use queue_depth::{QueueDepth, QueueDepthConfig};

mod timetable;
pub use timetable::{Timetable, TimetableConfig};
