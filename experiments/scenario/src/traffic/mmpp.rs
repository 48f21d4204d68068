//! Markov-modulated Poisson arrivals.

use super::client::Client;
use super::place::{Generators, Place, Source, arrivals, called, distributions};
use crate::part::Part;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::ports::SourceError;
use flashcrowd_core::traffic::Traffic;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_language::units::{Duration, Rate};
use flashcrowd_language::{Diagnostic, SizeDistribution};
use flashcrowd_workloads::traffic::mmpp::{self, Chain, Start, State};
use flashcrowd_workloads::traffic::requests::RequestDistributions;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Parameters of `Mmpp`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mmpp {
    /// States, visited in turn unless `transitions` says otherwise.
    #[schemars(extend("x-example" = r#"[(rate: "10/s", mean: "12m"), (rate: "80/s", mean: "3m")]"#))]
    pub states: Vec<MmppState>,
    /// Probability of the next state (column) after each state (row).
    #[schemars(extend("x-example" = "[[0, 1], [1, 0]]"))]
    pub transitions: Option<Vec<Vec<f64>>>,
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

/// A state of `Mmpp`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MmppState {
    /// Rate in this state.
    pub rate: Rate,
    /// Mean time in this state.
    #[schemars(extend("x-example" = r#""12m""#))]
    pub mean: Duration,
}

called!(Mmpp);

impl Part<Generators> for Mmpp {
    fn make(&self, place: &mut Place<'_, '_>) -> Result<Arc<dyn Source>, Diagnostic> {
        let distributions = distributions(self.prompt_tokens.as_ref(), self.output_tokens.as_ref());
        let load = place.load;
        let state = |state: &MmppState| State { rate: state.rate.per_s() * load, mean_sojourn: state.mean.get() };
        let states = self.states.iter().map(state).collect();
        let chain = Chain { states, transitions: self.transitions.clone(), start: Start::Stationary };
        let source = Arrivals { chain, distributions };
        place.try_out(|until, seed, name| mmpp::Mmpp::new(&source.chain, &source.distributions, until, seed, name))?;
        Ok(Arc::new(source))
    }
}

#[derive(Debug)]
struct Arrivals {
    chain: Chain,
    distributions: RequestDistributions,
}

impl Source for Arrivals {
    fn open(&self, seed: Seed, horizon: SimTime, label: &str) -> Result<Traffic, SourceError> {
        arrivals(
            |until, seed, label| mmpp::Mmpp::new(&self.chain, &self.distributions, until, seed, label),
            seed,
            horizon,
            label,
        )
    }

    fn expected_requests(&self, horizon_s: f64) -> f64 {
        self.chain.mean_rate() * horizon_s
    }

    fn distributions(&self) -> Option<&RequestDistributions> {
        Some(&self.distributions)
    }

    fn shortest_change(&self) -> Option<SimDuration> {
        self.chain.states.iter().map(|state| state.mean_sojourn).min()
    }
}
