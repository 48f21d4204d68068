//! Policies of a user's own crate, by name: what `autoscaler: Policy(name: ..., config: ...)` makes.
//!
//! ```
//! use flashcrowd_scenario::Registry;
//! use flashcrowd_policies::autoscalers::FixedReplicas;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Config {
//!     replicas: u32,
//! }
//!
//! #[derive(Debug, thiserror::Error)]
//! #[error("`replicas` is 0: expected at least 1")]
//! struct NoReplicas;
//!
//! let registry = Registry::new().policy("mine", |config: Config, target| match config.replicas {
//!     0 => Err(NoReplicas),
//!     replicas => Ok(FixedReplicas::new(target, replicas)),
//! });
//! assert_eq!(registry.names().collect::<Vec<_>>(), ["mine"]);
//! ```

use flashcrowd_core::ports::{Autoscaler, Controller, TargetId};
use flashcrowd_language::{Diagnostic, Document};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Policies by name. A cheap handle: it is given to whatever reads scenarios.
#[derive(Clone, Default)]
pub struct Registry {
    makers: Arc<BTreeMap<String, Maker>>,
}

type Made = Result<Controller, RefusedConfig>;
type Maker = Arc<dyn Fn(&Settings, TargetId) -> Made + Send + Sync>;

/// Why a policy was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefusedConfig {
    /// Its settings cannot be read: shown at their place.
    #[error("{}", .0.message)]
    Unreadable(Box<Diagnostic>),
    /// Settings in which a misspelt name would be ignored.
    #[error(
        "the settings of the policy `{policy}` take any field, so a misspelt one would go unnoticed: give their type \
         `#[serde(deny_unknown_fields)]`"
    )]
    TakesAnyField {
        /// The policy's name.
        policy: String,
    },
    /// The policy refuses them.
    #[error("{0}")]
    Policy(Box<dyn Error + Send + Sync>),
}

/// The settings of a policy, where they stand in a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The scenario.
    pub(crate) document: Document,
    /// The path of the settings in it; without them they are empty.
    pub(crate) path: String,
}

fn unreadable(error: Diagnostic) -> RefusedConfig {
    RefusedConfig::Unreadable(Box::new(error))
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl Registry {
    /// A registry without policies.
    pub fn new() -> Self {
        Registry::default()
    }

    /// Adds a policy that reads its settings from JSON; one of the same name is replaced. Names of
    /// RON become strings, `Name(...)` an object with that key.
    #[must_use]
    pub fn autoscaler<E, F>(self, name: &str, make: F) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
        F: Fn(&serde_json::Value, TargetId) -> Result<Controller, E> + Send + Sync + 'static,
    {
        self.with(name, move |settings, target| {
            let config = settings.document.json_at(&settings.path).map_err(unreadable)?;
            make(&config, target).map_err(|error| RefusedConfig::Policy(error.into()))
        })
    }

    /// Adds a policy with typed settings; one of the same name is replaced. `Config` must refuse
    /// unknown fields (`#[serde(deny_unknown_fields)]`), which is checked, and so should the structs
    /// in it: a misspelt setting would be a default.
    #[must_use]
    pub fn policy<Config, P, E, F>(self, name: &str, make: F) -> Self
    where
        Config: DeserializeOwned,
        P: Autoscaler + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
        F: Fn(Config, TargetId) -> Result<Controller<P>, E> + Send + Sync + 'static,
    {
        let of = name.to_owned();
        self.with(name, move |settings, target| {
            let Settings { document, path } = settings;
            let config: Config = document.read_at(path).map_err(unreadable)?;
            if document.read_at_with_stranger::<Config>(path).is_ok() {
                return Err(RefusedConfig::TakesAnyField { policy: of.clone() });
            }
            match make(config, target) {
                Ok(controller) => Ok(controller.boxed()),
                Err(error) => Err(RefusedConfig::Policy(error.into())),
            }
        })
    }

    fn with(mut self, name: &str, make: impl Fn(&Settings, TargetId) -> Made + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.makers).insert(name.to_owned(), Arc::new(make));
        self
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.makers.keys().map(String::as_str)
    }

    /// Makes a policy; `None` if there is none of that name.
    pub(crate) fn make(&self, name: &str, settings: &Settings, target: TargetId) -> Option<Made> {
        self.makers.get(name).map(|make| make(settings, target))
    }
}
