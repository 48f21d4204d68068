//! Keeps a number of replicas.

use super::place::{Autoscalers, Place, REPLICA_SET, Scaling};
use super::resolved::Make;
use crate::part::Part;
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::PolicyInfo;
use flashcrowd_policies::autoscalers::FixedReplicas;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Parameters of `Fixed`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fixed {
    /// How many.
    #[schemars(extend("x-example" = "3"))]
    pub replicas: u32,
}

impl Part<Autoscalers> for Fixed {
    const POLICIES: &'static [PolicyInfo] = &[FixedReplicas::INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Result<Scaling, Diagnostic> {
        let replicas = self.replicas;
        let make: Make = Arc::new(move |making| Ok(vec![FixedReplicas::new(making.target, replicas).boxed()]));
        let autoscaler = place.made(&format!("fixed/{replicas}"), Some((replicas, replicas)), make)?;
        Ok(Scaling {
            autoscaler,
            initial: (replicas, "as many as its autoscaler keeps"),
            at_zero: None,
            order: REPLICA_SET,
        })
    }
}
