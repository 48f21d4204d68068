//! The clock on the wall: which instant a simulated time is, in which time zone, and when a crontab's
//! expression comes next. Time zones are those of the IANA database that is built in, so that results
//! do not depend on the machine.

pub mod aws_cron;
pub mod cron;

use flashcrowd_core::SimTime;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// What is wrong with the text of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScheduleError(String);

impl From<String> for ScheduleError {
    fn from(message: String) -> Self {
        ScheduleError(message)
    }
}

type Result<T> = std::result::Result<T, ScheduleError>;

/// When a run begins.
///
/// ```
/// use flashcrowd_core::SimTime;
/// use flashcrowd_policies::clock::{WallClock, zone};
/// let clock = WallClock::new("2026-03-29T00:30:00Z".parse()?);
/// let berlin = zone("Europe/Berlin").expect("known");
/// assert_eq!(clock.local(SimTime::from_s(3_600), &berlin).to_string(), "2026-03-29T03:30:00");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallClock {
    start: Timestamp,
}

impl WallClock {
    /// A run that begins at `start`.
    pub fn new(start: Timestamp) -> Self {
        WallClock { start }
    }

    /// A run that begins so many nanoseconds after 1970.
    pub fn from_ns(ns: i64) -> Self {
        WallClock { start: Timestamp::from_nanosecond(i128::from(ns)).unwrap_or(Timestamp::UNIX_EPOCH) }
    }

    /// When the run begins.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The instant of a simulated time, cut to nanoseconds; the last one there is if it lies beyond.
    pub fn at(&self, now: SimTime) -> Timestamp {
        self.start.checked_add(SignedDuration::from_nanos(now.as_ns())).unwrap_or(Timestamp::MAX)
    }

    /// What a clock on a wall in `zone` shows.
    pub fn local(&self, now: SimTime, zone: &TimeZone) -> DateTime {
        zone.to_datetime(self.at(now))
    }

    /// The simulated time of an instant, rounded up; `None` before the start.
    pub fn since_start(&self, instant: Timestamp) -> Option<SimTime> {
        let ns = u64::try_from(instant.as_nanosecond() - self.start.as_nanosecond()).ok()?;
        Some(SimTime::from_ps(ns.saturating_mul(1_000)))
    }
}

impl Default for WallClock {
    /// Midnight before Monday, 2026-01-05, UTC.
    fn default() -> Self {
        WallClock { start: Timestamp::constant(1_767_571_200, 0) }
    }
}

/// The zone of that name in the IANA database, as Go's `time.LoadLocation` takes it: no name, `UTC`
/// and `Local` are UTC, since a controller's container has no other.
pub fn zone(name: &str) -> Option<TimeZone> {
    if matches!(name, "" | "UTC" | "Local") {
        return Some(TimeZone::UTC);
    }
    TimeZone::get(name).ok().filter(|zone| zone.iana_name().is_some())
}

/// The name of a zone that is most like `name`.
pub fn nearest_zone(name: &str) -> Option<String> {
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    crate::manifest::nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::Weekday;

    #[test]
    fn a_run_begins_on_a_monday() {
        let clock = WallClock::default();
        let local = clock.local(SimTime::ZERO, &TimeZone::UTC);
        assert_eq!((local.weekday(), local.to_string().as_str()), (Weekday::Monday, "2026-01-05T00:00:00"));
        assert_eq!(clock.since_start(clock.at(SimTime::from_s(9))), Some(SimTime::from_s(9)));
        assert!(clock.at(SimTime::MAX) > clock.start());
    }

    #[test]
    fn zones_have_their_names() {
        assert!(zone("Europe/Berlin").is_some() && zone("").is_some() && zone("Local").is_some());
        assert!(zone("Europe/Berlinn").is_none());
        assert_eq!(nearest_zone("Europe/Berlinn").as_deref(), Some("Europe/Berlin"));
    }
}
