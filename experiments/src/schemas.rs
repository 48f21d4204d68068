//! JSON schemas, made from the types that read and write the files.

use crate::regression::TestFile;
use flashcrowd_results::summary::Summary;
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::Value;

/// The schema of policy regression tests, as the tree that their RON stands for.
pub fn test() -> Value {
    let mut schema = SchemaGenerator::new(SchemaSettings::draft2020_12()).into_root_schema_for::<TestFile>();
    schema.insert("title".to_owned(), "flashcrowd policy test".into());
    schema.to_value()
}

/// The schema of the lines that a policy in another language reads.
pub fn observation() -> Value {
    let mut schema = SchemaGenerator::new(SchemaSettings::draft2020_12().for_serialize())
        .into_root_schema_for::<flashcrowd_scenario::external::wire::WireObservation>();
    schema.insert("title".to_owned(), "flashcrowd observation".into());
    schema.to_value()
}

/// The schema of the lines that it answers.
pub fn decision() -> Value {
    let mut schema = SchemaGenerator::new(SchemaSettings::draft2020_12())
        .into_root_schema_for::<flashcrowd_scenario::external::wire::WireDecision>();
    schema.insert("title".to_owned(), "flashcrowd decision".into());
    schema.to_value()
}

/// The schema of one run's summary.
pub fn summary() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = SchemaGenerator::new(settings).into_root_schema_for::<Summary>();
    schema.insert("title".to_owned(), "flashcrowd summary of one run".into());
    schema.to_value()
}
