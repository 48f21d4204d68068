//! Controllers, what they are shown and what they write.
//!
//! | file | holds |
//! | --- | --- |
//! | `controllers` | controllers at work: when each runs, and the signals that it is shown |
//! | `nodes` | the node autoscaler at work: its plans and open orders |
//! | `capacity` | the capacity policy of a service at work |
//! | `register` | `spec.replicas`, and how it moved |
//! | `readiness` | ready pods over time, and how many were missing |

mod capacity;
mod controllers;
mod nodes;
mod readiness;
mod register;

pub(crate) use capacity::{CapacityControl, SpotPlace};
pub(crate) use controllers::Control;
pub(crate) use nodes::{NodeControl, NodeScaler};
pub(crate) use readiness::Readiness;
pub(crate) use register::Register;
