//! One server with general service times: first come first served, and processor sharing.
//!
//! Sources: F. Pollaczek 1930, A. Khinchine 1932 (waiting in M/G/1); L. Kleinrock, "Queueing
//! Systems II", 1976, section 4.4 (M/G/1 with processor sharing, insensitive to the service-time distribution).

/// M/G/1: Poisson arrivals, one server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SingleServer {
    /// Arrivals per unit of time.
    pub arrival_rate: f64,
    /// Mean service time.
    pub mean_service: f64,
    /// Squared coefficient of variation of service times.
    pub service_cv2: f64,
}

impl SingleServer {
    /// Share of time that the server is busy, if below 1.
    pub fn utilisation(&self) -> f64 {
        self.arrival_rate * self.mean_service
    }

    /// Mean wait, first come first served (Pollaczek-Khinchine).
    pub fn mean_wait(&self) -> f64 {
        let rho = self.utilisation();
        if rho < 1.0 { rho * self.mean_service * (1.0 + self.service_cv2) / (2.0 * (1.0 - rho)) } else { f64::INFINITY }
    }

    /// Mean time in the system, first come first served.
    pub fn mean_sojourn(&self) -> f64 {
        self.mean_wait() + self.mean_service
    }

    /// Mean time in the system with processor sharing.
    pub fn sharing_sojourn(&self) -> f64 {
        self.mean_service * self.sharing_slowdown()
    }

    /// Time in the system over service time with processor sharing, the same for all sizes.
    pub fn sharing_slowdown(&self) -> f64 {
        let rho = self.utilisation();
        if rho < 1.0 { 1.0 / (1.0 - rho) } else { f64::INFINITY }
    }

    /// Probability of at least `n` in the system with processor sharing (geometric).
    pub fn sharing_at_least(&self, n: u32) -> f64 {
        self.utilisation().min(1.0).powi(n.min(i32::MAX as u32) as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::super::erlang::MultiServer;
    use super::*;

    #[test]
    fn exponential_service_is_mm1() {
        let general = SingleServer { arrival_rate: 0.8, mean_service: 1.0, service_cv2: 1.0 };
        let exponential = MultiServer { arrival_rate: 0.8, service_rate: 1.0, servers: 1 };
        assert!((general.mean_wait() - exponential.mean_wait()).abs() < 1e-12);
        assert!((general.sharing_sojourn() - exponential.mean_sojourn()).abs() < 1e-12);
    }

    #[test]
    fn constant_service_halves_the_wait() {
        let at = |service_cv2| SingleServer { arrival_rate: 1.6, mean_service: 0.5, service_cv2 };
        assert!((at(0.0).mean_wait() * 2.0 - at(1.0).mean_wait()).abs() < 1e-12);
        assert!((at(0.0).sharing_at_least(5) - 0.8_f64.powi(5)).abs() < 1e-12);
        assert!(SingleServer { arrival_rate: 2.0, mean_service: 0.5, service_cv2: 0.0 }.mean_wait().is_infinite());
    }
}
