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
//! let registry = Registry::new().policy("mine", |config: Config, target| match config.replicas {
//!     0 => Err("`replicas` is 0: expected at least 1"),
//!     replicas => Ok(FixedReplicas::new(target, replicas)),
//! });
//! assert_eq!(registry.names().collect::<Vec<_>>(), ["mine"]);
//! ```

use flashcrowd_core::ports::{Autoscaler, Controller, TargetId};
use flashcrowd_language::{Diagnostic, Document};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Policies by name. A cheap handle: it is given to whatever reads scenarios.
#[derive(Clone, Default)]
pub struct Registry {
    makers: Arc<BTreeMap<String, Maker>>,
}

type Made = Result<Controller, Refusal>;
type Maker = Arc<dyn Fn(&Settings, TargetId) -> Made + Send + Sync>;

/// Why a policy was not made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// Its settings cannot be read: shown at their place.
    Settings(Box<Diagnostic>),
    /// It refuses them.
    Policy(String),
}

/// The settings of a policy, where they stand in a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The scenario.
    pub(crate) document: Document,
    /// The path of the settings in it; without them they are empty.
    pub(crate) path: String,
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
    pub fn autoscaler<F>(self, name: &str, make: F) -> Self
    where
        F: Fn(&serde_json::Value, TargetId) -> Result<Controller, String> + Send + Sync + 'static,
    {
        self.with(name, move |settings, target| {
            let config =
                settings.document.json_at(&settings.path).map_err(|error| Refusal::Settings(Box::new(error)))?;
            make(&config, target).map_err(Refusal::Policy)
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
        E: fmt::Display,
        F: Fn(Config, TargetId) -> Result<Controller<P>, E> + Send + Sync + 'static,
    {
        let of = name.to_owned();
        self.with(name, move |settings, target| {
            let Settings { document, path } = settings;
            let config: Config = document.read_at(path).map_err(|error| Refusal::Settings(Box::new(error)))?;
            if document.read_at_with_stranger::<Config>(path).is_ok() {
                let message = format!(
                    "the settings of the policy `{of}` take any field, so a misspelt one would go unnoticed: give \
                     their type `#[serde(deny_unknown_fields)]`"
                );
                return Err(Refusal::Policy(message));
            }
            match make(config, target) {
                Ok(controller) => Ok(controller.boxed()),
                Err(error) => Err(Refusal::Policy(error.to_string())),
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
