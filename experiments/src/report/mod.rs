//! The text report: at most 30 lines, in plain words. First which SLOs held, then why not, then
//! latency and replicas, money, the worst moment, what was assumed, and what to type next.
//!
//! | file | holds |
//! | --- | --- |
//! | `format` | numbers in plain words |
//! | `single`, `variants` | one variant; several, a line each and service |
//! | `line`, `ending` | lines; what was assumed, and what to type next |
//! | `slos` | which SLOs held, and why others did not |
//! | `services` | latency, replicas, requests not served |
//! | `money` | what was paid, for what |
//! | `budget` | whether the token budget makes gaps too long |
//! | `model` | what a model takes of a GPU |
//! | `places` | origins, markets, outages |

mod budget;
mod ending;
mod format;
mod line;
pub(crate) mod model;
mod money;
mod places;
mod services;
mod single;
mod slos;
mod variants;

pub use format::{amount, money};
pub(crate) use format::{columns, listed, money_per, percent_beside};
pub(crate) use services::not_served;
pub(crate) use slos::{beside_limit, late_because};

use flashcrowd_results::Results;

/// The report of a played scenario.
pub fn text(results: &Results<'_>) -> String {
    let mut text = String::new();
    if results.variants.len() > 1 {
        variants::write(&mut text, results);
    } else {
        single::write(&mut text, results);
    }
    text
}
