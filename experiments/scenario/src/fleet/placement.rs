//! How replicas are placed on nodes.

use crate::part::{Field, Part, Port, parts};
use crate::settings::Notes;
use flashcrowd_core::ports::{Maker, Placement as Policy};
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::PolicyInfo;
use flashcrowd_policies::placement as policies;

/// The port of placements.
pub(crate) enum Placements {}

impl Port for Placements {
    type Place<'n, 'd: 'n> = Field<'n, 'd>;
    type Made = Maker<dyn Policy>;
}

parts! {
    /// How replicas are placed.
    pub enum Placement: Placements {
        alone {
            /// On the node with the most free GPUs (`LeastAllocated`).
            policies::Spread,
            /// On the node with the fewest free GPUs that fit (`MostAllocated`).
            policies::Pack,
        }
        with settings {}
    }
}

/// The placement of a scenario.
pub(crate) fn placement(notes: &mut Notes<'_>, given: Option<&Placement>) -> Result<Maker<dyn Policy>, Diagnostic> {
    let path = "placement".to_owned();
    match given {
        None => notes.default(&path, "Spread", "as the default scheduler of Kubernetes scores nodes", false),
        Some(_) => notes.given(&path, ""),
    }
    given.unwrap_or(&Placement::Spread).make(&mut Field { notes, path })
}

/// Placements without settings.
macro_rules! without_settings {
    ($($placement:ident),+) => {
        $(impl Part<Placements> for policies::$placement {
            const POLICIES: &'static [PolicyInfo] = &[policies::$placement::INFO];

            fn make(&self, _: &mut Field<'_, '_>) -> Result<Maker<dyn Policy>, Diagnostic> {
                Ok(Maker::new(policies::$placement::INFO.name, || -> Box<dyn Policy> { Box::new(policies::$placement) }))
            }
        })+
    };
}

without_settings!(Spread, Pack);
