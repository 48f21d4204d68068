//! Timestamps such as `2023-11-16 18:15:46.6805900`, with an optional fraction and offset.

const PS_PER_S: i128 = 1_000_000_000_000;

/// Picoseconds since 1970 of `YYYY-MM-DD HH:MM:SS[.fraction][Z|+HH:MM]`, or `None`.
pub(super) fn parse(text: &str) -> Option<i128> {
    let bytes = text.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if bytes.len() < 19 || separators.iter().any(|(at, c)| bytes[*at] != *c) || !matches!(bytes[10], b' ' | b'T') {
        return None;
    }
    let (year, month, day) = (number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..10])?);
    let (hour, minute, second) = (number(&bytes[11..13])?, number(&bytes[14..16])?, number(&bytes[17..19])?);
    let valid = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if !valid || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction_ps, rest) = fraction(&bytes[19..])?;
    let seconds = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - offset(rest)?;
    Some(i128::from(seconds) * PS_PER_S + fraction_ps)
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

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar, counting years from March so that the leap
/// day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
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
        }
    }
}
