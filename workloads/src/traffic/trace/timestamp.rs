//! Timestamps such as `2023-11-16 18:15:46.6805900`, with an optional fraction and offset.

use jiff::civil::Date;

const PS_PER_S: i128 = 1_000_000_000_000;

/// Picoseconds since 1970 of `YYYY-MM-DD HH:MM:SS[.fraction][Z|+HH:MM]`, or `None`.
pub(super) fn parse(text: &str) -> Option<i128> {
    let (before, rest) = before_offset(text)?;
    Some(before - i128::from(offset(rest)?) * PS_PER_S)
}

/// The same in the spellings of many programs: a comma before the fraction, ` UTC`, `+HHMM`, `+HH`, and a
/// space before the offset.
pub(super) fn parse_any(text: &str) -> Option<i128> {
    let comma = text.as_bytes().get(19) == Some(&b',');
    let with_point = comma.then(|| text.replacen(',', ".", 1));
    let (before, rest) = before_offset(with_point.as_deref().unwrap_or(text))?;
    let rest = rest.trim_ascii_start();
    let east = match rest {
        b"z" | b"UTC" | b"GMT" => 0,
        [sign @ (b'+' | b'-'), h1, h2] => offset(&[*sign, *h1, *h2, b':', b'0', b'0'])?,
        [sign @ (b'+' | b'-'), h1, h2, m1, m2] => offset(&[*sign, *h1, *h2, b':', *m1, *m2])?,
        other => offset(other)?,
    };
    Some(before - i128::from(east) * PS_PER_S)
}

/// The instant as if it were in UTC, and what follows it.
fn before_offset(text: &str) -> Option<(i128, &[u8])> {
    let bytes = text.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if bytes.len() < 19 || separators.iter().any(|(at, c)| bytes[*at] != *c) || !matches!(bytes[10], b' ' | b'T') {
        return None;
    }
    let (year, month, day) = (number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..10])?);
    let (hour, minute, second) = (number(&bytes[11..13])?, number(&bytes[14..16])?, number(&bytes[17..19])?);
    let date = Date::new(year as i16, month as i8, day as i8).ok()?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = i64::from(date.since(Date::constant(1970, 1, 1)).ok()?.get_days());
    let (fraction_ps, rest) = fraction(&bytes[19..])?;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some((i128::from(seconds) * PS_PER_S + fraction_ps, rest))
}

/// Digits only.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// A fraction of a second in picoseconds, of 1 to 12 digits if there is any; and what follows.
fn fraction(bytes: &[u8]) -> Option<(i128, &[u8])> {
    let Some(rest) = bytes.strip_prefix(b".") else { return Some((0, bytes)) };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=12).contains(&length) {
        return None;
    }
    let scale = 10_i128.pow(12 - length as u32);
    Some((i128::from(number(&rest[..length])?) * scale, &rest[length..]))
}

/// Seconds east of UTC. Without an offset, times are taken as UTC.
fn offset(bytes: &[u8]) -> Option<i64> {
    match bytes {
        b"" | b"Z" => Some(0),
        [sign @ (b'+' | b'-'), hours @ .., b':', m1, m2] if hours.len() == 2 => {
            let (hours, minutes) = (number(hours)?, number(&[*m1, *m2])?);
            let east = (hours <= 15 && minutes <= 59).then_some((hours * 60 + minutes) * 60)?;
            Some(if *sign == b'-' { -east } else { east })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_instants() {
        let s = |text| parse(text).map(|ps| ps / PS_PER_S);
        assert_eq!(s("1970-01-01 00:00:00"), Some(0));
        assert_eq!(s("2000-03-01 00:00:00"), Some(951_868_800));
        assert_eq!(s("2024-02-29T23:59:59Z"), Some(1_709_251_199));
        assert_eq!(s("2024-05-12 02:00:00+02:00"), s("2024-05-12 00:00:00"));
        assert_eq!(s("2024-05-11 19:30:00-04:30"), s("2024-05-12 00:00:00"));
        assert_eq!(parse("1970-01-01 00:00:00.6805900"), Some(680_590_000_000));
        assert_eq!(parse("1970-01-01 00:00:00.000000000001+00:00"), Some(1));
    }

    #[test]
    fn spellings_of_other_programs() {
        let expected = parse("2025-11-03T00:00:00.25Z");
        for text in [
            "2025-11-03T00:00:00.25",
            "2025-11-03 00:00:00,25",
            "2025-11-03 00:00:00.25 UTC",
            "2025-11-03 00:00:00.250000z",
            "2025-11-03 05:30:00.25+0530",
            "2025-11-03 05:30:00.25 +05:30",
            "2025-11-02T23:00:00.25-01",
        ] {
            assert_eq!(parse_any(text), expected, "{text}");
        }
        for text in ["2025-11-03 00:00:00 PST", "2025-11-03 00:00:00+2", "2025-11-03 00:00:00+99", "2025-11-03"] {
            assert_eq!(parse_any(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2023-11-16",
            "2023-13-16 18:15:46",
            "2023-02-29 18:15:46",
            "2100-02-29 18:15:46",
            "2023-11-00 18:15:46",
            "2023-11-16 24:00:00",
            "2023-11-16 18:15:60",
            "2023-11-16 18:15:46.",
            "2023-11-16 18:15:46.1234567890123",
            "2023-11-16 18:15:46 ",
            "2023-11-16 18:15:46+00",
            "2023-11-16 18:15:46+99:00",
            "-023-11-16 18:15:46",
            "NaN",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}", date in "[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}[.0-9Z+:-]{0,20}") {
            let _ = parse(&text);
            let _ = parse(&date);
            let _ = (parse_any(&text), parse_any(&date));
        }
    }
}
