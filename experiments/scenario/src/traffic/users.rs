//! Users in a closed loop: each waits for its answer, thinks, and asks again.

use super::client::Client;
use super::place::{Generators, Place, Source, called, distributions};
use crate::part::Part;
use flashcrowd_core::SimTime;
use flashcrowd_core::clock::{Distribution, Seed};
use flashcrowd_core::ports::SourceError;
use flashcrowd_core::traffic::Traffic;
use flashcrowd_language::{Diagnostic, DurationDistribution, SizeDistribution};
use flashcrowd_workloads::traffic::requests::RequestDistributions;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Parameters of `Users`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "a scenario says `users`")]
pub struct Users {
    /// How many.
    #[schemars(extend("x-example" = "100"))]
    pub users: u32,
    /// Think time.
    #[schemars(extend("x-example" = r#"Exponential(mean: "20s")"#))]
    pub think: DurationDistribution,
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

called!(Users);

impl Part<Generators> for Users {
    fn make(&self, place: &mut Place<'_, '_>) -> Result<Arc<dyn Source>, Diagnostic> {
        place.notes.within(&place.at("users"), u64::from(self.users), 1, MOST_USERS)?;
        let users = self.at_load(place)?;
        let distributions = distributions(self.prompt_tokens.as_ref(), self.output_tokens.as_ref());
        Ok(Arc::new(ClosedLoop { users, think: self.think.distribution().clone(), distributions }))
    }
}

const MOST_USERS: u64 = u32::MAX as u64 - 2;

impl Users {
    /// Whole users: their number times the load, rounded, and one at least.
    fn at_load(&self, place: &mut Place<'_, '_>) -> Result<u32, Diagnostic> {
        if place.load == 1.0 {
            return Ok(self.users);
        }
        let users = (f64::from(self.users) * place.load).round().max(1.0) as u64;
        place.notes.within(&place.at("users"), users, 1, MOST_USERS)?;
        place.notes.default(&place.at("users_at_load"), &users.to_string(), "`users` times `load`, rounded", false);
        // It fits, as was just seen.
        Ok(u32::try_from(users).unwrap_or(u32::MAX))
    }
}

#[derive(Debug)]
struct ClosedLoop {
    users: u32,
    /// Seconds.
    think: Distribution,
    distributions: RequestDistributions,
}

impl Source for ClosedLoop {
    fn open(&self, _: Seed, _: SimTime, _: &str) -> Result<Traffic, SourceError> {
        let tokens = |law: &Option<Distribution>| law.clone().unwrap_or(Distribution::Constant(0.0));
        Ok(Traffic::Closed {
            users: self.users,
            think: self.think.clone(),
            prompt_tokens: tokens(&self.distributions.prompt),
            output_tokens: tokens(&self.distributions.output),
        })
    }

    fn expected_requests(&self, horizon_s: f64) -> f64 {
        f64::from(self.users) * horizon_s / self.think.mean().max(1e-3)
    }

    fn distributions(&self) -> Option<&RequestDistributions> {
        Some(&self.distributions)
    }

    fn users(&self) -> u32 {
        self.users
    }
}
