//! Probability distributions: of durations (with units) and of token counts (plain numbers).

use super::fault::hinted;
use super::units::{Duration, Fraction, Positive};
use flashcrowd_core::clock::{Distribution, DistributionError};
use serde::de::value::{EnumAccessDeserializer, StrDeserializer};
use serde::de::{self, EnumAccess, IntoDeserializer, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// A distribution of durations: `"20s"`, `Exponential(mean: "1s")`, `LogNormal(p50: "18s", p99: "41s")`.
pub type DurationDistribution = QuantityDistribution<Duration>;
/// A distribution of token counts: `512`, `LogNormal(median: 510, sigma: 1.1)`.
pub type SizeDistribution = QuantityDistribution<Size>;

/// A checked probability distribution of `Q`, kept with the notation that it was written in.
///
/// ```
/// use flashcrowd_language::{Document, DurationDistribution};
/// let document = Document::parse("s.ron", "LogNormal(p50: \"18s\", p99: \"41s\")")?;
/// let drawn: DurationDistribution = document.deserialize()?;
/// assert!((drawn.distribution().mean() - 19.2).abs() < 0.1);
/// # Ok::<(), flashcrowd_language::Diagnostic>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QuantityDistribution<Q> {
    written: Written<Q>,
    distribution: Distribution,
}

/// A number of tokens: finite and not negative.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Size(pub f64);

/// Why what was written is no distribution.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum LawError {
    /// A parameter out of its range.
    #[error(transparent)]
    Parameter(#[from] DistributionError),
    /// A mean that passes all numbers.
    #[error("this distribution has no finite mean")]
    NoFiniteMean,
    /// Quantiles in the wrong order.
    #[error("p99 is below p50")]
    QuantileOrder,
    /// A log-normal distribution by other parameters.
    #[error("a log-normal distribution is given by p50 and p99, by mean and cv, or by median and sigma")]
    LogNormalForm { example: &'static str },
    /// A hyperexponential distribution that would vary less than an exponential one.
    #[error("cv is {cv}; that of a hyperexponential distribution is at least 1")]
    LowVariation { cv: f64 },
    /// A hyperexponential distribution by other parameters.
    #[error("a hyperexponential distribution is given by p, mean_a and mean_b, or by mean and cv")]
    HyperexponentialForm,
}

impl LawError {
    /// What to write instead, where something is known.
    fn help(&self) -> Option<String> {
        match self {
            LawError::QuantileOrder => Some("p50 is the median; p99 lies above it".to_owned()),
            LawError::LogNormalForm { example } => Some(format!("write LogNormal(mean: {example}, cv: 1.5)")),
            LawError::LowVariation { .. } => Some("Gamma(mean: ..., cv: ...) takes any cv".to_owned()),
            LawError::Parameter(_) | LawError::NoFiniteMean | LawError::HyperexponentialForm => None,
        }
    }
}

fn refusal<E: de::Error>(error: &LawError) -> E {
    E::custom(hinted(error, error.help()))
}

/// What a distribution can be of.
pub trait Measure: Copy + Serialize + for<'de> Deserialize<'de> {
    /// The value in the unit of the distribution: seconds, tokens.
    fn in_unit(self) -> f64;
    /// The value that is `x` in that unit.
    fn from_unit(x: f64) -> Self;
    /// An example for messages.
    const EXAMPLE: &'static str;
    /// Ten times that.
    const TENFOLD: &'static str;
    /// The name of its distribution in schemas.
    const DISTRIBUTION: &'static str;
}

impl Measure for Duration {
    const EXAMPLE: &'static str = "\"20s\"";
    const TENFOLD: &'static str = "\"200s\"";
    const DISTRIBUTION: &'static str = "DurationDistribution";
    fn in_unit(self) -> f64 {
        self.get().as_s_f64()
    }
    fn from_unit(x: f64) -> Self {
        Duration(flashcrowd_core::SimDuration::from_s_f64(x))
    }
}

impl Measure for Size {
    const EXAMPLE: &'static str = "512";
    const TENFOLD: &'static str = "5120";
    const DISTRIBUTION: &'static str = "SizeDistribution";
    fn in_unit(self) -> f64 {
        self.0
    }
    fn from_unit(x: f64) -> Self {
        Size(x)
    }
}

/// The names of distributions, as [`QuantityDistribution`] reads them.
pub const DISTRIBUTIONS: [&str; 7] =
    ["Constant", "Uniform", "Exponential", "LogNormal", "Gamma", "Weibull", "Hyperexponential"];

/// The notation; its names are [`DISTRIBUTIONS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
enum Written<Q> {
    Constant(Q),
    Uniform { low: Q, high: Q },
    Exponential { mean: Q },
    LogNormal(LogNormal<Q>),
    Gamma { mean: Q, cv: Positive },
    Weibull { shape: Positive, scale: Q },
    Hyperexponential(Hyperexponential<Q>),
}

/// One of: `p50` and `p99`; `mean` and `cv`; `median` and `sigma`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogNormal<Q> {
    #[serde(skip_serializing_if = "Option::is_none")]
    p50: Option<Q>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99: Option<Q>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<Q>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cv: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    median: Option<Q>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sigma: Option<f64>,
}

/// One of: `p`, `mean_a` and `mean_b`; `mean` and `cv` (with balanced means).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hyperexponential<Q> {
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<Fraction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_a: Option<Q>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_b: Option<Q>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<Q>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cv: Option<f64>,
}

impl<Q: Measure> QuantityDistribution<Q> {
    /// The distribution, in seconds or tokens.
    pub fn distribution(&self) -> &Distribution {
        &self.distribution
    }

    /// The mean, in its own measure.
    pub fn mean(&self) -> Q {
        Q::from_unit(self.distribution.mean())
    }

    fn new(written: Written<Q>) -> Result<Self, LawError> {
        let distribution = written.distribution()?;
        distribution.check()?;
        if !distribution.mean().is_finite() {
            return Err(LawError::NoFiniteMean);
        }
        Ok(QuantityDistribution { written, distribution })
    }
}

impl<Q: Measure> Written<Q> {
    fn distribution(&self) -> Result<Distribution, LawError> {
        Ok(match self {
            Written::Constant(value) => Distribution::Constant(value.in_unit()),
            Written::Uniform { low, high } => Distribution::Uniform { low: low.in_unit(), high: high.in_unit() },
            Written::Exponential { mean } => Distribution::Exponential { mean: mean.in_unit() },
            Written::LogNormal(given) => given.distribution()?,
            Written::Gamma { mean, cv } => {
                let shape = cv.get().powi(-2);
                Distribution::Gamma { shape, scale: mean.in_unit() / shape }
            }
            Written::Weibull { shape, scale } => Distribution::Weibull { shape: shape.get(), scale: scale.in_unit() },
            Written::Hyperexponential(given) => given.distribution()?,
        })
    }
}

impl<Q: Measure> LogNormal<Q> {
    fn distribution(&self) -> Result<Distribution, LawError> {
        let Self { p50, p99, mean, cv, median, sigma } = self;
        match (p50, p99, mean, cv, median, sigma) {
            (Some(p50), Some(p99), None, None, None, None) => {
                if p99.in_unit() < p50.in_unit() {
                    return Err(LawError::QuantileOrder);
                }
                Ok(Distribution::lognormal_p50_p99(p50.in_unit(), p99.in_unit()))
            }
            (None, None, Some(mean), Some(cv), None, None) => {
                Ok(Distribution::lognormal_mean_cv2(mean.in_unit(), cv * cv))
            }
            (None, None, None, None, Some(median), Some(sigma)) => {
                Ok(Distribution::LogNormal { mu: median.in_unit().ln(), sigma: *sigma })
            }
            _ => Err(LawError::LogNormalForm { example: Q::EXAMPLE }),
        }
    }
}

impl<Q: Measure> Hyperexponential<Q> {
    fn distribution(&self) -> Result<Distribution, LawError> {
        match (self.p, self.mean_a, self.mean_b, self.mean, self.cv) {
            (Some(p), Some(mean_a), Some(mean_b), None, None) => {
                let (mean_a, mean_b) = (mean_a.in_unit(), mean_b.in_unit());
                Ok(Distribution::Hyperexponential { p: p.get(), mean_a, mean_b })
            }
            (None, None, None, Some(mean), Some(cv)) if cv >= 1.0 => {
                // Balanced means: both branches carry half of the mean.
                let cv2 = cv * cv;
                let p = f64::midpoint(1.0, ((cv2 - 1.0) / (cv2 + 1.0)).sqrt());
                let half = mean.in_unit() / 2.0;
                let drawn = Distribution::Hyperexponential { p, mean_a: half / p, mean_b: half / (1.0 - p) };
                Ok(drawn)
            }
            (None, None, None, Some(_), Some(cv)) => Err(LawError::LowVariation { cv }),
            _ => Err(LawError::HyperexponentialForm),
        }
    }
}

impl<'de, Q: Measure> Deserialize<'de> for QuantityDistribution<Q> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LawVisitor(PhantomData))
    }
}

impl<Q: Measure> Serialize for QuantityDistribution<Q> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.written {
            Written::Constant(value) => value.serialize(serializer),
            written => written.serialize(serializer),
        }
    }
}

/// A bare value is a constant; a name with parentheses is a distribution.
struct LawVisitor<Q>(PhantomData<Q>);

impl<'de, Q: Measure> Visitor<'de> for LawVisitor<Q> {
    type Value = QuantityDistribution<Q>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} or a distribution such as Exponential(mean: {})", Q::EXAMPLE, Q::EXAMPLE)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<QuantityDistribution<Q>, E> {
        let value: StrDeserializer<'_, E> = text.into_deserializer();
        QuantityDistribution::new(Written::Constant(Q::deserialize(value)?)).map_err(|error| refusal(&error))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<QuantityDistribution<Q>, E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<QuantityDistribution<Q>, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<QuantityDistribution<Q>, E> {
        let value: de::value::F64Deserializer<E> = number.into_deserializer();
        QuantityDistribution::new(Written::Constant(Q::deserialize(value)?)).map_err(|error| refusal(&error))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<QuantityDistribution<Q>, A::Error> {
        let written = Written::deserialize(EnumAccessDeserializer::new(access))?;
        QuantityDistribution::new(written).map_err(|error| refusal(&error))
    }
}
