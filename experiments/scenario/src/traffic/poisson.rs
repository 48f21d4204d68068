//! Poisson arrivals.

use super::client::Client;
use super::place::{Generators, Place, Source, arrivals, called, distributions};
use crate::part::Part;
use flashcrowd_core::SimTime;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::ports::SourceError;
use flashcrowd_core::traffic::Traffic;
use flashcrowd_language::units::Rate;
use flashcrowd_language::{Diagnostic, SizeDistribution};
use flashcrowd_workloads::traffic::poisson;
use flashcrowd_workloads::traffic::requests::RequestDistributions;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Parameters of `Poisson`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Poisson {
    /// Mean rate.
    pub rate: Rate,
    /// Prompt tokens.
    #[schemars(extend("x-example" = "LogNormal(p50: 1200, p99: 9000)"))]
    pub prompt_tokens: Option<SizeDistribution>,
    /// Output tokens.
    #[schemars(extend("x-example" = "LogNormal(p50: 250, p99: 1500)"))]
    pub output_tokens: Option<SizeDistribution>,
    /// The service called; the only one by default.
    #[schemars(extend("x-example" = r#""chat""#))]
    pub service: Option<String>,
    /// How the client behaves.
    pub client: Option<Client>,
}

called!(Poisson);

impl Part<Generators> for Poisson {
    fn make(&self, place: &mut Place<'_, '_>) -> Result<Arc<dyn Source>, Diagnostic> {
        let distributions = distributions(self.prompt_tokens.as_ref(), self.output_tokens.as_ref());
        let source = Arrivals { rate_per_s: self.rate.per_s() * place.load, distributions };
        place.try_out(|until, seed, name| {
            poisson::Poisson::new(source.rate_per_s, &source.distributions, until, seed, name)
        })?;
        Ok(Arc::new(source))
    }
}

#[derive(Debug)]
struct Arrivals {
    rate_per_s: f64,
    distributions: RequestDistributions,
}

impl Source for Arrivals {
    fn open(&self, seed: Seed, horizon: SimTime, label: &str) -> Result<Traffic, SourceError> {
        let make =
            |until, seed, label: &str| poisson::Poisson::new(self.rate_per_s, &self.distributions, until, seed, label);
        arrivals(make, seed, horizon, label)
    }

    fn expected_requests(&self, horizon_s: f64) -> f64 {
        self.rate_per_s * horizon_s
    }

    fn distributions(&self) -> Option<&RequestDistributions> {
        Some(&self.distributions)
    }
}
