//! JSON schemas, made from the types that read and write the files.

use crate::export::summary::{Counts, SCHEMA};
use crate::regression::TestFile;
use crate::scenario::schema::Scenario;
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

/// The schema of scenario files: the tree that their RON stands for, with enum variants as the
/// single key of an object.
pub fn scenario() -> Value {
    let mut schema = SchemaGenerator::new(SchemaSettings::draft2020_12()).into_root_schema_for::<Scenario>();
    schema.insert("title".to_owned(), "flashcrowd scenario".into());
    schema.to_value()
}

/// The schema of policy regression tests, as the tree that their RON stands for.
pub fn test() -> Value {
    let mut schema = SchemaGenerator::new(SchemaSettings::draft2020_12()).into_root_schema_for::<TestFile>();
    schema.insert("title".to_owned(), "flashcrowd policy test".into());
    schema.to_value()
}

/// The schema of the lines that a policy in another language reads.
pub fn observation() -> Value {
    let mut schema = SchemaGenerator::new(SchemaSettings::draft2020_12().for_serialize())
        .into_root_schema_for::<crate::external::wire::WireObservation>();
    schema.insert("title".to_owned(), "flashcrowd observation".into());
    schema.to_value()
}

/// The schema of the lines that it answers.
pub fn decision() -> Value {
    let mut schema = SchemaGenerator::new(SchemaSettings::draft2020_12())
        .into_root_schema_for::<crate::external::wire::WireDecision>();
    schema.insert("title".to_owned(), "flashcrowd decision".into());
    schema.to_value()
}

/// The schema of one run's summary.
pub fn summary() -> Value {
    let counts = serde_json::to_value(Counts::default()).unwrap_or_default();
    let counts: Vec<&String> = counts.as_object().map(|map| map.keys().collect()).unwrap_or_default();
    let numbers = |names: &[&str]| -> Value {
        let fields = names.iter().map(|name| ((*name).to_owned(), json!({ "type": "number" })));
        json!({ "type": "object", "required": names, "properties": fields.collect::<serde_json::Map<String, Value>>() })
    };
    let sums = json!({ "type": "object", "additionalProperties": { "type": "number" } });
    let requests = json!({
        "type": "object",
        "required": counts,
        "additionalProperties": { "type": "integer", "minimum": 0 },
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "flashcrowd summary of one run",
        "type": "object",
        "required": ["schema", "scenario", "variant", "seed", "replicate", "horizon_s", "digest", "engine", "requests",
                     "services", "cost", "training", "trust", "version", "commit", "inputs"],
        "properties": {
            "schema": { "const": SCHEMA },
            "scenario": { "type": "string" },
            "variant": { "type": "string" },
            "seed": { "type": "integer" },
            "replicate": { "type": "integer" },
            "horizon_s": { "type": "number" },
            "digest": { "type": "string", "pattern": "^[0-9a-f]{32}$" },
            "engine": numbers(&["events", "requests_per_cpu_s", "cpu_s", "peak_live_requests"]),
            "requests": requests,
            "services": { "type": "object", "additionalProperties": {
                "type": "object",
                "required": ["requests", "latency_s", "slo", "replicas", "tokens", "engine"],
                "properties": {
                    "requests": requests,
                    "latency_s": { "type": "object", "additionalProperties":
                        numbers(&["count", "mean", "p50", "p90", "p95", "p99", "p999", "max"]) },
                    "slo": { "type": "array", "items": { "type": "object",
                        "required": ["metric", "quantile", "limit_s", "observed_s", "attainment", "met"] } },
                    "replicas": numbers(&["mean", "max", "ups", "downs", "reversals", "at_max_s"]),
                    "tokens": numbers(&["prompt", "output"]),
                    "engine": { "oneOf": [{ "type": "null" }, numbers(&["iterations", "computed_tokens",
                        "cached_tokens", "preemptions", "kv_cache_tokens", "kv_cache_peak_use"])] },
                },
            } },
            "cost": { "type": "object", "properties": {
                "total_usd": { "type": "number" },
                "by_pool": sums, "by_region": sums, "by_market": sums, "by_state": sums, "by_service": sums,
                "egress_usd": { "type": "number" },
                "usd_per_1k_requests": { "type": ["number", "null"] },
                "usd_per_1m_tokens": { "type": ["number", "null"] },
            } },
            "training": numbers(&["jobs_done", "mean_completion_s", "gpu_hours", "preemptions", "lost_gpu_hours"]),
            "trust": { "type": "object", "required": ["late_requests_outside_validated_band", "assumed", "warnings"] },
        },
    })
}
