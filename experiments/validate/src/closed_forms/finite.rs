//! Finite systems: a bounded queue (M/M/c/K) and a closed loop (interactive users of M/M/1).
//!
//! Sources: birth-death equations (L. Kleinrock, "Queueing Systems I", 1975, chapter 3);
//! M. Reiser and S. Lavenberg, "Mean-value analysis of closed multichain queuing networks", 1980.

/// M/M/c/K: at most `capacity` in the system, those in service included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundedQueue {
    /// Arrivals per unit of time.
    pub arrival_rate: f64,
    /// Completions of one busy server per unit of time.
    pub service_rate: f64,
    /// Servers.
    pub servers: u64,
    /// Most requests in the system.
    pub capacity: u64,
}

/// The stationary state of a [`BoundedQueue`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundedState {
    /// Probability that an arrival is rejected.
    pub rejected: f64,
    /// Mean number in the system.
    pub present: f64,
    /// Mean number waiting.
    pub waiting: f64,
    /// Completions per unit of time.
    pub goodput: f64,
    /// Mean wait of accepted requests.
    pub mean_wait: f64,
    /// Mean time in the system of accepted requests.
    pub mean_sojourn: f64,
}

impl BoundedQueue {
    /// Solves the birth-death equations.
    pub fn solve(&self) -> BoundedState {
        const SCALE: f64 = 1e-200;
        let load = self.arrival_rate / self.service_rate;
        let (mut weight, mut total, mut present, mut waiting) = (1.0_f64, 1.0, 0.0, 0.0);
        for n in 1..=self.capacity {
            weight *= load / n.min(self.servers).max(1) as f64;
            total += weight;
            present += n as f64 * weight;
            waiting += n.saturating_sub(self.servers) as f64 * weight;
            // Only ratios count, so all may shrink together before anything overflows.
            if weight > 1.0 / SCALE {
                (weight, total, present, waiting) = (weight * SCALE, total * SCALE, present * SCALE, waiting * SCALE);
            }
        }
        let rejected = weight / total;
        let goodput = self.arrival_rate * (1.0 - rejected);
        let (present, waiting) = (present / total, waiting / total);
        BoundedState {
            rejected,
            present,
            waiting,
            goodput,
            mean_wait: waiting / goodput,
            mean_sojourn: present / goodput,
        }
    }
}

/// The stationary state of a closed loop.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClosedState {
    /// Completions per unit of time.
    pub throughput: f64,
    /// Mean time at the server.
    pub response: f64,
    /// Mean number at the server.
    pub present: f64,
    /// Share of time that the server is busy.
    pub utilisation: f64,
}

/// `users` who think for `think` on average, then ask one server for `service` on average: exact
/// mean-value analysis.
pub fn closed_loop(users: u64, think: f64, service: f64) -> ClosedState {
    (1..=users).fold(ClosedState::default(), |with_one_less, n| {
        let response = service * (1.0 + with_one_less.present);
        let throughput = n as f64 / (think + response);
        ClosedState { throughput, response, present: throughput * response, utilisation: throughput * service }
    })
}

#[cfg(test)]
mod tests {
    use super::super::erlang::{MultiServer, erlang_b};
    use super::*;

    fn queue(capacity: u64) -> BoundedState {
        BoundedQueue { arrival_rate: 3.0, service_rate: 1.0, servers: 4, capacity }.solve()
    }

    #[test]
    fn without_room_to_wait_it_is_erlang_b_and_with_much_it_is_erlang_c() {
        assert!((queue(4).rejected - erlang_b(4, 3.0)).abs() < 1e-14);
        assert_eq!(queue(4).mean_wait, 0.0);
        let open = MultiServer { arrival_rate: 3.0, service_rate: 1.0, servers: 4 };
        assert!((queue(2_000).mean_wait - open.mean_wait()).abs() < 1e-10);
        assert!(queue(2_000).rejected < 1e-100);
    }

    #[test]
    fn overload_does_not_overflow() {
        let flood = BoundedQueue { arrival_rate: 1e6, service_rate: 1.0, servers: 8, capacity: 10_000 }.solve();
        assert!((flood.goodput - 8.0).abs() < 1e-6 && (flood.present - 10_000.0).abs() < 1e-3, "{flood:?}");
    }

    #[test]
    fn a_lone_user_never_waits_and_a_crowd_saturates() {
        let one = closed_loop(1, 10.0, 0.5);
        assert!((one.response - 0.5).abs() < 1e-15 && (one.throughput - 1.0 / 10.5).abs() < 1e-15);
        assert!((closed_loop(1_000, 10.0, 0.5).throughput - 2.0).abs() < 1e-9);
        let state = closed_loop(20, 10.0, 0.5);
        assert!((state.throughput - 1.682_216_076_916_056_8).abs() < 1e-12, "{state:?}");
        assert!((state.response - (20.0 / state.throughput - 10.0)).abs() < 1e-12);
    }
}
