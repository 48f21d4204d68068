//! Request rate over the last minute, from arrivals that the load balancer syncs.

use flashcrowd_core::{SimDuration, SimTime};
use std::collections::VecDeque;

/// Arrivals of the last 60 s (`QPS_WINDOW_SIZE_SECONDS`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestWindow {
    /// Instants and how many arrived then, oldest first.
    arrivals: VecDeque<(SimTime, u64)>,
}

/// Length of the window in seconds.
pub(super) const WINDOW_S: u64 = 60;

impl RequestWindow {
    /// Adds `count` arrivals at `at`; instants must not decrease.
    pub fn add(&mut self, at: SimTime, count: u64) {
        if count > 0 {
            self.arrivals.push_back((at, count));
        }
    }

    /// Forgets what is older than the window and counts the rest. An arrival exactly 60 s old counts.
    ///
    /// ```
    /// use flashcrowd_core::SimTime;
    /// use flashcrowd_policies::autoscalers::skyserve::RequestWindow;
    /// let mut window = RequestWindow::default();
    /// window.add(SimTime::from_s(1), 30);
    /// assert_eq!(window.count(SimTime::from_s(61)), 30);
    /// assert_eq!(window.count(SimTime::from_s(62)), 0);
    /// ```
    pub fn count(&mut self, now: SimTime) -> u64 {
        let length = SimDuration::from_s(WINDOW_S);
        while self.arrivals.front().is_some_and(|(at, _)| now.since(*at) > length) {
            self.arrivals.pop_front();
        }
        self.arrivals.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}
