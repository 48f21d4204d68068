//! The policy under test, as a scenario names it.

use crate::ron::{quoted, ron};
use flashcrowd::Registry;
use serde_json::Value;

/// A policy under test.
#[derive(Clone, Debug)]
pub struct Subject {
    registry: Registry,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Registered { name: String, config: Value },
    Written(String),
}

impl Subject {
    /// A policy of a registry with its settings, which may be `null` if it has none.
    pub fn new(registry: &Registry, name: &str, config: Value) -> Self {
        Subject { registry: registry.clone(), form: Form::Registered { name: name.to_owned(), config } }
    }

    /// An autoscaler as a scenario writes it, such as `QueueDepth(waiting_per_replica: 2, max: 8)`.
    pub fn written(autoscaler: &str, registry: &Registry) -> Self {
        Subject { registry: registry.clone(), form: Form::Written(autoscaler.to_owned()) }
    }

    /// The policies that its scenarios may name.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The value of `autoscaler:` in a scenario where so many percent of its scrapes fail. A policy
    /// that is written has the pipelines it has.
    pub fn autoscaler(&self, scrape_failure_percent: u32) -> String {
        match &self.form {
            Form::Written(text) => text.clone(),
            Form::Registered { name, config } => {
                let mut text = format!("Policy(name: {}", quoted(name));
                if !config.is_null() {
                    text = format!("{text}, config: {}", ron(config));
                }
                if scrape_failure_percent > 0 {
                    text = format!("{text}, scrape_failure: {}", f64::from(scrape_failure_percent) / 100.0);
                }
                text + ")"
            }
        }
    }
}
