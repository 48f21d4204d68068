//! Tests of whole systems, in one program: each file is a topic. The laws have a program of their own.

mod actions;
mod batching;
mod common_random_numbers;
mod divergence;
mod engine;
mod engine_parts;
mod engine_rules;
mod engine_windows;
mod fleet;
mod licences;
mod loads;
mod nodes;
mod oracles;
mod order;
mod pages;
mod prefix_cache;
mod retry_storm;
mod serving;
mod shared_group;
mod signals;
mod spot_losses;
mod token_signals;
