//! The waiting-time model of M/D/1.
//!
//! Erlang's sum for it alternates and loses all digits after some twenty service times. Franx's
//! form (G. J. Franx, "A simple solution for the M/D/c waiting time distribution", Operations
//! Research Letters 29, 2001) has positive terms only: a wait of at most `k D - u` means that of
//! those who queued, all but the Poisson number of arrivals in `u` have gone.

use super::infinite::poisson;

/// M/D/1: Poisson arrivals, one server, constant service time.
#[derive(Clone, Debug, PartialEq)]
pub struct ConstantServer {
    arrival_rate: f64,
    service: f64,
    /// `P(at most n in queue)` by n, as far as it was needed.
    queue_at_most: Vec<f64>,
}

/// From this number of service times on, the tail is taken as exponential, which it is by then.
const EXACT_SERVICES: usize = 2_000;

impl ConstantServer {
    /// The system; waits are infinite at a load of 1 or more.
    pub fn new(arrival_rate: f64, service: f64) -> Self {
        ConstantServer { arrival_rate, service, queue_at_most: Vec::new() }
    }

    fn load(&self) -> f64 {
        self.arrival_rate * self.service
    }

    /// Probability of a wait of at most `t`.
    pub fn wait_at_most(&mut self, t: f64) -> f64 {
        if t < 0.0 || self.load() >= 1.0 {
            return 0.0;
        }
        let services = t / self.service;
        let longest = EXACT_SERVICES as f64 - 1.0;
        if services <= longest {
            return self.exact(services);
        }
        let tail = 1.0 - self.exact(longest);
        1.0 - tail * (-self.decay() * (services - longest)).exp()
    }

    /// The wait that a share `q` of requests does not exceed.
    pub fn wait_quantile(&mut self, q: f64) -> f64 {
        if self.load() >= 1.0 || q >= 1.0 {
            return f64::INFINITY;
        }
        if self.wait_at_most(0.0) >= q {
            return 0.0;
        }
        let mut high = self.service;
        while self.wait_at_most(high) < q {
            high *= 2.0;
        }
        bisect(0.0, high, |t| self.wait_at_most(t) < q)
    }

    /// Franx's sum; time in units of the service time.
    fn exact(&mut self, services: f64) -> f64 {
        let k = services.floor() as usize + 1;
        let mean = self.load() * (k as f64 - services);
        self.extend(k);
        let terms = self.queue_at_most[..k].iter().rev().zip(0_u32..);
        terms.map(|(at_most, n)| at_most * poisson(mean, n)).sum::<f64>().min(1.0)
    }

    /// Distribution of the queue up to `n` entries, by the level-crossing recursion of M/G/1 with
    /// positive terms only (V. Ramaswami, 1988).
    fn extend(&mut self, n: usize) {
        if self.queue_at_most.len() >= n {
            return;
        }
        let n = n.next_power_of_two();
        let load = self.load();
        // exceeds[j]: more than j arrivals during one service.
        let mut exceeds = Vec::with_capacity(n + 1);
        let mut below = 0.0;
        for j in 0..=n as u32 {
            below += poisson(load, j);
            // From where the complement loses digits the tail is summed by itself.
            exceeds.push(if below < 0.5 { 1.0 - below } else { poisson_tail(load, j) });
        }
        let none = poisson(load, 0);
        let mut present = vec![1.0 - load];
        for j in 0..n {
            let from_others: f64 = (1..=j).map(|i| present[i] * exceeds[j + 1 - i]).sum();
            present.push((present[0] * exceeds[j] + from_others) / none);
        }
        let mut sum = present[0];
        self.queue_at_most = present[1..]
            .iter()
            .map(|p| {
                sum += p;
                sum
            })
            .collect();
    }

    /// Rate of decay of the tail in units of the service time: the root of `load (e^x - 1) = x`.
    fn decay(&self) -> f64 {
        let load = self.load();
        let mut high = 1.0;
        while load * f64::exp_m1(high) < high {
            high *= 2.0;
        }
        // Below the root the left side is the smaller.
        bisect(0.0, high, |x| load * x.exp_m1() < x || x == 0.0)
    }
}

/// More than `j` of a Poisson number of this mean.
fn poisson_tail(mean: f64, j: u32) -> f64 {
    let mut term = poisson(mean, j.saturating_add(1));
    let (mut sum, mut n) = (0.0, f64::from(j) + 1.0);
    while term > sum * 1e-17 {
        sum += term;
        n += 1.0;
        term *= mean / n;
    }
    sum
}

/// The point where `below` turns false between `low` and `high`.
pub(super) fn bisect(mut low: f64, mut high: f64, mut below: impl FnMut(f64) -> bool) -> f64 {
    // Enough halvings for the last bit of any interval met here.
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::super::single_server::SingleServer;
    use super::*;

    /// Erlang's alternating sum, good for short waits.
    fn alternating(rate: f64, service: f64, t: f64) -> f64 {
        let (mut sum, mut factorial) = (0.0, 1.0);
        for k in 0..=(t / service).floor() as i32 {
            factorial *= f64::from(k.max(1));
            let x = rate * (t - f64::from(k) * service);
            sum += (-x).powi(k) * x.exp() / factorial;
        }
        (1.0 - rate * service) * sum
    }

    #[test]
    fn the_sum_of_positive_terms_is_erlangs_sum() {
        for (rate, service) in [(0.8, 1.0), (0.6, 0.5), (1.7, 0.5)] {
            let mut server = ConstantServer::new(rate, service);
            for t in [0.0, 0.3, 0.5, 1.0, 2.0, 3.3, 5.0] {
                let (ours, plain) = (server.wait_at_most(t), alternating(rate, service, t));
                assert!((ours - plain).abs() < 1e-9, "{rate} {service} {t}: {ours} {plain}");
            }
        }
    }

    #[test]
    fn quantiles_invert_and_the_mean_is_pollaczek_khinchines() {
        let mut server = ConstantServer::new(0.8, 1.0);
        assert!((server.wait_quantile(0.99) - 10.355_886_791_994_953).abs() < 1e-9);
        assert_eq!(server.wait_quantile(0.1), 0.0);
        let step = 0.01;
        let mean: f64 = (0..20_000).map(|i| (1.0 - server.wait_at_most((f64::from(i) + 0.5) * step)) * step).sum();
        let exact = SingleServer { arrival_rate: 0.8, mean_service: 1.0, service_cv2: 0.0 }.mean_wait();
        assert!((mean - exact).abs() < 1e-4, "{mean}");
    }

    #[test]
    fn far_out_and_near_saturation_it_stays_a_distribution() {
        let mut server = ConstantServer::new(0.999, 1.0);
        let p99 = server.wait_quantile(0.99);
        assert!((server.wait_at_most(p99) - 0.99).abs() < 1e-9 && p99 > 2_000.0, "{p99}");
        assert!(server.wait_at_most(1e6) <= 1.0);
        assert!(ConstantServer::new(1.0, 1.0).wait_quantile(0.5).is_infinite());
    }
}
