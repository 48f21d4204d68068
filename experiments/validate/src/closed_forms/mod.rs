//! Closed forms of queueing, staffing and cost: what the simulator is held against, and what a
//! first estimate of capacity is made of.
//!
//! Rates and times may have any unit, as long as it is the same one. Functions of loads answer
//! with infinity where no stationary state exists; none panics.
//!
//! | module | holds |
//! | --- | --- |
//! | [`erlang`] | Erlang B and C, M/M/c waiting |
//! | [`single_server`] | M/G/1 (Pollaczek-Khinchine), M/G/1 with processor sharing |
//! | [`md1`] | the waiting-time model of M/D/1 |
//! | [`finite`] | M/M/c/K, closed M/M/1 with think time (MVA) |
//! | [`infinite`] | M/G/inf, also from an empty start |
//! | [`approximations`] | G/G/c: Allen-Cunneen, Sakasegawa, Kingman; choices of d servers |
//! | [`staffing`] | servers for a waiting probability, square-root staffing |
//! | [`economics`] | cost per million tokens, retry amplification |
//! | [`reliability`] | k out of n, failover between regions, peaks at different hours |
//! | [`spot`] | cost and break-even of spot capacity with an on-demand stand-in |

pub mod approximations;
pub mod economics;
pub mod erlang;
pub mod finite;
pub mod infinite;
pub mod md1;
pub mod reliability;
pub mod single_server;
pub mod spot;
pub mod staffing;
