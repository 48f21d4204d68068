//! Numbers in plain words.

/// A duration in seconds with three significant digits and the unit that suits it.
///
/// ```
/// use flashcrowd::report::duration;
/// let shown: Vec<String> = [0.0, 0.0000123, 0.046, 2.41, 38.2, 250.0, 7_200.0, 604_800.0].map(duration).to_vec();
/// assert_eq!(shown, ["0", "12us", "46ms", "2.41s", "38.2s", "4m10s", "2h", "7d"]);
/// ```
pub fn duration(s: f64) -> String {
    let digits = |x: f64| match x {
        x if x < 9.995 => format!("{x:.2}"),
        x if x < 99.95 => format!("{x:.1}"),
        x => format!("{x:.0}"),
    };
    let trimmed = |text: String| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    match s {
        s if s <= 0.0 => "0".to_owned(),
        s if s < 0.001 => format!("{:.0}us", s * 1e6),
        s if s < 0.999_5 => {
            format!("{}ms", trimmed(if s < 0.01 { format!("{:.1}", s * 1e3) } else { format!("{:.0}", s * 1e3) }))
        }
        s if s < 99.95 => format!("{}s", trimmed(digits(s))),
        s => long(s.round() as u64),
    }
}

/// Two units are enough for a long time.
fn long(s: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let first = units.iter().position(|unit| s >= unit.0).unwrap_or(3);
    let (size, name) = units[first];
    let rest = units.get(first + 1).map_or(0, |unit| s % size / unit.0);
    let second = units.get(first + 1).map_or(String::new(), |unit| format!("{rest}{}", unit.1));
    if rest == 0 { format!("{}{name}", s / size) } else { format!("{}{name}{second}", s / size) }
}

/// A count with thousands separated.
///
/// ```
/// assert_eq!(flashcrowd::report::count(22_994_312), "22,994,312");
/// ```
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Dollars: cents below a thousand, more digits for small sums.
pub fn money(usd: f64) -> String {
    match usd {
        usd if usd >= 1_000.0 => format!("${}", count(usd.round() as u64)),
        usd if usd >= 1.0 => format!("${usd:.2}"),
        usd => format!("${usd:.4}"),
    }
}

/// A share in percent; what is not all is never shown as 100 %.
///
/// ```
/// use flashcrowd::report::percent;
/// assert_eq!([percent(0.713), percent(0.9999), percent(1.0)], ["71.3 %", "99.99 %", "100 %"]);
/// ```
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    match value {
        v if v >= 100.0 => "100 %".to_owned(),
        v if v >= 99.9 => format!("{:.2} %", v.min(99.99)),
        v if v >= 10.0 => format!("{v:.1} %"),
        v => format!("{v:.2} %"),
    }
}

/// A rate per second.
pub(super) fn rate(per_s: f64) -> String {
    match per_s {
        r if r >= 100.0 => count(r.round() as u64),
        r if r >= 10.0 => format!("{r:.0}"),
        r => format!("{r:.2}"),
    }
}

/// A value and the half-width of its interval: `1.22s +-20ms`.
pub(crate) fn interval(got: f64, half_width: Option<f64>, show: fn(f64) -> String) -> String {
    match half_width {
        Some(half) => format!("{} +-{}", show(got), show(half)),
        None => show(got),
    }
}

/// Dollars with a sign: `+$3.79`.
pub(crate) fn money_per(usd: f64) -> String {
    format!("{}{}", if usd < 0.0 { "-" } else { "+" }, money(usd.abs()))
}

/// Amounts of a whole in the digits that its total is written with, so that they add up to it.
pub(crate) fn money_parts(parts: &[f64]) -> Vec<String> {
    let whole: f64 = parts.iter().sum();
    let unit = match whole {
        usd if usd >= 1_000.0 => 1.0,
        usd if usd >= 1.0 => 100.0,
        _ => 10_000.0,
    };
    let units = apportion(parts, (whole * unit).round() as u64);
    let show = |units: u64| match unit as u64 {
        1 => format!("${}", count(units)),
        100 => format!("${:.2}", units as f64 / 100.0),
        _ => format!("${:.4}", units as f64 / 10_000.0),
    };
    units.into_iter().map(show).collect()
}

/// Integers in the proportion of some parts that add up to `whole`, by the largest remainders.
fn apportion(parts: &[f64], whole: u64) -> Vec<u64> {
    let sum: f64 = parts.iter().sum();
    let exact: Vec<f64> = parts.iter().map(|part| part / sum.max(f64::MIN_POSITIVE) * whole as f64).collect();
    let mut units: Vec<u64> = exact.iter().map(|exact| exact.floor() as u64).collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
    let missing = whole.saturating_sub(units.iter().sum());
    for at in order.into_iter().take(missing as usize) {
        units[at] += 1;
    }
    units
}

/// Shares of a whole in tenths of a percent that add up to it, by the largest remainders. `None` for one
/// that is no tenth.
///
/// What is next to nothing takes no tenth from others, so that the shown ones add up to 100 %.
pub(crate) fn shares(parts: &[f64]) -> Vec<Option<String>> {
    let whole: f64 = parts.iter().sum();
    if whole <= 0.0 {
        return vec![None; parts.len()];
    }
    let tenths = apportion(parts, 1_000);
    let show = |tenths: u64| match (tenths / 10, tenths % 10) {
        (0, 0) => None,
        (whole, 0) => Some(format!("{whole} %")),
        (whole, tenth) => Some(format!("{whole}.{tenth} %")),
    };
    tenths.into_iter().map(show).collect()
}

/// Rows as aligned columns, two spaces apart; those of `right` are aligned to the right. Lines end
/// without spaces.
pub(crate) fn columns(rows: &[Vec<String>], right: &[usize]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let widths = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        widths.max().unwrap_or(0)
    };
    // Labels of other lines take eleven characters.
    let widths: Vec<usize> = (0..count).map(|at| if at == 0 { width(0).max(11) } else { width(at) }).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for ((cell, width), at) in row.iter().zip(&widths).zip(0..) {
            let cell = if right.contains(&at) { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            line.push_str(&cell);
            line.push_str(if at == 0 { " " } else { "  " });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shown_shares_add_up_to_the_whole(parts in prop::collection::vec(0.0_f64..1e6, 1..9)) {
            prop_assume!(parts.iter().sum::<f64>() > 0.0);
            let tenths = |share: &Option<String>| share.as_ref().map_or(0, |share| {
                (share.trim_end_matches(" %").parse::<f64>().unwrap() * 10.0).round() as u64
            });
            prop_assert_eq!(shares(&parts).iter().map(tenths).sum::<u64>(), 1_000);
        }
    }

    proptest! {
        #[test]
        fn shown_amounts_add_up_to_the_shown_total(parts in prop::collection::vec(0.0_f64..1e4, 1..9)) {
            let dollars = |text: &str| text.replace(['$', ','], "").parse::<f64>().unwrap();
            let sum: f64 = money_parts(&parts).iter().map(|part| dollars(part)).sum();
            prop_assert!((sum - dollars(&money(parts.iter().sum()))).abs() < 1e-9);
        }
    }

    #[test]
    fn columns_are_aligned_and_end_without_spaces() {
        let rows = [vec!["a", "bb", ""], vec!["", "c", "ddd"]].map(|row| row.into_iter().map(str::to_owned).collect());
        assert_eq!(columns(&rows, &[1]), "a           bb\n             c  ddd\n");
    }
}
