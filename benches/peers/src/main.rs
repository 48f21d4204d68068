//! flashcrowd beside published simulators, each on exactly the same model: requests per CPU-second
//! as one JSON object.

mod mmc;
mod serving;

use serde_json::json;

/// Runs of each engine, of which the median counts.
const RUNS: usize = 3;

const USAGE: &str = "expected `mmc [REQUESTS]` or `serving [REQUESTS]`";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse().expect("a number of requests");
    let table = match words[..] {
        [] => json!({ "mmc": mmc::compare(2_000_000), "serving": serving::compare(20_000) }),
        ["mmc"] => mmc::compare(2_000_000),
        ["mmc", requests] => mmc::compare(number(requests)),
        ["serving"] => serving::compare(20_000),
        ["serving", requests] => serving::compare(number(requests)),
        ["serving", requests, engine] => serving::play(engine, number(requests)),
        _ => panic!("{USAGE}"),
    };
    println!("{table:#}");
}
