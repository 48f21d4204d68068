//! The percentile text format of `HdrHistogram` (`.hgrm`), as its plotters read it.

use super::spread::Spread;
use hdrhistogram::Histogram;
use std::fmt::Write;

/// Percentile ticks for each halving of the distance to 100 %.
const TICKS: u32 = 5;

/// A distribution in microseconds, printed in milliseconds; no value exceeds the exact highest.
///
/// ```
/// use flashcrowd_results::{Spread, hgrm};
/// let mut histogram = hdrhistogram::Histogram::<u64>::new(3)?;
/// histogram.record(1_500)?;
/// assert!(hgrm(&Spread::of_histogram(&histogram, 1_500)).contains("1.500"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn hgrm(spread: &Spread) -> String {
    spread.histogram().map_or_else(String::new, |histogram| text(&histogram, spread.max_us()))
}

fn text(histogram: &Histogram<u64>, max_us: u64) -> String {
    let mut text = String::from("       Value     Percentile TotalCount 1/(1-Percentile)\n\n");
    if !histogram.is_empty() {
        let mut total = 0;
        for step in histogram.iter_quantiles(TICKS) {
            total += step.count_since_last_iteration();
            let quantile = step.quantile_iterated_to();
            let value = step.value_iterated_to().min(max_us);
            let _ = write!(text, "{:12.3} {:14.12} {:10} ", value as f64 / 1e3, quantile, total);
            if quantile < 1.0 {
                let _ = writeln!(text, "{:14.2}", 1.0 / (1.0 - quantile));
            } else {
                text.push('\n');
            }
        }
    }
    let (mean, deviation) = (histogram.mean() / 1e3, histogram.stdev() / 1e3);
    let max = max_us as f64 / 1e3;
    let _ = writeln!(text, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]");
    let _ = writeln!(text, "#[Max     = {max:12.3}, Total count    = {:12}]", histogram.len());
    let buckets = histogram.buckets();
    let _ = writeln!(text, "#[Buckets = {buckets:12}, SubBuckets     = {:12}]", histogram.distinct_values());
    text
}
