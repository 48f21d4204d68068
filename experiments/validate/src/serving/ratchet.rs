//! Errors of groups that were reached once: none may get worse by more than a point.

use crate::report::Report;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Percentage points by which an error may grow before it counts as worse.
const TOLERANCE: f64 = 1.0;

/// The errors of a report, and the data that they are of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Reference files and the FNV-1a hash of each: on other data the errors say nothing.
    pub files: BTreeMap<String, String>,
    /// Mean absolute error of each group, percent.
    pub errors: BTreeMap<String, f64>,
}

impl Baseline {
    /// That of a report on these files, given by name and content.
    pub fn of<'a>(report: &Report, files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let name = |key: &str| key.strip_suffix("/mape").map(str::to_owned);
        let ours = report.metrics.iter().filter(|(key, _)| is_ours(key));
        let rounded = |error: f64| (error * 100.0).round() / 100.0;
        Baseline {
            files: files.into_iter().map(|(name, content)| (name.to_owned(), hash(content))).collect(),
            errors: ours.filter_map(|(key, error)| Some((name(key)?, rounded(*error)))).collect(),
        }
    }

    /// The groups that are worse in `now` than here by more than a point, or gone, in words.
    pub fn worse(&self, now: &Baseline) -> Vec<String> {
        let mut worse = Vec::new();
        for (group, before) in &self.errors {
            match now.errors.get(group) {
                None => worse.push(format!("{group}: was {before:.2} %, is not there any more")),
                Some(error) if error.is_nan() || *error > before + TOLERANCE => {
                    worse.push(format!("{group}: was {before:.2} %, is {error:.2} %"));
                }
                Some(_) => {}
            }
        }
        worse
    }
}

/// Whether it is an error of a group: not what peers predicted, which does not change with us, nor
/// one curve of many.
fn is_ours(key: &str) -> bool {
    let depth = key.split('/').count();
    match key.split('/').next() {
        Some("peers") => depth > 4,
        Some("triton") => depth == 4,
        _ => true,
    }
}

/// FNV-1a, 64 bits, in hexadecimal.
fn hash(content: &[u8]) -> String {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = content.iter().fold(BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(errors: &[(&str, f64)]) -> Baseline {
        let mut report = Report::new("serving");
        report.metrics.extend(errors.iter().map(|(name, error)| ((*name).to_owned(), *error)));
        Baseline::of(&report, [("a.csv", &b"abc"[..])])
    }

    #[test]
    fn a_point_is_allowed_and_more_is_not() {
        let before = with(&[("fitted/m/le76/e2e_mean/mape", 3.0), ("fitted/m/88/e2e_mean/mape", 9.0)]);
        assert_eq!(before.worse(&before), Vec::<String>::new());
        let near = with(&[("fitted/m/le76/e2e_mean/mape", 3.99), ("fitted/m/88/e2e_mean/mape", 2.0)]);
        assert!(before.worse(&near).is_empty());
        let far = with(&[("fitted/m/le76/e2e_mean/mape", 4.02), ("fitted/m/88/e2e_mean/mape", 9.0)]);
        assert_eq!(before.worse(&far), ["fitted/m/le76/e2e_mean: was 3.00 %, is 4.02 %"]);
        assert!(before.worse(&with(&[("fitted/m/le76/e2e_mean/mape", 3.0)]))[0].contains("not there any more"));
        let none = with(&[("fitted/m/le76/e2e_mean/mape", f64::NAN), ("fitted/m/88/e2e_mean/mape", 9.0)]);
        assert_eq!(before.worse(&none).len(), 1);
    }

    #[test]
    fn only_our_own_errors_are_kept() {
        let all = with(&[
            ("peers/vidur/e2e_mean/mape", 1.0),
            ("peers/datasheet/m/unrated/e2e_mean/mape", 2.0),
            ("fitted/m/le76/e2e_mean/mape/held_out", 3.0),
            ("fitted/m/capacity/mape", 4.004),
        ]);
        let kept: Vec<(&str, f64)> = all.errors.iter().map(|(name, error)| (name.as_str(), *error)).collect();
        assert_eq!(kept, [("fitted/m/capacity", 4.0), ("peers/datasheet/m/unrated/e2e_mean", 2.0)]);
        assert_eq!(all.files["a.csv"], "e71fa2190541574b");
    }
}
