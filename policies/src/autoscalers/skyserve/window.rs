//! Request rate over the last minute, from arrivals that the load balancer syncs.

use flashcrowd_core::{SimDuration, SimTime};
use std::collections::VecDeque;

/// Arrivals of the 60 s before the newest sync (`QPS_WINDOW_SIZE_SECONDS`).
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

    /// Forgets what is older than the window at the instant of a sync: the load balancer's report is
    /// when `collect_request_information` cuts its list, and a decision later counts what is left.
    ///
    /// An entry stands for the time since the one before it, so that one exactly 60 s old is over.
    ///
    /// ```
    /// use flashcrowd_core::SimTime;
    /// use flashcrowd_policies::autoscalers::skyserve::RequestWindow;
    /// let mut window = RequestWindow::default();
    /// window.add(SimTime::from_s(1), 30);
    /// window.add(SimTime::from_s(60), 5);
    /// window.sync(SimTime::from_s(60));
    /// assert_eq!(window.count(), 35);
    /// window.sync(SimTime::from_s(61));
    /// assert_eq!(window.count(), 5);
    /// ```
    pub fn sync(&mut self, at: SimTime) {
        let length = SimDuration::from_s(WINDOW_S);
        while self.arrivals.front().is_some_and(|(arrived, _)| at.since(*arrived) >= length) {
            self.arrivals.pop_front();
        }
    }

    /// How many it holds.
    pub fn count(&self) -> u64 {
        self.arrivals.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}
