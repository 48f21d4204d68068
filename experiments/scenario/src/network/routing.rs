//! Who chooses among the cells of a route.

use crate::errors::unknown;
use crate::part::{Part, Port, parts};
use crate::settings::Notes;
use flashcrowd_core::fleet::Region;
use flashcrowd_core::ports::{GlobalRouter, Maker};
use flashcrowd_language::units::{Duration, Positive};
use flashcrowd_language::{Diagnostic, list};
use flashcrowd_policies::PolicyInfo;
use flashcrowd_policies::routers::regions as policies;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The port of routers across regions.
pub(crate) enum Routings {}

/// Where such a router stands.
pub(crate) struct Place<'n, 'd> {
    notes: &'n mut Notes<'d>,
    path: String,
    /// The region of each cell.
    regions: &'n [&'n Region],
}

impl Port for Routings {
    type Place<'n, 'd: 'n> = Place<'n, 'd>;
    type Made = Maker<dyn GlobalRouter>;
}

parts! {
    /// Who chooses among the cells of a route.
    pub enum Routing: Routings {
        alone {
            /// The nearest healthy one.
            policies::Nearest,
            /// The fewest outstanding attempts for each ready replica.
            policies::LeastLoaded,
        }
        with settings {
            /// At random, by weight.
            self::Weighted,
            /// The nearest below a load; then the least loaded.
            self::SpillOver,
            /// The shortest of round trip and expected wait.
            self::LatencyAware,
            /// The same cell for the same beginning of a prompt, below a load.
            self::PrefixAffinity,
        }
    }
}

/// The router of a route; the nearest cell if none is named.
pub(crate) fn routing(
    notes: &mut Notes<'_>,
    route: &str,
    given: Option<&Routing>,
    regions: &[&Region],
) -> Result<Maker<dyn GlobalRouter>, Diagnostic> {
    let path = format!("routes.{route}.routing");
    match given {
        None => notes.default(&path, "Nearest", "latency-based records of a name service", false),
        Some(_) => notes.given(&path, ""),
    }
    given.unwrap_or(&Routing::Nearest).make(&mut Place { notes, path, regions })
}

type Made = Result<Maker<dyn GlobalRouter>, Diagnostic>;

/// A router that is copied for each run.
fn copies(info: PolicyInfo, router: impl GlobalRouter + Clone + Sync + 'static) -> Maker<dyn GlobalRouter> {
    Maker::new(info.name, move || -> Box<dyn GlobalRouter> { Box::new(router.clone()) })
}

impl Part<Routings> for policies::Nearest {
    const POLICIES: &'static [PolicyInfo] = &[policies::Nearest::INFO];

    fn make(&self, _: &mut Place<'_, '_>) -> Made {
        Ok(copies(policies::Nearest::INFO, *self))
    }
}

impl Part<Routings> for policies::LeastLoaded {
    const POLICIES: &'static [PolicyInfo] = &[policies::LeastLoaded::INFO];

    fn make(&self, _: &mut Place<'_, '_>) -> Made {
        Ok(copies(policies::LeastLoaded::INFO, *self))
    }
}

/// Parameters of `Weighted`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weighted {
    /// Weight by region; a region that is not named has none.
    #[schemars(extend("x-example" = r#"{"us-east-1": 2, "eu-north-1": 1}"#))]
    pub weights: BTreeMap<String, Positive>,
}

impl Part<Routings> for Weighted {
    const POLICIES: &'static [PolicyInfo] = &[policies::Weighted::INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Made {
        let Place { notes, path, regions } = place;
        for wanted in self.weights.keys() {
            if !regions.iter().any(|region| *region.name == **wanted) {
                let at = format!("{path}.weights.{wanted}");
                return Err(unknown(notes, &at, "cell in", wanted, regions.iter().map(|region| &*region.name)));
            }
        }
        if self.weights.is_empty() {
            let error = notes.error(&format!("{path}.weights"), "no region has a weight: nothing could be routed");
            let names = list(regions.iter().map(|region| &*region.name));
            return Err(error.with_label(format!("expected weights of {names}")));
        }
        let weight = |region: &&Region| self.weights.get(&*region.name).map_or(0.0, |weight| weight.get());
        Ok(copies(policies::Weighted::INFO, policies::Weighted::new(regions.iter().map(weight).collect())))
    }
}

/// Parameters of `SpillOver`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpillOver {
    /// Outstanding attempts for each ready replica.
    #[schemars(extend("x-example" = "48"))]
    pub at: Positive,
}

impl Part<Routings> for SpillOver {
    const POLICIES: &'static [PolicyInfo] = &[policies::SpillOver::INFO];

    fn make(&self, _: &mut Place<'_, '_>) -> Made {
        Ok(copies(policies::SpillOver::INFO, policies::SpillOver::new(self.at.get())))
    }
}

/// Parameters of `LatencyAware`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyAware {
    /// What each outstanding attempt of a replica counts.
    #[schemars(extend("x-example" = r#""20ms""#))]
    pub per_outstanding: Duration,
}

impl Part<Routings> for LatencyAware {
    const POLICIES: &'static [PolicyInfo] = &[policies::LatencyAware::INFO];

    fn make(&self, _: &mut Place<'_, '_>) -> Made {
        Ok(copies(policies::LatencyAware::INFO, policies::LatencyAware::new(self.per_outstanding.get())))
    }
}

/// Parameters of `PrefixAffinity`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrefixAffinity {
    /// Outstanding attempts for each ready replica.
    #[schemars(extend("x-example" = "48"))]
    pub at: Positive,
}

impl Part<Routings> for PrefixAffinity {
    const POLICIES: &'static [PolicyInfo] = &[policies::PrefixAffinity::INFO];

    fn make(&self, _: &mut Place<'_, '_>) -> Made {
        Ok(copies(policies::PrefixAffinity::INFO, policies::PrefixAffinity::new(self.at.get())))
    }
}
