//! Laws of service times of mean 1, by their names in reference data.

use flashcrowd_core::clock::Distribution;

/// The laws with which a value that holds for any of them is checked.
pub(super) fn of_each_kind() -> [(&'static str, Distribution); 3] {
    [
        ("exp", Distribution::Exponential { mean: 1.0 }),
        ("det", Distribution::Constant(1.0)),
        ("lognormal cs2=2", Distribution::lognormal_mean_cv2(1.0, 2.0)),
    ]
}

/// A law by the first two moments. Gamma has the lightest tail of the common laws above an
/// exponential's variance, so means converge soonest.
pub(super) fn of_cv2(cv2: f64) -> Distribution {
    if cv2 == 0.0 {
        Distribution::Constant(1.0)
    } else if cv2 == 1.0 {
        Distribution::Exponential { mean: 1.0 }
    } else {
        Distribution::Gamma { shape: 1.0 / cv2, scale: cv2 }
    }
}

/// A named law such as `det`, `exp`, `lognormal cs2=4`; `None` for one that is not known.
/// The second value is its squared coefficient of variation.
pub(super) fn named(text: &str) -> Option<(Distribution, f64)> {
    let mut words = text.split_whitespace();
    let name = words.next()?.to_lowercase();
    let mut cv2 = None;
    for word in words {
        let (key, value) = word.split_once('=')?;
        let value: f64 = value.parse().ok().filter(|x: &f64| x.is_finite() && *x >= 0.0)?;
        cv2 = Some(match key.to_lowercase().as_str() {
            "cs2" | "cv2" | "scv" => value,
            "cv" | "cs" => value * value,
            "k" | "stages" if value > 0.0 => 1.0 / value,
            _ => return None,
        });
    }
    let law = |cv2, law| Some((law, cv2));
    match (name.as_str(), cv2) {
        ("det" | "deterministic" | "constant" | "d", None | Some(0.0)) => law(0.0, Distribution::Constant(1.0)),
        ("exp" | "exponential" | "m", None | Some(1.0)) => law(1.0, Distribution::Exponential { mean: 1.0 }),
        ("uniform", None) => law(1.0 / 3.0, Distribution::Uniform { low: 0.0, high: 2.0 }),
        ("lognormal" | "lognorm", Some(x)) if x > 0.0 => law(x, Distribution::lognormal_mean_cv2(1.0, x)),
        ("gamma" | "erlang", Some(x)) if x > 0.0 => law(x, Distribution::Gamma { shape: 1.0 / x, scale: x }),
        ("h2" | "hyperexp" | "hyperexponential", Some(x)) if x > 1.0 => law(x, balanced_means(x)),
        _ => None,
    }
}

/// The hyperexponential distribution of two branches that bring equal work.
fn balanced_means(cv2: f64) -> Distribution {
    let p = f64::midpoint(1.0, ((cv2 - 1.0) / (cv2 + 1.0)).sqrt());
    Distribution::Hyperexponential { p, mean_a: 0.5 / p, mean_b: 0.5 / (1.0 - p) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_have_mean_one() {
        let texts = ["det", "exp", "lognormal cs2=4", "gamma cv2=0.5", "Erlang k=4", "h2 cs2=10", "uniform"];
        let laws = texts.map(|text| named(text).unwrap_or_else(|| panic!("{text}")).0);
        for law in laws.into_iter().chain(of_each_kind().map(|law| law.1)).chain([0.0, 0.25, 1.0, 10.0].map(of_cv2)) {
            assert!((law.mean() - 1.0).abs() < 1e-12 && law.check().is_ok(), "{law:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_no_law() {
        for text in ["", "pareto", "lognormal", "lognormal cs2", "lognormal cs2=x", "h2 cs2=0.5", "exp cs2=2"] {
            assert!(named(text).is_none(), "{text}");
        }
    }
}
