//! A policy of the user's own crate, as written.

use flashcrowd_language::units::Fraction;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;

/// Parameters of `Policy`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The name under which it is registered.
    pub name: String,
    /// Its settings; their form is the policy's own.
    pub config: Option<AnySettings>,
    /// Probability that a scrape of one of its signals fails; 0 by default.
    pub scrape_failure: Option<Fraction>,
}

/// Settings whose form the scenario does not know. They are read where they stand.
#[derive(Clone, Copy, Debug)]
pub struct AnySettings;

impl<'de> Deserialize<'de> for AnySettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| AnySettings)
    }
}

impl JsonSchema for AnySettings {
    fn schema_name() -> Cow<'static, str> {
        "AnySettings".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "description": "In the policy's own form." })
    }
}
