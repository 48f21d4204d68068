//! What users get wrong, and what they must read then.

mod fuzz;
mod mistakes;
mod oracle;
mod overriding;
mod quantities;
mod reading;

use super::units::{ByteSize, Duration, Price};
use super::{Document, DurationDistribution, SizeDistribution};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A small schema with every construct that scenarios use.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: Option<String>,
    #[serde(default)]
    seed: u32,
    horizon: Duration,
    #[serde(default)]
    pools: BTreeMap<String, Pool>,
    #[serde(default)]
    traffic: BTreeMap<String, Traffic>,
    #[serde(default)]
    outages: Vec<Outage>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Pool {
    gpu: String,
    nodes: u32,
    memory: Option<ByteSize>,
    price: Option<Price>,
    #[serde(default)]
    market: Market,
    boot: Option<DurationDistribution>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
enum Market {
    #[default]
    OnDemand,
    Spot,
}

#[derive(Debug, Deserialize, PartialEq)]
enum Traffic {
    Poisson(Poisson),
    Trace(Trace),
    Silent,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Poisson {
    rate: f64,
    prompt: Option<SizeDistribution>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Trace {
    path: String,
    time_scale: Option<f64>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Outage {
    at: Duration,
    between: (String, String),
}

const GOOD: &str = r##"#![enable(implicit_some)]
// A scenario with every construct.
Scenario(
    name: "storm", /* nested /* comments */ too */
    seed: 20_261_123,
    horizon: "24h",
    pools: {
        "h100": (gpu: "H100", nodes: 0x10, memory: "80GiB", price: "2.99/h", market: Spot,
                 boot: LogNormal(p50: "110s", p99: "380s")),
        "a.b": Pool(gpu: r"A100", nodes: 2, boot: "4m10s"),
    },
    traffic: {
        "conversation": Trace(path: "conv.csv", time_scale: 1e0),
        "code": Trace((path: r#"code "x".csv"#)),
        "chat": Poisson(rate: 40, prompt: Some(512)),
        "none": Silent,
    },
    outages: [(at: "1h", between: ("us", "eu")), (at: "2h", between: ("us", "ap"))],
)
"##;

fn read(text: &str) -> Result<Scenario, String> {
    let document = Document::parse("s.ron", text).map_err(|error| error.to_string())?;
    document.deserialize().map_err(|error| error.to_string())
}

fn mistake(text: &str) -> String {
    read(text).expect_err("this was accepted")
}
