//! What a controller is shown: true values, sampled, scraped, stored, transformed and answered
//! late.
//!
//! `pipeline` holds one signal's way from the world to an observation; `history` the stored series
//! of one replica or service; `buckets` latency histograms as Prometheus keeps them.

mod buckets;
mod history;
mod pipeline;

pub(crate) use pipeline::{SERVICE, SignalState, Truth};
