//! What a curve came to: its points, measured and simulated, and their mean errors.

use flashcrowd_profiles::batch::rows::{Curve, Scenario};

/// A measured value and the simulated one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    /// Line of the row in its file, and the metric: `12:latency_ms`.
    pub(crate) id: String,
    /// `latency_ms`, `items_per_s` or `queue_share` (of the latency).
    pub(crate) metric: &'static str,
    /// Client batch in items.
    pub(crate) batch: u32,
    /// Requests in flight.
    pub(crate) concurrency: u32,
    /// What the table says.
    pub(crate) measured: f64,
    /// What the simulator says.
    pub(crate) simulated: f64,
}

impl Point {
    /// Relative error.
    pub(crate) fn error(&self) -> f64 {
        (self.simulated / self.measured - 1.0).abs()
    }
}

/// Which rows the profile of a point was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FittedOn {
    /// Rows of the same file, the point's own not among them: every other one of its curve.
    OtherHalf,
}

/// A curve's errors.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CurveError {
    /// Name of the profile that the curve makes.
    pub(crate) curve: String,
    /// Offline or online.
    pub(crate) scenario: Scenario,
    /// All points that were compared.
    pub(crate) points: Vec<Point>,
    /// Mean absolute percentage error of the latencies.
    pub(crate) mape: f64,
    /// The same of the throughputs.
    pub(crate) throughput_mape: f64,
    /// Mean absolute difference of the queue's share in the latency, in percentage points; `None`
    /// if it was not measured.
    pub(crate) queue_share_points: Option<f64>,
    /// Online: the error of throughputs without what was fitted under load; `None` offline.
    pub(crate) one_stage_throughput_mape: Option<f64>,
    /// Which rows the profiles were made from.
    pub(crate) fitted_on: FittedOn,
}

impl CurveError {
    /// `None` without points.
    pub(super) fn new(
        curve: &Curve<'_>,
        scenario: Scenario,
        points: Vec<Point>,
        one_stage: &[Point],
        fitted_on: FittedOn,
    ) -> Option<Self> {
        let share = |point: &&Point| point.metric == "queue_share";
        let difference = |point: &Point| (point.simulated - point.measured).abs();
        Some(CurveError {
            curve: flashcrowd_profiles::batch::name_of(curve.key),
            scenario,
            mape: percent(points.iter().filter(|point| point.metric == "latency_ms").map(Point::error))?,
            throughput_mape: percent(throughputs(&points))?,
            queue_share_points: percent(points.iter().filter(share).map(difference)),
            one_stage_throughput_mape: percent(throughputs(one_stage)),
            points,
            fitted_on,
        })
    }
}

fn throughputs(points: &[Point]) -> impl Iterator<Item = f64> {
    points.iter().filter(|point| point.metric == "items_per_s").map(Point::error)
}

/// The mean in percent; `None` of nothing.
fn percent(errors: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = errors.fold((0_u32, 0.0), |(count, sum), error| (count + 1, sum + error));
    (count > 0).then(|| 100.0 * sum / f64::from(count))
}
