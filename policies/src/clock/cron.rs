//! Crontab expressions of five fields, as `robfig/cron` v3 reads them, which KEDA uses
//! (`parser.go`, `spec.go`): minute, hour, day of the month, month, day of the week.
//!
//! An hour that a time change leaves out is skipped, one that comes twice matches twice. Where the day
//! of the month or that of the week begins with a star, both must match, else either.

use super::aws_cron::{MonthDays, WeekDays};
use super::{Result, ScheduleError, zone};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A crontab expression in its time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Cron {
    pub(super) minutes: u64,
    pub(super) hours: u64,
    pub(super) months: u64,
    /// First, last and step of each item; all years if there is none.
    pub(super) years: Option<Vec<(i16, i16, i16)>>,
    pub(super) days: Days,
    pub(super) zone: TimeZone,
}

/// Which days match.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Days {
    /// By the day of the month and that of the week: both, or either.
    Crontab { days: u64, weekdays: u64, both: bool },
    /// By the day of the month.
    OfMonth(MonthDays),
    /// By the day of the week.
    OfWeek(WeekDays),
}

/// A field: its name, its bounds, words for its values.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) low: u32,
    pub(super) high: u32,
    pub(super) words: &'static [&'static str],
}

pub(super) const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, words: &[] },
    Field { name: "hour", low: 0, high: 23, words: &[] },
    Field { name: "day of the month", low: 1, high: 31, words: &[] },
    Field { name: "month", low: 1, high: 12, words: &MONTHS },
    Field { name: "day of the week", low: 0, high: 6, words: &WEEKDAYS },
];
/// Beyond so many days an expression is taken to match never.
const MOST_DAYS: u32 = 5 * 366;

impl Cron {
    /// Reads an expression; `TZ=...` or `CRON_TZ=...` before it names another zone than `own`.
    ///
    /// ```
    /// use flashcrowd_policies::clock::{cron::Cron, zone};
    /// let cron = Cron::parse("0 7 * * mon-fri", zone("Europe/Berlin").expect("known"))?;
    /// let next = cron.next_after("2026-03-27T06:00:00Z".parse()?).expect("soon");
    /// assert_eq!(next.to_string(), "2026-03-30T05:00:00Z"); // Monday, in summer time
    /// assert!(Cron::parse("0 24 * * *", zone("UTC").expect("known")).unwrap_err().to_string().contains("hour"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, own: TimeZone) -> Result<Self> {
        let mut zone_of = own;
        let mut rest = text.trim();
        if let Some(after) = rest.strip_prefix("TZ=").or_else(|| rest.strip_prefix("CRON_TZ=")) {
            let (name, after) = after.split_once(' ').unwrap_or((after, ""));
            zone_of = zone(name).ok_or_else(|| format!("there is no time zone `{name}`"))?;
            rest = after.trim();
        }
        if rest.starts_with('@') {
            return Err(format!("`{rest}` is a word that this parser does not take: expected five fields").into());
        }
        let fields: Vec<&str> = rest.split_whitespace().collect();
        if fields.len() != FIELDS.len() {
            let count = fields.len();
            return Err(
                format!("expected five fields (minute, hour, day, month, day of the week), found {count}").into()
            );
        }
        let mut sets = [0; FIELDS.len()];
        for ((set, field), text) in sets.iter_mut().zip(&FIELDS).zip(&fields) {
            *set = field.read(text)?;
        }
        let [minutes, hours, days, months, weekdays] = sets;
        let has_star = |text: &str| text.split(',').any(starts_with_star);
        let both = has_star(fields[2]) || has_star(fields[4]);
        let days = Days::Crontab { days, weekdays, both };
        Ok(Cron { minutes, hours, months, years: None, days, zone: zone_of })
    }

    /// The first instant after `after` at which it matches; `None` if there is none within five years.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let mut at = whole_minute_after(after)?;
        let mut last_day = None;
        let mut days = 0;
        loop {
            let local = self.zone.to_datetime(at);
            if last_day != Some(local.date()) {
                last_day = Some(local.date());
                days += 1;
                if days > MOST_DAYS {
                    return None;
                }
            }
            at = if !self.matches_day(local) {
                let midnight = local.date().tomorrow().ok()?.at(0, 0, 0, 0);
                let next = self.zone.to_timestamp(midnight).ok()?;
                // Where midnight comes twice, the second would lead back to this day.
                if next > at { next } else { plus(at, 60)? }
            } else if self.hours & bit(local.hour()) == 0 {
                plus(at, 60 * i64::from(60 - local.minute()))?
            } else if self.minutes & bit(local.minute()) == 0 {
                plus(at, 60)?
            } else {
                return Some(at);
            };
        }
    }

    fn matches_day(&self, local: DateTime) -> bool {
        let year = local.year();
        let in_year =
            |(first, last, step): &(i16, i16, i16)| (*first..=*last).contains(&year) && (year - first) % step == 0;
        if self.months & bit(local.month()) == 0 || self.years.as_ref().is_some_and(|years| !years.iter().any(in_year))
        {
            return false;
        }
        match &self.days {
            Days::Crontab { days, weekdays, both } => {
                let day = days & bit(local.day()) != 0;
                let weekday = weekdays & bit(local.weekday().to_sunday_zero_offset()) != 0;
                if *both { day && weekday } else { day || weekday }
            }
            Days::OfMonth(days) => days.takes(local),
            Days::OfWeek(days) => days.takes(local),
        }
    }
}

fn bit(number: i8) -> u64 {
    1 << number.max(0)
}

fn plus(at: Timestamp, seconds: i64) -> Option<Timestamp> {
    at.checked_add(SignedDuration::from_secs(seconds)).ok()
}

/// The first instant after this one with no seconds.
fn whole_minute_after(after: Timestamp) -> Option<Timestamp> {
    let minute = after.as_second().div_euclid(60) + 1;
    Timestamp::from_second(minute * 60).ok()
}

/// `*/2` counts as a range, not as a star.
fn starts_with_star(item: &str) -> bool {
    matches!(item, "*" | "?" | "*/1" | "?/1")
}

impl Field {
    /// The numbers that a field takes, a bit each.
    pub(super) fn read(&self, text: &str) -> Result<u64> {
        let mut set = 0;
        for item in text.split(',').filter(|item| !item.is_empty()) {
            set |= self.read_item(item)?;
        }
        Ok(set)
    }

    fn read_item(&self, item: &str) -> Result<u64> {
        let wrong = |why: &str| ScheduleError(format!("the {} `{item}` {why}", self.name));
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        let (low, mut high) = match range.split_once('-') {
            _ if matches!(range, "*" | "?") => (self.low, self.high),
            Some((low, high)) => (self.value(low)?, self.value(high)?),
            None => {
                let value = self.value(range)?;
                (value, value)
            }
        };
        let step = match step {
            None => 1,
            Some(step) => {
                if low == high && !range.contains('-') {
                    high = self.high;
                }
                step.parse::<u32>().ok().filter(|step| *step > 0).ok_or_else(|| wrong("has no step above 0"))?
            }
        };
        if low < self.low || high > self.high {
            return Err(wrong(&format!("is out of bounds: expected {} to {}", self.low, self.high)));
        }
        if low > high {
            return Err(wrong("begins after its end"));
        }
        Ok((low..=high).step_by(step as usize).fold(0, |set, value| set | 1 << value))
    }

    pub(super) fn value(&self, text: &str) -> Result<u32> {
        let lower = text.to_ascii_lowercase();
        if let Some(position) = self.words.iter().position(|word| *word == lower) {
            return Ok(position as u32 + self.low);
        }
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| text.parse::<u32>().ok().filter(|number| *number < 64)).flatten();
        number.ok_or_else(|| {
            ScheduleError(format!("the {} `{text}` is no number from {} to {}", self.name, self.low, self.high))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(text: &str, zone_name: &str, after: &str) -> String {
        let cron = Cron::parse(text, zone(zone_name).unwrap()).unwrap();
        cron.next_after(after.parse().unwrap()).map_or("never".to_owned(), |at| at.to_string())
    }

    #[test]
    fn instants_worked_by_hand() {
        for (text, zone, after, wanted) in [
            ("0 8 * * *", "UTC", "2026-03-01T08:00:00Z", "2026-03-02T08:00:00Z"),
            ("0 8 * * *", "UTC", "2026-03-01T07:59:59.5Z", "2026-03-01T08:00:00Z"),
            ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z"), // 29th: left out
            ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"),
            ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"), // comes twice
            ("*/20 9-10 1,15 * *", "UTC", "2026-01-15T10:40:00Z", "2026-02-01T09:00:00Z"),
            ("0 0 13 * 5", "UTC", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"), // either: a Friday
            ("0 0 */2 * 5", "UTC", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"), // either: the 3rd
            ("0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z", "never"),
            ("0 0 29 feb ?", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("CRON_TZ=Asia/Kolkata 0 9 * * *", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T03:30:00Z"),
            ("0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", "2026-09-07T03:00:00Z"), // no midnight on the 6th
            ("5/15 1 * * *", "UTC", "2026-01-01T01:06:00Z", "2026-01-01T01:20:00Z"),
        ] {
            assert_eq!(next(text, zone, after), wanted, "{text} in {zone} after {after}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (text, words) in [
            ("0 8 * *", "found 4"),
            ("0 8 * * * *", "found 6"),
            ("@daily", "expected five fields"),
            ("60 8 * * *", "minute `60` is out of bounds"),
            ("0 8 * * 7", "day of the week `7`"),
            ("0 8 * * fri-mon", "begins after its end"),
            ("*/0 8 * * *", "no step above 0"),
            ("x 8 * * *", "minute `x` is no number"),
            ("-1 8 * * *", "is no number"),
            ("0 8 0 * *", "day of the month `0` is out of bounds"),
            ("TZ=Nowhere 0 8 * * *", "no time zone `Nowhere`"),
        ] {
            let error = Cron::parse(text, TimeZone::UTC).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
        /// The next instant matches minute by minute, and none before it does.
        #[test]
        fn no_earlier_minute_matches(
            start in 1_774_000_000_i64..1_806_000_000, minute in 0_u32..60, hour in 0_u32..24, weekday in 0_u32..7,
            berlin in proptest::bool::ANY,
        ) {
            let zone = zone(if berlin { "Europe/Berlin" } else { "America/New_York" }).unwrap();
            let cron = Cron::parse(&format!("{minute} {hour} * * {weekday}"), zone.clone()).unwrap();
            let after = Timestamp::from_second(start).unwrap();
            let next = cron.next_after(after).unwrap();
            let matches = |at: i64| {
                let local = zone.to_datetime(Timestamp::from_second(at).unwrap());
                local.minute() as u32 == minute && local.hour() as u32 == hour
                    && local.weekday().to_sunday_zero_offset() as u32 == weekday
            };
            proptest::prop_assert!(matches(next.as_second()) && next > after);
            let first = (start.div_euclid(60) + 1) * 60;
            proptest::prop_assert!((first..next.as_second()).step_by(60).all(|at| !matches(at)));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_fatal(text in "[-0-9a-z*/?,@= ]{0,30}") {
            if let Ok(cron) = Cron::parse(&text, TimeZone::UTC) {
                let _ = cron.next_after(Timestamp::UNIX_EPOCH);
            }
        }
    }
}
