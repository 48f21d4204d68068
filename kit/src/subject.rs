//! The policy under test, as a scenario names it.

use flashcrowd::Registry;

/// A policy under test.
#[derive(Clone, Debug)]
pub struct Subject {
    registry: Registry,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Registered { name: String, config: String },
    Written(String),
}

impl Subject {
    /// A policy of a registry with its settings as a scenario writes them, such as
    /// `(in_flight: 4, max: 10)`; empty if it has none.
    pub fn new(registry: &Registry, name: &str, config: &str) -> Self {
        let form = Form::Registered { name: name.to_owned(), config: config.trim().to_owned() };
        Subject { registry: registry.clone(), form }
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
                let mut text = format!("Policy(name: {name:?}");
                if !config.is_empty() {
                    text = format!("{text}, config: {config}");
                }
                if scrape_failure_percent > 0 {
                    text = format!("{text}, scrape_failure: {}", f64::from(scrape_failure_percent) / 100.0);
                }
                text + ")"
            }
        }
    }
}
