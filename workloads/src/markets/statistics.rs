//! Statistics of recorded and generated spot capacity, on a grid: availability, runs, preemptions,
//! correlation and joint unavailability.

/// Statistics of one series of counts at equal gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SeriesStatistics {
    /// Samples.
    pub samples: u64,
    /// Highest count.
    pub most: u32,
    /// Share of the samples with at least one node.
    pub available: f64,
    /// Share of the samples with the highest count.
    pub full: f64,
    /// Up runs (at least one node) that begin and end within the series.
    pub up: RunStatistics,
    /// Down runs (no node) that begin and end within the series.
    pub down: RunStatistics,
    /// Samples with fewer nodes than the one before.
    pub drops: u64,
    /// Those that are lower by two or more.
    pub large_drops: u64,
    /// Nodes lost in all drops.
    pub lost: u64,
    /// Time up over preemptions (up runs that end), in hours; infinite if none ends.
    pub mean_time_to_preemption_h: f64,
}

/// Statistics of the lengths of runs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RunStatistics {
    /// How many.
    pub runs: u64,
    /// Mean, in hours; 0 without runs, as the following.
    pub mean_h: f64,
    /// Median, in hours.
    pub median_h: f64,
    /// Standard deviation over mean.
    pub cv: f64,
}

/// Statistics of a series with a sample every `gap_s` seconds.
pub fn series_statistics(counts: &[u32], gap_s: f64) -> SeriesStatistics {
    let most = counts.iter().copied().max().unwrap_or(0);
    let share = |is: &dyn Fn(u32) -> bool| {
        counts.iter().filter(|count| is(**count)).count() as f64 / counts.len().max(1) as f64
    };
    let falls: Vec<u64> = counts.windows(2).map(|pair| u64::from(pair[0].saturating_sub(pair[1]))).collect();
    let preemptions = counts.windows(2).filter(|pair| pair[0] > 0 && pair[1] == 0).count();
    let up_h = counts.iter().filter(|count| **count > 0).count() as f64 * gap_s / 3_600.0;
    SeriesStatistics {
        samples: counts.len() as u64,
        most,
        available: share(&|count| count > 0),
        full: share(&|count| count == most && most > 0),
        up: run_statistics(&mut whole_runs(counts, true), gap_s),
        down: run_statistics(&mut whole_runs(counts, false), gap_s),
        drops: falls.iter().filter(|lost| **lost > 0).count() as u64,
        large_drops: falls.iter().filter(|lost| **lost > 1).count() as u64,
        lost: falls.iter().sum(),
        mean_time_to_preemption_h: up_h / preemptions as f64,
    }
}

/// Lengths in samples of the runs of one state, without the first and the last run of the series,
/// whose ends are not seen.
pub fn whole_runs(counts: &[u32], up: bool) -> Vec<u64> {
    let runs: Vec<(bool, u64)> =
        counts.chunk_by(|a, b| (*a > 0) == (*b > 0)).map(|run| (run[0] > 0, run.len() as u64)).collect();
    let inner = runs.get(1..runs.len().saturating_sub(1)).unwrap_or_default();
    inner.iter().filter(|run| run.0 == up).map(|run| run.1).collect()
}

/// Statistics of lengths in samples.
pub fn run_statistics(lengths: &mut [u64], gap_s: f64) -> RunStatistics {
    if lengths.is_empty() {
        return RunStatistics::default();
    }
    lengths.sort_unstable();
    let n = lengths.len();
    let hours = |length: f64| length * gap_s / 3_600.0;
    let mean = lengths.iter().map(|length| *length as f64).sum::<f64>() / n as f64;
    let variance = lengths.iter().map(|length| (*length as f64 - mean).powi(2)).sum::<f64>() / n as f64;
    let median = (lengths[(n - 1) / 2] + lengths[n / 2]) as f64 / 2.0;
    RunStatistics { runs: n as u64, mean_h: hours(mean), median_h: hours(median), cv: variance.sqrt() / mean }
}

/// How zones are up and down together: samples of all zones at equal instants, counted by pattern.
#[derive(Clone, Debug)]
pub struct Together {
    zones: usize,
    samples: u64,
    /// Bit `z` of the index: zone `z` is down.
    patterns: Vec<u64>,
}

/// Most zones that can be counted together.
pub const MAX_TOGETHER: usize = 16;

impl Together {
    /// None yet. More than [`MAX_TOGETHER`] zones are cut to that.
    pub fn new(zones: usize) -> Self {
        let zones = zones.min(MAX_TOGETHER);
        Together { zones, samples: 0, patterns: vec![0; 1 << zones] }
    }

    /// Adds series of all zones, over as many samples as the shortest has.
    pub fn add(&mut self, series: &[Vec<u32>]) {
        let series = &series[..self.zones.min(series.len())];
        for sample in 0..series.iter().map(Vec::len).min().unwrap_or(0) {
            let down = |(zone, counts): (usize, &Vec<u32>)| usize::from(counts[sample] == 0) << zone;
            self.patterns[series.iter().enumerate().map(down).sum::<usize>()] += 1;
            self.samples += 1;
        }
    }

    /// The share of samples in which all zones of `mask` are down.
    fn all_down(&self, mask: usize) -> f64 {
        let hits: u64 = self.patterns.iter().enumerate().filter(|(p, _)| p & mask == mask).map(|(_, n)| n).sum();
        hits as f64 / self.samples.max(1) as f64
    }

    /// Share of the time that a zone is up.
    pub fn availability(&self, zone: usize) -> f64 {
        1.0 - self.all_down(1 << zone)
    }

    /// Pearson correlation of two zones being up; NaN if one never changes.
    pub fn correlation(&self, a: usize, b: usize) -> f64 {
        let (down_a, down_b) = (self.all_down(1 << a), self.all_down(1 << b));
        let covariance = self.all_down(1 << a | 1 << b) - down_a * down_b;
        covariance / (down_a * (1.0 - down_a) * down_b * (1.0 - down_b)).sqrt()
    }

    /// The probability that all of `k` zones are down, averaged over all sets of `k` zones.
    pub fn joint_unavailability(&self, k: u32) -> f64 {
        let sets: Vec<usize> = (0..self.patterns.len()).filter(|mask| mask.count_ones() == k).collect();
        sets.iter().map(|mask| self.all_down(*mask)).sum::<f64>() / sets.len().max(1) as f64
    }
}
