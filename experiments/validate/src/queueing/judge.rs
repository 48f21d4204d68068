//! When a found value passes.

use serde::Deserialize;

/// `exact` means equal but for the last digits of a `f64` sum.
const EXACT: f64 = 1e-9;
/// The share of the tolerance that a confidence half-width may take.
const WIDTH_SHARE: f64 = 3.0;

/// How far a result may be from the expected value.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub(super) enum Tolerance {
    /// A share of the expected value.
    Relative(f64),
    /// In the unit of the value.
    Absolute(f64),
}

/// As it stands in the file: one of the three.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    rel: Option<f64>,
    abs: Option<f64>,
    exact: Option<bool>,
}

/// Why what was written is not a tolerance.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
enum ToleranceError {
    /// A width below zero or without end.
    #[error("a tolerance of {width}: expected 0 or more")]
    OutOfRange { width: f64 },
    /// None of the three ways to write one.
    #[error("a tolerance is one of {{\"rel\": x}}, {{\"abs\": x}} and {{\"exact\": true}}")]
    Form,
}

impl TryFrom<Written> for Tolerance {
    type Error = ToleranceError;

    fn try_from(written: Written) -> Result<Self, ToleranceError> {
        let width =
            |x: f64| if x.is_finite() && x >= 0.0 { Ok(x) } else { Err(ToleranceError::OutOfRange { width: x }) };
        match written {
            Written { rel: Some(x), abs: None, exact: None } => width(x).map(Tolerance::Relative),
            Written { rel: None, abs: Some(x), exact: None } => width(x).map(Tolerance::Absolute),
            Written { rel: None, abs: None, exact: Some(true) } => Ok(Tolerance::Relative(EXACT)),
            _ => Err(ToleranceError::Form),
        }
    }
}

impl Tolerance {
    /// In the unit of the value.
    pub(super) fn width(self, expected: f64) -> f64 {
        match self {
            Tolerance::Relative(share) => share * expected.abs(),
            Tolerance::Absolute(width) => width,
        }
    }

    /// The error of a value and the tolerance, both as the file measures them.
    pub(super) fn measure(self, expected: f64, found: f64) -> (f64, f64) {
        let error = (found - expected).abs();
        match self {
            Tolerance::Relative(share) if expected != 0.0 => (error / expected.abs(), share),
            Tolerance::Relative(_) => (error, 0.0),
            Tolerance::Absolute(width) => (error, width),
        }
    }
}

/// What becomes of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    Failed,
    NotConverged,
}

/// Judges an estimate with the half-width of its 95 % confidence interval (0 if it is exact).
pub(super) fn verdict(expected: f64, tolerance: Tolerance, found: f64, half_width: f64) -> Verdict {
    let width = tolerance.width(expected);
    let error = (found - expected).abs();
    if is_narrow(half_width, width) {
        if error <= width { Verdict::Passed } else { Verdict::Failed }
    } else if is_wrong(error, width, half_width) {
        Verdict::Failed
    } else {
        Verdict::NotConverged
    }
}

/// Whether an interval is narrow enough to be judged.
pub(super) fn is_narrow(half_width: f64, width: f64) -> bool {
    half_width <= width / WIDTH_SHARE
}

/// Whether a value is so far off that no narrower interval would bring it back: four half-widths
/// are some eight standard deviations, so looking often does no harm.
pub(super) fn is_wrong(error: f64, width: f64, half_width: f64) -> bool {
    const SURE: f64 = 4.0;
    error > width + SURE * half_width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_interval_is_never_a_pass() {
        let rel = Tolerance::Relative(0.03);
        assert_eq!(verdict(10.0, rel, 10.0, 0.09), Verdict::Passed);
        assert_eq!(verdict(10.0, rel, 10.0, 0.11), Verdict::NotConverged);
        assert_eq!(verdict(10.0, rel, 10.31, 0.09), Verdict::Failed);
        assert_eq!(verdict(10.0, rel, 10.5, 0.11), Verdict::NotConverged);
        assert_eq!(verdict(10.0, rel, 12.0, 0.11), Verdict::Failed);
        assert_eq!(verdict(10.0, rel, f64::NAN, 0.0), Verdict::Failed);
        assert_eq!(verdict(10.0, rel, 10.0, f64::NAN), Verdict::NotConverged);
    }

    #[test]
    fn tolerances_are_read_as_one_of_three() {
        let read = serde_json::from_str::<Tolerance>;
        assert_eq!(read(r#"{"rel": 0.02}"#).unwrap(), Tolerance::Relative(0.02));
        assert_eq!(read(r#"{"exact": true}"#).unwrap(), Tolerance::Relative(EXACT));
        assert_eq!(read(r#"{"abs": 1}"#).unwrap(), Tolerance::Absolute(1.0));
        for bad in ["{}", r#"{"rel": -1}"#, r#"{"rel": 1, "abs": 1}"#, r#"{"exact": false}"#, r#"{"per": 1}"#, "3"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(Tolerance::Relative(0.1).measure(2.0, 2.1).1, 0.1);
    }
}
