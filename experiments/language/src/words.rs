//! Numbers, and errors of the system, in plain words.

use std::io;

/// A duration in seconds with three significant digits and the unit that suits it.
///
/// ```
/// use flashcrowd_language::words::duration;
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
        s if s < 0.000_000_5 => "<1us".to_owned(),
        s if s < 0.000_999_5 => format!("{:.0}us", s * 1e6),
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
/// assert_eq!(flashcrowd_language::words::count(22_994_312), "22,994,312");
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

/// A share in percent; what is not all is never shown as 100 %.
///
/// ```
/// use flashcrowd_language::words::percent;
/// assert_eq!([percent(0.713), percent(0.9999), percent(1.0)], ["71.3 %", "99.99 %", "100 %"]);
/// ```
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    match value {
        v if v >= 100.0 => "100 %".to_owned(),
        v if v >= 99.9 => format!("{:.2} %", v.min(99.99)),
        v if v >= 10.0 => format!("{v:.1} %"),
        v if v > 0.0 && v < 0.005 => "<0.01 %".to_owned(),
        v => format!("{v:.2} %"),
    }
}

/// The system's words without its error number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
