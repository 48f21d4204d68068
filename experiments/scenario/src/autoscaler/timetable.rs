//! Scales by the clock.

use super::place::{A_DAY, Autoscalers, HPA_SYNC, Place, Scaling, one};
use super::resolved::Make;
use crate::part::Part;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::Duration;
use flashcrowd_policies::PolicyInfo;
use flashcrowd_policies::autoscalers::baselines as policy;
use flashcrowd_policies::clock::{WallClock, nearest_zone, zone};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Parameters of `Timetable`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timetable {
    /// From when on, how many.
    pub steps: Vec<TimetableStep>,
    /// After how long it begins anew; a day by default.
    pub repeat_every: Option<Duration>,
    /// The time zone whose clock the steps follow: `at` is then a time of day, or of a week from Monday on. From
    /// the start of the run by default.
    #[schemars(extend("x-example" = r#""Europe/Berlin""#))]
    pub timezone: Option<String>,
    /// How long before its time a step is taken; a mean cold start by default.
    pub lead: Option<Duration>,
    /// Time between decisions; 15s by default.
    pub period: Option<Duration>,
}

/// A step of a timetable.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimetableStep {
    /// From when in the round on.
    pub at: Duration,
    /// How many replicas.
    pub replicas: u32,
}

impl Part<Autoscalers> for Timetable {
    const POLICIES: &'static [PolicyInfo] = &[policy::Timetable::INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Result<Scaling, Diagnostic> {
        let clock = self.timezone.as_deref().map(|name| clock(place, name)).transpose()?;
        let config = policy::TimetableConfig {
            clock,
            steps: self.steps.iter().map(|step| (step.at.get(), step.replicas)).collect(),
            repeat_every: place.span("repeat_every", self.repeat_every, 86_400, A_DAY),
            lead: place.lead(self.lead),
            period: place.span("period", self.period, 15, HPA_SYNC),
        };
        let counts = config.steps.iter().map(|step| step.1);
        let bounds = counts.clone().min().zip(counts.max()).map(|(min, max)| policy::Bounds { min, max });
        let make: Make = Arc::new(move |making| one(policy::Timetable::new(making.target, config.clone())));
        place.own(policy::Timetable::INFO.name, bounds, make)
    }
}

/// The clock of a zone.
fn clock(place: &mut Place<'_, '_>, name: &str) -> Result<(WallClock, TimeZone), Diagnostic> {
    let path = place.at("timezone");
    let Some(zone) = zone(name) else {
        let error = place.notes.error(&path, format!("there is no time zone `{name}`"));
        return Err(match nearest_zone(name) {
            Some(near) => error.with_help(format!("did you mean `{near}`?")),
            None => error.with_help("expected a name of the IANA database, such as `Europe/Berlin`"),
        });
    };
    place.notes.given(&path, name);
    Ok((place.stage.clock.read(place.notes), zone))
}
