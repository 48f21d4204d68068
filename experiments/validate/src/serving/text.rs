//! The tables that people read.

use super::judge::{Compared, Group, Measure, average, is_capacity, middle};
use super::peers::Prediction;
use super::point::{Band, Metric, Source};
use crate::report::Report;
use std::collections::BTreeMap;
use std::fmt::Write;

/// One line a group, by source.
pub(super) fn groups(report: &mut Report, groups: &[Group<'_>]) {
    let mut source = None;
    for group in groups {
        if source != Some(group.key.source) {
            source = Some(group.key.source);
            report.lines.push(String::new());
            report.lines.push(format!(
                "{:<10} {:<17} {:<9} {:<15} {:>4} {:>7} {:>7} {:>7} {:>9} {:>9}  {:<11} verdict   source {}",
                "profile",
                "model",
                "band",
                "metric",
                "n",
                "MAPE",
                "median",
                "bias",
                "held out",
                "fitted on",
                "limit",
                group.key.source.name()
            ));
        }
        report.lines.push(line(group));
    }
}

fn line(group: &Group<'_>) -> String {
    let key = &group.key;
    let percent = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    let (profile, model, band, metric) = (key.profile, key.model, key.band.name(), key.metric.name());
    let Group { points, mape, mdape, bias, mape_held_out, mape_fitted_on, .. } = group;
    let (held_out, fitted_on) = (percent(*mape_held_out), percent(*mape_fitted_on));
    let limit = group.limit.map_or_else(String::new, |limit| {
        let measure = if limit.measure == Measure::Mean { "MAPE" } else { "median" };
        format!("{measure} {}", limit.percent)
    });
    let verdict = group.passed().map_or("", |passed| if passed { "passed" } else { "FAILED" });
    format!(
        "{profile:<10} {model:<17} {band:<9} {metric:<15} {points:>4} {mape:>7.1} {mdape:>7.1} {bias:>+7.1} {held_out:>9} \
         {fitted_on:>9}  {limit:<11} {verdict}"
    )
    .trim_end()
    .to_owned()
}

/// What the engines could do at most, and all else at saturation, point by point.
pub(super) fn saturation(report: &mut Report, compared: &[Compared]) {
    let mut points: BTreeMap<(&str, &str, Band, &str), BTreeMap<Metric, &Compared>> = BTreeMap::new();
    for one in compared.iter().filter(|one| one.source == Source::Sweep) {
        if matches!(one.band, Band::At100 | Band::Closed) {
            let key = (one.profile, one.model.as_str(), one.band, one.id.as_str());
            points.entry(key).or_default().insert(one.metric, one);
        }
    }
    if points.is_empty() {
        return;
    }
    report.lines.push(String::new());
    report.lines.push(format!(
        "{:<10} {:<34} {:<7} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "profile",
        "at saturation, by point",
        "band",
        "req/s",
        "simulated",
        "capacity",
        "e2e",
        "e2e p99",
        "itl",
        "ttft",
        "ttft p99"
    ));
    for ((profile, _, band, id), values) in &points {
        let mut line = format!("{profile:<10} {id:<34} {:<7}", band.name());
        let rate = values.get(&Metric::RequestsPerS).filter(|one| is_capacity(one));
        let [measured, simulated] = [rate.map(|one| one.measured), rate.map(|one| one.simulated)]
            .map(|value| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}")));
        let _ = write!(line, " {measured:>9} {simulated:>9} {:>9}", signed(rate.copied()));
        for metric in [Metric::E2eMean, Metric::E2eP99, Metric::ItlMean, Metric::TtftMean, Metric::TtftP99] {
            let _ = write!(line, " {:>8}", signed(values.get(&metric).copied()));
        }
        if let Some(why) = values.values().find_map(|one| one.unjudged) {
            let _ = write!(line, "  {why}");
        }
        report.lines.push(line);
    }
    capacity(report);
}

fn signed(one: Option<&Compared>) -> String {
    one.map_or_else(|| "-".to_owned(), |one| format!("{:+.1}", one.deviation()))
}

fn capacity(report: &mut Report) {
    let mut lines = Vec::new();
    for (name, mape) in &report.metrics {
        if let Some(name) = name.strip_suffix("/capacity/mape") {
            let worst = report.metrics.get(&format!("{name}/capacity/worst")).copied().unwrap_or_default();
            let points = report.metrics.get(&format!("{name}/capacity/points")).copied().unwrap_or_default();
            lines.push(format!(
                "capacity of {name}: off by {mape:.1} % on average over {points} points, {worst:.1} % at most (target 8 %)"
            ));
        }
    }
    report.lines.extend(lines);
}

/// What peers predicted for the same runs, by simulator and metric, and what we do on those runs
/// that we can replay.
pub(super) fn peers(report: &mut Report, predictions: &[Prediction], compared: &[Compared]) {
    if predictions.is_empty() {
        return;
    }
    let mut by_simulator: BTreeMap<(&str, Metric), Vec<&Prediction>> = BTreeMap::new();
    for one in predictions {
        by_simulator.entry((&one.simulator, one.metric)).or_default().push(one);
    }
    report.lines.push(String::new());
    report.lines.push(format!(
        "{:<26} {:<10} {:>4} {:>9} {:>9}   {:>4} {:>9} {:>15}   on the runs that both have",
        "peer", "metric", "n", "MAPE", "median", "n", "its MAPE", "our datasheet's"
    ));
    for ((simulator, metric), members) in by_simulator {
        let errors: Vec<f64> = members.iter().map(|one| error(one)).collect();
        let ours = |one: &&Prediction| compared.iter().find(|our| is_ours(our, one)).map(|our| our.deviation().abs());
        let (mut theirs, mut own) = (Vec::new(), Vec::new());
        for (one, our) in members.iter().filter_map(|one| ours(one).map(|our| (one, our))) {
            theirs.push(error(one));
            own.push(our);
        }
        let name = format!("peers/{simulator}/{}", metric.name());
        report.metrics.insert(format!("{name}/mape"), average(&errors));
        report.metrics.insert(format!("{name}/mdape"), middle(&errors));
        report.metrics.insert(format!("{name}/points"), errors.len() as f64);
        let (n, mape, median) = (errors.len(), average(&errors), middle(&errors));
        let mut line = format!("{simulator:<26} {:<10} {n:>4} {mape:>9.1} {median:>9.1}", metric.name());
        if !own.is_empty() {
            report.metrics.insert(format!("{name}/common_points"), own.len() as f64);
            report.metrics.insert(format!("{name}/mape_on_common"), average(&theirs));
            report.metrics.insert(format!("{name}/ours_datasheet_on_common"), average(&own));
            let _ = write!(line, "   {:>4} {:>9.1} {:>15.1}", own.len(), average(&theirs), average(&own));
        }
        report.lines.push(line);
    }
    report.lines.push(
        "Not like for like: some peers carry coefficients of these very engines, others one set for all; ours is the \
         datasheet law, which has seen none of these runs."
            .to_owned(),
    );
}

fn error(one: &Prediction) -> f64 {
    100.0 * (one.predicted / one.measured - 1.0).abs()
}

fn is_ours(our: &Compared, one: &Prediction) -> bool {
    our.source == Source::Peers && our.profile == "datasheet" && our.id == one.id && our.metric == one.metric
}
