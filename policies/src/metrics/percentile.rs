//! Percentiles in the names of metrics.

/// `95`, `99.9` or, as many write it, `999` as a quantile.
pub(super) fn percentile(digits: &str) -> Option<f64> {
    let (percent, fraction) = match digits.split_once('.') {
        Some(split) => split,
        None if digits.len() > 2 && digits.starts_with('9') => digits.split_at_checked(2)?,
        None => (digits, ""),
    };
    let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if percent.is_empty() || percent.len() > 2 || !is_number(percent) || !is_number(fraction) {
        return None;
    }
    // Parsed as one decimal number: dividing by 100 would be off by a bit.
    let quantile: f64 = format!("0.{percent:0>2}{fraction}").parse().ok()?;
    (quantile > 0.0 && quantile < 1.0).then_some(quantile)
}
