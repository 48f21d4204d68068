//! llm-d's workload variant autoscaler.

use super::context::{Context, NO_MAXIMUM, OUTSIDE, Reader, refused};
use crate::autoscaler::place::{Scaling, one};
use crate::autoscaler::resolved::Make;
use flashcrowd_core::ports::TargetId;
use flashcrowd_language::{Diagnostic, list};
use flashcrowd_policies::autoscalers::wva;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const KIND: Reader = Reader { kind: wva::KIND, policies: wva::POLICIES, read: variants };

/// The target of each variant: the service of its deployment's name, or this one where there is one.
fn variants(cx: &mut Context<'_, '_>) -> Result<Scaling, Diagnostic> {
    cx.only("VariantAutoscalings", &["name"])?;
    let model = cx.read(wva::manifest::read(&cx.file.bytes, cx.name.as_deref()))?;
    cx.warn(&model.warnings);
    let mut targets = BTreeMap::new();
    for variant in &model.variants {
        let found = cx.services.iter().position(|name| *name == variant.target);
        let target = match found {
            Some(position) => TargetId(position as u32),
            None if model.variants.len() == 1 => cx.target,
            None => {
                let message =
                    format!("the variant `{}` scales `{}`, and there is no such service", variant.name, variant.target);
                return Err(cx.refused(message).with_help(format!("expected {}", list(cx.services.iter().copied()))));
            }
        };
        targets.insert(variant.name.clone(), target);
    }
    let (min, max) = model.variants.first().map_or((1, NO_MAXIMUM), |variant| {
        (variant.min_replicas.unwrap_or(1), variant.max_replicas.unwrap_or(NO_MAXIMUM))
    });
    let name = format!("wva/{}", model.id);
    let mut options = wva::WvaOptions::new(model, targets);
    options.phase = cx.phase();
    let make: Make = Arc::new(move |_| one(wva::Wva::new(options.clone()).map_err(refused)));
    cx.done(name, (min, max), (min.max(1), "`minReplicas` of the variant"), OUTSIDE, make)
}
