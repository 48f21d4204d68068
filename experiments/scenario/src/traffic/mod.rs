//! Traffic, and what the clairvoyant bound knows of it.

pub(crate) mod client;
mod columns;
pub(crate) mod foresight;
mod format;
mod mmpp;
pub(crate) mod place;
mod poisson;
pub(crate) mod resolve;
mod schedule;
mod trace;
mod users;

use place::{Called, Generators};

crate::part::parts! {
    /// Traffic of one client.
    pub enum Traffic: Generators {
        alone {}
        with settings {
            /// Poisson arrivals.
            poisson::Poisson,
            /// Markov-modulated Poisson arrivals.
            mmpp::Mmpp,
            /// A rate that changes with time.
            schedule::Schedule,
            /// A recorded trace.
            trace::Trace,
            /// So many users with think time.
            users::Users,
        }
        all as called: Called
    }
}
