//! Erlang's formulas and the waiting time of M/M/c, first come first served.
//!
//! Source: A. K. Erlang, "Solution of some problems in the theory of probabilities of significance
//! in automatic telephone exchanges", 1917; the recursion is in every teletraffic text
//! (e.g. ITU-D SG 2/16 Handbook, chapter 7).

/// Probability that all of `servers` are busy when blocked requests leave (Erlang B), for an
/// offered load in erlangs. Holds for every law of service times.
///
/// ```
/// use flashcrowd_validate::closed_forms::erlang::erlang_b;
/// assert!((erlang_b(1, 1.0) - 0.5).abs() < 1e-15);
/// ```
pub fn erlang_b(servers: u64, load: f64) -> f64 {
    // The recursion over servers neither overflows nor cancels.
    (1..=servers).fold(1.0, |blocking, k| load * blocking / (k as f64 + load * blocking))
}

/// Probability of waiting in M/M/c (Erlang C); 1 at or above saturation.
pub fn erlang_c(servers: u64, load: f64) -> f64 {
    waiting_from_blocking(servers, load, erlang_b(servers, load))
}

/// Erlang C from Erlang B of the same load and number of servers.
pub(super) fn waiting_from_blocking(servers: u64, load: f64, blocking: f64) -> f64 {
    let utilisation = load / servers as f64;
    if utilisation < 1.0 { blocking / (1.0 - utilisation * (1.0 - blocking)) } else { 1.0 }
}

/// M/M/c: Poisson arrivals, exponential service, one queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultiServer {
    /// Arrivals per unit of time.
    pub arrival_rate: f64,
    /// Completions of one busy server per unit of time.
    pub service_rate: f64,
    /// Servers.
    pub servers: u64,
}

impl MultiServer {
    /// Offered load in erlangs.
    pub fn load(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// Share of time that a server is busy, if below 1.
    pub fn utilisation(&self) -> f64 {
        self.load() / self.servers as f64
    }

    /// Probability of waiting.
    pub fn waiting_probability(&self) -> f64 {
        erlang_c(self.servers, self.load())
    }

    /// Rate at which a full system drains.
    fn spare_rate(&self) -> f64 {
        self.servers as f64 * self.service_rate - self.arrival_rate
    }

    /// Mean wait of all requests.
    pub fn mean_wait(&self) -> f64 {
        if self.utilisation() < 1.0 { self.waiting_probability() / self.spare_rate() } else { f64::INFINITY }
    }

    /// Mean time in the system.
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_wait() + 1.0 / self.service_rate
    }

    /// Probability of a wait longer than `t`.
    pub fn wait_exceeds(&self, t: f64) -> f64 {
        if self.utilisation() < 1.0 { self.waiting_probability() * (-self.spare_rate() * t).exp() } else { 1.0 }
    }

    /// The wait that a share `q` of requests does not exceed.
    pub fn wait_quantile(&self, q: f64) -> f64 {
        if self.utilisation() >= 1.0 {
            return f64::INFINITY;
        }
        ((self.waiting_probability() / (1.0 - q)).ln() / self.spare_rate()).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs().max(1.0)
    }

    #[test]
    fn blocking_agrees_with_the_sum() {
        // (a^c / c!) / sum a^k / k! by hand: a = 2, c = 3 gives (8/6) / (1 + 2 + 2 + 8/6) = 4/19.
        assert!(close(erlang_b(3, 2.0), 4.0 / 19.0));
        assert!(close(erlang_b(0, 2.0), 1.0));
        assert!(close(erlang_b(10, 8.0), 0.121_661_064_252_951_5));
        assert!(erlang_b(1_000_000, 1_000_000.0) > 0.0);
    }

    #[test]
    fn one_server_is_mm1() {
        let queue = MultiServer { arrival_rate: 0.9, service_rate: 1.0, servers: 1 };
        assert!(close(queue.waiting_probability(), 0.9));
        assert!(close(queue.mean_wait(), 9.0) && close(queue.mean_sojourn(), 10.0));
        assert!(close(queue.wait_quantile(0.99), (0.9_f64 / 0.01).ln() / 0.1));
        assert!(close(queue.wait_exceeds(queue.wait_quantile(0.95)), 0.05));
        assert_eq!(queue.wait_quantile(0.05), 0.0);
    }

    #[test]
    fn saturation_is_no_number() {
        let queue = MultiServer { arrival_rate: 2.0, service_rate: 1.0, servers: 2 };
        assert_eq!(queue.waiting_probability(), 1.0);
        assert!(queue.mean_wait().is_infinite() && queue.wait_quantile(0.5).is_infinite());
    }
}
