//! Arrivals at a rate that changes with time.

use super::client::Client;
use super::place::{Generators, Place, Source, arrivals, called, distributions};
use crate::part::Part;
use flashcrowd_core::SimTime;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::ports::SourceError;
use flashcrowd_core::traffic::Traffic;
use flashcrowd_language::units::{Duration, Rate};
use flashcrowd_language::{Diagnostic, SizeDistribution};
use flashcrowd_workloads::traffic::requests::RequestDistributions;
use flashcrowd_workloads::traffic::schedule::{self, Timetable};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Parameters of `Schedule`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Instants and rates; the first is at zero.
    #[schemars(extend("x-example" = r#"[(at: "0h", rate: "10/s"), (at: "8h", rate: "60/s")]"#))]
    pub steps: Vec<Step>,
    /// Whether the rate changes linearly between steps.
    pub ramp: Option<bool>,
    /// The schedule begins again after this.
    #[schemars(extend("x-example" = r#""24h""#))]
    pub repeat_every: Option<Duration>,
    /// Prompt tokens.
    #[schemars(extend("x-example" = "LogNormal(p50: 1200, p99: 9000)"))]
    pub prompt_tokens: Option<SizeDistribution>,
    /// Output tokens.
    #[schemars(extend("x-example" = "LogNormal(p50: 250, p99: 1500)"))]
    pub output_tokens: Option<SizeDistribution>,
    /// The service called.
    #[schemars(extend("x-example" = r#""chat""#))]
    pub service: Option<String>,
    /// How the client behaves.
    pub client: Option<Client>,
}

/// A step of `Schedule`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When.
    #[schemars(extend("x-example" = r#""8h""#))]
    pub at: Duration,
    /// The rate from then on.
    pub rate: Rate,
}

called!(Schedule);

impl Part<Generators> for Schedule {
    fn make(&self, place: &mut Place<'_, '_>) -> Result<Arc<dyn Source>, Diagnostic> {
        let distributions = distributions(self.prompt_tokens.as_ref(), self.output_tokens.as_ref());
        let points = self.steps.iter().map(|step| (step.at.get(), step.rate.per_s() * place.load)).collect();
        let repeat = self.repeat_every.map(Duration::get);
        let (ramp, repeat_every) = (place.at("ramp"), place.at("repeat_every"));
        let ramps = place.notes.or(&ramp, self.ramp, false, "the rate changes in steps");
        place.notes.or_none(&repeat_every, self.repeat_every, "the last rate stays");
        let source = Arrivals { table: Timetable { points, ramps, repeat }, distributions };
        place.try_out(|until, seed, name| {
            schedule::Schedule::new(&source.table, &source.distributions, until, seed, name)
        })?;
        Ok(Arc::new(source))
    }
}

#[derive(Debug)]
struct Arrivals {
    table: Timetable,
    distributions: RequestDistributions,
}

impl Source for Arrivals {
    fn open(&self, seed: Seed, horizon: SimTime, label: &str) -> Result<Traffic, SourceError> {
        let make =
            |until, seed, label: &str| schedule::Schedule::new(&self.table, &self.distributions, until, seed, label);
        arrivals(make, seed, horizon, label)
    }

    fn expected_requests(&self, horizon_s: f64) -> f64 {
        self.table.points.iter().map(|point| point.1).fold(0.0, f64::max) * horizon_s
    }

    fn distributions(&self) -> Option<&RequestDistributions> {
        Some(&self.distributions)
    }
}
