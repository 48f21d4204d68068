//! Cooldown: what the recommendations of the last minutes make of a new one.
//!
//! Follows `pkg/controller/podautoscaler/podautoscaler_controller.go:1215-1296` of
//! `vllm-project/aibrix` @ e3e10f9e, by reading.

/// Recommendations and the cooldown windows, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stabilizer {
    up_ns: i64,
    down_ns: i64,
    /// Downwards the window takes the smallest recommendation, so that it hastens what it should hold
    /// back. If false it takes the largest, as an HPA does.
    takes_minimum: bool,
    history: Vec<(i64, i32)>,
}

impl Stabilizer {
    /// Windows for scaling up and down; `takes_minimum` as the real one does.
    ///
    /// ```
    /// use flashcrowd_policies::autoscalers::aibrix::Stabilizer;
    /// let (minute, mut real) = (60_000_000_000, Stabilizer::new(0, 300_000_000_000, true));
    /// assert_eq!(real.stabilize(0, 10, 2), 2);
    /// assert_eq!(real.stabilize(minute, 10, 8), 2); // the smallest of five minutes
    /// ```
    pub fn new(up_ns: i64, down_ns: i64, takes_minimum: bool) -> Self {
        Stabilizer { up_ns, down_ns, takes_minimum, history: Vec::new() }
    }

    /// Adds a recommendation and returns the stabilized one; `now_ns` must not decrease.
    pub fn stabilize(&mut self, now_ns: i64, current: i32, recommended: i32) -> i32 {
        let oldest = now_ns.saturating_sub(self.up_ns.max(self.down_ns));
        self.history.retain(|(at, _)| *at > oldest);
        self.history.push((now_ns, recommended));
        let within = |window_ns: i64| {
            let since = now_ns.saturating_sub(window_ns);
            self.history.iter().filter(move |(at, _)| *at > since).map(|(_, count)| *count)
        };
        match recommended.cmp(&current) {
            std::cmp::Ordering::Equal => current,
            std::cmp::Ordering::Greater => within(self.up_ns).max().unwrap_or(recommended),
            std::cmp::Ordering::Less if self.takes_minimum => within(self.down_ns).min().unwrap_or(recommended),
            // A recommendation to shrink never grows the count: at most it holds.
            std::cmp::Ordering::Less => within(self.down_ns).max().unwrap_or(recommended).min(current),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    #[test]
    fn the_fixed_window_takes_the_largest_and_never_grows() {
        let mut fixed = Stabilizer::new(0, 300 * S, false);
        assert_eq!(fixed.stabilize(0, 5, 9), 9);
        assert_eq!(fixed.stabilize(10 * S, 9, 3), 9);
        assert_eq!(fixed.stabilize(299 * S, 6, 2), 6);
        // The edge of the window does not count.
        assert_eq!(fixed.stabilize(300 * S, 9, 2), 3);
    }

    #[test]
    fn a_window_of_zero_leaves_the_recommendation() {
        let mut none = Stabilizer::new(0, 0, true);
        none.stabilize(0, 5, 1);
        assert_eq!((none.stabilize(10 * S, 5, 4), none.stabilize(20 * S, 5, 5)), (4, 5));
    }

    #[test]
    fn upwards_the_largest_counts() {
        let mut slow = Stabilizer::new(60 * S, 0, true);
        slow.stabilize(0, 1, 9);
        assert_eq!(slow.stabilize(30 * S, 1, 4), 9);
    }
}
