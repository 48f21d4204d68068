//! What the readers of targets, policies, actions and alarms share.

use crate::autoscalers::aws::config::AlarmRule;
use crate::manifest::fields::Fields;
use crate::manifest::{ManifestError, ManifestWarning};

pub(super) type Result<T> = std::result::Result<T, ManifestError>;
pub(super) type Warnings = Vec<ManifestWarning>;

/// An alarm and what ties it to a policy.
pub(super) struct Alarm {
    pub(super) name: String,
    pub(super) actions: Vec<String>,
    pub(super) rule: AlarmRule,
}

/// Marks fields that only name things.
pub(super) fn pass_over(fields: &mut Fields, names: &[&'static str]) {
    for name in names {
        fields.optional(name);
    }
}
