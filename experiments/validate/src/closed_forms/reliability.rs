//! Availability in closed form: k out of n, regions that stand in for each other, and demand that
//! peaks at different hours.

/// The probability that at least `need` of `total` independent nodes are up, each with probability
/// `up`.
pub fn k_out_of_n(need: u32, total: u32, up: f64) -> f64 {
    if need == 0 {
        return 1.0;
    }
    if need > total || up <= 0.0 {
        return 0.0;
    }
    if up >= 1.0 {
        return 1.0;
    }
    // From all up downwards, each term from the last, in logarithms: no factor can overflow.
    let (mut log, odds) = (f64::from(total) * up.ln(), ((1.0 - up) / up).ln());
    let mut sum = log.exp();
    for j in (need..total).rev() {
        log += (f64::from(j + 1) / f64::from(total - j)).ln() + odds;
        sum += log.exp();
    }
    sum.min(1.0)
}

/// The machine repairman: nodes that live for exponential times, each away for an exponential time
/// once somebody repairs it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repairman {
    /// How many.
    pub nodes: u32,
    /// How many are repaired at once at most.
    pub repairers: u32,
    /// Mean life.
    pub up: f64,
    /// Mean repair, in the unit of `up`.
    pub down: f64,
}

impl Repairman {
    /// The probabilities that 0, 1, 2, ... nodes are down.
    fn down(&self) -> Vec<f64> {
        // Births and deaths, in logarithms, so that no factor can overflow.
        let mut log = 0.0;
        let mut logs = vec![0.0];
        for k in 1..=self.nodes {
            let (fail, repair) =
                (f64::from(self.nodes - k + 1) / self.up, f64::from(k.min(self.repairers)) / self.down);
            log += (fail / repair).ln();
            logs.push(log);
        }
        let highest = logs.iter().copied().fold(0.0, f64::max);
        let weights: Vec<f64> = logs.iter().map(|log| (log - highest).exp()).collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / total).collect()
    }

    /// How many are up on average.
    pub fn mean_up(&self) -> f64 {
        let weighted = self.down().into_iter().zip(0_u32..).map(|(p, down)| p * f64::from(self.nodes - down));
        weighted.sum()
    }

    /// The probability that at least `need` nodes are up.
    pub fn at_least(&self, need: u32) -> f64 {
        let Some(spare) = self.nodes.checked_sub(need) else { return 0.0 };
        self.down().into_iter().take(spare as usize + 1).sum()
    }
}

/// Regions that share the traffic equally and fail independently, each for exponential times; the
/// others take over once a failure is noticed. To first order in the unavailability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regions {
    /// Share of the time that a region is up; below 1.
    pub availability: f64,
    /// How many.
    pub regions: u32,
    /// From a failure until its traffic goes elsewhere, in the unit of `repair`.
    pub window: f64,
    /// Mean length of a failure.
    pub repair: f64,
}

impl Regions {
    /// Mean time between the end of a failure and the next.
    pub fn mean_time_between_failures(&self) -> f64 {
        self.repair * self.availability / (1.0 - self.availability)
    }

    /// Share of requests lost before failures are noticed.
    pub fn errors_before_detection(&self) -> f64 {
        self.window / (self.mean_time_between_failures() + self.repair)
    }

    /// Share of requests lost because all regions are down.
    pub fn errors_all_down(&self) -> f64 {
        (1.0 - self.availability).powf(f64::from(self.regions))
    }

    /// Share of requests lost if nothing takes over.
    pub fn errors_without_failover(&self) -> f64 {
        1.0 - self.availability
    }

    /// Capacity over demand with which one region can be spared; infinite for a single one.
    pub fn spare_capacity_factor(&self) -> f64 {
        f64::from(self.regions) / f64::from(self.regions - 1)
    }

    /// Highest utilisation at which one region can be spared.
    pub fn highest_utilisation(&self) -> f64 {
        self.spare_capacity_factor().recip()
    }
}

/// The peak of the sum of equal sinusoidal demands, `mean + amplitude * sin` each, whose daily peaks
/// are at `phases_h` hours.
pub fn peak_of_sum(mean: f64, amplitude: f64, phases_h: &[f64]) -> f64 {
    let (mut x, mut y) = (0.0, 0.0);
    for phase in phases_h {
        let (sin, cos) = (std::f64::consts::TAU * phase / 24.0).sin_cos();
        (x, y) = (x + cos, y + sin);
    }
    mean * phases_h.len() as f64 + amplitude.abs() * f64::hypot(x, y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_out_of_n_by_hand() {
        assert!((k_out_of_n(2, 3, 0.5) - 0.5).abs() < 1e-15);
        assert!((k_out_of_n(1, 2, 0.9) - 0.99).abs() < 1e-15);
        assert_eq!((k_out_of_n(3, 2, 0.9), k_out_of_n(0, 2, 0.0), k_out_of_n(2, 2, 1.0)), (0.0, 1.0, 1.0));
        assert!((k_out_of_n(1, 100_000, 0.5) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn regions_by_hand() {
        let pair = Regions { availability: 0.99, regions: 2, window: 0.1, repair: 1.0 };
        assert!((pair.mean_time_between_failures() - 99.0).abs() < 1e-9);
        assert!((pair.errors_before_detection() - 0.001).abs() < 1e-12);
        assert!((pair.errors_all_down() - 1e-4).abs() < 1e-15);
        assert_eq!((pair.highest_utilisation(), Regions { regions: 1, ..pair }.highest_utilisation()), (0.5, 0.0));
        assert!((Regions { regions: 3, ..pair }.highest_utilisation() - 2.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn opposite_peaks_cancel() {
        assert!((peak_of_sum(60.0, 40.0, &[0.0, 12.0]) - 120.0).abs() < 1e-9);
        assert!((peak_of_sum(60.0, 40.0, &[5.0, 5.0]) - 200.0).abs() < 1e-9);
        // By looking at each minute.
        let load =
            |t: f64| [1.0, 4.0, 9.0].iter().map(|p| 60.0 + 40.0 * (std::f64::consts::TAU * (t - p) / 24.0).cos()).sum();
        let most = (0..1_440).map(|minute| load(f64::from(minute) / 60.0)).fold(0.0, f64::max);
        assert!((peak_of_sum(60.0, 40.0, &[1.0, 4.0, 9.0]) - most).abs() < 1e-3);
    }
}
