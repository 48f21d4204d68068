//! Money and retries in closed form.

/// Dollars for a million tokens from a GPU of this hourly price that makes `tokens_per_s` when
/// busy and is busy for this share of the time.
pub fn usd_per_million_tokens(usd_per_hour: f64, tokens_per_s: f64, utilisation: f64) -> f64 {
    const SECONDS_PER_HOUR: f64 = 3_600.0;
    usd_per_hour / (SECONDS_PER_HOUR * tokens_per_s * utilisation) * 1e6
}

/// Retries of attempts that fail independently with a fixed probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retries {
    /// Probability that an attempt fails.
    pub failure: f64,
    /// Retries after the first attempt.
    pub max_retries: u32,
}

impl Retries {
    fn all_fail(&self) -> f64 {
        self.failure.powf(f64::from(self.max_retries) + 1.0)
    }

    /// Attempts for each request.
    pub fn load_factor(&self) -> f64 {
        let attempts = f64::from(self.max_retries) + 1.0;
        if self.failure >= 1.0 { attempts } else { (1.0 - self.all_fail()) / (1.0 - self.failure) }
    }

    /// Attempts for each request when retries are limited to a share `budget` of requests, as in
    /// the retry budgets of Finagle and Linkerd.
    pub fn budgeted_load_factor(&self, budget: f64) -> f64 {
        self.load_factor().min(1.0 + budget)
    }

    /// Requests that succeed in the end, without a budget.
    pub fn success(&self) -> f64 {
        1.0 - self.all_fail()
    }
}

/// A load that swings as a sine over one period, and replicas that follow it without delay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Swing {
    /// Mean load.
    pub mean: f64,
    /// How far it swings to either side; above 0, at most the mean.
    pub amplitude: f64,
    /// Load that one replica carries.
    pub per_replica: f64,
    /// Length of the period, in the unit in which replica time is asked for.
    pub period: f64,
}

impl Swing {
    /// Fewest replicas: at the trough.
    pub fn fewest(&self) -> f64 {
        ((self.mean - self.amplitude) / self.per_replica).ceil()
    }

    /// Most replicas: at the peak.
    pub fn most(&self) -> f64 {
        ((self.mean + self.amplitude) / self.per_replica).ceil()
    }

    /// Replica time of one period with `ceil(load / per_replica)` replicas at each instant: the least
    /// that any policy needs which never has too few. The k-th further replica is there while the load
    /// is above what k carry: for a share `1/2 - asin((k * per_replica - mean) / amplitude) / pi`.
    pub fn replica_time(&self) -> f64 {
        let share = |k: f64| {
            let level = (k * self.per_replica - self.mean) / self.amplitude;
            0.5 - level.clamp(-1.0, 1.0).asin() / std::f64::consts::PI
        };
        let (fewest, steps) = (self.fewest(), (self.most() - self.fewest()).min(1e7) as u64);
        self.period * (fewest + (0..steps).map(|step| share(fewest + step as f64)).sum::<f64>())
    }

    /// Replica time of a fleet that is always as large as at the peak.
    pub fn static_time(&self) -> f64 {
        self.period * self.most()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_that_follow_a_swing() {
        let swing = Swing { mean: 60.0, amplitude: 40.0, per_replica: 7.0, period: 24.0 };
        assert_eq!((swing.fewest(), swing.most(), swing.static_time()), (3.0, 15.0, 360.0));
        // By adding up small steps of time.
        let steps = 1_000_000;
        let load = |i: i32| 60.0 + 40.0 * (std::f64::consts::TAU * f64::from(i) / f64::from(steps)).sin();
        let sum: f64 = (0..steps).map(|i| (load(i) / 7.0).ceil()).sum();
        assert!((swing.replica_time() - sum * 24.0 / f64::from(steps)).abs() < 1e-3);
    }

    #[test]
    fn hand_values() {
        assert!((usd_per_million_tokens(3.6, 1_000.0, 0.5) - 2.0).abs() < 1e-12);
        let coin = Retries { failure: 0.5, max_retries: 3 };
        assert_eq!((coin.load_factor(), coin.budgeted_load_factor(0.2), coin.success()), (1.875, 1.2, 0.9375));
        assert_eq!(Retries { failure: 1.0, max_retries: 3 }.load_factor(), 4.0);
        assert_eq!(Retries { failure: 0.0, max_retries: 3 }.load_factor(), 1.0);
    }
}
