//! The worst moment of a run: the stretch in which most requests were late, and what the fleet
//! looked like then.

use super::format::{count, duration};
use super::line;
use crate::run::Run;
use crate::scenario::resolve::Resolved;
use flashcrowd_core::ledger::SeriesRow;

/// A stretch of the series.
struct Stretch<'a> {
    rows: Vec<&'a SeriesRow>,
    late: u64,
}

pub(super) fn write(text: &mut String, resolved: &Resolved, runs: &[&Run]) {
    let Some(run) = runs.iter().max_by_key(|run| worst_of(run).map_or(0, |stretch| stretch.late)) else { return };
    let Some(stretch) = worst_of(run) else {
        line(text, "worst", "no request was late");
        return;
    };
    let peak = stretch.rows.iter().max_by_key(|row| (row.p99, row.waiting));
    let Some(peak) = peak else { return };
    let from = stretch.rows[0].at.as_s_f64() - resolved.series_period.as_s_f64();
    let to = stretch.rows.last().map_or(from, |row| row.at.as_s_f64());
    let service = if resolved.services.len() > 1 {
        format!("{}, ", resolved.services[peak.service as usize].name)
    } else {
        String::new()
    };
    let replicate = if runs.len() > 1 { format!(" of replicate {}", run.replicate) } else { String::new() };
    let loading = peak.starting + peak.pending;
    line(
        text,
        "worst",
        &format!(
            "{service}{} to {}{replicate}: {} late, end-to-end p99 {}; then {} ready, {loading} starting, queue {}",
            since_start(from),
            since_start(to),
            count(stretch.late),
            duration(peak.p99.as_s_f64()),
            peak.ready,
            count(u64::from(peak.waiting))
        ),
    );
}

/// The run of consecutive rows with late requests that holds most of them.
fn worst_of(run: &Run) -> Option<Stretch<'_>> {
    let mut best: Option<Stretch<'_>> = None;
    for service in 0..run.record.services.len() as u32 {
        let mut current = Stretch { rows: Vec::new(), late: 0 };
        let rows = run.record.series.iter().filter(|row| row.service == service);
        for row in rows {
            if row.late == 0 {
                current = Stretch { rows: Vec::new(), late: 0 };
                continue;
            }
            current.rows.push(row);
            current.late += row.late;
            if best.as_ref().is_none_or(|best| current.late > best.late) {
                best = Some(Stretch { rows: current.rows.clone(), late: current.late });
            }
        }
    }
    best
}

/// `1h12m` after the start.
fn since_start(s: f64) -> String {
    if s <= 0.0 { "the start".to_owned() } else { format!("+{}", duration(s)) }
}
