//! What controllers write, and what is kept of it.

mod readiness;
mod register;

pub(crate) use readiness::Readiness;
pub(crate) use register::Register;
