//! Bounds by the time of day (`spec.schedules`, `pkg/utils/paschedules/schedules.go`).

use crate::clock::{WallClock, nearest_zone, zone};
use crate::manifest::fields::Fields;
use crate::manifest::tree::{Node, shorten};
use crate::manifest::{ManifestError, ManifestWarning};
use flashcrowd_core::SimTime;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

type Result<T> = std::result::Result<T, ManifestError>;

/// A window of the day with bounds of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct DailyWindow {
    /// Its name.
    pub name: String,
    /// Its time zone.
    pub zone: TimeZone,
    /// The days on which it opens, a bit each; bit 0 is Sunday.
    pub weekdays: u8,
    /// First minute of the day that belongs to it.
    pub start_min: u32,
    /// First minute after it.
    pub end_min: u32,
    /// Lower bound while it is open.
    pub min_replicas: Option<i32>,
    /// Upper bound while it is open.
    pub max_replicas: Option<i32>,
}

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl DailyWindow {
    /// Whether it is open: the start belongs to it, the end does not.
    pub fn is_open(&self, clock: WallClock, now: SimTime) -> bool {
        let local = clock.local(now, &self.zone);
        let minute = local.hour() as u32 * 60 + local.minute() as u32;
        let weekday = local.weekday().to_sunday_zero_offset();
        self.weekdays & (1 << weekday) != 0 && (self.start_min..self.end_min).contains(&minute)
    }

    /// When the controller looks again for its sake. Upstream counts from midnight: on a day on which
    /// the time changes it looks an hour beside.
    pub fn next_change(&self, clock: WallClock, now: SimTime) -> Option<SimTime> {
        let local = clock.local(now, &self.zone);
        let mut date = local.date();
        for _ in 0..=7 {
            if self.weekdays & (1 << date.weekday().to_sunday_zero_offset()) != 0 {
                let midnight = self.zone.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
                for minute in [self.start_min, self.end_min] {
                    let at = midnight.checked_add(SignedDuration::from_mins(i64::from(minute))).ok()?;
                    if let Some(at) = clock.since_start(at).filter(|at| *at > now) {
                        return Some(at);
                    }
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn overlaps(&self, other: &DailyWindow) -> bool {
        self.weekdays & other.weekdays != 0 && self.start_min < other.end_min && other.start_min < self.end_min
    }
}

/// Reads `spec.schedules` of an object with these bounds.
pub(super) fn read(
    spec: &mut Fields,
    (min, max): (i32, i32),
    warnings: &mut Vec<ManifestWarning>,
) -> Result<Vec<DailyWindow>> {
    let Some(items) = spec.optional_list("schedules")? else { return Ok(Vec::new()) };
    if items.is_empty() {
        return Err(spec.refused("schedules", "must not be empty"));
    }
    let mut windows: Vec<DailyWindow> = Vec::new();
    let mut zone_name: Option<String> = None;
    for (index, node) in items.iter().enumerate() {
        let mut fields = Fields::of(node, format!("spec.schedules[{index}]"))?;
        let own = fields.optional_text("timezone")?.unwrap_or("UTC").to_owned();
        if zone_name.get_or_insert_with(|| own.clone()) != &own {
            return Err(fields.refused("timezone", "all schedules must have the same time zone"));
        }
        let window = read_one(&mut fields, &own, (min, max))?;
        if let Some(other) = windows.iter().find(|other| other.name == window.name) {
            return Err(fields.refused("name", format!("\"{}\" is the name of two schedules", shorten(&other.name))));
        }
        if let Some(other) = windows.iter().find(|other| other.overlaps(&window)) {
            return Err(fields.refused("startTime", format!("it overlaps the schedule \"{}\"", shorten(&other.name))));
        }
        fields.finish(warnings);
        windows.push(window);
    }
    Ok(windows)
}

fn read_one(fields: &mut Fields, zone_name: &str, (min, max): (i32, i32)) -> Result<DailyWindow> {
    let name = fields.required_text("name")?.to_owned();
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !(name.starts_with(edge) && name.ends_with(edge) && name.chars().all(|c| edge(c) || c == '-')) {
        return Err(fields.refused("name", "expected small letters, digits and `-`"));
    }
    let zone = zone(zone_name).ok_or_else(|| {
        let near = nearest_zone(zone_name).map(|near| format!("did you mean `{near}`?"));
        fields.refused("timezone", format!("there is no time zone \"{}\"", shorten(zone_name))).maybe_hint(near)
    })?;
    let weekdays = weekdays(fields)?;
    let (start_min, end_min) = (time_of_day(fields, "startTime")?, time_of_day(fields, "endTime")?);
    if start_min >= end_min {
        return Err(fields.refused("endTime", "must be later than startTime: a window over midnight is two"));
    }
    let (min_replicas, max_replicas) = (fields.optional_int("minReplicas")?, fields.optional_int("maxReplicas")?);
    if min_replicas.is_none() && max_replicas.is_none() {
        return Err(fields.refused("minReplicas", "expected minReplicas, maxReplicas or both"));
    }
    let (low, high) = (min_replicas.unwrap_or(min), max_replicas.unwrap_or(max));
    if low < 0 || high <= 0 || low > high {
        let field = if max_replicas.is_some() { "maxReplicas" } else { "minReplicas" };
        return Err(fields.refused(field, format!("the bounds would be {low} to {high}")));
    }
    Ok(DailyWindow { name, zone, weekdays, start_min, end_min, min_replicas, max_replicas })
}

fn weekdays(fields: &mut Fields) -> Result<u8> {
    let Some(items) = fields.optional_list("daysOfWeek")? else { return Ok(0b111_1111) };
    if items.is_empty() {
        return Err(fields.refused("daysOfWeek", "must not be empty"));
    }
    let mut set = 0;
    for item in items {
        let text = item.text().unwrap_or_default();
        let day = WEEKDAYS.iter().position(|day| *day == text.to_ascii_lowercase());
        let Some(day) = day else {
            let message = format!("\"{}\" is no day: expected Mon, Tue, Wed, Thu, Fri, Sat or Sun", shorten(text));
            return Err(ManifestError::at(item.place, format!("{}: {message}", fields.path_of("daysOfWeek"))));
        };
        set |= 1 << day;
    }
    Ok(set)
}

/// Minutes since midnight, of `HH:MM`.
fn time_of_day(fields: &mut Fields, name: &'static str) -> Result<u32> {
    let node: &Node = fields.required(name)?;
    let text = node.text().unwrap_or_default();
    let two = |part: &str| (part.len() == 2).then(|| part.parse::<u32>().ok()).flatten();
    let parts = text.split_once(':').and_then(|(hour, minute)| Some((two(hour)?, two(minute)?)));
    let parts = parts.filter(|(hour, minute)| *hour < 24 && *minute < 60);
    let wrong = || fields.refused(name, format!("\"{}\" is no time of day: expected HH:MM", shorten(text)));
    parts.map(|(hour, minute)| hour * 60 + minute).ok_or_else(wrong)
}
