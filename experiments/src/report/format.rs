//! Numbers in plain words.

use flashcrowd_language::units::Duration;
use flashcrowd_language::words::{count, duration, percent};
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// A duration beside a limit, with so many digits that it is on its side of it: 2.0004 s is not shown as the
/// 2 s that it missed. Where an SLO is missed, the two are never alike: in some replicates it was not held.
pub(crate) fn duration_beside(s: f64, limit: Duration, holds: bool) -> String {
    let limit_s = limit.get().as_s_f64();
    let fits = |text: &String| {
        let shown = text.parse::<Duration>().map_or(0.0, |shown| shown.get().as_s_f64());
        let is_beside = if s > limit_s { shown > limit_s } else { shown <= limit_s };
        is_beside && (holds || shown != limit_s)
    };
    let first = std::iter::once(duration(s));
    let found = first.chain((1..=MORE_DIGITS).map(|more| finer(s, more))).find(fits);
    found.unwrap_or_else(|| match (s > limit_s, holds) {
        (true, _) => format!(">{limit}"),
        (false, true) => limit.to_string(),
        (false, false) => format!("<={limit}"),
    })
}

/// Digits beyond the usual ones that show on which side of a limit a duration is.
const MORE_DIGITS: usize = 4;

/// A duration with more digits than `duration` gives it.
fn finer(s: f64, more: usize) -> String {
    match s {
        s if s < 0.000_999_5 => format!("{:.more$}us", s * 1e6),
        s if s < 0.01 => format!("{:.*}ms", 1 + more, s * 1e3),
        s if s < 0.999_5 => format!("{:.more$}ms", s * 1e3),
        s if s < 9.995 => format!("{s:.*}s", 2 + more),
        s if s < 99.95 => format!("{s:.*}s", 1 + more),
        s => long_with_decimals(s, more - 1),
    }
}

/// `2m0.4s`.
fn long_with_decimals(s: f64, decimals: usize) -> String {
    let unit = 10_u64.pow(decimals as u32);
    let mut left = (s * unit as f64).round() as u64;
    let mut text = String::new();
    for (seconds, name) in [(86_400, "d"), (3_600, "h"), (60, "m")] {
        let size = seconds * unit;
        if left >= size {
            let _ = write!(text, "{}{name}", left / size);
            left %= size;
        }
    }
    if left > 0 || text.is_empty() {
        let _ = write!(text, "{:.decimals$}s", left as f64 / unit as f64);
    }
    text
}

/// Some of many names or facts, and how many more there are.
pub(crate) fn listed(facts: &[String], shown: usize) -> String {
    let words = facts.iter().take(shown).map(String::as_str).collect::<Vec<_>>().join(", ");
    if facts.len() > shown { format!("{words} and {} more", count((facts.len() - shown) as u64)) } else { words }
}

/// Dollars: cents below a thousand, more digits for small sums; what is not nothing is never shown as
/// nothing.
///
/// ```
/// use flashcrowd::report::money;
/// let shown: Vec<String> = [0.0, 0.5, 0.000_033_3, 0.999_99, 12.3, 999.999, 1234.5].map(money).to_vec();
/// assert_eq!(shown, ["$0", "$0.5000", "$0.0000333", "$1.00", "$12.30", "$1,000", "$1,235"]);
/// ```
pub fn money(usd: f64) -> String {
    match usd {
        usd if usd >= 999.995 => format!("${}", count(usd.round() as u64)),
        usd if usd >= 0.999_95 => format!("${usd:.2}"),
        usd if usd >= 0.001 => format!("${usd:.4}"),
        usd if usd >= 1e-12 => format!("${usd:.*}", digits_of_small(usd)),
        _ => "$0".to_owned(),
    }
}

/// Decimals that show three digits of what is less than one.
fn digits_of_small(usd: f64) -> usize {
    (2.0 - usd.log10().floor()).clamp(4.0, 15.0) as usize
}

/// A share in percent beside a bound, with so many digits that it is on the same side: 98.998 % is not
/// shown as the 99 % that it missed.
pub(crate) fn percent_beside(share: f64, bound: f64) -> String {
    let shown = percent(share);
    let value = |text: &str| text.trim_end_matches(" %").parse::<f64>().ok();
    if share >= bound || value(&shown).is_some_and(|value| value < bound * 100.0) {
        return shown;
    }
    let longer = (2..=12).map(|digits| format!("{:.digits$} %", share * 100.0));
    longer.into_iter().find(|text| value(text).is_some_and(|value| value < bound * 100.0)).unwrap_or(shown)
}

/// A rate per second.
pub(super) fn rate(per_s: f64) -> String {
    match per_s {
        r if r >= 100.0 => count(r.round() as u64),
        r if r >= 10.0 => format!("{r:.0}"),
        r => format!("{r:.2}"),
    }
}

/// A mean number of things over replicates, in hundredths where it is not whole: exact for the usual
/// numbers of replicates.
///
/// ```
/// use flashcrowd::report::amount;
/// assert_eq!([amount(1_234.0), amount(189_544.4), amount(0.25)], ["1,234", "189,544.4", "0.25"]);
/// ```
pub fn amount(mean: f64) -> String {
    amount_parts(&[mean]).swap_remove(0)
}

/// Mean numbers of things as the parts of their sum, rounded so that they add up to it.
pub(crate) fn amount_parts(parts: &[f64]) -> Vec<String> {
    let hundredths = (parts.iter().sum::<f64>() * 100.0).round() as u64;
    let show = |units: u64| match units % 100 {
        0 => count(units / 100),
        rest => format!("{}.{}", count(units / 100), format!("{rest:02}").trim_end_matches('0')),
    };
    apportion(parts, hundredths).into_iter().map(show).collect()
}

/// Dollars with a sign: `+$3.79`.
pub(crate) fn money_per(usd: f64) -> String {
    format!("{}{}", if usd < 0.0 { "-" } else { "+" }, money(usd.abs()))
}

/// Amounts of a whole in the digits that its total is written with, so that they add up to it.
pub(crate) fn money_parts(parts: &[f64]) -> Vec<String> {
    let whole: f64 = parts.iter().sum();
    // As many decimals as `money` gives the whole.
    let decimals = money(whole).split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let unit = 10_f64.powi(decimals as i32);
    let units = apportion(parts, (whole * unit).round() as u64);
    let show = |units: u64| match decimals {
        0 => format!("${}", count(units)),
        _ => format!("${:.decimals$}", units as f64 / unit),
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
        let widths = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
        widths.max().unwrap_or(0)
    };
    // Labels of other lines take eleven characters.
    let widths: Vec<usize> = (0..count).map(|at| if at == 0 { width(0).max(11) } else { width(at) }).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for ((cell, width), at) in row.iter().zip(&widths).zip(0..) {
            let gap = " ".repeat(width.saturating_sub(cell.width()));
            let cell = if right.contains(&at) { gap + cell } else { format!("{cell}{gap}") };
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
    fn what_missed_its_limit_is_not_shown_as_the_limit() {
        let shown = |s: f64, limit: &str, holds| duration_beside(s, limit.parse().unwrap(), holds);
        let cases = [
            (0.0604, "60ms", false, "60.4ms"),
            (0.060_001, "60ms", false, "60.001ms"),
            (0.06, "60ms", true, "60ms"),
            // All together held it, and one replicate did not.
            (0.06, "60ms", false, "<=60ms"),
            (0.059_98, "60ms", false, "59.98ms"),
            (0.059_6, "59.58ms", false, "60ms"),
            (0.059_57, "59.58ms", true, "59.57ms"),
            (2.0004, "2s", false, "2.0004s"),
            (3.1, "2s", false, "3.1s"),
            (120.4, "2m", false, "2m0.4s"),
            (3_620.0, "1h", false, "1h20s"),
            (50.000_001, "50s", false, ">50s"),
        ];
        for (s, limit, holds, words) in cases {
            assert_eq!(shown(s, limit, holds), words, "{s} beside {limit}");
        }
    }

    proptest! {
        #[test]
        fn a_miss_never_prints_equal_texts_for_got_and_limit(
            limit_us in 1_u64..200_000_000_000, by in prop_oneof![Just(0_i64), -3_i64..4, -100_000_i64..100_000],
        ) {
            let limit = Duration(flashcrowd_core::SimDuration::from_us(limit_us));
            let s = (limit_us as i64 + by).max(1) as f64 / 1e6;
            let shown = duration_beside(s, limit, false);
            prop_assert_ne!(&shown, &limit.to_string());
            let held = duration_beside(s, limit, true);
            if let (true, Ok(held)) = (s <= limit.get().as_s_f64(), held.parse::<Duration>()) {
                prop_assert!(held.get() <= limit.get(), "{} beside {}", held, limit);
            }
        }
    }

    #[test]
    fn columns_are_aligned_and_end_without_spaces() {
        let rows = [vec!["a", "bb", ""], vec!["", "c", "ddd"]].map(|row| row.into_iter().map(str::to_owned).collect());
        assert_eq!(columns(&rows, &[1]), "a           bb\n             c  ddd\n");
        // Letters that take two columns of a terminal.
        let wide =
            [vec!["\u{65e5}\u{672c}", "b"], vec!["abcd", "e"]].map(|row| row.into_iter().map(str::to_owned).collect());
        assert_eq!(columns(&wide, &[]), "\u{65e5}\u{672c}        b\nabcd        e\n");
    }
}
