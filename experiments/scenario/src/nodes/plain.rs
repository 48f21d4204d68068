//! The plain node autoscaler, which is a part of the fleet.

use super::place::{Made, NodeAutoscalers, Place};
use crate::part::Part;
use flashcrowd_language::Diagnostic;

/// It has no settings of its own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plain;

impl Part<NodeAutoscalers> for Plain {
    fn make(&self, _: &mut Place<'_, '_>) -> Result<Made, Diagnostic> {
        Ok(Made { make: None, drains_on_notice: (true, "the plain node autoscaler drains what the market takes back") })
    }
}
