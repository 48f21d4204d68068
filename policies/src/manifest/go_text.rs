//! Numbers, truth values and durations as Go's `strconv` and `time` read them: annotations and
//! `ConfigMaps` hold texts, and what a controller makes of them is Go's doing.

const NS_PER_S: f64 = 1e9;

/// `strconv.ParseFloat(text, 64)`.
pub(crate) fn float(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    // Go reports a range error where Rust gives infinity.
    let says_so = text.to_ascii_lowercase().contains("inf");
    (value.is_finite() || value.is_nan() || says_so).then_some(value)
}

/// `strconv.ParseInt(text, 10, 32)`.
pub(crate) fn int32(text: &str) -> Option<i32> {
    text.parse().ok()
}

/// `strconv.ParseBool`.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// `time.ParseDuration`, in nanoseconds.
pub(crate) fn duration_ns(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(unit_at);
        let next = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(next);
        total = total.checked_add(part_ns(number, unit_ns(unit)?)?)?;
        rest = tail;
    }
    Some(if negative { -total } else { total })
}

fn unit_ns(unit: &str) -> Option<i64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `12.5` of a unit, the fraction cut to whole nanoseconds.
fn part_ns(number: &str, unit: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Eighteen digits are more than a nanosecond of the largest unit needs.
    let kept = &fraction[..fraction.len().min(18)];
    let numerator: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    let part = numerator * i128::from(unit) / 10_i128.pow(kept.len() as u32);
    whole.checked_mul(unit)?.checked_add(i64::try_from(part).ok()?)
}

/// Nanoseconds as seconds.
pub(crate) fn seconds(ns: i64) -> f64 {
    ns as f64 / NS_PER_S
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let table = [
            ("1m5s", Some(65_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            (".5s", Some(500_000_000)),
            ("1.s", Some(1_000_000_000)),
            ("-1s", Some(-1_000_000_000)),
            ("0", Some(0)),
            ("1h0m0.000000001s", Some(3_600_000_000_001)),
            ("2us", Some(2_000)),
            ("", None),
            ("s", None),
            ("5", None),
            (".s", None),
            ("1x", None),
            ("1.2.3s", None),
            ("9999999999h", None),
            ("-", None),
            ("60 s", None),
        ];
        for (text, ns) in table {
            assert_eq!(duration_ns(text), ns, "{text}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused_and_infinity_by_name_is_not() {
        assert_eq!(
            (float("1e400"), float("Inf"), float("0.5"), float("a")),
            (None, Some(f64::INFINITY), Some(0.5), None)
        );
        assert_eq!((int32("+7"), int32("2147483648"), int32("1.0")), (Some(7), None, None));
        assert_eq!((boolean("T"), boolean("yes")), (Some(true), None));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[-+0-9.a-zµ]{0,24}", any in "\\PC{0,12}") {
            let _ = (duration_ns(&text), float(&text), int32(&text), duration_ns(&any));
        }
    }
}
