//! Schedules of Application Auto Scaling: `at(...)`, `rate(...)` and `cron(...)` with six fields.
//!
//! Source: AWS's documents ("Schedule recurring scaling actions using cron expressions"). What they
//! leave open is as in [`super::cron`]: an hour that a time change leaves out is skipped.

use super::cron::{Cron, Days, Field, MONTHS};
use super::{Result, ScheduleError};
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// When a scheduled action is due.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// Once.
    At(Timestamp),
    /// Each so many seconds from its start on.
    Rate(i64),
    /// By the calendar.
    Cron(Box<Cron>),
}

/// Which days of a month a schedule takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum MonthDays {
    Set(u64),
    Last,
    LastWeekday,
    /// The weekday nearest to that day, within the month.
    NearestWeekday(i8),
}

/// Which days of the week.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum WeekDays {
    Set(u64),
    /// The last of that day in the month.
    Last(i8),
    /// The n-th of that day in the month.
    Nth(i8, i8),
}

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MINUTE: Field = Field { name: "minute", low: 0, high: 59, words: &[] };
const HOUR: Field = Field { name: "hour", low: 0, high: 23, words: &[] };
const DAY: Field = Field { name: "day of the month", low: 1, high: 31, words: &[] };
const MONTH: Field = Field { name: "month", low: 1, high: 12, words: &MONTHS };
const WEEKDAY: Field = Field { name: "day of the week", low: 1, high: 7, words: &WEEKDAYS };

impl Schedule {
    /// Reads a schedule; `at` and `cron` are in `zone`.
    ///
    /// ```
    /// use flashcrowd_policies::clock::{aws_cron::Schedule, zone};
    /// let utc = zone("UTC").expect("known");
    /// let schedule = Schedule::parse("cron(0 8 ? * MON-FRI *)", &utc)?;
    /// let start = "2026-03-01T00:00:00Z".parse()?; // a Sunday
    /// assert_eq!(schedule.next_after(start, start), Some("2026-03-02T08:00:00Z".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self> {
        let text = text.trim();
        let inner = |word: &str| text.strip_prefix(word)?.trim_start().strip_prefix('(')?.strip_suffix(')');
        if let Some(inner) = inner("at") {
            let local: DateTime =
                inner.trim().parse().map_err(|_| format!("`{inner}` is no time: expected yyyy-mm-ddThh:mm:ss"))?;
            let instant = zone.to_timestamp(local).map_err(|error| error.to_string())?;
            return Ok(Schedule::At(instant));
        }
        if let Some(inner) = inner("rate") {
            return rate(inner).map(Schedule::Rate);
        }
        if let Some(inner) = inner("cron") {
            return cron(inner, zone.clone()).map(|cron| Schedule::Cron(Box::new(cron)));
        }
        Err(format!("`{text}` is no schedule: expected at(...), rate(...) or cron(...)").into())
    }

    /// The next instant after `after` at which it is due; rates count from `from`.
    pub fn next_after(&self, after: Timestamp, from: Timestamp) -> Option<Timestamp> {
        match self {
            Schedule::At(instant) => (*instant > after).then_some(*instant),
            Schedule::Rate(period_s) => {
                let passed = (after.as_second() - from.as_second()).div_euclid(*period_s).max(-1);
                let ahead = period_s.checked_mul(passed.checked_add(1)?)?;
                let next = from.checked_add(SignedDuration::from_secs(ahead)).ok()?;
                Some(if next > after { next } else { next.checked_add(SignedDuration::from_secs(*period_s)).ok()? })
            }
            Schedule::Cron(cron) => cron.next_after(after),
        }
    }
}

fn rate(text: &str) -> Result<i64> {
    let wrong = || ScheduleError(format!("`rate({text})` is no rate: expected such as rate(30 minutes)"));
    let (count, unit) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let count: i64 = count.parse().ok().filter(|count| (1..=1_000_000).contains(count)).ok_or_else(wrong)?;
    let unit_s = match unit.trim() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3_600,
        "day" | "days" => 86_400,
        _ => return Err(wrong()),
    };
    Ok(count * unit_s)
}

fn cron(text: &str, zone: TimeZone) -> Result<Cron> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, weekday, year] = fields[..] else {
        let count = fields.len();
        return Err(
            format!("expected six fields (minutes, hours, day, month, day of the week, year), found {count}").into()
        );
    };
    let days = match (day, weekday) {
        ("?", "?") => return Err("only one of the two fields of days may be `?`".to_owned().into()),
        ("?", weekday) => Days::OfWeek(week_days(weekday)?),
        (day, "?") => Days::OfMonth(month_days(day)?),
        _ => return Err("one of the two fields of days must be `?`".to_owned().into()),
    };
    let (minutes, hours, months) = (MINUTE.read(minute)?, HOUR.read(hour)?, MONTH.read(month)?);
    Ok(Cron { minutes, hours, months, years: Some(years(year)?), days, zone })
}

fn month_days(text: &str) -> Result<MonthDays> {
    if let Some(day) = text.strip_suffix('W').filter(|day| *day != "L") {
        let day = day.parse::<i8>().ok().filter(|day| (1..=31).contains(day));
        return day
            .map(MonthDays::NearestWeekday)
            .ok_or_else(|| ScheduleError(format!("the day of the month `{text}` is no day")));
    }
    match text {
        "L" => Ok(MonthDays::Last),
        "LW" => Ok(MonthDays::LastWeekday),
        _ => DAY.read(text).map(MonthDays::Set),
    }
}

/// 1 is Sunday; kept with Sunday as 0.
fn week_days(text: &str) -> Result<WeekDays> {
    let one = |text: &str| WEEKDAY.value(text).ok().filter(|day| (1..=7).contains(day)).map(|day| day as i8 - 1);
    let wrong = || ScheduleError(format!("the day of the week `{text}` is no day"));
    if text == "L" {
        return Ok(WeekDays::Set(1 << 6));
    }
    if let Some(day) = text.strip_suffix('L') {
        return one(day).map(WeekDays::Last).ok_or_else(wrong);
    }
    if let Some((day, nth)) = text.split_once('#') {
        let nth = nth.parse::<i8>().ok().filter(|nth| (1..=5).contains(nth)).ok_or_else(wrong)?;
        return one(day).map(|day| WeekDays::Nth(day, nth)).ok_or_else(wrong);
    }
    WEEKDAY.read(text).map(|set| WeekDays::Set(set >> 1))
}

/// The years of the list, as their first and last of each item and its step.
fn years(text: &str) -> Result<Vec<(i16, i16, i16)>> {
    let wrong = || ScheduleError(format!("the year `{text}` is no year from 1970 to 2199"));
    let year = |text: &str| text.parse::<i16>().ok().filter(|year| (1970..=2199).contains(year)).ok_or_else(wrong);
    let item = |item: &str| {
        let (range, step) = item.split_once('/').unwrap_or((item, "1"));
        let step = step.parse::<i16>().ok().filter(|step| *step > 0).ok_or_else(wrong)?;
        match range.split_once('-') {
            _ if range == "*" => Ok((1970, 2199, step)),
            Some((low, high)) => Ok((year(low)?, year(high)?, step)),
            None => year(range).map(|low| (low, if item.contains('/') { 2199 } else { low }, step)),
        }
    };
    text.split(',').map(item).collect()
}

impl MonthDays {
    pub(super) fn takes(&self, local: DateTime) -> bool {
        let day = local.day();
        let last = local.date().days_in_month();
        match self {
            MonthDays::Set(set) => set & (1 << day) != 0,
            MonthDays::Last => day == last,
            MonthDays::LastWeekday => Some(day) == nearest_weekday(local, last),
            MonthDays::NearestWeekday(wanted) => *wanted <= last && Some(day) == nearest_weekday(local, *wanted),
        }
    }
}

/// The weekday of the month of `local` that is nearest to a day of it.
fn nearest_weekday(local: DateTime, day: i8) -> Option<i8> {
    let date = local.date().with().day(day).build().ok()?;
    Some(match date.weekday() {
        Weekday::Saturday if day == 1 => day + 2,
        Weekday::Saturday => day - 1,
        Weekday::Sunday if day == date.days_in_month() => day - 2,
        Weekday::Sunday => day + 1,
        _ => day,
    })
}

impl WeekDays {
    pub(super) fn takes(&self, local: DateTime) -> bool {
        let (weekday, day) = (local.weekday().to_sunday_zero_offset(), local.day());
        match self {
            WeekDays::Set(set) => set & (1 << weekday) != 0,
            WeekDays::Last(wanted) => weekday == *wanted && day + 7 > local.date().days_in_month(),
            WeekDays::Nth(wanted, nth) => weekday == *wanted && (day - 1) / 7 + 1 == *nth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::zone;

    fn next(text: &str, zone_name: &str, after: &str) -> String {
        let schedule = Schedule::parse(text, &zone(zone_name).unwrap()).unwrap();
        let from = "2026-01-01T00:00:00Z".parse().unwrap();
        schedule.next_after(after.parse().unwrap(), from).map_or("never".to_owned(), |at| at.to_string())
    }

    #[test]
    fn instants_worked_by_hand() {
        for (text, zone, after, wanted) in [
            ("cron(0 8 * * ? *)", "UTC", "2026-03-02T07:59:00Z", "2026-03-02T08:00:00Z"),
            ("cron(0 8 * * ? *)", "Europe/Berlin", "2026-03-28T08:00:00Z", "2026-03-29T06:00:00Z"),
            ("cron(30 10 ? * 2-6 *)", "UTC", "2026-03-06T10:30:00Z", "2026-03-09T10:30:00Z"),
            ("cron(0 0 L * ? *)", "UTC", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z"),
            ("cron(0 0 LW * ? *)", "UTC", "2026-02-01T00:00:00Z", "2026-02-27T00:00:00Z"),
            ("cron(0 0 15W * ? *)", "UTC", "2026-02-01T00:00:00Z", "2026-02-16T00:00:00Z"),
            ("cron(0 0 1W 8 ? *)", "UTC", "2026-07-01T00:00:00Z", "2026-08-03T00:00:00Z"),
            ("cron(0 0 ? * 3#2 *)", "UTC", "2026-03-01T00:00:00Z", "2026-03-10T00:00:00Z"),
            ("cron(0 0 ? * FRIL *)", "UTC", "2026-03-01T00:00:00Z", "2026-03-27T00:00:00Z"),
            ("cron(0 12 1 JAN ? 2027-2028)", "UTC", "2026-03-01T00:00:00Z", "2027-01-01T12:00:00Z"),
            ("cron(0 12 1 1 ? 2020)", "UTC", "2026-03-01T00:00:00Z", "never"),
            ("at(2026-03-29T02:30:00)", "Europe/Berlin", "2026-03-01T00:00:00Z", "2026-03-29T01:30:00Z"),
            ("at(2026-03-01T00:00:00)", "UTC", "2026-03-01T00:00:00Z", "never"),
            ("rate(30 minutes)", "UTC", "2026-01-01T00:30:00Z", "2026-01-01T01:00:00Z"),
            ("rate(1 day)", "UTC", "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(next(text, zone, after), wanted, "{text} in {zone} after {after}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (text, words) in [
            ("cron(0 8 * * * *)", "must be `?`"),
            ("cron(0 8 ? * ? *)", "only one"),
            ("cron(0 8 * * ?)", "found 5"),
            ("cron(0 8 ? * 0 *)", "day of the week `0`"),
            ("cron(0 8 * * ? 1960)", "year `1960`"),
            ("cron(0 8 40W * ? *)", "`40W`"),
            ("rate(0 minutes)", "no rate"),
            ("rate(5)", "no rate"),
            ("at(tomorrow)", "no time"),
            ("every day", "no schedule"),
        ] {
            let error = Schedule::parse(text, &TimeZone::UTC).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_fatal(text in "(cron|at|rate)\\([-0-9A-Za-z*/?,#: ]{0,30}\\)") {
            if let Ok(schedule) = Schedule::parse(&text, &TimeZone::UTC) {
                let _ = schedule.next_after(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
            }
        }
    }
}
