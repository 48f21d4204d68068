//! The laws. Each is a function that a test calls with the policy and what it claims.
//!
//! | law | what breaks it |
//! | --- | --- |
//! | [`bounds`] | a register written outside of the bounds, an action that is refused |
//! | [`robust`] | a panic, or two answers to the same observations |
//! | [`determinism`] | two runs of one world that differ |
//! | [`no_future`] | a decision that depends on what arrives after it |
//! | [`no_oscillation`] | changes back and forth under a constant load |
//! | [`recovery_from_zero`] | a service without replicas that stays without |
//! | [`monotone`] | fewer replicas for more load |
//! | [`cost_bound`] | a bill below that of a policy which knows the future, at an SLO kept as well |

mod bounds;
mod breach;
mod cost;
mod determinism;
mod future;
mod load;
mod recovery;
mod search;

pub use bounds::bounds;
pub use cost::{CostClaim, cost_bound};
pub use determinism::{determinism, robust};
pub use future::no_future;
pub use load::{monotone, no_oscillation};
pub use recovery::recovery_from_zero;

use std::fmt;

/// A law that does not hold. Shown, it is a sentence and the counterexample.
#[derive(Clone, PartialEq, Eq)]
pub struct Broken {
    /// The law.
    pub law: &'static str,
    /// What happened, in words.
    pub reason: String,
    /// A complete scenario file that shows it; none for [`robust`], whose worlds are observations.
    pub scenario: Option<String>,
    /// The observations of [`robust`], and else nothing.
    pub observations: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the law `{}` is broken: {}", self.law, self.reason)?;
        match &self.scenario {
            Some(scenario) => write!(f, "\nsave this as counterexample.ron and `run` it:\n\n{scenario}"),
            None => write!(f, "\nobservations:\n\n{}", self.observations),
        }
    }
}

/// As shown, so that a test which unwraps or returns it prints the scenario as it is.
impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Broken {}
