//! Errors by profile, model, metric and band, never pooled alone; and the limits that they have.

use super::point::{Band, Metric};
use crate::validate::report::{Counts, Report, Worst};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// One metric of one point with one profile.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Compared {
    pub(super) id: String,
    pub(super) profile: &'static str,
    pub(super) model: String,
    pub(super) band: Band,
    pub(super) metric: Metric,
    pub(super) measured: f64,
    pub(super) simulated: f64,
    /// Why it is reported and not judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unjudged: Option<&'static str>,
}

impl Compared {
    /// Absolute error in percent of what was measured.
    fn error(&self) -> f64 {
        100.0 * (self.simulated - self.measured).abs() / self.measured
    }
}

/// How the errors of a group become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Mean,
    Median,
}

/// A limit in percent.
#[derive(Clone, Copy, Debug)]
struct Limit {
    measure: Measure,
    percent: f64,
}

const fn mean(percent: f64) -> Limit {
    Limit { measure: Measure::Mean, percent }
}

const fn median(percent: f64) -> Limit {
    Limit { measure: Measure::Median, percent }
}

/// The limits of the bands.
fn limit(profile: &str, band: Band, metric: Metric) -> Option<Limit> {
    Some(match (profile, band, metric) {
        ("fitted", Band::UpTo76, Metric::E2eMean | Metric::ItlMean) => mean(4.0),
        ("fitted", Band::UpTo76, Metric::E2eP99) => mean(6.0),
        ("datasheet", Band::UpTo76, Metric::E2eMean | Metric::ItlMean) => mean(10.0),
        (_, Band::UpTo76, Metric::TtftMean) | ("datasheet", Band::UpTo76, Metric::E2eP99) => mean(12.0),
        ("datasheet", Band::UpTo76, Metric::TtftP99) => mean(25.0),
        ("fitted", Band::At88, Metric::E2eMean) => median(10.0),
        ("fitted", Band::At88, Metric::TtftMean) => median(12.0),
        ("datasheet", Band::Closed, Metric::TpotMean) => median(14.0),
        _ => return None,
    })
}

type Group<'a> = (&'static str, &'a str, Band, Metric);

pub(super) fn report(compared: &[Compared], skipped: &BTreeMap<String, u64>) -> Report {
    let mut groups: BTreeMap<Group<'_>, Vec<&Compared>> = BTreeMap::new();
    for one in compared {
        groups.entry((one.profile, &one.model, one.band, one.metric)).or_default().push(one);
    }
    let mut report = Report::new("serving");
    for (group, members) in &groups {
        judge(&mut report, *group, members);
    }
    for (why, count) in skipped {
        report.count("left out", &Counts { cases: *count, ..Counts::default() });
        report.notes.push(format!("left out: {count} of {why}"));
    }
    report.points = compared.iter().map(|one| json!(one)).collect();
    report
}

fn judge(report: &mut Report, (profile, model, band, metric): Group<'_>, members: &[&Compared]) {
    let name = format!("{profile}/{model}/{}/{}", band.name(), metric.name());
    let all: Vec<f64> = members.iter().map(|one| one.error()).collect();
    let bias = members.iter().map(|one| one.simulated / one.measured - 1.0).sum::<f64>() / members.len() as f64;
    report.metrics.insert(format!("{name}/mape"), average(&all));
    report.metrics.insert(format!("{name}/mdape"), middle(&all));
    report.metrics.insert(format!("{name}/bias"), 100.0 * bias);
    report.metrics.insert(format!("{name}/points"), all.len() as f64);
    let judged: Vec<f64> = members.iter().filter(|one| one.unjudged.is_none()).map(|one| one.error()).collect();
    let Some(limit) = limit(profile, band, metric).filter(|_| !judged.is_empty()) else {
        report.count(&name, &Counts { cases: all.len() as u64, ..Counts::default() });
        return;
    };
    let error = match limit.measure {
        Measure::Mean => average(&judged),
        Measure::Median => middle(&judged),
    };
    let passed = u64::from(error <= limit.percent);
    report
        .count(&name, &Counts { cases: all.len() as u64, checks: 1, passed, failed: 1 - passed, ..Counts::default() });
    report.consider(Worst {
        id: name,
        key: if limit.measure == Measure::Mean { "mape".into() } else { "mdape".into() },
        expected: 0.into(),
        found: error.into(),
        error,
        tolerance: limit.percent,
    });
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}
