//! What is known of a configuration when its layers are read.

use super::family::Family;
use super::fields::Fields;

/// The fields, and what was read of them already.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) fields: Fields<'a>,
    pub(super) family: Family,
    /// The `model_type`.
    pub(super) kind: &'a str,
    /// How many layers there are.
    pub(super) layers: u64,
    /// What each is, where letters say so.
    pub(super) letters: Option<&'a str>,
}
