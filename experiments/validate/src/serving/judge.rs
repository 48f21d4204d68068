//! Errors by source, profile, model, band and metric, never pooled alone; and the limits that they have.

use super::point::{Band, Metric, Source};
use crate::report::{Counts, Report, Worst};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// One metric of one point with one profile.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Compared {
    pub(super) id: String,
    pub(super) source: Source,
    pub(super) profile: &'static str,
    /// Whether it is the best profile that there is for the point.
    #[serde(skip)]
    pub(super) is_best: bool,
    pub(super) model: String,
    /// The class of a model that was played by its shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) class: Option<&'static str>,
    pub(super) band: Band,
    pub(super) metric: Metric,
    pub(super) measured: f64,
    pub(super) simulated: f64,
    /// Whether the profile was fitted on points of this shape; `None` for the datasheet's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) split: Option<Split>,
    /// Why it is reported and not judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unjudged: Option<&'static str>,
}

/// On which side of the fit a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Split {
    /// The profile was fitted on its shape.
    FittedOn,
    /// The fit has not seen its shape.
    HeldOut,
}

impl Compared {
    /// Signed error in percent of what was measured.
    pub(super) fn deviation(&self) -> f64 {
        100.0 * (self.simulated / self.measured - 1.0)
    }

    fn error(&self) -> f64 {
        self.deviation().abs()
    }
}

/// How the errors of a group become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Measure {
    /// Their mean.
    Mean,
    /// Their median.
    Median,
}

/// A limit in percent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Limit {
    pub(super) measure: Measure,
    pub(super) percent: f64,
}

const fn mean(percent: f64) -> Limit {
    Limit { measure: Measure::Mean, percent }
}

const fn median(percent: f64) -> Limit {
    Limit { measure: Measure::Median, percent }
}

/// The limits of the bands.
fn limit(key: &Key<'_>) -> Option<Limit> {
    use Metric::{E2eMean, E2eP99, ItlMean, RequestsPerS, TpotMean, TtftMean, TtftP99};
    match key.source {
        Source::Sweep => of_sweep(key),
        Source::Aiconfigurator if key.band == Band::Closed && key.metric == TpotMean => match key.profile {
            "datasheet" => Some(median(14.0)),
            "class" => Some(median(of_class(key.model))),
            _ => None,
        },
        // The best profile that there is, on engines that keep up.
        Source::Stages | Source::Requests if key.profile == "best" => match (key.source, key.band, key.metric) {
            (Source::Stages, Band::UpTo76, E2eMean | TpotMean)
            | (Source::Requests, Band::Unrated, E2eMean | ItlMean) => Some(mean(6.0)),
            (Source::Stages, Band::UpTo76, TtftMean) | (Source::Requests, Band::Unrated, TtftMean) => Some(mean(12.0)),
            (Source::Requests, Band::Unrated, E2eP99 | TtftP99) => Some(mean(15.0)),
            _ => None,
        },
        // All experts were once read for a single token.
        Source::Argonne if key.profile == "best" && key.model.starts_with("Mixtral") => {
            (key.band == Band::Sync && key.metric == RequestsPerS).then_some(mean(25.0))
        }
        _ => None,
    }
}

fn of_sweep(key: &Key<'_>) -> Option<Limit> {
    Some(match (key.profile, key.band, key.metric) {
        ("fitted", Band::UpTo76, Metric::E2eMean | Metric::ItlMean) => mean(4.0),
        ("fitted", Band::UpTo76, Metric::E2eP99) => mean(6.0),
        ("datasheet", Band::UpTo76, Metric::E2eMean | Metric::ItlMean) => mean(10.0),
        ("fitted" | "datasheet", Band::UpTo76, Metric::TtftMean) | ("datasheet", Band::UpTo76, Metric::E2eP99) => {
            mean(12.0)
        }
        ("datasheet", Band::UpTo76, Metric::TtftP99) => mean(25.0),
        ("fitted", Band::At88, Metric::E2eMean) => median(10.0),
        ("fitted", Band::At88, Metric::TtftMean) => median(12.0),
        _ => return None,
    })
}

/// The median error of the time per output token that models of a class may have by their shape: a fifth more than the
/// prototype of the law had.
fn of_class(class: &str) -> f64 {
    match class {
        "dense" => 7.9,
        "experts, windows" => 6.5,
        "latent, sparse" => 5.6,
        "linear" => 14.5,
        _ => 12.0,
    }
}

/// What a group of errors has in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Key<'a> {
    pub(super) source: Source,
    pub(super) profile: &'static str,
    pub(super) model: &'a str,
    pub(super) band: Band,
    pub(super) metric: Metric,
}

impl Key<'_> {
    /// Its name among metrics and parts: the source stands before those of the less usual ones.
    fn name(&self) -> String {
        let Key { source, profile, model, band, metric } = self;
        let name = format!("{profile}/{model}/{}/{}", band.name(), metric.name());
        match source {
            Source::Sweep | Source::Aiconfigurator => name,
            other => format!("{}/{name}", other.name()),
        }
    }
}

/// The errors of a group, in percent.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Group<'a> {
    #[serde(flatten)]
    pub(super) key: Key<'a>,
    pub(super) points: usize,
    pub(super) mape: f64,
    pub(super) mdape: f64,
    pub(super) bias: f64,
    pub(super) mape_held_out: Option<f64>,
    pub(super) mape_fitted_on: Option<f64>,
    pub(super) limit: Option<Limit>,
    /// The number that the limit is for; points that are not judged have no part in it.
    pub(super) judged: Option<f64>,
}

impl Group<'_> {
    /// Whether it keeps its limit, if it has one.
    pub(super) fn passed(&self) -> Option<bool> {
        self.limit.zip(self.judged).map(|(limit, error)| error <= limit.percent)
    }
}

/// The groups, in the order of their keys.
pub(super) fn groups(compared: &[Compared]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<Key<'_>, Vec<&Compared>> = BTreeMap::new();
    for one in compared {
        let Compared { source, profile, model, band, metric, .. } = one;
        let key = Key { source: *source, profile, model, band: *band, metric: *metric };
        groups.entry(key).or_default().push(one);
        if one.is_best && matches!(one.source, Source::Stages | Source::Requests | Source::Argonne) {
            groups.entry(Key { profile: "best", ..key }).or_default().push(one);
        }
        // Models by their shape are judged by class, too.
        if let Some(class) = one.class.filter(|_| one.source == Source::Aiconfigurator) {
            groups.entry(Key { profile: "class", model: class, ..key }).or_default().push(one);
        }
    }
    groups.into_iter().map(|(key, members)| group(key, &members)).collect()
}

fn group<'a>(key: Key<'a>, members: &[&Compared]) -> Group<'a> {
    let errors = |keep: &dyn Fn(&Compared) -> bool| -> Vec<f64> {
        members.iter().filter(|one| keep(one)).map(|one| one.error()).collect()
    };
    let split = |wanted| Some(errors(&|one| one.split == Some(wanted))).filter(|errors| !errors.is_empty());
    let all = errors(&|_| true);
    let judged = errors(&|one| one.unjudged.is_none());
    let limit = limit(&key).filter(|_| !judged.is_empty());
    Group {
        key,
        points: all.len(),
        mape: average(&all),
        mdape: middle(&all),
        bias: members.iter().map(|one| one.deviation()).sum::<f64>() / members.len() as f64,
        mape_held_out: split(Split::HeldOut).map(|errors| average(&errors)),
        mape_fitted_on: split(Split::FittedOn).map(|errors| average(&errors)),
        limit,
        judged: limit.map(|limit| match limit.measure {
            Measure::Mean => average(&judged),
            Measure::Median => middle(&judged),
        }),
    }
}

/// Adds groups, their limits and all points to a report.
pub(super) fn report(report: &mut Report, compared: &[Compared], groups: &[Group<'_>]) {
    for group in groups {
        judge(report, group);
    }
    capacity(report, compared);
    report.points.extend(compared.iter().map(|one| json!(one)));
    report.groups.extend(groups.iter().map(|group| json!(group)));
}

fn judge(report: &mut Report, group: &Group<'_>) {
    let name = group.key.name();
    let numbers = [
        ("mape", Some(group.mape)),
        ("mape/held_out", group.mape_held_out),
        ("mape/fitted_on", group.mape_fitted_on),
        ("mdape", Some(group.mdape)),
        ("bias", Some(group.bias)),
        ("points", Some(group.points as f64)),
    ];
    for (what, value) in numbers {
        if let Some(value) = value {
            report.metrics.insert(format!("{name}/{what}"), value);
        }
    }
    let mut counts = Counts { cases: group.points as u64, ..Counts::default() };
    if let (Some(limit), Some(error), Some(passed)) = (group.limit, group.judged, group.passed()) {
        (counts.checks, counts.passed, counts.failed) = (1, u64::from(passed), u64::from(!passed));
        report.consider(Worst {
            id: name.clone(),
            key: if limit.measure == Measure::Mean { "mape".into() } else { "mdape".into() },
            expected: 0.into(),
            found: error.into(),
            error,
            tolerance: limit.percent,
        });
    }
    report.count(&name, &counts);
}

/// Whether a value tells what an engine can do at most: the rate of answers at its saturation.
pub(super) fn is_capacity(one: &Compared) -> bool {
    one.source == Source::Sweep && one.metric == Metric::RequestsPerS && matches!(one.band, Band::At100 | Band::Closed)
}

/// The error of the capacity, over the closed loops and rows at 100 % that are judged.
fn capacity(report: &mut Report, compared: &[Compared]) {
    let mut by_model: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for one in compared.iter().filter(|one| is_capacity(one) && one.unjudged.is_none()) {
        by_model.entry((one.profile, &one.model)).or_default().push(one.error());
    }
    for ((profile, model), errors) in by_model {
        let name = format!("{profile}/{model}/capacity");
        report.metrics.insert(format!("{name}/mape"), average(&errors));
        report.metrics.insert(format!("{name}/worst"), errors.iter().copied().fold(0.0, f64::max));
        report.metrics.insert(format!("{name}/points"), errors.len() as f64);
    }
}

pub(super) fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

pub(super) fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}
