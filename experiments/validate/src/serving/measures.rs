//! What a load generator reports of the requests that ended in its window.

use super::point::{Client, Metric, Point, Window};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ledger::RequestRecord;
use flashcrowd_core::traffic::Outcome;

/// Latencies of one run, sorted.
pub(super) struct Measures {
    e2e_ms: Vec<f64>,
    ttft_ms: Vec<f64>,
    tpot_ms: Vec<f64>,
    gaps: f64,
    gap_ms: f64,
    seconds: f64,
}

impl Measures {
    /// Of the requests of a run, whose window was so long if it was given by time.
    pub(super) fn of(requests: &[RequestRecord], point: &Point, window_s: f64) -> Self {
        let wanted = match point.window {
            Window::Seconds(_) => usize::MAX,
            Window::Requests { count, .. } => count as usize,
        };
        let empty = Vec::new;
        let mut measures =
            Measures { e2e_ms: empty(), ttft_ms: empty(), tpot_ms: empty(), gaps: 0.0, gap_ms: 0.0, seconds: window_s };
        let completed = requests.iter().filter(|request| request.outcome == Outcome::Completed);
        for request in completed.take(wanted) {
            if wanted < usize::MAX {
                // Records are in the order of their ends.
                measures.seconds = request.ended.as_s_f64();
            }
            if is_measured(&point.client, request.number) {
                measures.add(request);
            }
        }
        for values in [&mut measures.e2e_ms, &mut measures.ttft_ms, &mut measures.tpot_ms] {
            values.sort_by(f64::total_cmp);
        }
        measures
    }

    fn add(&mut self, request: &RequestRecord) {
        let ms = |span: SimDuration| span.as_s_f64() * 1e3;
        let (e2e, ttft) = (ms(request.ended.since(request.arrived)), ms(request.ttft.unwrap_or_default()));
        let gaps = f64::from(request.tokens[1].max(1) - 1);
        self.e2e_ms.push(e2e);
        self.ttft_ms.push(ttft);
        self.gaps += gaps;
        self.gap_ms += e2e - ttft;
        if gaps > 0.0 {
            self.tpot_ms.push((e2e - ttft) / gaps);
        }
    }

    /// One of them, in its unit.
    pub(super) fn get(&self, metric: Metric) -> f64 {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        match metric {
            Metric::E2eMean => mean(&self.e2e_ms),
            Metric::E2eP50 => quantile(&self.e2e_ms, 0.5),
            Metric::E2eP99 => quantile(&self.e2e_ms, 0.99),
            Metric::ItlMean => self.gap_ms / self.gaps.max(1.0),
            Metric::TtftMean => mean(&self.ttft_ms),
            Metric::TtftP50 => quantile(&self.ttft_ms, 0.5),
            Metric::TtftP99 => quantile(&self.ttft_ms, 0.99),
            Metric::TpotMean => mean(&self.tpot_ms),
            Metric::TpotP50 => quantile(&self.tpot_ms, 0.5),
            Metric::RequestsPerS => self.e2e_ms.len() as f64 / self.seconds,
        }
    }
}

/// Whether the latency of that request was recorded.
fn is_measured(client: &Client, number: u64) -> bool {
    match client {
        Client::Recorded { requests, .. } => requests.get(number as usize).is_none_or(|request| request.measured),
        _ => true,
    }
}

/// The value at a rank of sorted values; 0 if there are none.
pub(super) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}
