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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_values() {
        assert!((usd_per_million_tokens(3.6, 1_000.0, 0.5) - 2.0).abs() < 1e-12);
        let coin = Retries { failure: 0.5, max_retries: 3 };
        assert_eq!((coin.load_factor(), coin.budgeted_load_factor(0.2), coin.success()), (1.875, 1.2, 0.9375));
        assert_eq!(Retries { failure: 1.0, max_retries: 3 }.load_factor(), 4.0);
        assert_eq!(Retries { failure: 0.0, max_retries: 3 }.load_factor(), 1.0);
    }
}
