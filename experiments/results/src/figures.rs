//! The figures of one trial: its parts by scope, and the distributions that they name.

use super::by_service::ByService;
use super::catalogue::{catalogue, find};
use super::figure::FigureDef;
use super::part::{Distribution, Part};
use super::scope::{Scope, ScopeKind, scopes};
use super::spread::Spread;
use super::trial::Trial;
use super::view::View;
use crate::run::Run;
use flashcrowd_scenario::Resolved;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What one trial contributes to every figure; can be written, read and pooled elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Whose.
    pub trial: Trial,
    /// Digest of its ordered history.
    pub digest: String,
    /// By scope.
    pub scopes: Vec<ScopeFigures>,
}

/// The figures of one scope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScopeFigures {
    /// What they are about.
    pub scope: Scope,
    /// Parts, in the order of the catalogue.
    pub parts: Vec<(FigureId, Part)>,
    /// Distributions.
    pub spreads: Vec<(Distribution, Spread)>,
}

/// A figure of the catalogue; in text its id.
#[derive(Clone, Copy, Debug)]
pub struct FigureId(pub &'static FigureDef);

impl PartialEq for FigureId {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Serialize for FigureId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.id)
    }
}

impl<'de> Deserialize<'de> for FigureId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        find(&id).map(FigureId).ok_or_else(|| serde::de::Error::custom(format!("there is no figure `{id}`")))
    }
}

impl Figures {
    /// Of a run.
    pub fn of(resolved: &Resolved, run: &Run) -> Self {
        let by = ByService::new(resolved, run);
        let of_scope = |(scope, at)| {
            let view = View::new(resolved, run, &by, &at);
            let scope: Scope = scope;
            let kind = scope.kind;
            let defs = catalogue().iter().filter(|figure| figure.scopes.contains(&kind));
            let parts = defs.filter_map(|figure| Some((FigureId(figure), figure.part(&view)?))).collect();
            ScopeFigures { scope, parts, spreads: view.measured.spreads.into_iter().collect() }
        };
        Figures {
            trial: run.trial.clone(),
            digest: run.record.digest.clone(),
            scopes: scopes(resolved).into_iter().map(of_scope).collect(),
        }
    }

    /// The value of a figure in this trial; `None` prints a dash.
    pub fn value(&self, scope: &Scope, id: &str) -> Option<f64> {
        self.scopes.iter().find(|own| own.scope == *scope)?.get(id)
    }
}

/// The values of the figures of one thing in one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Values {
    /// What they are about.
    pub scope: Scope,
    /// Those that it has, in the order of the catalogue.
    pub values: Vec<(FigureId, f64)>,
}

impl Figures {
    /// The values of all figures of some kinds of things.
    pub fn values(&self, kinds: &[ScopeKind]) -> Vec<Values> {
        let of = |own: &ScopeFigures| {
            let values = own.parts.iter().filter_map(|(figure, part)| Some((*figure, own.value(figure.0, part)?)));
            Values { scope: own.scope.clone(), values: values.collect() }
        };
        self.scopes.iter().filter(|own| kinds.contains(&own.scope.kind)).map(of).collect()
    }

    /// The same trial with nothing but some kinds of things.
    #[must_use]
    pub fn only(self, kinds: &[ScopeKind]) -> Figures {
        let scopes = self.scopes.into_iter().filter(|own| kinds.contains(&own.scope.kind)).collect();
        Figures { scopes, ..self }
    }
}

impl ScopeFigures {
    /// The value of a figure; `None` prints a dash.
    pub(crate) fn get(&self, id: &str) -> Option<f64> {
        let (figure, part) = self.parts.iter().find(|(figure, _)| figure.0.id == id)?;
        self.value(figure.0, part)
    }

    /// The amount of a figure that is a plain sum, in the unit of its parts.
    pub(crate) fn part(&self, id: &str) -> Option<i128> {
        self.parts.iter().find(|(figure, _)| figure.0.id == id).and_then(|(_, part)| match part {
            Part::Sum(amount) => Some(amount.0),
            _ => None,
        })
    }

    pub(crate) fn spread(&self, of: Distribution) -> Option<&Spread> {
        self.spreads.iter().find(|own| own.0 == of).map(|own| &own.1)
    }

    pub(crate) fn value(&self, figure: &FigureDef, part: &Part) -> Option<f64> {
        let spread = match part {
            Part::Hist(of, _) => self.spread(*of),
            _ => None,
        };
        part.value(spread).map(|value| value * figure.scale)
    }
}
