//! Who chooses the replica of an attempt.

use crate::part::{Field, Part, Port, parts};
use crate::settings::Notes;
use flashcrowd_core::ports::{Maker, Router as Policy};
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::PolicyInfo;
use flashcrowd_policies::routers::replicas;
use schemars::JsonSchema;
use serde::Deserialize;

/// The port of routers.
pub(crate) enum Routers {}

impl Port for Routers {
    type Place<'n, 'd: 'n> = Field<'n, 'd>;
    type Made = Maker<dyn Policy>;
}

parts! {
    /// Who chooses the replica.
    pub enum Router: Routers {
        alone {
            /// In turn.
            replicas::RoundRobin,
            /// The least outstanding attempts.
            replicas::LeastOutstanding,
            /// At random.
            replicas::Random,
        }
        with settings {
            /// The best of a few drawn at random.
            self::PowerOfChoices,
        }
    }
}

/// The router of a service; in turn if none is named.
pub(crate) fn router(
    notes: &mut Notes<'_>,
    service: &str,
    given: Option<&Router>,
) -> Result<Maker<dyn Policy>, Diagnostic> {
    let path = format!("services.{service}.router");
    match given {
        None => notes.default(&path, "RoundRobin", "kube-proxy and most gateways without other settings", true),
        Some(_) => notes.given(&path, ""),
    }
    given.unwrap_or(&Router::RoundRobin).make(&mut Field { notes, path })
}

/// Routers without settings: each run starts with one that has chosen nothing yet.
macro_rules! without_settings {
    ($($router:ident),+) => {
        $(impl Part<Routers> for replicas::$router {
            const POLICIES: &'static [PolicyInfo] = &[replicas::$router::INFO];

            fn make(&self, _: &mut Field<'_, '_>) -> Result<Maker<dyn Policy>, Diagnostic> {
                Ok(Maker::of(replicas::$router::INFO.name, self.clone()))
            }
        })+
    };
}

without_settings!(RoundRobin, LeastOutstanding, Random);

/// Parameters of `PowerOfChoices`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-bare" = "choices", "x-renamed" = {"d": "choices"}))]
pub struct PowerOfChoices {
    /// How many are drawn.
    pub choices: Option<u32>,
}

impl Part<Routers> for PowerOfChoices {
    const POLICIES: &'static [PolicyInfo] = &[replicas::PowerOfChoices::INFO];

    fn make(&self, place: &mut Field<'_, '_>) -> Result<Maker<dyn Policy>, Diagnostic> {
        let path = format!("{}.choices", place.path);
        let source = "two are nearly as good as all (Mitzenmacher 2001)";
        let choices = place.notes.or(&path, self.choices, 2, source);
        place.notes.within(&path, u64::from(choices), 1, 64)?;
        Ok(Maker::of(format!("power-of-{choices}-choices"), replicas::PowerOfChoices::new(choices as usize)))
    }
}
