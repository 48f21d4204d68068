//! Autoscalers: manifests, the program's own policies, those of a user's crate, and commands.

mod bindings;
mod clairvoyant;
mod command;
mod concurrency_target;
mod fixed;
mod latency_target;
pub(crate) mod manifest;
pub(crate) mod place;
mod policy;
mod predictive;
mod queue_depth;
pub(crate) mod resolve;
pub(crate) mod resolved;
pub(crate) mod spec;
mod timetable;

use place::Autoscalers;

crate::part::parts! {
    /// Who sets the number of replicas.
    pub enum Autoscaler: Autoscalers {
        alone {}
        with settings {
            /// Always so many.
            fixed::Fixed,
            /// The user's own manifest, as it runs in production.
            manifest::Manifest,
            /// By requests that wait.
            queue_depth::QueueDepth,
            /// By requests in flight.
            concurrency_target::ConcurrencyTarget,
            /// By a latency percentile.
            latency_target::LatencyTarget,
            /// By the clock.
            timetable::Timetable,
            /// By a forecast of the arrivals.
            predictive::Predictive,
            /// A policy of the user's own, in any language: a process that reads observations and writes
            /// decisions, a JSON object a line.
            command::Command,
            /// A policy of the user's own crate, by the name under which it is registered.
            policy::Policy,
            /// By the arrivals themselves: the bound, which nobody can run.
            clairvoyant::Clairvoyant,
        }
    }
}
