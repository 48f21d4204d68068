//! Paired comparison of variants: all play the same world, so differences by replicate have much
//! less noise than the runs themselves.

use crate::export::summary::{Counts, quantile_of};
use crate::report::groups::{Group, spoken_for};
use crate::report::{duration, money};
use crate::run::{Played, Run};
use crate::statistics::{Estimate, t_975};
use flashcrowd_core::ports::LatencyPart;
use serde_json::{Value, json};
use std::fmt::Write;

/// A figure that is compared.
#[derive(Clone, Copy)]
struct Figure {
    name: &'static str,
    words: &'static str,
    /// Less of it is better.
    less_is_better: bool,
    of: fn(&Played, &Run) -> Option<f64>,
    show: fn(f64) -> String,
}

const FIGURES: [Figure; 7] = [
    Figure {
        name: "e2e_mean_s",
        words: "mean latency",
        less_is_better: true,
        of: |played, run| Some(group(played, run).latency(run).mean_s(LatencyPart::EndToEnd)),
        show: signed_duration,
    },
    Figure {
        name: "e2e_p99_s",
        words: "p99 latency",
        less_is_better: true,
        of: |played, run| Some(quantile_of(&group(played, run).latency(run), LatencyPart::EndToEnd, 0.99)),
        show: signed_duration,
    },
    Figure { name: "attainment", words: "SLO attainment", less_is_better: false, of: attainment, show: signed_percent },
    Figure {
        name: "not_served",
        words: "requests not served",
        less_is_better: true,
        of: |_, run| {
            let counts = Counts::of(&run.record.clients);
            Some((counts.rejected + counts.expired + counts.failed) as f64)
        },
        show: |x| format!("{x:+.1}"),
    },
    Figure {
        name: "replicas_mean",
        words: "replicas",
        less_is_better: true,
        of: |played, run| {
            let horizon = played.loaded.variants[run.variant].horizon.as_s_f64();
            Some(group(played, run).sum(run, |service| service.ready_replica_s) / horizon)
        },
        show: |x| format!("{x:+.2}"),
    },
    Figure {
        name: "reversals",
        words: "reversals",
        less_is_better: true,
        of: |played, run| Some(group(played, run).sum(run, |service| service.reversals as f64)),
        show: |x| format!("{x:+.1}"),
    },
    Figure {
        name: "cost_usd",
        words: "cost",
        less_is_better: true,
        of: |_, run| Some(run.record.bill.usd(|_| true)),
        show: |x| format!("{}{}", if x < 0.0 { "-" } else { "+" }, money(x.abs())),
    },
];

/// What is compared of a run: its first service, or all cells of its first route.
fn group(played: &Played, run: &Run) -> Group {
    spoken_for(&played.loaded.variants[run.variant])
}

fn attainment(played: &Played, run: &Run) -> Option<f64> {
    let group = group(played, run);
    let slo = played.loaded.variants[run.variant].services[group.services[0]].slos.first()?;
    Some(group.slo(run, 0, slo).attainment)
}

fn signed_duration(s: f64) -> String {
    format!("{}{}", if s < 0.0 { "-" } else { "+" }, duration(s.abs()))
}

fn signed_percent(share: f64) -> String {
    format!("{:+.3} points", share * 100.0)
}

/// One difference from the baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The variant.
    pub variant: String,
    /// The figure's name, unit last.
    pub figure: &'static str,
    /// Mean over replicates of the baseline.
    pub baseline: f64,
    /// Mean over replicates of the variant.
    pub value: f64,
    /// Mean of the differences by replicate, and their interval.
    pub paired: Estimate,
    /// Half-width that independent runs would have.
    pub unpaired_half_width: Option<f64>,
}

/// All differences of a played scenario from its baseline.
pub fn differences(played: &Played) -> Vec<Difference> {
    let baseline = played.loaded.baseline;
    let values = |figure: &Figure, variant: usize| -> Option<Vec<f64>> {
        played.of_variant(variant).map(|run| (figure.of)(played, run)).collect()
    };
    let mut differences = Vec::new();
    for (variant, resolved) in played.loaded.variants.iter().enumerate() {
        if variant == baseline {
            continue;
        }
        for figure in &FIGURES {
            let (Some(base), Some(own)) = (values(figure, baseline), values(figure, variant)) else { continue };
            let pairs: Vec<f64> = own.iter().zip(&base).map(|(own, base)| own - base).collect();
            differences.push(Difference {
                variant: resolved.variant.clone(),
                figure: figure.name,
                baseline: Estimate::of(&base).mean,
                value: Estimate::of(&own).mean,
                paired: Estimate::of(&pairs),
                unpaired_half_width: unpaired(&base, &own),
            });
        }
    }
    differences
}

/// Half-width of the difference of two independent means of equal size.
fn unpaired(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len();
    if n < 2 || b.len() != n {
        return None;
    }
    let variance = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / n as f64;
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1) as f64
    };
    Some(t_975((2 * n - 2) as f64) * ((variance(a) + variance(b)) / n as f64).sqrt())
}

/// The comparison as JSON.
pub fn json(played: &Played) -> Value {
    let loaded = &played.loaded;
    let rows: Vec<Value> = differences(played)
        .iter()
        .map(|row| {
            json!({
                "variant": row.variant,
                "figure": row.figure,
                "baseline": row.baseline,
                "value": row.value,
                "difference": row.paired.mean,
                "half_width": row.paired.half_width,
                "unpaired_half_width": row.unpaired_half_width,
                "differs": row.paired.differs_from_zero(),
            })
        })
        .collect();
    json!({
        "schema": "flashcrowd/compare/1",
        "scenario": loaded.name,
        "baseline": loaded.variants[loaded.baseline].variant,
        "variants": loaded.variants.iter().map(|variant| variant.variant.clone()).collect::<Vec<_>>(),
        "replicates": loaded.variants[0].replicates,
        "seed": loaded.variants[0].seed,
        "digest": played.digest(),
        "bound": crate::bound::json(played),
        "differences": rows,
        "verdicts": verdicts(played),
    })
}

/// The comparison in words and a table.
pub fn text(played: &Played) -> String {
    let loaded = &played.loaded;
    let baseline = &loaded.variants[loaded.baseline];
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}: against `{}`, {} of the same world, paired; 95 % intervals\n",
        loaded.name,
        baseline.variant,
        if baseline.replicates == 1 { "1 replicate".to_owned() } else { format!("{} replicates", baseline.replicates) }
    );
    let _ = writeln!(text, "{}", crate::bound::text(played));
    let width = loaded.variants.iter().map(|variant| variant.variant.chars().count()).max().unwrap_or(8).max(8);
    let _ = writeln!(
        text,
        "{:<width$}  {:<20} {:>16} {:>14} {:>20}",
        "variant", "figure", "difference", "+-", "(unpaired +-)"
    );
    for row in differences(played) {
        let Some(figure) = FIGURES.iter().find(|figure| figure.name == row.figure) else { continue };
        let width_of = |half: Option<f64>| {
            half.map_or_else(|| "-".to_owned(), |half| (figure.show)(half).trim_start_matches('+').to_owned())
        };
        let mark = if row.paired.differs_from_zero() || row.paired.half_width.is_none() {
            ""
        } else {
            "  (no difference seen)"
        };
        let _ = writeln!(
            text,
            "{:<width$}  {:<20} {:>16} {:>14} {:>20}{mark}",
            row.variant,
            figure.words,
            (figure.show)(row.paired.mean),
            width_of(row.paired.half_width),
            width_of(row.unpaired_half_width),
        );
    }
    let _ = writeln!(text);
    for verdict in verdicts(played) {
        let _ = writeln!(text, "{verdict}");
    }
    if baseline.replicates < 5 {
        let _ = writeln!(text, "Few replicates make wide intervals: --replicates 20");
    }
    text
}

/// One sentence for each variant.
pub fn verdicts(played: &Played) -> Vec<String> {
    let loaded = &played.loaded;
    let baseline = &loaded.variants[loaded.baseline].variant;
    let all = differences(played);
    let mut verdicts = Vec::new();
    for resolved in &loaded.variants {
        let rows: Vec<&Difference> = all.iter().filter(|row| row.variant == resolved.variant).collect();
        if rows.is_empty() {
            continue;
        }
        let name = &resolved.variant;
        if rows.iter().all(|row| row.paired.mean == 0.0 && row.paired.half_width.unwrap_or(0.0) == 0.0) {
            verdicts.push(format!("`{name}` does the same as `{baseline}`."));
            continue;
        }
        // One replicate has no interval: it shows what happened, not what is to be expected.
        let single = resolved.replicates == 1;
        let (mut better, mut worse) = (Vec::new(), Vec::new());
        let seen = |row: &&&Difference| row.paired.differs_from_zero() || (single && row.paired.mean != 0.0);
        for row in rows.iter().filter(seen) {
            let Some(figure) = FIGURES.iter().find(|figure| figure.name == row.figure) else { continue };
            let words = format!("{} {}", figure.words, (figure.show)(row.paired.mean));
            if (row.paired.mean < 0.0) == figure.less_is_better { better.push(words) } else { worse.push(words) }
        }
        let once = if single { " In one replicate, which chance may have made." } else { "" };
        verdicts.push(match (better.is_empty(), worse.is_empty()) {
            (true, true) => format!("`{name}` against `{baseline}`: these replicates show no difference."),
            (false, true) => format!("`{name}` is better than `{baseline}`: {}.{once}", better.join(", ")),
            (true, false) => format!("`{name}` is worse than `{baseline}`: {}.{once}", worse.join(", ")),
            (false, false) => {
                format!("`{name}` trades: better {}; worse {}.{once}", better.join(", "), worse.join(", "))
            }
        });
    }
    verdicts
}
