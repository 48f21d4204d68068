//! Controllers, what they are shown and what they write.
//!
//! | file | holds |
//! | --- | --- |
//! | `controllers` | controllers at work: when each runs, and the signals that it is shown |
//! | `register` | `spec.replicas`, and how it moved |
//! | `readiness` | ready pods over time, and how many were missing |

mod controllers;
mod readiness;
mod register;

pub(crate) use controllers::Control;
pub(crate) use readiness::Readiness;
pub(crate) use register::Register;
