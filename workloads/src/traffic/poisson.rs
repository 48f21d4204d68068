//! Poisson arrivals of constant rate.

use super::hazard::{Hazard, PS_PER_S};
use super::rate::check_rate;
use super::requests::{RequestDistributions, Requests, Until};
use crate::ParameterError;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::ports::{Arrival, ArrivalSource, SourceError};

/// A Poisson process.
///
/// ```
/// use flashcrowd_core::clock::Seed;
/// use flashcrowd_core::ports::ArrivalSource;
/// use flashcrowd_workloads::traffic::poisson::Poisson;
/// use flashcrowd_workloads::traffic::requests::{RequestDistributions, Until};
///
/// let until = Until { count: 3, ..Until::default() };
/// let mut traffic = Poisson::new(40.0, &RequestDistributions::default(), until, Seed::new(1), "chat")?;
/// assert!(traffic.next_arrival().is_ok_and(|first| first.is_some()));
/// # Ok::<(), flashcrowd_workloads::ParameterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Poisson {
    now_ps: u64,
    mean_gap_ps: f64,
    hazard: Hazard,
    requests: Requests,
}

impl Poisson {
    /// `rate` requests per second; at rate 0 none ever comes.
    ///
    /// # Errors
    /// A rate that is negative, not finite or above [`MAX_RATE`](super::MAX_RATE), or no law.
    pub fn new(
        rate: f64,
        laws: &RequestDistributions,
        until: Until,
        seed: Seed,
        label: &str,
    ) -> Result<Self, ParameterError> {
        check_rate("rate", rate)?;
        let until = if rate > 0.0 { until } else { Until { count: 0, ..until } };
        Ok(Poisson {
            now_ps: 0,
            mean_gap_ps: PS_PER_S / rate,
            hazard: Hazard::new(seed, label),
            requests: Requests::new(laws, until, seed, label)?,
        })
    }
}

impl ArrivalSource for Poisson {
    #[inline]
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError> {
        let gap = self.hazard.next_gap() * self.mean_gap_ps;
        // Adding half and truncating rounds; `as` saturates, and what saturates is past any end.
        self.now_ps = self.now_ps.saturating_add((gap + 0.5) as u64);
        Ok(self.requests.at(self.now_ps))
    }
}
