//! The format of a trace, as a scenario names it: one of those that there are readers for.

use flashcrowd_workloads::traffic::trace::FORMATS;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{EnumAccess, Error, VariantAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// A format of traces, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format(pub &'static str);

const NAMES: [&str; FORMATS.len()] = {
    let mut names = [""; FORMATS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = FORMATS[i].name;
        i += 1;
    }
    names
};

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_enum("TraceFormat", &NAMES, Name)
    }
}

struct Name;

impl<'de> Visitor<'de> for Name {
    type Value = Format;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a format of traces")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Format, A::Error> {
        let (name, content) = access.variant::<String>()?;
        content.unit_variant()?;
        let known = NAMES.iter().find(|known| **known == name);
        known.map(|known| Format(known)).ok_or_else(|| A::Error::unknown_variant(&name, &NAMES))
    }
}

impl JsonSchema for Format {
    fn schema_name() -> Cow<'static, str> {
        "TraceFormat".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |name: &str, about: &str| json_schema!({ "description": about, "type": "string", "const": name });
        let all: Vec<Schema> = FORMATS.iter().map(|format| one(format.name, format.about)).collect();
        json_schema!({ "description": "Format of a trace.", "oneOf": all })
    }
}
