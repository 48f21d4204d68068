//! Approximations of the mean wait with general arrivals and service, and the mean-field limit of
//! routing by a few choices.
//!
//! Sources: A. O. Allen, "Probability, Statistics and Queueing Theory", 1990 (Allen-Cunneen);
//! H. Sakasegawa, "An approximation formula for the queue length", 1977; J. F. C. Kingman,
//! "The single server queue in heavy traffic", 1961; N. Vvedenskaya, R. Dobrushin, F. Karpelevich
//! 1996 and M. Mitzenmacher 1996 (power of d choices).

use super::erlang::erlang_c;

/// G/G/c: general arrivals and service, one queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneralQueue {
    /// Arrivals per unit of time.
    pub arrival_rate: f64,
    /// Mean service time.
    pub mean_service: f64,
    /// Servers.
    pub servers: u64,
    /// Squared coefficient of variation of the times between arrivals.
    pub arrival_cv2: f64,
    /// Squared coefficient of variation of service times.
    pub service_cv2: f64,
}

impl GeneralQueue {
    fn utilisation(&self) -> f64 {
        self.arrival_rate * self.mean_service / self.servers as f64
    }

    fn variability(&self) -> f64 {
        f64::midpoint(self.arrival_cv2, self.service_cv2)
    }

    /// Mean wait after Allen and Cunneen; exact for M/M/c and M/G/1.
    pub fn allen_cunneen(&self) -> f64 {
        if self.utilisation() >= 1.0 {
            return f64::INFINITY;
        }
        let waiting = erlang_c(self.servers, self.arrival_rate * self.mean_service);
        let spare = self.servers as f64 / self.mean_service - self.arrival_rate;
        waiting / spare * self.variability()
    }

    /// Mean wait after Sakasegawa: no sum over servers; exact for M/M/1 and M/G/1.
    pub fn sakasegawa(&self) -> f64 {
        let (rho, servers) = (self.utilisation(), self.servers as f64);
        if rho >= 1.0 {
            return f64::INFINITY;
        }
        let exponent = (2.0 * (servers + 1.0)).sqrt() - 1.0;
        rho.powf(exponent) / (servers * (1.0 - rho)) * self.mean_service * self.variability()
    }

    /// Mean wait of one server in heavy traffic after Kingman; `None` for several.
    pub fn kingman(&self) -> Option<f64> {
        let rho = self.utilisation();
        let wait = if rho < 1.0 { rho / (1.0 - rho) * self.mean_service * self.variability() } else { f64::INFINITY };
        (self.servers == 1).then_some(wait)
    }
}

/// Mean time in the system, in mean service times, when each request takes the shorter of `d`
/// queues drawn at random among very many servers of this utilisation.
pub fn choices_sojourn(utilisation: f64, d: u32) -> f64 {
    if utilisation >= 1.0 {
        return f64::INFINITY;
    }
    if d <= 1 {
        return 1.0 / (1.0 - utilisation);
    }
    // Terms rho^((d^k - d) / (d - 1)): exponents 0, d, d + d^2, ...
    let d = f64::from(d);
    let (mut sum, mut exponent, mut power) = (0.0, 0.0, d);
    loop {
        let term = utilisation.powf(exponent);
        sum += term;
        if term < 1e-18 {
            return sum;
        }
        exponent += power;
        power *= d;
    }
}

#[cfg(test)]
mod tests {
    use super::super::erlang::MultiServer;
    use super::super::single_server::SingleServer;
    use super::*;

    #[test]
    fn all_three_are_exact_for_one_server_with_poisson_arrivals() {
        let queue =
            GeneralQueue { arrival_rate: 0.8, mean_service: 1.0, servers: 1, arrival_cv2: 1.0, service_cv2: 3.0 };
        let exact = SingleServer { arrival_rate: 0.8, mean_service: 1.0, service_cv2: 3.0 }.mean_wait();
        for wait in [Some(queue.allen_cunneen()), Some(queue.sakasegawa()), queue.kingman()] {
            assert!((wait.unwrap() - exact).abs() < 1e-12);
        }
    }

    #[test]
    fn several_exponential_servers_are_mmc() {
        let queue =
            GeneralQueue { arrival_rate: 8.0, mean_service: 1.0, servers: 10, arrival_cv2: 1.0, service_cv2: 1.0 };
        let exact = MultiServer { arrival_rate: 8.0, service_rate: 1.0, servers: 10 }.mean_wait();
        assert!((queue.allen_cunneen() - exact).abs() < 1e-15);
        assert!((queue.sakasegawa() / exact - 1.0).abs() < 0.1);
        assert_eq!(queue.kingman(), None);
        assert!(GeneralQueue { arrival_rate: 10.0, ..queue }.sakasegawa().is_infinite());
    }

    #[test]
    fn one_choice_is_mm1_and_two_are_far_better() {
        assert!((choices_sojourn(0.8, 1) - 5.0).abs() < 1e-12);
        assert!((choices_sojourn(0.8, 2) - 1.947_363_385_948_087_2).abs() < 1e-12);
        assert!(choices_sojourn(0.8, 3) < choices_sojourn(0.8, 2));
        assert_eq!(choices_sojourn(0.0, 2), 1.0);
    }
}
