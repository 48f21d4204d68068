//! What is measured of a played plant.

use super::plant::Plant;
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::ports::LatencyPart;
use hdrhistogram::Histogram;

/// A value that a run gives; times are in the test's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Statistic {
    /// Mean wait.
    Wait,
    /// Mean time in the system.
    Sojourn,
    /// Mean time in the system over mean service time.
    Slowdown,
    /// Share of requests that wait.
    Waited,
    /// Share that waits for at most so long.
    WaitAtMost(f64),
    /// Share that waits for longer.
    WaitBeyond(f64),
    /// Quantile of the wait.
    WaitQuantile(f64),
    /// Share that is rejected.
    Rejected,
    /// Completions per unit of time.
    Goodput,
    /// Mean number in service.
    InService,
    /// The same for each server.
    Utilisation,
    /// Mean number present.
    Present,
    /// Mean number present beyond the servers.
    Waiting,
    /// Variance over time of the number present.
    PresentVariance,
    /// Share of time with exactly so many.
    PresentIs(u32),
    /// Share of time with at least so many.
    PresentAtLeast(u32),
    /// Number present at the end.
    PresentAtEnd,
}

/// What one replicate says about a statistic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Observation {
    /// A ratio, to be formed of the sums over all replicates.
    Ratio(f64, f64),
    /// A value, to be averaged.
    Value(f64),
    /// A value of which the highest of all replicates counts; it has no interval.
    Peak(f64),
}

/// One played replicate: the whole run and, if it was needed, the warm-up alone.
pub(super) struct Played {
    pub(super) whole: RunRecord,
    pub(super) warm: Option<RunRecord>,
}

impl Statistic {
    /// Whether it is an integral or a count over the run, from which the warm-up must be taken.
    pub(super) fn needs_window(self) -> bool {
        use Statistic as S;
        !matches!(
            self,
            S::Wait | S::Sojourn | S::Slowdown | S::Waited | S::WaitAtMost(_) | S::WaitBeyond(_) | S::WaitQuantile(_)
        )
    }

    /// Whether it needs the time at each number present.
    pub(super) fn needs_levels(self) -> bool {
        use Statistic as S;
        matches!(self, S::Present | S::Waiting | S::PresentVariance | S::PresentIs(_) | S::PresentAtLeast(_))
    }

    /// What a replicate says.
    pub(super) fn observe(self, plant: &Plant, played: &Played) -> Observation {
        let ratio = Observation::Ratio;
        let latency = &played.whole.services[0].latency;
        let count = latency.count(LatencyPart::Queue) as f64;
        let total = |part: LatencyPart| latency.sum_ps(part) as f64 / 1e12;
        let waits = || latency.part(LatencyPart::Queue);
        let share_within = |t: f64| waits().map_or(0.0, |waits| within(&waits, t / plant.unit * 1e6));
        match self {
            Statistic::Wait => ratio(total(LatencyPart::Queue) * plant.unit, count),
            Statistic::Sojourn => ratio(total(LatencyPart::EndToEnd) * plant.unit, count),
            Statistic::Slowdown => ratio(total(LatencyPart::EndToEnd), count),
            Statistic::Waited => ratio(count - waits().map_or(0, |waits| waits.count_at(0)) as f64, count),
            Statistic::WaitAtMost(t) => ratio(share_within(t), count),
            Statistic::WaitBeyond(t) => ratio(count - share_within(t), count),
            Statistic::WaitQuantile(q) => {
                Observation::Value(waits().map_or(0.0, |waits| quantile(&waits, q)) / 1e6 * plant.unit)
            }
            Statistic::PresentAtEnd => ratio(played.whole.clients[0].requests.live_at_end as f64, 1.0),
            _ => self.observe_window(plant, &Window::new(played), plant.span),
        }
    }

    fn observe_window(self, plant: &Plant, window: &Window<'_>, span: f64) -> Observation {
        let levels = |weight: &dyn Fn(f64) -> f64| {
            let times = window.occupancy().zip(0_u32..);
            times.map(|(time, n)| time * weight(f64::from(n))).sum::<f64>()
        };
        let of_time = |time: f64| Observation::Ratio(time, span);
        let flag = |yes: bool| f64::from(u8::from(yes));
        match self {
            Statistic::Rejected => {
                Observation::Ratio(window.clients(|c| c.requests.rejected), window.clients(|c| c.requests.arrived))
            }
            Statistic::Goodput => of_time(window.clients(|c| c.requests.completed) / plant.unit),
            Statistic::InService => of_time(window.running()),
            Statistic::Utilisation => of_time(window.running() / plant.servers),
            Statistic::Present => of_time(levels(&|n| n)),
            Statistic::Waiting => of_time(levels(&|n| (n - plant.servers).max(0.0))),
            Statistic::PresentIs(k) => of_time(levels(&|n| flag(n == f64::from(k)))),
            Statistic::PresentAtLeast(k) => of_time(levels(&|n| flag(n >= f64::from(k)))),
            Statistic::PresentVariance => {
                let mean = levels(&|n| n) / span;
                Observation::Value(levels(&|n| (n - mean) * (n - mean)) / span)
            }
            // Other requests arrived outside the window.
            _ => Observation::Value(f64::NAN),
        }
    }
}

/// The measured part of a run: the whole less the warm-up.
struct Window<'a>(&'a Played);

impl Window<'_> {
    fn new(played: &Played) -> Window<'_> {
        Window(played)
    }

    fn difference(&self, of: impl Fn(&RunRecord) -> f64) -> f64 {
        of(&self.0.whole) - self.0.warm.as_ref().map_or(0.0, of)
    }

    fn clients(&self, of: impl Fn(&flashcrowd_core::ledger::ClientRecord) -> u64) -> f64 {
        self.difference(|record| record.clients.iter().map(&of).sum::<u64>() as f64)
    }

    fn running(&self) -> f64 {
        self.difference(|record| record.services[0].running_s)
    }

    fn occupancy(&self) -> impl Iterator<Item = f64> {
        let levels = 0..self.0.whole.services[0].occupancy_s.len();
        levels.map(|n| self.difference(|record| record.services[0].occupancy_s.get(n).copied().unwrap_or(0.0)))
    }
}

/// How many of the recorded values are at most `us`. A bucket that holds the bound counts in
/// part, except the first, whose values are zero.
fn within(histogram: &Histogram<u64>, us: f64) -> f64 {
    if us < 0.0 {
        return 0.0;
    }
    let share = |bucket: &Bucket| {
        if bucket.low == 0.0 { 1.0 } else { ((us - bucket.low) / bucket.width).clamp(0.0, 1.0) }
    };
    buckets(histogram).take_while(|bucket| bucket.low <= us).map(|bucket| bucket.count * share(&bucket)).sum()
}

/// The value that a share `q` of the recorded ones does not exceed, interpolated in its bucket.
pub(super) fn quantile(histogram: &Histogram<u64>, q: f64) -> f64 {
    let rank = q * histogram.len() as f64;
    let (mut below, mut last) = (0.0, 0.0);
    for bucket in buckets(histogram) {
        if below + bucket.count >= rank {
            let share = if bucket.low == 0.0 { 0.0 } else { (rank - below) / bucket.count };
            return bucket.low + bucket.width * share;
        }
        below += bucket.count;
        last = bucket.low + bucket.width;
    }
    last
}

struct Bucket {
    low: f64,
    width: f64,
    count: f64,
}

fn buckets(histogram: &Histogram<u64>) -> impl Iterator<Item = Bucket> + '_ {
    histogram.iter_recorded().map(|entry| {
        let value = entry.value_iterated_to();
        Bucket {
            low: histogram.lowest_equivalent(value) as f64,
            width: histogram.equivalent_range(value) as f64,
            count: entry.count_at_value() as f64,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_quantiles_are_interpolated() {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 1 << 40, 3).unwrap();
        histogram.record_n(0, 500).unwrap();
        (0..500_u64).for_each(|i| histogram.record(2_000_000 + i * 2_000).unwrap());
        assert_eq!((within(&histogram, -1.0), within(&histogram, 0.0), within(&histogram, 1e6)), (0.0, 500.0, 500.0));
        assert!((within(&histogram, 2_500_000.0) - 750.0).abs() < 1.5);
        assert!((quantile(&histogram, 0.75) - 2_500_000.0).abs() < 3_000.0);
        assert_eq!(quantile(&histogram, 0.3), 0.0);
        assert!(quantile(&histogram, 1.0) >= 2_998_000.0);
    }
}
