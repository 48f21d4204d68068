//! The `cron` trigger: `desiredReplicas` from a start until an end (`pkg/scalers/cron_scaler.go`).
//!
//! Upstream asks for the next start and the next end after now, and is in the window unless the
//! start comes first. So a window opens at the last start before an end, a start counts at its very
//! instant and an end does not, and a start that a change of the time leaves out opens the window a
//! day early: when the day before it ends.

use crate::clock::cron::Cron;
use jiff::Timestamp;

/// A window of time with a number of replicas.
#[derive(Clone, Debug, PartialEq)]
pub struct CronWindow {
    start: Cron,
    end: Cron,
    desired: i64,
    /// Next start and end after an instant, and that instant: they hold until the first of them.
    next: Option<(Timestamp, Option<Timestamp>, Option<Timestamp>)>,
}

impl CronWindow {
    /// A window from `start` until `end`.
    ///
    /// ```
    /// use flashcrowd_policies::autoscalers::keda::CronWindow;
    /// use flashcrowd_policies::clock::{cron::Cron, zone};
    /// let at = |text: &str| Cron::parse(text, zone("UTC").expect("known"));
    /// let mut window = CronWindow::new(at("0 8 * * *")?, at("0 18 * * *")?, 6);
    /// assert_eq!(window.value("2026-03-02T08:00:00Z".parse()?), Some(6.0));
    /// assert_eq!(window.value("2026-03-02T18:00:00Z".parse()?), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(start: Cron, end: Cron, desired: i64) -> Self {
        CronWindow { start, end, desired, next: None }
    }

    /// `desiredReplicas` (0 if negative) in the window, `None` outside.
    pub fn value(&mut self, now: Timestamp) -> Option<f64> {
        let (start, end) = self.next_after(now);
        let inside = match (start, end) {
            (Some(start), Some(end)) => end <= start,
            // A start that never comes is long over, an end that never comes likewise.
            (None, _) => true,
            (Some(_), None) => false,
        };
        inside.then_some(self.desired.max(0) as f64)
    }

    fn next_after(&mut self, now: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
        let known = self.next.filter(|(since, start, end)| {
            let is_ahead = |next: &Option<Timestamp>| next.is_none_or(|next| next > now);
            *since <= now && is_ahead(start) && is_ahead(end)
        });
        let (_, start, end) = known.unwrap_or_else(|| (now, self.start.next_after(now), self.end.next_after(now)));
        self.next = Some((now, start, end));
        (start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::zone;

    fn inside(start: &str, end: &str, zone_name: &str, now: &str) -> bool {
        let at = |text: &str| Cron::parse(text, zone(zone_name).unwrap()).unwrap();
        CronWindow::new(at(start), at(end), 3).value(now.parse().unwrap()).is_some()
    }

    #[test]
    fn instants_worked_by_hand() {
        for (start, end, zone, now, wanted) in [
            ("0 7 * * 1-5", "0 19 * * 1-5", "Europe/Berlin", "2026-03-27T05:59:59Z", false),
            ("0 7 * * 1-5", "0 19 * * 1-5", "Europe/Berlin", "2026-03-27T06:00:00Z", true),
            ("0 7 * * 1-5", "0 19 * * 1-5", "Europe/Berlin", "2026-03-27T18:00:00Z", false),
            // Summer time begins on Sunday, the 29th: an hour earlier from then on.
            ("0 7 * * 1-5", "0 19 * * 1-5", "Europe/Berlin", "2026-03-29T12:00:00Z", false),
            ("0 7 * * 1-5", "0 19 * * 1-5", "Europe/Berlin", "2026-03-30T04:59:59Z", false),
            ("0 7 * * 1-5", "0 19 * * 1-5", "Europe/Berlin", "2026-03-30T05:00:00Z", true),
            ("0 7 * * 1-5", "0 19 * * 1-5", "Europe/Berlin", "2026-03-30T17:00:00Z", false),
            // 02:30 does not come on that day: open from the end of the day before.
            ("30 2 * * *", "0 6 * * *", "Europe/Berlin", "2026-03-28T05:30:00Z", true),
            // An end that does not come: the window does not open.
            ("0 1 * * *", "30 2 * * *", "Europe/Berlin", "2026-03-29T00:10:00Z", false),
            // Several starts: open after the last.
            ("0 8-10 * * *", "0 18 * * *", "UTC", "2026-03-02T08:30:00Z", false),
            ("0 8-10 * * *", "0 18 * * *", "UTC", "2026-03-02T10:30:00Z", true),
            // Over midnight.
            ("0 22 * * *", "0 6 * * *", "UTC", "2026-03-02T23:00:00Z", true),
            ("0 22 * * *", "0 6 * * *", "UTC", "2026-03-02T12:00:00Z", false),
            ("0 0 30 2 *", "0 6 * * *", "UTC", "2026-03-02T12:00:00Z", true),
            ("0 8 * * *", "0 0 30 2 *", "UTC", "2026-03-02T12:00:00Z", false),
        ] {
            assert_eq!(inside(start, end, zone, now), wanted, "{start} to {end} in {zone} at {now}");
        }
    }

    proptest::proptest! {
        /// What is remembered between two questions changes no answer.
        #[test]
        fn the_memory_changes_nothing(steps in proptest::collection::vec(1_i64..40_000, 1..60), hour in 0_u32..24) {
            let at = |text: &str| Cron::parse(text, zone("Europe/Berlin").unwrap()).unwrap();
            let fresh = || CronWindow::new(at(&format!("15 {hour} * * 1-5")), at("0 19 * * *"), 3);
            let mut kept = fresh();
            let mut now = 1_774_500_000;
            for step in steps {
                now += step;
                let now = Timestamp::from_second(now).unwrap();
                proptest::prop_assert_eq!(kept.value(now), fresh().value(now));
            }
        }
    }
}
