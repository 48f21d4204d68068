//! JSON schemas of quantities and distributions: strings and numbers as people write them, and in `x-example` a value
//! in the notation of scenarios.

use super::distribution::{Measure, QuantityDistribution};
use super::units::{ByteRate, ByteSize, Duration, Fraction, NonNegative, Positive, Price, Rate};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

macro_rules! text {
    ($type:ty, $about:literal, $example:literal) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "description": $about,
                    "examples": [$example],
                    "x-example": concat!("\"", $example, "\""),
                })
            }
        }
    };
}

macro_rules! number {
    ($type:ty, $about:literal, $example:literal) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "number", "description": $about, "x-example": $example })
            }
        }
    };
}

text!(Duration, "A span of time with its unit.", "4m10s");
text!(ByteSize, "An amount of memory with its unit.", "80GiB");
text!(ByteRate, "Bytes per second.", "0.5GB/s");
text!(Price, "Dollars per hour.", "2.99/h");
number!(Fraction, "From 0 to 1.", "0.5");
number!(Positive, "Above 0.", "1.5");
number!(NonNegative, "At least 0.", "0.5");

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["number", "string"],
            "description": "Requests per second, or with a unit.",
            "examples": [40, "600/min"],
            "x-example": "\"40/s\"",
        })
    }
}

impl<Q: Measure> JsonSchema for QuantityDistribution<Q> {
    fn schema_name() -> Cow<'static, str> {
        Q::DISTRIBUTION.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A constant, or Uniform(low, high), Exponential(mean), LogNormal(p50, p99 | mean, cv | \
                            median, sigma), Gamma(mean, cv), Weibull(shape, scale), Hyperexponential(...).",
            "examples": [Q::EXAMPLE.trim_matches('"')],
            "x-example": format!("LogNormal(p50: {}, p99: {})", Q::EXAMPLE, Q::TENFOLD),
        })
    }
}
