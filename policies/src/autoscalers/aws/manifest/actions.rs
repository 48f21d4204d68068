//! Scheduled actions.

use super::shared::{Result, Warnings, pass_over};
use crate::autoscalers::aws::config::{ScalableTarget, ScheduledAction};
use crate::clock::aws_cron::Schedule;
use crate::clock::{nearest_zone, zone};
use crate::manifest::fields::Fields;
use crate::manifest::tree::{Node, shorten};
use jiff::Timestamp;

/// Reads one scheduled action of `target`.
pub(super) fn read(node: &Node, target: &ScalableTarget, warnings: &mut Warnings) -> Result<ScheduledAction> {
    let mut fields = Fields::of(node, "")?;
    let name = fields.required_text("ScheduledActionName")?.to_owned();
    pass_over(
        &mut fields,
        &["ServiceNamespace", "ResourceId", "ScalableDimension", "ScheduledActionARN", "CreationTime"],
    );
    let zone_name = fields.optional_text("Timezone")?.unwrap_or("UTC");
    let zone = zone(zone_name).ok_or_else(|| {
        let near = nearest_zone(zone_name).map(|near| format!("did you mean `{near}`?"));
        fields.refused("Timezone", format!("there is no time zone \"{}\"", shorten(zone_name))).maybe_hint(near)
    })?;
    let text = fields.required_text("Schedule")?;
    let schedule = Schedule::parse(text, &zone).map_err(|why| fields.refused("Schedule", why.to_string()))?;
    let start = time(&mut fields, "StartTime")?;
    let end = time(&mut fields, "EndTime")?;
    let mut bounds = fields.required_map("ScalableTargetAction")?;
    let min_capacity = bounds.optional_count("MinCapacity")?;
    let max_capacity = bounds.optional_count("MaxCapacity")?;
    if min_capacity.is_none() && max_capacity.is_none() {
        return Err(bounds.refused("MinCapacity", "expected MinCapacity, MaxCapacity or both"));
    }
    let (min, max) = (min_capacity.unwrap_or(target.min_capacity), max_capacity.unwrap_or(target.max_capacity));
    if min_capacity.is_some() && max_capacity.is_some() && min > max {
        return Err(bounds.refused("MaxCapacity", format!("{max} is below MinCapacity, {min}")));
    }
    bounds.finish(warnings);
    fields.finish(warnings);
    Ok(ScheduledAction { name, schedule, start, end, min_capacity, max_capacity })
}

/// A time as the API takes it (ISO 8601 in UTC) or prints it (with an offset, or seconds since 1970).
fn time(fields: &mut Fields, name: &'static str) -> Result<Option<Timestamp>> {
    let Some(node) = fields.optional(name) else { return Ok(None) };
    if node.text().is_none() {
        let seconds = fields.optional_number(name)?.unwrap_or_default();
        let instant = Timestamp::from_millisecond((seconds * 1e3) as i64);
        return instant.map(Some).map_err(|_| fields.refused(name, format!("{seconds} is no time since 1970")));
    }
    let text = node.text().unwrap_or_default();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(Some(instant));
    }
    let local = text.parse::<jiff::civil::DateTime>().ok();
    let instant = local.and_then(|local| jiff::tz::TimeZone::UTC.to_timestamp(local).ok());
    instant.map(Some).ok_or_else(|| {
        fields.refused(name, format!("\"{}\" is no time: expected such as 2026-03-02T08:00:00Z", shorten(text)))
    })
}
