//! Statistics: means, quantiles and differences with their intervals, and what they allow to say.
//!
//! Nothing here knows of figures or scenarios: values go in, and where they do not suffice (too few, or
//! one of them is no number) `None` comes out. docs/statistics.md says which method is used where.
//!
//! | file | holds |
//! | --- | --- |
//! | `student` | quantiles of Student's t |
//! | `interval` | a mean and its interval |
//! | `bounds` | the two ends of an interval that need not lie evenly around a mean |
//! | `differences` | the difference of two means, paired and not |
//! | `bootstrap` | the interval of a mean of skewed values, by resampling |
//! | `quantile` | the interval of a quantile, of any law |
//! | `warm_up` | how much of the beginning of a series to leave out |
//! | `batch_means` | the mean of one long run |
//! | `p_value`, `holm` | tests, one and many at once |
//! | `replicates` | how many more replicates an answer takes |
//! | `call` | whether a limit is held |
//! | `correlation` | whether two figures go together |

mod batch_means;
mod bootstrap;
mod bounds;
mod call;
mod correlation;
#[cfg(test)]
mod coverage;
mod differences;
mod holm;
mod interval;
mod p_value;
mod quantile;
mod replicates;
mod student;
mod warm_up;

pub use batch_means::{BatchMeans, batch_means};
pub use bootstrap::{Bootstrap, bootstrap};
pub use bounds::Bounds;
pub use call::{Call, call, call_bounds};
pub use correlation::correlation;
pub use differences::{paired, welch};
pub use holm::holm;
pub use interval::Interval;
pub use p_value::{chance_of, p_value};
pub use quantile::{fewest_values, quantile, quantile_of_counts, ranks};
pub use replicates::{MOST_MORE, POWER, Width, more_for_width, more_to_tell};
pub use student::{t_975, t_quantile};
pub use warm_up::{WarmUp, warm_up};
